/**
 * Whom the room of a private channel admits, where the bridge made the room: those who have linked an account over there that may read the
 * channel. They are invited once; who leaves stays away, and who loses the right is put out, as is a linked person without the right who
 * came in while the room stood open. Whom somebody else has invited, and moderators of the room, are let be.
 */
import type { Logger } from "pino";
import { factsOf } from "./channel-facts.ts";
import type { LinkedAccounts } from "./linked-accounts.ts";
import type { Links } from "./links.ts";
import type { Logins } from "./logins.ts";
import { failureOf, type MatrixClient } from "./matrix/client.ts";
import { isRecord } from "./matrix/event.ts";
import { TryLater } from "./model/errors.ts";
import { eventId, type Mxid, type NetworkId, type RemoteUserId, type RoomId } from "./model/ids.ts";
import type { Clock } from "./network.ts";
import type { Rooms } from "./rooms.ts";
import type { ShownBook } from "./shown.ts";
import type { Link, SettingStore } from "./store/store.ts";

export interface AdmissionContext {
  readonly client: MatrixClient;
  readonly links: Links;
  readonly logins: Logins;
  readonly accounts: LinkedAccounts;
  readonly rooms: Rooms;
  readonly shown: ShownBook;
  readonly settings: SettingStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

const KEY = "admitted";
/** Rights change in bursts. */
const GATHER = 1_000;
const AGAIN = 15_000;
/** Moderators of the room are let be. */
const MODERATOR = 50;

export class Admission {
  readonly #context: AdmissionContext;
  /** `room mxid`: whom we have invited. */
  readonly #admitted = new Set<string>();
  /** Network → whose rights are to be looked at; "all" = everybody's. */
  readonly #due = new Map<NetworkId, Set<RemoteUserId> | "all">();
  #running = false;

  constructor(context: AdmissionContext) {
    this.#context = context;
  }

  /** Call once before use. */
  async load(): Promise<void> {
    for (const one of ((await this.#context.settings.get(KEY)) as readonly string[] | undefined) ?? []) this.#admitted.add(one);
  }

  /** Rights may be others now: of one person, or of everybody on the network. */
  look(network: NetworkId, person?: RemoteUserId): void {
    const { accounts } = this.#context;
    if (person === undefined ? accounts.all(network).length === 0 : accounts.ownerOf(network, person) === undefined) return;
    const due = this.#due.get(network);
    if (person === undefined) this.#due.set(network, "all");
    else if (due !== "all") this.#due.set(network, new Set(due).add(person));
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    const { clock, signal, log } = this.#context;
    this.#running = true;
    try {
      while (this.#due.size > 0 && !signal.aborted) {
        await clock.sleep(GATHER, signal);
        const due = [...this.#due];
        this.#due.clear();
        for (const [network, people] of due) await this.#lookAt(network, people);
      }
    } catch (error) {
      if (!signal.aborted) log.warn({ err: error }, "Who may be in the rooms of private channels could not be looked at");
    } finally {
      this.#running = false;
    }
  }

  async #lookAt(network: NetworkId, people: ReadonlySet<RemoteUserId> | "all"): Promise<void> {
    const { links, accounts, clock, signal, log } = this.#context;
    const wanted = accounts.all(network).filter(({ person }) => people === "all" || people.has(person));
    for await (const link of links.all()) {
      if (link.network !== network || !(await this.#isOurs(link))) continue;
      for (const { owner, person } of wanted) {
        try {
          await this.#settle(link, owner, person);
        } catch (error) {
          const failure = failureOf(error);
          log.info({ room: link.room, err: failure }, "Somebody's right to be in a room could not be settled");
          if (failure instanceof TryLater)
            void clock.sleep(AGAIN, signal).then(
              () => this.look(network, person),
              () => undefined,
            );
        }
      }
    }
  }

  /** A private channel's room, made by us, with no other private channel in it. */
  async #isOurs(link: Link): Promise<boolean> {
    if (factsOf(link).visibility !== "private" || link.settings.widen === true) return false;
    const others = (await this.#context.links.inRoom(link.room)).filter((other) => other.id !== link.id);
    return others.every((other) => factsOf(other).visibility === "public") && (await this.#context.shown.isMade(link.room));
  }

  async #settle(link: Link, owner: Mxid, person: RemoteUserId): Promise<void> {
    const { client, logins, rooms } = this.#context;
    const live = logins.get(link.network, link.login);
    if (live?.state.is !== "connected" || !live.connection.mayRead) return;
    const may = await live.connection.mayRead(link.channel, person);
    const key = `${link.room} ${owner}`;
    if (may === true && !this.#admitted.has(key)) {
      if ((await this.#membership(link.room, owner)) === undefined) await client.invite(link.room, owner);
      await this.#note(key, true);
    }
    if (may !== false) return;
    const there = await this.#membership(link.room, owner);
    const isIn = there === "join" || (there === "invite" && this.#admitted.has(key));
    const isLetBe = async () =>
      (await rooms.powerOf(link.room, owner)) >= MODERATOR || (!this.#admitted.has(key) && (await this.#wasInvited(link.room, owner)));
    if (isIn && !(await isLetBe())) await client.kick(link.room, owner, `may not read the channel on ${live.network.name} any more`);
    if (this.#admitted.has(key)) await this.#note(key, false);
  }

  /** Undefined = never was there, or left: then the homeserver decides about an invitation. */
  async #membership(room: RoomId, who: Mxid): Promise<string | undefined> {
    const membership = (await this.#context.client.stateEvent(room, "m.room.member", who))?.["membership"];
    return membership === "leave" || typeof membership !== "string" ? undefined : membership;
  }

  /** By somebody else, who knew what they did. Whoever came in while the door stood open was not. */
  async #wasInvited(room: RoomId, who: Mxid): Promise<boolean> {
    const { client } = this.#context;
    const member = (await client.state(room)).find(({ type, state_key }) => type === "m.room.member" && state_key === who);
    const { prev_content: told, replaces_state: id } = member?.unsigned ?? {};
    const before = told ?? (typeof id === "string" ? (await client.event(room, eventId(id)))?.content : undefined);
    return isRecord(before) && before["membership"] === "invite";
  }

  async #note(key: string, admitted: boolean): Promise<void> {
    if (admitted) this.#admitted.add(key);
    else this.#admitted.delete(key);
    await this.#context.settings.set(KEY, [...this.#admitted]);
  }
}
