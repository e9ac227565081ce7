/**
 * Moderators of a network, over people from Matrix: who somebody is, and that they are silent, put out or kept out, in one room or in all
 * rooms of the same server, workspace or IRC network. The moderator's right is what the network says of them; the bridge's is what the
 * room gives its bot. All of it is written down in the moderators' room, where there is one.
 */
import type { Logger } from "pino";
import type { Ghosts } from "./ghost.ts";
import type { Links } from "./links.ts";
import type { LiveLogin } from "./logins.ts";
import { failureOf, type MatrixClient } from "./matrix/client.ts";
import { isRecord, type MatrixEvent } from "./matrix/event.ts";
import { Refused } from "./model/errors.ts";
import { type Mxid, mxid, remoteMessageId, type RoomId } from "./model/ids.ts";
import type { Members } from "./members.ts";
import type { Notices } from "./notices.ts";
import type { OptOuts } from "./opt-out.ts";
import type { Powers } from "./powers.ts";
import type { Rooms } from "./rooms.ts";
import type { Link, Store } from "./store/store.ts";

export interface ModerationContext {
  readonly store: Store;
  readonly client: MatrixClient;
  readonly links: Links;
  readonly rooms: Rooms;
  readonly members: Members;
  readonly ghosts: Ghosts;
  readonly optOuts: OptOuts;
  readonly notices: Notices;
  readonly powers: Powers;
  readonly bot: Mxid;
  /** Hears of everything that moderators do here. */
  readonly moderatorsRoom: RoomId | undefined;
  readonly log: Logger;
}

export type Measure = "mute" | "unmute" | "kick" | "ban" | "unban";

/** A moderator over there, as the network knows them. */
export interface Moderator {
  readonly live: LiveLogin;
  readonly link: Link;
  readonly name: string;
  readonly id: string;
  /** What the network says that they may do. */
  readonly power: number;
  /** Names the occasion: it is written down once. */
  readonly key: string;
}

/** A mute that stands: by the room's power levels where the bot may set them, and always by the bridge, which relays nothing. */
interface Mute {
  readonly room: RoomId;
  readonly who: Mxid;
  /** The level before, where ours was written over it; null = none stood there. */
  readonly before?: number | null;
}

const KEY = "muted";
/** What it takes over there. */
export const MODERATOR = 50;
const ALL = /^(?:all|everywhere)$/i;
const DONE = { mute: "muted", unmute: "no longer muted", kick: "removed", ban: "banned", unban: "no longer banned" } as const;

export class Moderation {
  readonly #context: ModerationContext;
  readonly #muted = new Map<string, Mute>();

  constructor(context: ModerationContext) {
    this.#context = context;
  }

