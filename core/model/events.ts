/**
 * What happens on a network, as its adapter reports it to core. Plain JSON: the journal, the fixtures and the logs hold the same thing.
 * Times are milliseconds since 1970.
 */
import type { RemoteChannelId, RemoteMessageId, RemoteThreadId, RemoteUserId } from "./ids.ts";
import type { Person, Poll, ReactionKey, RemoteFile, Style } from "./message.ts";
import type { RichText } from "./richtext.ts";

/**
 * A place in a channel's history. Compared by `compareCursors`: the longer string is later, equal lengths compare as text,
 * which is right for Discord's snowflakes, Slack's timestamps and ISO 8601 times alike.
 */
export type Cursor = string;

export function compareCursors(a: Cursor, b: Cursor): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Our own doing, come back. `key` is the send's key where the network returns it; absent = ours, but which one is not said. */
export interface Echo {
  readonly key?: string;
}

interface Happening {
  readonly channel: RemoteChannelId;
  /** What comes twice by the same road has the same one (Slack's event_id, Discord's session and sequence). Unique per login. */
  readonly deliveryId?: string;
  /**
   * What names the happening itself, by whatever road it comes (live, history, another login): `message:ID`, `edit:ID:VERSION`,
   * `delete:ID`, `react:ID:PERSON:KEY:…`. Unique per channel. Absent = cannot be told apart, never deduplicated.
   */
  readonly subject?: string;
  readonly at: number;
  /** Where it stands in the channel's history; absent = it does not stand there. */
  readonly cursor?: Cursor;
  readonly via: "live" | "history";
  readonly echo?: Echo;
  /** In a private conversation of this login's: it becomes a room of its owner's without anyone linking it. */
  readonly direct?: true;
}

interface BySomeone {
  readonly sender: RemoteUserId;
  /** What the event itself says of its sender (a webhook's name and picture): saves a look-up, and wins over it. */
  readonly person?: Person;
}

export interface RemoteMessage extends Happening, BySomeone {
  readonly kind: "message";
  readonly message: RemoteMessageId;
  readonly style: Style;
  readonly body: RichText;
  readonly files?: readonly RemoteFile[];
  readonly replyTo?: RemoteReply;
  readonly thread?: RemoteThread;
  readonly poll?: Poll;
  /** Extra room for people elsewhere who should know: "forwarded", "used /roll", "also sent to the channel". Shown small, above the body. */
  readonly note?: string;
  /** When it was last edited, milliseconds since 1970, where history shows the text as it is by now. Absent = as it was first said. */
  readonly edited?: number;
}

/** `excerpt` and `author` are for the case that the target is unknown here. */
export interface RemoteReply {
  readonly message: RemoteMessageId;
  readonly author?: RemoteUserId;
  readonly excerpt?: string;
  /** Whether the author of the target is to be rung; absent = as usual. */
  readonly ping?: boolean;
}

/** `root` absent = the thread hangs from no message; its first message becomes the root. */
export interface RemoteThread {
  readonly id: RemoteThreadId;
  readonly root?: RemoteMessageId;
  /** The message is shown in the channel too (Slack's "also send to channel"), as an answer to the root. */
  readonly broadcast?: true;
  /** A title, where threads have one. */
  readonly name?: string;
}

/** The whole new text, never a difference. `version` orders edits of one message (an edit time, a counter). */
export interface RemoteEdit extends Happening, BySomeone {
  readonly kind: "edit";
  readonly message: RemoteMessageId;
  readonly version: string;
  readonly style: Style;
  readonly body: RichText;
  /** Absent = files are not touched. Present = the files that are left. */
  readonly files?: readonly RemoteFile[];
  readonly thread?: RemoteThread;
}

export interface RemoteDelete extends Happening {
  readonly kind: "delete";
  readonly messages: readonly RemoteMessageId[];
  /** Absent = the network does not say who. */
  readonly by?: RemoteUserId;
}

export interface RemoteReact extends Happening, BySomeone {
  readonly kind: "react" | "unreact";
  readonly message: RemoteMessageId;
  readonly key: ReactionKey;
}

/** The whole truth about one message's reactions, or about one key when `only` is given. An empty list = none is left. */
export interface RemoteReactionsAre extends Happening {
  readonly kind: "reactions-are";
  readonly message: RemoteMessageId;
  readonly only?: ReactionKey;
  readonly reactions: readonly { readonly key: ReactionKey; readonly people: readonly RemoteUserId[] }[];
}

export interface RemoteTyping extends Happening, BySomeone {
  readonly kind: "typing";
  /** How long it is to be shown at most, milliseconds; 0 = stopped. */
  readonly for: number;
}

export interface RemoteRead extends Happening, BySomeone {
  readonly kind: "read";
  readonly message: RemoteMessageId;
}

export type Presence = "here" | "away" | "gone";

/**
 * Whether people are there now: only of those for whom it changed, many at once. A network tells it only where its own settings ask for
 * it, because homeservers tire of it, and gathers it for a second or more. `channel` is one that is linked; what is said holds everywhere. People
 * without a ghost are passed over; core repeats what it was told as often as Matrix wants to hear it.
 */
