/**
 * What the bridge itself says in a room: one sentence, by the bot, once. It waits in the journal like everything else, and is never
 * relayed.
 */
import { createHash } from "node:crypto";
import type { Work } from "./lane.ts";
import { Lru } from "./lru.ts";
import { failureOf, type MatrixClient } from "./matrix/client.ts";
import { Refused } from "./model/errors.ts";
import { type EventId, type Mxid, type RoomId, roomId } from "./model/ids.ts";
import type { Clock } from "./network.ts";
import type { Journal, NewRow } from "./store/store.ts";

/** Under this key a notice names the message that it is about: a 🔁 on the notice tries that message again. */
export const ABOUT = "io.causeway.about";
export const RETRY = "🔁";

interface Notice {
  readonly key: string;
  readonly text: string;
  readonly about?: EventId;
  readonly author?: Mxid;
}

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

export class Notices {
  readonly #context: NoticeContext;
  /** Room → the complaints of the last minute. */
  readonly #complaints = new Lru<RoomId, { readonly since: number; readonly count: number }>(1_000);

  constructor(context: NoticeContext) {
    this.#context = context;
  }

  /** `key` names the occasion: it is told once. Resolves when it is on disk. */
  async say(room: RoomId, key: string, text: string, about?: { event: EventId; author: Mxid }): Promise<void> {
    const row = this.row(room, key, text, about);
    const [taken] = await this.#context.journal.take({ rows: [row] });
    if (taken !== undefined) this.#context.wake(row.lane);
  }

  /** Like `say`, for what may come in numbers: a room that is told too much is told once that there is more. */
  async complain(room: RoomId, key: string, text: string, about?: { event: EventId; author: Mxid }): Promise<void> {
    const now = this.#context.clock.now();
    const known = this.#complaints.get(room);
    const { since, count } = known && now - known.since < MINUTE ? known : { since: now, count: 0 };
    this.#complaints.set(room, { since, count: count + 1 });
    if (count < MOST_COMPLAINTS) return await this.say(room, key, text, about);
    if (count > MOST_COMPLAINTS) return;
    await this.say(room, `more:${since}`, "More could not be delivered: `!causeway status` counts it, `!causeway retry` tries it again.");
  }

  row(room: RoomId, key: string, text: string, about?: { event: EventId; author: Mxid }): NewRow {
    const payload: Notice = { key, text, ...(about ? { about: about.event, author: about.author } : {}) };
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

  async #send(room: RoomId, { key, text, about, author }: Notice): Promise<void> {
    const txnId = createHash("sha256").update(`${room}\n${key}`).digest("base64url").slice(0, 22);
    const reply = about ? { "m.relates_to": { "m.in_reply_to": { event_id: about } }, [ABOUT]: about } : {};
    const content = { msgtype: "m.notice", body: text, "m.mentions": author ? { user_ids: [author] } : {}, ...reply };
    try {
      await this.#context.client.send(room, "m.room.message", content, { txnId });
    } catch (error) {
      throw failureOf(error);
    }
  }
}
