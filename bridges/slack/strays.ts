/**
 * Private conversations that have no room yet, and in which something was said while the bridge was away: nobody would ever tell us of
 * them. https://docs.slack.dev/reference/methods/users.conversations
 */
import type { Cursor } from "../../core/model/events.ts";
import type { Core, HistoryPage } from "../../core/network.ts";
import type { Desk } from "./desk.ts";
import type { History } from "./history.ts";
import { channelId, cursorAt } from "./ids.ts";
import { filled, type Json, record, records, string } from "./wire.ts";

const ROWS = 200;
const PATIENCE = 5 * 60_000;
/** Pages of one conversation; whoever has more there than that reads it on Slack. */
const MOST_PAGES = 20;

/** A look that failed is made again after so long, milliseconds. */
const AGAIN = 60_000;
/** Under this key a login keeps up to where its private conversations have been heard. */
const HEARD = "heard";

export interface StraysContext {
  readonly core: Core;
  readonly desk: Desk;
  readonly history: History;
  readonly signal: AbortSignal;
}

export class Strays {
  readonly #context: StraysContext;
  #heard: Cursor = "";
  /** True while something may lie between what was heard and now. */
  #behind = true;
  #looking: Promise<void> = Promise.resolve();

  constructor(context: StraysContext) {
    this.#context = context;
  }

  /** Call before anything comes. Whoever has just signed in gets no rooms for what lies behind them. */
  async load(): Promise<void> {
    const { keep } = this.#context.core;
    this.#heard = filled(await keep.get(HEARD)) ?? cursorAt(Date.now());
    await keep.set(HEARD, this.#heard);
  }

  /** What is to be kept with a private message that came live. */
  heard(cursor: Cursor): Readonly<Record<string, unknown>> | undefined {
    if (this.#behind) return undefined;
    this.#heard = cursor;
    return { [HEARD]: cursor };
  }

  /** After a connection that may have missed something. One look at a time. */
  look(): void {
    this.#behind = true;
    this.#looking = this.#looking.then(() => this.#lookUntilDone());
  }

  async #lookUntilDone(): Promise<void> {
    const { core, signal } = this.#context;
    while (!signal.aborted) {
      const now = cursorAt(Date.now());
      try {
        await this.#look();
        this.#behind = false;
        this.#heard = now;
        return await core.keep.set(HEARD, now);
      } catch (error) {
        if (signal.aborted) return;
        core.log.info({ err: error }, "Private conversations could not be looked through; it is tried again");
        await core.clock.sleep(AGAIN, signal).catch(() => undefined);
      }
    }
  }

  async #look(): Promise<void> {
    const { core, desk, history, signal } = this.#context;
    for (const info of await privateOnes(desk)) {
      if (signal.aborted) return;
      const channel = channelId(desk.directory.team, desk.firstId(string(info.id)));
      // Those that have a room are looked after with all other links.
      if (info.is_user_deleted === true || core.links().includes(channel)) continue;
      desk.directory.noteChannel(info);
      let after: Cursor | undefined = this.#heard;
      for (let page = 0; after !== undefined && page < MOST_PAGES && !signal.aborted; page++) {
        const { events, next }: HistoryPage = await history.page(channel, after);
        if (events.length > 0) await core.receive(events);
        after = next;
      }
    }
  }
}

async function privateOnes(desk: Desk): Promise<readonly Json[]> {
  const found: Json[] = [];
  let cursor: string | undefined;
  do {
    const args = { types: "im,mpim", exclude_archived: true, limit: ROWS, ...(cursor === undefined ? {} : { cursor }) };
    const call = { deed: "list the private conversations", repeatable: true, patience: PATIENCE };
    const answer = await desk.api.call("users.conversations", args, call);
    found.push(...records(answer.channels));
    cursor = filled(record(answer.response_metadata).next_cursor);
  } while (cursor !== undefined);
  return found;
}
