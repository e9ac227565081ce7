/**
 * What the bridge itself says in a room: one sentence, by the bot, once. It waits in the journal like everything else, and is never
 * relayed.
 */
import { createHash } from "node:crypto";
import type { Work } from "./lane.ts";
import { Lru } from "./lru.ts";
import { BOUNCE_LIMIT, NO_BOUNCE } from "./matrix/automatic.ts";
import { failureOf, type MatrixClient } from "./matrix/client.ts";
import { codeSpans } from "./matrix/code-spans.ts";
import { Refused } from "./model/errors.ts";
import { type EventId, type Mxid, type RoomId, roomId } from "./model/ids.ts";
import type { Clock } from "./network.ts";
import type { Journal, NewRow } from "./store/store.ts";

/** Under this key a notice names the message that it is about: a 🔁 on the notice tries that message again. */
export const ABOUT = "io.causeway.about";
export const RETRY = "🔁";
/** The row that a notice is about, where that is no message of this room: a 🔁 by a moderator tries it again. */
export const ROW = "io.causeway.row";

interface Notice {
  readonly key: string;
  readonly text: string;
  readonly about?: EventId;
  readonly author?: Mxid;
  readonly row?: number;
}

/** What a notice is about: a message and its author, or a row of the journal. */
export type About = { readonly event: EventId; readonly author: Mxid } | { readonly row: number };

export interface NoticeContext {
  readonly client: MatrixClient;
  readonly journal: Journal;
  readonly clock: Clock;
  /** Hears what a room could not be told. */
  readonly adminRoom: RoomId | undefined;
  wake(lane: string): void;
}

/** So many complaints a minute in one room; what is beyond stands in `!causeway status`. */
const MOST_COMPLAINTS = 5;
const MINUTE = 60_000;
/** One cause is told once in this time; then once that there is more of it. */
const QUIET = 300_000;

export class Notices {
  readonly #context: NoticeContext;
  /** Room → the complaints of the last minute. */
  readonly #complaints = new Lru<RoomId, { readonly since: number; readonly count: number }>(1_000);
  /** Room and cause → when it was told, and of what. */
  readonly #causes = new Lru<string, { readonly at: number; readonly of: string }>(1_000);

  constructor(context: NoticeContext) {
    this.#context = context;
  }

  /** `key` names the occasion: it is told once. Resolves when it is on disk. */
  async say(room: RoomId, key: string, text: string, about?: About): Promise<void> {
    const row = this.row(room, key, text, about);
    const [taken] = await this.#context.journal.take({ rows: [row] });
    if (taken !== undefined) this.#context.wake(row.lane);
  }

  /** What is on disk by another's write is said. */
  wake(rows: readonly NewRow[]): void {
    for (const { lane } of rows) this.#context.wake(lane);
  }

  /**
   * For what may come in numbers: of one cause one complaint is told in five minutes, and a room hears a few a minute at most; after
   * that it is told once that there is more. What is tried again and fails again is told again. To be written by the caller.
   */
  complaint(room: RoomId, key: string, text: string, { cause, about }: { cause: string; about: About }): NewRow {
    const now = this.#context.clock.now();
    const of = "row" in about ? String(about.row) : about.event;
    const told = this.#causes.get(`${room}\n${cause}`);
    if (told && now - told.at < QUIET && told.of !== of) return this.#more(room, told.at);
    const known = this.#complaints.get(room);
    const { since, count } = known && now - known.since < MINUTE ? known : { since: now, count: 0 };
    this.#complaints.set(room, { since, count: count + 1 });
    if (count >= MOST_COMPLAINTS) return this.#more(room, since);
    this.#causes.set(`${room}\n${cause}`, { at: now, of });
    return this.row(room, key, text, about);
  }

  #more(room: RoomId, since: number): NewRow {
    const text = "More could not be delivered: `!causeway status` counts it, `!causeway retry` tries it again.";
    return this.row(room, `more:${since}`, text);
  }

  row(room: RoomId, key: string, text: string, about?: About): NewRow {
    const payload: Notice = {
      key,
      text,
      ...(about === undefined ? {} : "row" in about ? { row: about.row } : { about: about.event, author: about.author }),
    };
    const at = this.#context.clock.now();
    return { lane: `say:${room}`, payload, trace: "notice", at, phase: 0, once: [`told:${room}:${key}`] };
  }

  work(lane: string): Work {
    const room = roomId(lane);
    return async (row) => {
      const notice = row.payload as Notice;
      try {
        await this.#send(room, notice);
      } catch (error) {
        if (!(error instanceof Refused) || !this.#context.adminRoom || this.#context.adminRoom === room) throw error;
        await this.say(this.#context.adminRoom, `${room} ${notice.key}`, `${room} could not be told: ${notice.text}`);
      }
      await this.#context.journal.finish(row.id, {});
    };
  }

  async #send(room: RoomId, { key, text, about, author, row }: Notice): Promise<void> {
    const txnId = createHash("sha256").update(`${room}\n${key}`).digest("base64url").slice(0, 22);
    const reply = about ? { "m.relates_to": { "m.in_reply_to": { event_id: about } }, [ABOUT]: about } : {};
    const mentions = { "m.mentions": author ? { user_ids: [author] } : {} };
    const content = {
      msgtype: "m.notice",
      body: text,
      ...codeSpans(text),
      ...mentions,
      [BOUNCE_LIMIT]: NO_BOUNCE,
      ...reply,
      ...(row === undefined ? {} : { [ROW]: row }),
    };
    try {
      await this.#context.client.send(room, "m.room.message", content, { txnId });
    } catch (error) {
      throw failureOf(error);
    }
  }
}
