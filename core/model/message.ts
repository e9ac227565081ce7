/** What people say, as both shores understand it. Everything here is plain data. */
import type { MxcUri, Mxid, RemoteMessageId, RemoteThreadId, RemoteUserId } from "./ids.ts";
import type { RichText } from "./richtext.ts";

/** `emote` is `/me`; `notice` is what bots say and nobody answers automatically. */
export type Style = "text" | "emote" | "notice";

export type FileKind = "image" | "video" | "audio" | "voice" | "sticker" | "file";

/** What is known of a file before it is opened. Sizes in bytes, lengths in pixels, durations in milliseconds. */
export interface FileInfo {
  readonly kind: FileKind;
  /** Never holds a path; may hold anything else, so escape it wherever it is shown. */
  readonly name: string;
  readonly mimetype?: string;
  readonly size?: number;
  readonly width?: number;
  readonly height?: number;
  readonly duration?: number;
  /** Loudness of a voice message, 0 to 1024 each (MSC1767). */
  readonly waveform?: readonly number[];
  /** Text that stands for the picture. */
  readonly description?: string;
  readonly spoiler?: boolean;
}

/** A file that lies on the network. `ref` is the network's own: whatever its `open` needs to fetch it, as JSON, no secrets. */
export interface RemoteFile extends FileInfo {
  /** Names the content: the same id is the same bytes. */
  readonly id: string;
  readonly ref: unknown;
  /** Present = it cannot be fetched, said in a sentence ("deleted on Slack"); it is then told, not opened. */
  readonly unavailable?: string;
  /** Where a person can look at it themselves, when there is such an address. */
  readonly url?: string;
}

/** A reaction's sign: a Unicode emoji, or a picture with a name of the network's own. */
export type ReactionKey =
  | { readonly kind: "unicode"; readonly text: string }
  /** `id` names it on the network (absent: known by its name there or not at all); `name` without colons. */
  | { readonly kind: "custom"; readonly name: string; readonly id?: string; readonly url?: string; readonly mxc?: MxcUri };

export interface PollAnswer {
  /** As the network knows it; of a poll that core has a network show, its place, from "1". */
  readonly id: string;
  readonly text: string;
}

export interface Poll {
  readonly question: string;
  readonly answers: readonly PollAnswer[];
  /** At least 1. */
  readonly maxSelections: number;
  /** Whether the results are shown before the end. */
  readonly disclosed: boolean;
  /** Milliseconds since 1970; absent = open until someone closes it. */
  readonly closesAt?: number;
}

/** A person on a network. */
export interface Person {
  readonly id: RemoteUserId;
  readonly name: string;
  /** Absent = not known, leave what is there; null = they have none. */
  readonly avatar?: Avatar | null;
  readonly bot?: boolean;
  /** True for the bridge's own identities there (its bot, its webhooks). */
  readonly ours?: boolean;
}

/** `id` changes when, and only when, the picture does. */
export interface Avatar {
  readonly id: string;
  readonly ref: unknown;
}

/** The Matrix person on whose behalf something is sent. */
export interface Speaker {
  readonly mxid: Mxid;
  /** Their name in the room, made safe to show: no control characters, no direction overrides, never empty. */
  readonly name: string;
  /** A short public address of ours that changes only with the picture; absent = none or not fetchable. */
  readonly avatarUrl?: string;
  /** True when the login that sends is their own; false = relayed, so the network shows `name` as it can. */
  readonly own: boolean;
}

/** What a reply points to, as far as it is known on the network. */
export interface ReplyTarget {
  /** Absent = the message never reached this network. */
  readonly message?: RemoteMessageId;
  /** The thread that the target lies in, where it does. */
  readonly thread?: RemoteThreadId;
  /** The author's identity on this network, absent for people who have none. */
  readonly author?: RemoteUserId;
  readonly authorName: string;
  /** The first words, one line, plain text. */
  readonly excerpt: string;
  /** True when nothing has been said in the channel since. */
  readonly latest: boolean;
  /** Where to read it on the network. */
  readonly url?: string;
}

/** The thread to post into. */
export interface ThreadTarget {
  /** Known once the thread exists on the network. */
  readonly id?: RemoteThreadId;
  /** The message it hangs from, absent when that never reached the network. */
  readonly root?: RemoteMessageId;
  /** First words of the root, one line, plain text: a title, or the fallback's reference. */
  readonly excerpt: string;
}

/** A file of Matrix's, on its way to a network. */
export interface OutFile extends FileInfo {
  /** The bytes, streamed. Call it once per attempt. */
  open(): Promise<{ stream: NodeJS.ReadableStream; size?: number; mimetype?: string }>;
  /** A signed address on our media proxy, which anyone who reads the message may open; absent when no public address is configured. */
  readonly link?: string;
}

/** A Matrix message on its way to one channel: references resolved, degraded by `fit` to what the network can show. */
export interface OutMessage {
  readonly speaker: Speaker;
  readonly style: Style;
  readonly body: RichText;
  readonly file?: OutFile;
  readonly reply?: ReplyTarget;
  readonly thread?: ThreadTarget;
  readonly poll?: Poll;
}
