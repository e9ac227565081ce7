/** What goes over the wire, as far as more than one file speaks of it. Discord's own shapes are `discord-api-types`; these are ours. */
import type { GatewayDispatchPayload } from "discord-api-types/v10";

/**
 * One message of ours before it is sent. Made by `toParts`, kept in the journal, so changed only by adding to it.
 * `content` holds no more than 2000 UTF-16 units together with the longer of `quote` and `name`.
 */
export interface SayWire {
  readonly content: string;
  /** The line that says what is answered; stands before the content where there is no native reply. */
  readonly quote?: string;
  /** The message that is answered, for a native reply. */
  readonly reply?: string;
  /** The speaker's name in bold with a colon; stands before the content where the bot itself speaks. */
  readonly name?: string;
  /** Whom the content may ring, and nobody else. */
  readonly users: readonly string[];
  readonly everyone: boolean;
  /** Of the forum post or thread that this message begins, should it begin one. */
  readonly title: string;
  readonly thread?: { readonly id?: string; readonly root?: string };
  /** Where what is answered stands: in a forum, where all messages belong to posts, the answer goes there too. */
  readonly answers?: { readonly id?: string; readonly root?: string };
  readonly file?: { readonly name: string; readonly description?: string };
  /** Present = a voice message of Discord's own: seconds, and at most 256 loudnesses in base64. */
  readonly voice?: { readonly seconds: number; readonly waveform: string };
  readonly poll?: PollWire;
  /** The bot itself says it: it has no webhook there, or Discord wants it so. */
  readonly bot?: true;
}

export interface PollWire {
  readonly question: string;
  readonly answers: readonly string[];
  readonly multiple: boolean;
  /** Milliseconds since 1970; absent = as long as Discord allows. */
  readonly closesAt?: number;
  /** Too many or too long answers for a poll of Discord's: a message with buttons. */
  readonly buttons?: true;
}

/** What `send` saves before the effect, to look for it afterwards. */
export interface Trail {
  /** The last message known in the place before the attempt. */
  readonly after?: string;
  /** The thread that the message goes into, once it is made. */
  readonly thread?: string;
  /** The webhook that speaks; absent = the bot itself. */
  readonly webhook?: string;
}

/** What a gateway event of that name carries. */
export type Dispatch<Name extends `${GatewayDispatchPayload["t"]}`> = { [P in GatewayDispatchPayload as `${P["t"]}`]: P["d"] }[Name];

/** The longest text of a message, in UTF-16 units: never more than Discord counts. */
export const LONGEST = 2000;

const MEBI = 1_048_576;

/** https://discord.com/developers/docs/reference#uploading-files, by the guild's boost level */
export function largestFile(tier: number): number {
  return tier >= 3 ? 100 * MEBI : tier === 2 ? 50 * MEBI : 10 * MEBI;
}