  /** Call once before use. */
  async load(): Promise<void> {
    const kept = (await this.#context.store.settings.get(KEY)) as readonly Mute[] | undefined;
    for (const mute of kept ?? []) this.#muted.set(keyOf(mute.room, mute.who), mute);
  }

  /** Nothing of theirs is relayed from the room. */
  isMuted(room: RoomId, who: Mxid): boolean {
    return this.#muted.has(keyOf(room, who));
  }

  /** Sees every event: a level that somebody has set by hand since is their decision, and ends the mute. */
  observe(event: MatrixEvent): void {
    if (event.type !== "m.room.power_levels" || event.state_key !== "" || event.sender === this.#context.bot) return;
    const users = isRecord(event.content["users"]) ? event.content["users"] : {};
    const mayAll = event.content["events_default"];
    const needed = typeof mayAll === "number" ? mayAll : 0;
    for (const mute of [...this.#muted.values()]) {
      const level = users[mute.who];
      if (mute.room !== event.room_id || mute.before === undefined || (typeof level === "number" && level < needed)) continue;
      this.#muted.delete(keyOf(mute.room, mute.who));
      this.#save().catch((error: unknown) => this.#context.log.error({ err: error }, "The end of a mute could not be written down"));
    }
  }

  /** Somebody with power in the room ends a mute there. Returns what to tell them. */
  async lift(room: RoomId, who: string): Promise<string> {
    const muted = [...this.#muted.values()].filter((mute) => mute.room === room);
    const mute = muted.find((one) => one.who === who);
    if (!mute)
      return muted.length > 0 ? `Muted here: ${muted.map((one) => one.who).join(", ")}` : "Nobody is muted here by moderators elsewhere.";
    await this.#unmute(room, mute.who);
    return `${mute.who} is heard again.`;
  }

  /** Who a message, a name or a Matrix id means. Anybody may ask. */
  async who(moderator: Moderator, words: readonly string[]): Promise<string> {
    const { members, optOuts } = this.#context;
    const who = await this.#find(moderator.link, words.join(" "));
    if ((await optOuts.hiddenName(who)) !== undefined) return "That is somebody on Matrix who does not want to be named.";
    return `That is ${await members.name(moderator.link.room, who)} on Matrix: ${who}`;
  }

  /** `TARGET [all] [reason]`. Returns what to tell the moderator. */
  async take(moderator: Moderator, measure: Measure, words: readonly string[]): Promise<string> {
    const { link, live, name, id } = moderator;
    if (moderator.power < MODERATOR) throw new Refused(`You do not have the right to do that on ${live.network.name}.`);
    const [target = "", ...more] = words;
    if (target === "") throw new Refused(`Whom? For example: ${measure} @somebody:example.org, or the name that is shown here.`);
    const who = await this.#find(link, target);
    const isWide = ALL.test(more[0] ?? "");
    const reason = more.slice(isWide ? 1 : 0).join(" ");
    const rooms = isWide ? await this.#roomsOfGroup(moderator) : [link.room];
    const why = `${reason === "" ? "" : `${reason} `}(by ${name} on ${live.network.name})`;
    const done: RoomId[] = [];
    const failed: string[] = [];
    for (const room of rooms) {
      const failure = await this.#inRoom(room, who, measure, why, moderator);
      if (failure === undefined) done.push(room);
      else failed.push(failure);
    }
    const where = isWide ? `in ${done.length} of ${rooms.length} rooms` : "in this channel's room";
    await this.#write(moderator, `${name} (${id}) on ${live.network.name}: ${who} is ${DONE[measure]} ${where}. ${reason}`.trim(), failed);
    if (done.length === 0) throw new Refused([...new Set(failed)].join(" ") || "There is no room to do that in.");
    return [`${who} is ${DONE[measure]} ${where}.`, ...new Set(failed)].join(" ");
  }

  async invite(moderator: Moderator, words: readonly string[]): Promise<string> {
    const { link, live, name, id, power } = moderator;
    const [whom = ""] = words;
    if (power < MODERATOR) throw new Refused(`You do not have the right to do that on ${live.network.name}.`);
    if (!/^@[^:\s]+:\S+$/.test(whom) || whom.length > 255) throw new Refused("Whom? A Matrix id like @somebody:example.org.");
    try {
      await this.#context.client.invite(link.room, mxid(whom), { reason: `by ${name} on ${live.network.name}` });
    } catch (error) {
      const failure = failureOf(error);
      if (failure instanceof Refused) throw new Refused(`The bridge's bot could not invite them: ${failure.message}`);
      throw failure;
    }
    await this.#write(moderator, `${name} (${id}) on ${live.network.name}: ${whom} is invited.`, []);
    return `${whom} is invited into the room on Matrix.`;
  }

  /** Undefined = done. */
  async #inRoom(room: RoomId, who: Mxid, measure: Measure, why: string, { power, key }: Moderator): Promise<string | undefined> {
    const { client, rooms } = this.#context;
    const takes = measure === "mute" || measure === "kick" || measure === "ban";
    if (takes && (await rooms.powerOf(room, who)) >= power) return "They rank as high there as you do here.";
    try {
      switch (measure) {
        case "mute":
          await this.#mute(room, who, `mute:${key}`, why);
          return undefined;
        case "unmute":
          await this.#unmute(room, who);
          return undefined;
        case "kick":
          await client.kick(room, who, why);
          return undefined;
        case "ban":
          await client.ban(room, who, why);
          return undefined;
        case "unban":
          await client.unban(room, who, why);
          return undefined;
      }
    } catch (error) {
      const failure = failureOf(error);
      if (!(failure instanceof Refused)) throw failure;
      return `The bridge's bot may not do that in ${room}: ${failure.message}`;
    }
  }

  /** Row first: whatever the homeserver says, nothing of theirs is relayed any more. */
  async #mute(room: RoomId, who: Mxid, key: string, why: string): Promise<void> {
    if (this.isMuted(room, who)) return;
    await this.#keep({ room, who });
    const before = await this.#context.powers.silence(room, who);
    if (before !== undefined) await this.#keep({ room, who, before });
    const text = `${who} is muted: what they write is not relayed. ${why} Somebody with power here lifts it by !causeway unmute ${who}`;
    await this.#context.notices.say(room, key, text);
  }

  async #unmute(room: RoomId, who: Mxid): Promise<void> {
    const mute = this.#muted.get(keyOf(room, who));
    if (!mute) return;
    if (mute.before !== undefined) await this.#context.powers.letSpeakAgain(room, who, mute.before);
    this.#muted.delete(keyOf(room, who));
    await this.#save();
  }

  async #keep(mute: Mute): Promise<void> {
    this.#muted.set(keyOf(mute.room, mute.who), mute);
    await this.#save();
  }

