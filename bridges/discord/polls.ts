/** Polls, both ways. https://discord.com/developers/docs/resources/poll */
import { type APIEmbed, type APIPoll, ButtonStyle, ComponentType, type RESTAPIPoll } from "discord-api-types/v10";
import type { Poll } from "../../core/model/message.ts";
import { clip, oneLine } from "../../core/model/plain.ts";
import type { PollWire } from "./wire.ts";

/** Discord's limits for a poll that people make. */
const ANSWERS = 10;
const ANSWER = 55;
const QUESTION = 300;
const LONGEST_HOURS = 768;
/** Rows of buttons: five of five. */
const BUTTONS = 25;
const HOUR = 3_600_000;
/** What a button is called by, with the number of its answer. */
export const VOTE = /^vote:(\d{1,2})$/;

export function pollFrom(poll: APIPoll): Poll {
  const closesAt = poll.expiry === null ? Number.NaN : Date.parse(poll.expiry);
  return {
    question: poll.question.text ?? "",
    answers: poll.answers.map(({ answer_id, poll_media }) => ({ id: String(answer_id), text: answerText(poll_media) })),
    maxSelections: poll.allow_multiselect ? Math.max(1, poll.answers.length) : 1,
    disclosed: true,
    ...(Number.isNaN(closesAt) ? {} : { closesAt }),
  };
}

function answerText({ text, emoji }: APIPoll["answers"][number]["poll_media"]): string {
  const sign = emoji?.id ? `:${emoji.name}:` : (emoji?.name ?? "");
  return [sign, text ?? ""].filter((part) => part !== "").join(" ");
}

export function pollWire(poll: Poll): PollWire {
  const answers = poll.answers.map(({ text }) => text.toWellFormed());
  const isText = (text: string, most: number) => text.trim() !== "" && text.length <= most;
  const fits = answers.length <= ANSWERS && answers.every((text) => isText(text, ANSWER)) && isText(poll.question, QUESTION);
  return {
    question: poll.question.toWellFormed(),
    answers,
    multiple: poll.maxSelections > 1,
    ...(poll.closesAt === undefined ? {} : { closesAt: poll.closesAt }),
    ...(fits ? {} : { buttons: true }),
  };
}

/** Whether buttons can hold it at all; else it is text with numbers. */
export function fitsButtons(poll: Poll): boolean {
  return poll.answers.length <= BUTTONS;
}

export function pollRequest(wire: PollWire, now: number): RESTAPIPoll {
  const left = wire.closesAt === undefined ? LONGEST_HOURS : Math.ceil((wire.closesAt - now) / HOUR);
  return {
    question: { text: wire.question },
    answers: wire.answers.map((text) => ({ poll_media: { text } })),
    duration: Math.max(1, Math.min(LONGEST_HOURS, left)),
    allow_multiselect: wire.multiple,
  };
}

/** One button an answer, five a row. What is pressed comes back as an interaction. */
export function buttonRows(wire: PollWire): object[] {
  const buttons = wire.answers.map((text, index) => ({
    type: ComponentType.Button,
    style: ButtonStyle.Secondary,
    label: clip(oneLine(text).trim(), 80) || String(index + 1),
    custom_id: `vote:${index + 1}`,
  }));
  const rows: object[] = [];
  for (let at = 0; at < buttons.length; at += 5) rows.push({ type: ComponentType.ActionRow, components: buttons.slice(at, at + 5) });
  return rows;
}

/** What stands on the buttons of such a poll, in order; empty = it is none. */
export function buttonLabels({ components }: { readonly components?: unknown }): string[] {
  return listIn(components)
    .flatMap((row) => listIn((row as { readonly components?: unknown } | null)?.components))
    .flatMap((one) => {
      const { custom_id, label } = (one ?? {}) as { readonly custom_id?: unknown; readonly label?: unknown };
      if (typeof custom_id !== "string" || !VOTE.test(custom_id)) return [];
      return typeof label === "string" ? label : "";
    });
}

function listIn(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** What somebody's last press of a button has come to. Not told again by Discord, so kept for each person, as `votes:<message>`. */
export interface Choice {
  /** Absent = taken back. */
  readonly answer?: string;
  /** The press. */
  readonly by?: string;
}

/** Older runs kept the answer alone. */
export function choiceFrom(kept: unknown): Choice {
  return typeof kept === "string" ? { answer: kept } : ((kept ?? {}) as Choice);
}

/** Everybody's answers, from all that is kept of a poll. */
export function chosenBy(kept: unknown): string[] {
  return Object.values((kept ?? {}) as Record<string, unknown>).flatMap((one) => choiceFrom(one).answer ?? []);
}

/** One line each, from the embed of a `POLL_RESULT` message. https://discord.com/developers/docs/resources/message#embed-fields-by-embed-type-poll-result-embed-fields */
export function pollResults(embeds: readonly APIEmbed[]): string[] {
  const fields = new Map(embeds.flatMap((embed) => embed.fields ?? []).map(({ name, value }) => [name, value]));
  const total = fields.get("total_votes") ?? "0";
  const winner = fields.get("victor_answer_text");
  const votes = fields.get("victor_answer_votes") ?? "0";
  if (winner === undefined) return [Number(total) === 0 ? "Nobody voted." : `A draw, ${total} votes.`];
  return [`${winner}: ${votes} of ${total} votes`];
}
