/**
 * Who can see what: may what is said in these channels be read in this room, and in each other? Judged when a link is made, on every
 * change on any side, and before each message from what is known then. What is not known counts as the worst.
 */

/** A Matrix room as its state tells. Absent = not known: fill in the specification's defaults only after the whole state was read. */
export interface RoomFacts {
  /** `m.room.join_rules`: `invite` where the event is missing. */
  readonly joinRule?: string | undefined;
  /** `m.room.history_visibility`: `shared` where the event is missing. */
  readonly historyVisibility?: string | undefined;
  /** `m.room.guest_access`: `forbidden` where the event is missing. */
  readonly guestAccess?: string | undefined;
  readonly encrypted?: boolean | undefined;
  /** Whether it stands in the public room directory. */
  readonly published?: boolean | undefined;
}

export interface ChannelSight {
  /** As people write it, for the sentence: "Slack". */
  readonly network: string;
  readonly visibility?: "public" | "private" | undefined;
  /** Not in lists, though whoever knows its name may enter. */
  readonly unlisted?: boolean | undefined;
  /** The admin of this side agreed that it is read in a wider place. */
  readonly widen?: boolean;
}

export interface Sight {
  readonly room: RoomFacts;
  /** Every channel that is linked to the room. */
  readonly channels: readonly ChannelSight[];
}

/**
 * `why` is a sentence for the room. `invite-only`: it will be well once the room lets in only those who are invited, shows its history
 * to members only, and stands in no directory. `pause`: nothing may cross until a person changes something.
 */
export type Verdict = { readonly ok: true } | { readonly ok: false; readonly why: string; readonly remedy: "invite-only" | "pause" };

export function judge({ room, channels }: Sight): Verdict {
  if (room.encrypted !== false) return { ok: false, why: whyNotClear(room.encrypted), remedy: "pause" };
  const narrowest = channels.find((channel) => isNarrow(channel) && channel.widen !== true);
  if (narrowest === undefined) return { ok: true };
  const wider = channels.find((channel) => !isNarrow(channel));
  if (wider !== undefined) {
    const why = `The ${narrowest.network} channel is ${kindOf(narrowest)}, and the ${wider.network} channel in the same room is public.`;
    return { ok: false, why, remedy: "pause" };
  }
  const opening = openingOf(room);
  if (opening === undefined) return { ok: true };
  return { ok: false, why: `The ${narrowest.network} channel is ${kindOf(narrowest)}, and ${opening}.`, remedy: "invite-only" };
}

function whyNotClear(encrypted: boolean | undefined): string {
  return encrypted === undefined
    ? "It is not known whether this room is encrypted."
    : "This room is encrypted: what is said here cannot be relayed without giving it away.";
}

function isNarrow(channel: ChannelSight): boolean {
  return channel.visibility !== "public" || channel.unlisted === true;
}

function kindOf(channel: ChannelSight): string {
  if (channel.visibility === "private") return "private";
  return channel.visibility === undefined ? "of unknown visibility" : "secret";
}

/** How strangers may come to read the room, as half a sentence; undefined = they cannot. `knock` needs someone's yes, as an invite does. */
function openingOf(room: RoomFacts): string | undefined {
  if (room.historyVisibility === "world_readable") return "this room's history is open to everybody";
  if (!["shared", "invited", "joined"].includes(room.historyVisibility ?? "")) return "it is not known who can read this room's history";
  if (room.joinRule === "public") return "anyone may join this room";
  if (room.joinRule === "restricted" || room.joinRule === "knock_restricted") return "members of other rooms may join this room";
  if (!["invite", "private", "knock"].includes(room.joinRule ?? "")) return "it is not known who may join this room";
  if (room.published !== false) return "this room stands in the public directory, or may";
  return undefined;
}
