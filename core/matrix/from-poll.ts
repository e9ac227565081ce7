/** Polls as Matrix clients begin them (MSC3381, under its stable and both of its older names). */
import type { Poll, PollAnswer } from "../model/message.ts";
import { clip, oneLine } from "../model/plain.ts";
import { cleanText } from "./clean.ts";
import { type AnyContent, isRecord } from "./relations.ts";

const DISCLOSED: ReadonlySet<unknown> = new Set(["m.disclosed", "m.poll.disclosed", "org.matrix.msc3381.poll.disclosed"]);
/** More are cut off (MSC3381). */
const MOST_ANSWERS = 20;
const LONGEST = 1000;

/** Undefined = it is no poll that anybody could answer. */
export function pollOf(content: AnyContent): Poll | undefined {
  const start = content["m.poll"] ?? content["org.matrix.msc3381.poll.start"] ?? content["m.poll.start"];
  if (!isRecord(start) || !Array.isArray(start["answers"])) return undefined;
  const answers = start["answers"].slice(0, MOST_ANSWERS).flatMap(answerOf);
  if (answers.length === 0) return undefined;
  const { max_selections: most, question } = start;
  const many = typeof most === "number" && most >= 1 ? Math.min(Math.floor(most), answers.length) : 1;
  return { question: textOf(question) || "?", answers, maxSelections: many, disclosed: DISCLOSED.has(start["kind"]) };
}

/** The same poll for a network, whose answers it may number only. */
export function numbered(poll: Poll): Poll {
  return { ...poll, answers: poll.answers.map(({ text }, place) => ({ id: String(place + 1), text })) };
}

/** What was chosen of a numbered poll, in the poll's own ids. */
export function chosenOf(poll: Poll, numbers: readonly string[]): string[] {
  return numbers.flatMap((number) => poll.answers[Number(number) - 1]?.id ?? []);
}

function answerOf(answer: unknown): PollAnswer[] {
  if (!isRecord(answer)) return [];
  const id = answer["m.id"] ?? answer["id"];
  return typeof id === "string" && id !== "" ? [{ id, text: textOf(answer) || id }] : [];
}

/** The first plain text of an extensible event's block (MSC1767), on one line. */
function textOf(block: unknown): string {
  if (!isRecord(block)) return "";
  const stable = block["m.text"];
  const forms: unknown[] = Array.isArray(stable) ? stable.filter(isPlainForm).map((form) => form["body"]) : [stable];
  const found = [...forms, block["org.matrix.msc1767.text"], block["body"]].find((text) => typeof text === "string");
  return typeof found === "string" ? clip(oneLine(cleanText(found)), LONGEST) : "";
}

function isPlainForm(form: unknown): form is AnyContent {
  return isRecord(form) && (form["mimetype"] === undefined || form["mimetype"] === "text/plain");
}
