/**
 * A bridged room: what both directions of it share. Every message goes through the same four steps in either direction:
 * gather → convert → send → record. `in-*.ts` is the way from a network into the room, `out-*.ts` the way from the room to a network.
 */
import { hash } from "node:crypto";
import type { Logger } from "pino";
import type { DoublePuppets } from "../double-puppets.ts";
import type { Ghosts } from "../ghost.ts";
import type { Links } from "../links.ts";
import type { Logins } from "../logins.ts";
import type { MatrixClient } from "../matrix/client.ts";
import type { MatrixEvent } from "../matrix/event.ts";
import type { Members } from "../members.ts";
import { ifSeen } from "../matrix/failure.ts";
import { TryLater } from "../model/errors.ts";
import type { EventId, MxcUri, Mxid, NetworkId, RoomId } from "../model/ids.ts";
import type { ReactionKey, RemoteFile, Speaker } from "../model/message.ts";
import type { Clock, Connection } from "../network.ts";
import type { OptOuts } from "../opt-out.ts";
import type { Notices } from "../notices.ts";
import type { OwnLogins } from "../own-logins.ts";
import type { Permissions } from "../permissions.ts";
import type { Rooms } from "../rooms.ts";
import type { Link, Store } from "../store/store.ts";
import type { Surroundings } from "../surroundings.ts";
import type { Unresolved } from "../unresolved.ts";

export interface PortalContext {
  readonly client: MatrixClient;
  readonly ghosts: Ghosts;
  readonly doubles: DoublePuppets;
  readonly optOuts: OptOuts;
  readonly store: Store;
  readonly links: Links;
  readonly logins: Logins;
  readonly ownLogins: OwnLogins;
  readonly unresolved: Unresolved;
  readonly rooms: Rooms;
  readonly surroundings: Surroundings;
  readonly members: Members;
  readonly notices: Notices;
  readonly permissions: Permissions;
  readonly media: Media;
  readonly clock: Clock;
  readonly log: Logger;
  readonly bot: Mxid;
  /** Signs `io.causeway.origin`. */
  readonly secret: Buffer;
  readonly settings: PortalSettings;
  readonly told: Delivered;
  /** In the person's direct chat with the bot. */
  tellPrivately(person: Mxid, key: string, text: string): Promise<void>;
}

export interface PortalSettings {
  /** Milliseconds after which a message counts as late: it rings nobody. */
  readonly lateAfter: number;
  /** Bytes; larger files cross as links. */
  readonly largestFile: number;
  /** Whether people without a login of their own are relayed. */
  readonly relay: boolean;
}

/** Files between the shores. Everything is streamed. */
export interface Media {
  /** `most`: bytes. Rejects with `Refused` when there are more, whatever was said of them beforehand. */
  toMatrix(connection: Connection, file: RemoteFile, most: number): Promise<MxcUri>;
  /** The picture of a network's own emoji on Matrix, uploaded once. */
  emoji(connection: Connection, network: NetworkId, emoji: RemoteEmoji): Promise<MxcUri | undefined>;
  /** The network's own emoji that a picture came from. */
  knownEmoji(network: NetworkId, mxc: string): Promise<ReactionKey | undefined>;
  /** A signed address for what a Matrix event carries; undefined without a public address. */
  link(mxc: MxcUri, name: string, event: EventId): string | undefined;
  open(mxc: MxcUri): ReturnType<MatrixClient["download"]>;
  avatar(mxc: MxcUri | undefined): string | undefined;
}

export interface RemoteEmoji {
  readonly id: string;
  readonly name: string;
  readonly url: string;
}

/** For metrics and logs: something arrived. */
export interface Delivered {
  missed(link: Link, lines: number): void;
  delivered(link: Link, direction: "in" | "out", kind: string, since: number, trace: string): void;
}

/** A transaction id or a send's key: made from what is sent, never from a clock, so that the same effect has the same one for ever. */
export function keyFor(link: Link, what: string, part: number): string {
  return hash("sha256", `${link.id}\n${what}\n${part}`, "base64url").slice(0, 22);
}

/** Nothing may cross. What the sentence says is for the room: a kick's reason, which somebody wrote, may be in it. */
export class Closed extends TryLater {}

/** Why nothing crosses a link at the moment, as what to do about it: the lane waits until someone changes it. */
export async function requireOpen(portal: PortalContext, link: Link): Promise<void> {
  const { gone } = (link.facts ?? {}) as { gone?: string };
  const why = link.paused ?? gone ?? (await portal.rooms.closedFor(link));
  if (why !== undefined) throw new Closed(why, 3_600_000, "channel");
}

/** Undefined = there is none, or we may not see it. While the homeserver is away it is waited for: a guess would be told to everybody. */
export async function eventIn(portal: PortalContext, room: RoomId, event: EventId): Promise<MatrixEvent | undefined> {
  return await ifSeen(portal.client.event(room, event));
}

/** The bridge speaking for itself on a network. */
export function ownVoice(portal: PortalContext, name = "Matrix"): Speaker {
  return { mxid: portal.bot, name, own: true };
}
