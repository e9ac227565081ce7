/**
 * Polls as the content of Matrix events (MSC3381). Clients still read the unstable names, so these name the events; the stable blocks
 * stand beside the unstable ones.
 */
import type { EventId } from "../model/ids.ts";
import type { Poll } from "../model/message.ts";
import { oneLine } from "../model/plain.ts";
import { cleanContent } from "./clean.ts";
import type { Content } from "./to-file.ts";

interface Event {
  readonly type: string;
  readonly content: Content;
}

/** More are not read (MSC3381). */
const MOST_ANSWERS = 20;

export function pollContent(poll: Poll): Event {
  const answers = poll.answers.slice(0, MOST_ANSWERS).map(({ id, text }) => ({ id, text: oneLine(text) || id }));
  const question = oneLine(poll.question) || "?";
  const most = Math.min(Math.max(1, Math.round(poll.maxSelections) || 1), answers.length || 1);
  const fallback = [question, ...answers.map(({ text }, index) => `${index + 1}. ${text}`)].join("\n");
  const content = {
    ...textBlocks(fallback),
    "org.matrix.msc3381.poll.start": {
      kind: `org.matrix.msc3381.poll.${poll.disclosed ? "disclosed" : "undisclosed"}`,
      max_selections: most,
      question: { "org.matrix.msc1767.text": question, body: question, msgtype: "m.text" },
      answers: answers.map(({ id, text }) => ({ id, "org.matrix.msc1767.text": text })),
    },
    "m.poll": {
      kind: poll.disclosed ? "m.disclosed" : "m.undisclosed",
      max_selections: most,
      question: { "m.text": [{ body: question }] },
      answers: answers.map(({ id, text }) => ({ "m.id": id, "m.text": [{ body: text }] })),
    },
    body: fallback,
    "m.mentions": {},
  };
  return { type: "org.matrix.msc3381.poll.start", content };
}

/** All the answers that someone now has chosen; none = the vote is withdrawn. */
export function voteContent(poll: EventId, answers: readonly string[]): Event {
  const content = { ...reference(poll), "org.matrix.msc3381.poll.response": { answers: [...answers] }, "m.selections": [...answers] };
  return { type: "org.matrix.msc3381.poll.response", content };
}

/** `results` are lines of text, where the network tells the outcome. */
export function pollEndContent(poll: EventId, results: readonly string[]): Event {
  const fallback = ["The poll has ended.", ...results].join("\n");
  const content = { ...reference(poll), ...textBlocks(fallback), "org.matrix.msc3381.poll.end": {}, body: fallback };
  return { type: "org.matrix.msc3381.poll.end", content: cleanContent(content) };
}

function textBlocks(text: string): Content {
  return { "org.matrix.msc1767.text": text, "m.text": [{ body: text }] };
}

function reference(event: EventId): Content {
  return { "m.relates_to": { rel_type: "m.reference", event_id: event } };
}