export interface RemotePresence extends Happening {
  readonly kind: "presence";
  /** `says`: their own words about it ("at lunch"); absent = none. */
  readonly people: readonly { readonly person: RemoteUserId; readonly is: Presence; readonly says?: string }[];
}

export type Membership = "join" | "leave" | "kick" | "ban" | "unban" | "invite";

export interface RemoteMembership extends Happening {
  readonly kind: "membership";
  readonly change: Membership;
  readonly person: RemoteUserId;
  readonly profile?: Person;
  readonly by?: RemoteUserId;
  readonly reason?: string;
}

/** What a channel is. Absent fields = unchanged or not known. */
export interface ChannelFacts {
  readonly name?: string;
  readonly topic?: string;
  /** `public`: whoever may enter the network may read it. `private`: only those let in. */
  readonly visibility?: "public" | "private";
  /** Not in lists, though whoever knows its name may enter (IRC +s). */
  readonly unlisted?: boolean;
  readonly archived?: boolean;
  /** Only some may speak (IRC +m). */
  readonly moderated?: boolean;
  /** Power by person: 100 owner, 50 moderator, 0 anyone (-1: may not speak). A whole list, or a change to one when `partial`. */
  readonly powers?: { readonly partial: boolean; readonly levels: Readonly<Record<string, number>> };
  readonly avatar?: { readonly id: string; readonly ref: unknown } | null;
}

export interface RemoteChannelChanged extends Happening {
  readonly kind: "channel-changed";
  readonly facts: ChannelFacts;
  /** Absent = the network does not say who. */
  readonly by?: RemoteUserId;
}

/** The channel is out of reach for good, or until someone acts. `why` is a sentence. */
export interface RemoteChannelGone extends Happening {
  readonly kind: "channel-gone";
  readonly why: string;
}

/** A profile changed. `channel` is where we heard it; it holds everywhere. */
export interface RemotePersonChanged extends Happening {
  readonly kind: "person-changed";
  readonly person: Person;
}

/** The same person under a new id (a services account told late, a nick that changed): the ghost's memberships move over. */
export interface RemoteIdChanged extends Happening {
  readonly kind: "id-changed";
  readonly from: RemoteUserId;
  readonly to: Person;
}

export interface RemotePin extends Happening {
  readonly kind: "pin" | "unpin";
  readonly message: RemoteMessageId;
  readonly by?: RemoteUserId;
}

/** The answers that `sender` now has chosen, all of them; empty = vote withdrawn. */
export interface RemoteVote extends Happening, BySomeone {
  readonly kind: "vote";
  readonly message: RemoteMessageId;
  readonly answers: readonly string[];
}

export interface RemotePollClosed extends Happening {
  readonly kind: "poll-closed";
  readonly message: RemoteMessageId;
  /** One line each, when the network tells the outcome. */
  readonly results?: readonly string[];
}

/** Something that the channel itself tells: "the server split", "a call began". The bridge's bot says it, as a notice. */
export interface RemoteNotice extends Happening {
  readonly kind: "notice";
  readonly body: RichText;
  /** Present = it concerns the owner of the login alone: told in their chat with the bot, not in the channel's room. */
  readonly to?: "owner";
  /** Who says it there, where that is not the network itself: services, a bot. */
  readonly from?: string;
}

/** What was said between two moments is beyond reach. It is counted where the number is known, and the room is told. */
export interface RemoteMissed extends Happening {
  readonly kind: "missed";
  readonly since: number;
  readonly count?: number;
}

/** Words to the bridge itself, said on the network (`!optout`, `/causeway link`). The answer goes back by `reply`, a reference of the network's own. */
export interface RemoteCommand extends Happening, BySomeone {
  readonly kind: "command";
  readonly words: string;
  readonly reply: unknown;
  /** What the sender may do over there, as the network has checked it. */
  readonly power: number;
}

export type RemoteEvent =
  | RemoteMessage
  | RemoteEdit
  | RemoteDelete
  | RemoteReact
  | RemoteReactionsAre
  | RemoteTyping
  | RemoteRead
  | RemotePresence
  | RemoteMembership
  | RemoteChannelChanged
  | RemoteChannelGone
  | RemotePersonChanged
  | RemoteIdChanged
  | RemotePin
  | RemoteVote
  | RemotePollClosed
  | RemoteNotice
  | RemoteMissed
  | RemoteCommand;

export type RemoteEventKind = RemoteEvent["kind"];

/** Late, it is worth nothing: such an event skips the journal. */
export function isFleeting(event: RemoteEvent): event is RemoteTyping | RemoteRead | RemotePresence {
  return event.kind === "typing" || event.kind === "read" || event.kind === "presence";
}

/** Makes a `switch` on a kind fail to compile when a kind is missing. */
export function never(value: never): never {
  throw new TypeError(`Unexpected kind: ${JSON.stringify(value)}`);
}
