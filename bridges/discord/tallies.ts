/**
 * How a poll stands, in a line under it: bots cannot vote, so Matrix votes are told there; and of a poll with buttons, what was pressed too.
 *
 * https://discord.com/developers/docs/resources/message#edit-message
 */
import { type APIMessage, Routes } from "discord-api-types/v10";
import { LoggedOut, TryLater, Uncertain } from "../../core/model/errors.ts";
import { clip, oneLine } from "../../core/model/plain.ts";
import type { VotePart } from "../../core/model/effects.ts";
import { Code, Denied, isDenied } from "./failures.ts";
import { isSnowflake } from "./ids.ts";
import type { Live, PollLines } from "./live.ts";
import { buttonLabels, chosenBy } from "./polls.ts";
import { nonceOf } from "./say.ts";
import { inOpenThread } from "./threads.ts";
import { LONGEST, type PollWire } from "./wire.ts";
import { escapeText } from "./write-markdown.ts";

/** What is kept of a poll, as `poll:<message>`. */
interface Standing {
  /** Votes from Matrix, as core told them last. */
  readonly tally: VotePart["tally"];
  readonly closed: boolean;
  readonly buttons: boolean;
}

/** Lines that have to be written anew, as a place by message. */
const OWED = "tallies:owed";
const UNCERTAIN_AGAIN = 2_000;

export class Tallies implements PollLines {
  readonly #live: Pick<Live, "core" | "rest" | "ours">;
  /** The writing that has not begun yet, and the one that comes last, by message: whoever asks meanwhile is served by it. */
  readonly #next = new Map<string, Promise<void>>();
  readonly #last = new Map<string, Promise<void>>();
  readonly #owed = new Map<string, { readonly where: string }>();
  readonly #paying = new Set<string>();
  readonly #closing = new AbortController();

  constructor(live: Pick<Live, "core" | "rest" | "ours">) {
    this.#live = live;
  }

  async load(): Promise<void> {
    const kept = await this.#live.core.keep.get(OWED);
    const owed = Object.entries((kept ?? {}) as Record<string, unknown>);
    for (const [message, where] of owed) if (typeof where === "string") this.#owed.set(message, { where });
    for (const message of this.#owed.keys()) void this.#pay(message);
  }

  close(): void {
    this.#closing.abort(new Error("closed"));
  }

  async #standing(message: string): Promise<Standing | undefined> {
    return (await this.#live.core.keep.get(`poll:${message}`)) as Standing | undefined;
  }

  async said(message: string, { answers, buttons }: PollWire): Promise<void> {
    await this.#begin(message, answers, buttons === true);
  }

  async #begin(message: string, answers: readonly string[], buttons: boolean): Promise<Standing> {
    const known = await this.#standing(message);
    if (known) return known;
    const standing = { tally: answers.map((text) => ({ text, votes: 0 })), closed: false, buttons };
    await this.#live.core.keep.set(`poll:${message}`, standing);
    return standing;
  }

