/**
 * What core has a network do, as data: one visible effect and what is known of it over restarts, hints that leave nothing behind, and deeds
 * that are no message.
 */
import type { Membership } from "./events.ts";
import type { RemoteChannelId, RemoteMessageId, RemoteThreadId, RemoteUserId } from "./ids.ts";
import type { OutFile, ReactionKey, Speaker } from "./message.ts";

/** One visible effect. Plain data but for `file`. */
export type Part = SayPart | EditPart | DeletePart | ReactPart | PinPart | TopicPart | VotePart;

interface InChannel {
  readonly channel: RemoteChannelId;
  readonly thread?: RemoteThreadId;
}

/** What `toParts` makes of a message. `wire` is the network's own, JSON. */
export interface SayPart {
  readonly kind: "say";
  /** Set by core when it sends; `toParts` leaves it out. */
  readonly channel?: RemoteChannelId;
  readonly speaker: Speaker;
  readonly wire: unknown;
  /** Plain text of this part: for look-ups and logs at `trace`. Two parts with the same text and wire are the same. */
  readonly text: string;
  readonly file?: OutFile;
}

/** Makes the part that is `message` read `wire`. */
export interface EditPart extends InChannel {
  readonly kind: "edit";
  readonly message: RemoteMessageId;
  readonly speaker: Speaker;
  readonly wire: unknown;
  readonly text: string;
}

export interface DeletePart extends InChannel {
  readonly kind: "delete";
  readonly message: RemoteMessageId;
  /** The one who deletes. */
  readonly speaker: Speaker;
  /** Whether the message was sent by the login that deletes it. */
  readonly own: boolean;
  readonly reason?: string;
}

export interface ReactPart extends InChannel {
  readonly kind: "react" | "unreact";
  readonly message: RemoteMessageId;
  readonly key: ReactionKey;
  readonly speaker: Speaker;
}

export interface PinPart extends InChannel {
  readonly kind: "pin" | "unpin";
  readonly message: RemoteMessageId;
  readonly speaker: Speaker;
}

/** Sets the channel's topic or name. */
export interface TopicPart extends InChannel {
  readonly kind: "topic" | "name";
  readonly text: string;
  readonly speaker: Speaker;
}

/** The poll in `message` now stands so: shown beside it where the login cannot vote. */
export interface VotePart extends InChannel {
  readonly kind: "poll";
  readonly message: RemoteMessageId;
  readonly tally: readonly { readonly text: string; readonly votes: number }[];
  readonly closed: boolean;
  readonly speaker: Speaker;
}

/** What is on disk about one send, over restarts. */
export interface Progress {
  /** 1 for the first. */
  readonly attempt: number;
  /** When the first attempt began. */
  readonly since: number;
  /** What `save` wrote last, in this attempt or an earlier one. */
  readonly saved: unknown;
  /** Puts on disk what must be known before the effect: an uploaded file's id, the last message id seen before the attempt. */
  save(data: unknown): Promise<void>;
}

export interface Sent {
  /** Absent = the network gives messages no ids (plain IRC), or the effect is no message. */
  readonly id?: RemoteMessageId;
  /** The thread that it went into, when the send made it. */
  readonly thread?: RemoteThreadId;
  /** The id comes later, by an event whose `echo.key` is this send's key. */
  readonly pending?: boolean;
}

export type Found =
  | { readonly is: "arrived"; readonly sent: Sent }
  | { readonly is: "not-arrived" }
  /** It cannot be told, said in a sentence. The item is parked and a person asked. */
  | { readonly is: "unknown"; readonly why: string };

export type Hint =
  | { readonly kind: "typing"; readonly channel: RemoteChannelId; readonly speaker: Speaker; readonly on: boolean }
  | { readonly kind: "read"; readonly channel: RemoteChannelId; readonly message: RemoteMessageId; readonly speaker: Speaker };

export type Deed =
  | {
      readonly kind: Exclude<Membership, "join" | "leave">;
      readonly channel: RemoteChannelId;
      readonly person: RemoteUserId;
      readonly reason?: string;
      readonly by: Speaker;
    }
  | { readonly kind: "direct"; readonly person: RemoteUserId };

/** Who rules in a channel, and who may speak there and come in. */
export type Rule =
  /** Power in the channel, as `ChannelFacts.powers` has it. The network gives the nearest rank that it has and that the login may give. */
  | {
      readonly kind: "power";
      readonly channel: RemoteChannelId;
      readonly person: RemoteUserId;
      readonly level: number;
      readonly by: Speaker;
    }
  /** Whether only some may speak in the channel, and whether only those who were invited may come in. Absent = stays as it is. */
  | {
      readonly kind: "restrict";
      readonly channel: RemoteChannelId;
      readonly moderated?: boolean;
      readonly inviteOnly?: boolean;
      readonly by: Speaker;
    };
