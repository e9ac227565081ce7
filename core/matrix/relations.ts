/**
 * What an event says of other events. Its content may be anything: what is missing or of the wrong type counts as not said.
 * https://spec.matrix.org/v1.15/client-server-api/#forming-relationships-between-events
 */
import type { EventId } from "../model/ids.ts";
import { isEventId } from "./uri.ts";

export type AnyContent = Readonly<Record<string, unknown>>;

export function isRecord(value: unknown): value is AnyContent {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function relation(content: AnyContent): AnyContent {
  const found = content["m.relates_to"];
  return isRecord(found) ? found : {};
}

function related(content: AnyContent, type: string): EventId | undefined {
  const { rel_type, event_id } = relation(content);
  return rel_type === type && isEventId(event_id) ? event_id : undefined;
}

/** What it answers. In a thread, the answer that is only there for clients without threads is none. */
export function replyTarget(content: AnyContent): EventId | undefined {
  const { rel_type, is_falling_back, "m.in_reply_to": target } = relation(content);
  if (!isRecord(target) || !isEventId(target["event_id"])) return undefined;
  return rel_type === "m.thread" && is_falling_back === true ? undefined : target["event_id"];
}

export function threadRoot(content: AnyContent): EventId | undefined {
  return related(content, "m.thread");
}

export function editTarget(content: AnyContent): EventId | undefined {
  return related(content, "m.replace");
}

/** Of an edit: the content that takes the place of the target's. Relations in it count for nothing. */
export function newContent(content: AnyContent): AnyContent | undefined {
  const fresh = content["m.new_content"];
  return isRecord(fresh) ? fresh : undefined;
}

export interface Reaction {
  readonly target: EventId;
  /** An emoji, any other text, or the `mxc://` address of a picture. */
  readonly key: string;
  /** The picture's name, without colons. */
  readonly shortcode?: string;
}

export function reactionOf(content: AnyContent): Reaction | undefined {
  const target = related(content, "m.annotation");
  const { key } = relation(content);
  if (target === undefined || typeof key !== "string" || key === "") return undefined;
  const name = content["shortcode"] ?? content["com.beeper.reaction.shortcode"];
  const shortcode =
    typeof name === "string"
      ? name
          .replace(/[\s:\p{Cc}]+/gu, "")
          .slice(0, 100)
          .toWellFormed()
      : "";
  return { target, key: key.slice(0, 255).toWellFormed(), ...(shortcode === "" ? {} : { shortcode }) };
}

/** The poll that a vote or an end is about. */
export function pollTarget(content: AnyContent): EventId | undefined {
  return related(content, "m.reference");
}

/** The answers chosen; empty = the vote is withdrawn; undefined = it is no vote. */
export function pollVote(content: AnyContent): string[] | undefined {
  const unstable = content["org.matrix.msc3381.poll.response"] ?? content["m.poll.response"];
  const answers = content["m.selections"] ?? (isRecord(unstable) ? unstable["answers"] : undefined);
  return Array.isArray(answers) ? [...new Set(answers.filter((answer) => typeof answer === "string"))].slice(0, 20) : undefined;
}