  async told(where: string, { message, tally, closed }: VotePart, key: string): Promise<void> {
    const known = await this.#standing(message);
    const buttons = known?.buttons ?? (await this.#asked(where, message));
    const standing = { tally, closed: closed || known?.closed === true, buttons };
    await this.#live.core.keep.set(`poll:${message}`, standing);
    await this.#show(where, message, key);
    if (closed) await (buttons ? this.#takeButtons(where, message) : this.#expire(where, message));
  }

  /** Said before this was kept, or by a run that ended too soon. */
  async #asked(where: string, message: string): Promise<boolean> {
    try {
      return buttonLabels(await this.#live.rest.get<APIMessage>(Routes.channelMessage(where, message))).length > 0;
    } catch (error) {
      if (error instanceof Denied) return false;
      throw error;
    }
  }

  async isClosed(message: string): Promise<boolean> {
    return (await this.#standing(message))?.closed === true;
  }

  async pressed(where: string, message: string, answers: readonly string[]): Promise<void> {
    await this.#begin(message, answers, true);
    await this.#owe(where, message);
  }

  async #owe(where: string, message: string): Promise<void> {
    const isNew = !this.#owed.has(message);
    this.#owed.set(message, { where });
    if (isNew) await this.#keepOwed();
    void this.#pay(message);
  }

  async #keepOwed(): Promise<void> {
    const owed = Object.fromEntries([...this.#owed].map(([message, { where }]) => [message, where]));
    await this.#live.core.keep.set(OWED, this.#owed.size === 0 ? undefined : owed);
  }

  /** Until it is written; one at a time for each message, and what is owed anew meanwhile is written once more. */
  async #pay(message: string): Promise<void> {
    if (this.#paying.has(message)) return;
    this.#paying.add(message);
    try {
      for (let owed = this.#owed.get(message); owed; owed = this.#owed.get(message)) {
        if (!(await this.#paid(owed.where, message))) return;
        if (this.#owed.get(message) === owed) this.#owed.delete(message);
      }
      await this.#keepOwed();
    } catch (error) {
      this.#live.core.log.debug({ err: error }, "A poll's line is written at the next start");
    } finally {
      this.#paying.delete(message);
    }
  }

  /** False = not in this run. */
  async #paid(where: string, message: string): Promise<boolean> {
    const { clock, signal, log } = this.#live.core;
    for (;;) {
      const stopped = AbortSignal.any([signal, this.#closing.signal]);
      if (stopped.aborted) return false;
      try {
        await this.#show(where, message);
        return true;
      } catch (error) {
        if (error instanceof LoggedOut || stopped.aborted) return false;
        const wait = error instanceof TryLater ? error.after : error instanceof Uncertain ? UNCERTAIN_AGAIN : undefined;
        if (wait === undefined) {
          log.warn({ message, why: error instanceof Error ? error.message : String(error) }, "The line under a poll could not be written");
          return true;
        }
        await clock.sleep(wait, stopped);
      }
    }
  }

  /** Never more than one request under way for a message; the state is read when its turn has come. */
  #show(where: string, message: string, key?: string): Promise<void> {
    const waiting = this.#next.get(message);
    if (waiting) return waiting;
    const before = this.#last.get(message) ?? Promise.resolve();
    const turn = before
      .catch(() => undefined)
      .then(() => {
        this.#next.delete(message);
        return this.#write(where, message, key);
      })
      .finally(() => {
        if (this.#last.get(message) === turn) this.#last.delete(message);
      });
    this.#next.set(message, turn);
    this.#last.set(message, turn);
    return turn;
  }

  async #write(where: string, message: string, key: string | undefined): Promise<void> {
    const { keep } = this.#live.core;
    const standing = await this.#standing(message);
    if (!standing) return;
    const content = lineOf(standing, chosenBy(await keep.get(`votes:${message}`)));
    const line = await keep.get(`tally:${message}`);
    if (isSnowflake(line) && (await this.#edited(where, line, content))) return;
    const name = isSnowflake(line) ? `tally:${message}:${line}` : `tally:${message}`;
    const placed = await this.#placed(where, message, content, name);
    if (key !== undefined) this.#live.ours.set(placed, key);
    await keep.set(`tally:${message}`, placed);
    // The new one is what counts: the old one is in the way, no more.
    if (isSnowflake(line)) await this.#live.rest.delete(Routes.channelMessage(where, line)).catch(() => undefined);
  }

  /** False = Discord lets it be edited no more. A line that somebody has deleted stays away. */
  async #edited(where: string, line: string, content: string): Promise<boolean> {
    const body = { content, allowed_mentions: { parse: [] } };
    try {
      await inOpenThread(this.#live, where, () => this.#live.rest.patch(Routes.channelMessage(where, line), { body }));
    } catch (error) {
      if (isDenied(error, Code.MaximumNumberOfEditsToMessagesOlderThanOneHourReached)) return false;
      if (!isDenied(error, Code.UnknownMessage, Code.UnknownChannel)) throw error;
    }
    return true;
  }

  /** The same name is the same line, should Discord have taken it without saying so. */
  async #placed(where: string, poll: string, content: string, name: string): Promise<string> {
    const body = {
      content,
      allowed_mentions: { parse: [], replied_user: false },
      message_reference: { message_id: poll, fail_if_not_exists: false },
      nonce: nonceOf(name),
      enforce_nonce: true,
    };
    const path = Routes.channelMessages(where);
    return (await inOpenThread(this.#live, where, () => this.#live.rest.post<APIMessage>(path, { body }))).id;
  }

  /** Only the bot itself says polls, so it may edit them. */
  async #takeButtons(where: string, message: string): Promise<void> {
    const body = { components: [], allowed_mentions: { parse: [] } };
    try {
      await inOpenThread(this.#live, where, () => this.#live.rest.patch(Routes.channelMessage(where, message), { body }));
    } catch (error) {
      if (!isDenied(error, Code.UnknownMessage, Code.UnknownChannel)) throw error;
    }
  }

  /** What has ended already, or is gone, needs no end. https://discord.com/developers/docs/resources/poll#end-poll */
  async #expire(where: string, message: string): Promise<void> {
    await this.#live.rest.post(Routes.expirePoll(where, message)).catch((error: unknown) => {
      if (!(error instanceof Denied)) throw error;
    });
  }
}

function lineOf({ tally, closed, buttons }: Standing, chosen: readonly string[]): string {
  const heading = `-# ${closed ? "Final votes" : "Votes"}${buttons ? "" : " from Matrix"}`;
  // Every count is shown, so where the answers are long, each gives way.
  const room = Math.floor((LONGEST - heading.length) / Math.max(1, tally.length)) - 14;
  const lines = tally.map(({ text, votes }, index) => {
    const presses = buttons ? chosen.filter((answer) => answer === String(index + 1)).length : 0;
    return `${fitted(text, room)}: **${votes + presses}**`;
  });
  return clip([heading, ...lines].join("\n"), LONGEST);
}

/** Escaped, it may be twice as long. */
function fitted(text: string, room: number): string {
  const whole = escapeText(oneLine(text));
  return whole.length <= room ? whole : escapeText(clip(oneLine(text), Math.floor(room / 2)));
}
