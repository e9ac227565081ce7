/**
 * What goes over the wire: JSON from Slack, which may hold anything, read without trust; and what `toParts` makes for Slack.
 */
import type { KnownBlock } from "@slack/types";

export type Json = Readonly<Record<string, unknown>>;

const NOTHING: Json = Object.freeze({});

/** The object that it is, else an empty one. */
export function record(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : NOTHING;
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Every object in the list. */
export function records(value: unknown): readonly Json[] {
  return list(value).map(record);
}

/** The text that it is, else the empty one. */
export function string(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Undefined for everything but a text with something in it. */
export function filled(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

export function strings(value: unknown): readonly string[] {
  return list(value).filter((item) => typeof item === "string");
}

export function number(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** Undefined for texts that are no JSON object. */
export function parsed(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
  } catch {
    return undefined;
  }
}

/** A block as we write it. `offset` of a list (what its numbering begins behind) is documented but not in the types. */
export type OutBlock = KnownBlock;

/** One message, as `chat.postMessage` takes it but for the channel and the key. */
export interface PostWire {
  readonly kind: "post";
  readonly text: string;
  readonly blocks: readonly OutBlock[];
  readonly thread?: string;
  /** Shown in the channel too. */
  readonly broadcast?: true;
  /** Begins with a quote whose link would otherwise show the quoted message a second time. */
  readonly quoting?: true;
  readonly username?: string;
  readonly icon?: string;
}

/** One file, shared with a comment in mrkdwn. */
export interface FileWire {
  readonly kind: "file";
  readonly name: string;
  readonly comment: string;
  readonly description?: string;
  readonly thread?: string;
  /** Said before it, under the speaker's own name; the file goes into the thread of this. */
  readonly caption?: PostWire;
}

export type SayWire = PostWire | FileWire;

/** The metadata that our messages carry. Letters and `_` only: Slack drops others. https://docs.slack.dev/messaging/message-metadata */
export const METADATA_TYPE = "causeway_message";

/** The key that a message of ours carries. */
export function keyIn(message: Json): string | undefined {
  return filled(ownMetadata(message).key);
}

/** The file that hangs from a message of ours, in its thread. */
export function fileBelow(message: Json): string | undefined {
  return filled(ownMetadata(message).file);
}

function ownMetadata(message: Json): Json {
  const metadata = record(message.metadata);
  return metadata.event_type === METADATA_TYPE ? record(metadata.event_payload) : NOTHING;
}