  async #save(): Promise<void> {
    await this.#context.store.settings.set(KEY, [...this.#muted.values()]);
  }

  /** A message's id over there, a Matrix id, or a shown name. */
  async #find(link: Link, target: string): Promise<Mxid> {
    const { store, ghosts, bot } = this.#context;
    const records = await store.messages.byRemote(link.id, remoteMessageId(target));
    const named = /^@[^:\s]+:\S+$/.test(target) ? mxid(target) : undefined;
    const who = records[0]?.sender ?? named ?? (await this.#called(link.room, target));
    if (who === bot) throw new Refused("That is the bridge itself.");
    if (ghosts.remoteOf(who)?.network === link.network) throw new Refused("That is somebody from here, not from Matrix.");
    if (ghosts.remoteOf(who)) throw new Refused("That is somebody from another network: its own moderators can act there.");
    return who;
  }

  async #called(room: RoomId, name: string): Promise<Mxid> {
    const { client, ghosts } = this.#context;
    const wanted = name.replace(/^@/, "").toLowerCase();
    const people = [...(await client.members(room))].filter(([who]) => ghosts.remoteOf(who) === undefined);
    const called = people.filter(([who, { displayname }]) => [displayname?.toLowerCase(), who.slice(1, who.indexOf(":"))].includes(wanted));
    const [one, second] = called.map(([who]) => who);
    if (one && !second) return one;
    if (second) throw new Refused(`Several people on Matrix are called so: ${called.map(([who]) => who).join(", ")}`);
    throw new Refused("Nobody on Matrix is called so here, and that message was not written on Matrix.");
  }

  /** Of every linked channel of the same server, workspace or IRC network. */
  async #roomsOfGroup({ live, link }: Moderator): Promise<RoomId[]> {
    const groupOf = async (one: Link) => (await live.connection.channel(one.channel).catch(() => undefined))?.spaces[0]?.id;
    const group = await groupOf(link);
    const rooms = new Set([link.room]);
    for await (const other of this.#context.links.ofLogin(link.network, link.login)) {
      if (group !== undefined && (await groupOf(other)) === group) rooms.add(other.room);
    }
    return [...rooms];
  }

  async #write({ link, key }: Moderator, text: string, failed: readonly string[]): Promise<void> {
    const { moderatorsRoom, notices, log } = this.#context;
    log.info({ network: link.network, channel: link.channel, room: link.room }, text);
    if (!moderatorsRoom) return;
    await notices.say(moderatorsRoom, `moderation:${key}`, [`${link.channel}: ${text}`, ...new Set(failed)].join(" "));
  }
}

function keyOf(room: RoomId, who: Mxid): string {
  return `${room} ${who}`;
}
