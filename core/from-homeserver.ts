/** What the homeserver gives, taken, and what core itself learns of it: names, rules, encryption. */
import type { Logger } from "pino";
import type { DoublePuppets } from "./double-puppets.ts";
import type { Ghosts } from "./ghost.ts";
import type { Hints } from "./hints.ts";
import { type MatrixIntakeContext, redactedKey, takeMatrix } from "./intake-matrix.ts";
import type { Lanes } from "./lanes.ts";
import type { Links } from "./links.ts";
import type { MatrixEphemeral, MatrixEvent } from "./matrix/event.ts";
import type { Members } from "./members.ts";
import { type Mxid, mxid, type RoomId } from "./model/ids.ts";
import type { Clock } from "./network.ts";
import type { Moderation } from "./moderation.ts";
import type { OptOuts } from "./opt-out.ts";
import type { Rooms } from "./rooms.ts";
import type { SettingStore, Store } from "./store/store.ts";

export interface HomeserverContext {
  readonly store: Store;
  readonly links: Links;
  readonly lanes: () => Lanes;
  readonly ghosts: Ghosts;
  readonly members: Members;
  readonly doubles: DoublePuppets;
  readonly optOuts: OptOuts;
  readonly moderation: Moderation;
  readonly rooms: Rooms;
  readonly hints: Hints;
  readonly clock: Clock;
  readonly log: Logger;
  readonly bot: Mxid;
  readonly secret: Buffer;
  /** Whether links to files are given out, which die with their messages. */
  readonly linksOut: boolean;
  /** Whether something is asked of a network itself. */
  isVerb(event: MatrixEvent): boolean;
  /** Sees every event that comes. */
  observe(event: MatrixEvent): void;
}

/** Counts starts. */
const EPOCH = "matrix.epoch";
const WHO_MAY_READ = new Set(["m.room.encryption", "m.room.join_rules", "m.room.history_visibility"]);

function lookedKey(room: RoomId): string {
  return `looked:${room}`;
}

export class FromHomeserver {
  readonly #context: HomeserverContext;
  /** Which start this is: its rows come after those of the starts before, and of them what was never pushed before what was. */
  #epoch = 0;

  constructor(context: HomeserverContext) {
    this.#context = context;
  }

  async load(settings: SettingStore): Promise<void> {
    this.#epoch = Number((await settings.get(EPOCH)) ?? 0) + 1;
    await settings.set(EPOCH, this.#epoch);
  }

  /**
   * Where a room's events that were never pushed take their turn: after the last start in which it was looked at for them, before all that
   * came since. Rows of lower phases may go out without looking.
   */
  async phaseOf(room: RoomId): Promise<number> {
    const looked = await this.#context.store.settings.get(lookedKey(room));
    return (typeof looked === "number" ? looked + 1 : 1) * 2;
  }

  /** A transaction. Resolves when it is on disk. */
  async pushed(events: readonly MatrixEvent[], ephemeral: readonly MatrixEphemeral[]): Promise<void> {
    await takeMatrix(this.#intake({}), events);
    for (const one of ephemeral) {
      this.#context.hints.fromMatrix(one).catch((error: unknown) => this.#context.log.debug({ err: error }, "A hint was not passed on"));
    }
  }

  /** What a look at the room brought. What of it came already is known, and takes its place in order where it still waits. */
  async found(room: RoomId, events: readonly MatrixEvent[]): Promise<void> {
    await takeMatrix(this.#intake({ phase: await this.phaseOf(room), late: true }), events);
    await this.#context.store.settings.set(lookedKey(room), this.#epoch);
  }

  /** An event that looked like a command and is none. */
  async relay(event: MatrixEvent): Promise<void> {
    await takeMatrix(this.#intake({ onlyRelay: true }), [event]);
  }

  #intake(differing: Partial<MatrixIntakeContext>): MatrixIntakeContext {
    const { store, links, lanes, ghosts, clock, log, bot, secret, linksOut } = this.#context;
    return {
      journal: store.journal,
      messages: store.messages,
      settings: store.settings,
      links,
      lanes: lanes(),
      ghosts,
      clock,
      log,
      bot,
      secret,
      onlyRelay: false,
      late: false,
      phase: this.#epoch * 2 + 1,
      redacted: async (event) => (linksOut ? await store.settings.set(redactedKey(event), true) : undefined),
      observe: (event) => this.#observe(event),
      isVerb: (event) => this.#context.isVerb(event),
      isSilent: async (sender, room) => this.#context.moderation.isMuted(room, sender) || (await this.#context.optOuts.isSilent(sender)),
      isDirect: async (event) => (await store.users.directRoom(event.sender, bot)) === event.room_id,
      ...differing,
    };
  }

  #observe(event: MatrixEvent): void {
    const { members, doubles, rooms, observe, log } = this.#context;
    observe(event);
    members.observe(event);
    doubles.observe(event);
    this.#context.moderation.observe(event);
    rooms.observe(event);
    this.#observeGhost(event);
    if (!WHO_MAY_READ.has(event.type)) return;
    this.#judge(event.room_id).catch((error: unknown) => log.error({ room: event.room_id, err: error }, "A room could not be judged"));
  }

  /** Someone removed one of our ghosts, banned it, or lifted the ban: what we remember follows at once, whatever else waits. */
  #observeGhost({ type, room_id: room, sender, state_key: who, content }: MatrixEvent): void {
    const { ghosts, log } = this.#context;
    if (type !== "m.room.member" || who === undefined || who === sender || !ghosts.remoteOf(mxid(who))) return;
    const { membership } = content;
    if (membership !== "leave" && membership !== "ban") return;
    ghosts.removed(room, mxid(who), membership).catch((error: unknown) => log.warn({ room, err: error }, "A removed ghost was not noted"));
  }

  /** Who can see what has changed: told at once, not at the next message. */
  async #judge(room: RoomId): Promise<void> {
    for (const link of await this.#context.links.inRoom(room)) {
      const verdict = await this.#context.rooms.judge(link);
      if (verdict.ok) for (const lane of [`in:${link.id}`, `out:${link.id}`]) this.#context.lanes().wake(lane, true);
    }
  }
}
