/** What goes over the toy network's wire. It takes formatted text as the model has it, so that its converters stay small. */
import type { FileKind, Poll } from "../../core/model/message.ts";
import type { ChannelFacts } from "../../core/model/events.ts";
import type { RichText } from "../../core/model/richtext.ts";

export interface ToyAccount {
  readonly id: string;
  readonly name: string;
  readonly token: string;
}

export interface ToyFile {
  readonly id: string;
  readonly kind: FileKind;
  readonly name: string;
  readonly mimetype: string;
  readonly size: number;
}

/** What a client asks to be posted. There is no key that would tell a second attempt from a second message. */
export interface ToyPost {
  readonly style: "text" | "emote" | "notice";
  readonly body: RichText;
  readonly file?: string;
  readonly replyTo?: string;
  readonly thread?: string;
  /** Begins a thread there, or goes into the one that hangs there already. */
  readonly threadOf?: string;
  readonly poll?: Poll;
}

export interface ToyMessage {
  /** Grows with every message of the service: also its place in the history. */
  readonly id: string;
  readonly channel: string;
  readonly account: string;
  /** The program that sent it, as it called itself when it connected. */
  readonly client: string;
  readonly at: number;
  readonly style: ToyPost["style"];
  readonly body: RichText;
  readonly file?: ToyFile;
  readonly replyTo?: string;
  readonly thread?: { readonly id: string; readonly root: string };
  readonly poll?: Poll;
  /** 0 = never edited. */
  readonly version: number;
  readonly reactions: readonly { readonly emoji: string; readonly by: string }[];
  readonly pinned: boolean;
}

/** Of the same length each, so that their order is their order as texts. */
export const messageId = (number: number): string => `m${String(number).padStart(9, "0")}`;

export type ToyHappening =
  | { readonly type: "posted"; readonly message: ToyMessage }
  | { readonly type: "edited"; readonly message: ToyMessage; readonly by: string }
  | { readonly type: "deleted"; readonly id: string; readonly by: string }
  | { readonly type: "reacted" | "unreacted"; readonly id: string; readonly emoji: string; readonly by: string; readonly turn: number }
  | { readonly type: "pinned" | "unpinned"; readonly id: string; readonly by: string; readonly turn: number }
  | {
      readonly type: "channel";
      readonly topic?: string;
      readonly name?: string;
      readonly facts?: ChannelFacts;
      readonly by: string;
      readonly turn: number;
    }
  | { readonly type: "member"; readonly account: string; readonly change: "join" | "leave" | "kick" | "ban"; readonly turn: number }
  | { readonly type: "renamed"; readonly account: string; readonly name: string; readonly turn: number }
  | { readonly type: "typing"; readonly account: string }
  | { readonly type: "command"; readonly account: string; readonly words: string; readonly turn: number };

/** As a session hears it. `seq` counts per session. */
export interface ToyEvent {
  readonly seq: number;
  readonly channel: string;
  readonly at: number;
  readonly client: string;
  readonly happening: ToyHappening;
}

export type ToyAnswer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly code: "forbidden" | "unknown" | "bad-token" | "bad-request" }
  | { readonly ok: false; readonly code: "rate-limited"; readonly seconds: number };

/** No answer came. `sent` false = the service was never reached. */
export class ToyLost extends Error {
  readonly sent: boolean;
  constructor(sent: boolean) {
    super(sent ? "The connection broke before the answer came." : "The service cannot be reached.");
    this.sent = sent;
  }
}
