/** A poll as a message with buttons: its blocks, the votes that buttons send, and the results that are edited in. */
import type { KnownBlock, SectionBlock } from "@slack/types";
import type { Poll } from "../../core/model/message.ts";
import { clip } from "../../core/model/plain.ts";
import { BLOCKS, BLOCKS_LENGTH } from "./capabilities.ts";
import { decoded, escaped } from "./mrkdwn.ts";
import { filled, type Json, number, record, records, string } from "./wire.ts";
import { clean } from "./write-blocks.ts";

const VOTE = "causeway_vote";
/** The block of the question says what a vote has to know: how many answers count, and whether results are shown before the end. */
const QUESTION = /^causeway_poll:(\d{1,3}):([01])$/;
/** A section takes 3000 characters, and an escaped one is five. */
const LONGEST = 590;

/** Question, answers and a line below them. Answers beyond what one message holds are refused by the caller. */
export const MOST_ANSWERS = BLOCKS - 2;

export function writePoll(poll: Poll): KnownBlock[] {
  return fitting((room) => pollBlocks(poll, room));
}

/** Texts are cut until all of them together fit into a message. */
function fitting(write: (room: number) => KnownBlock[]): KnownBlock[] {
  for (let room = LONGEST; ; room = Math.floor(room * 0.7)) {
    const blocks = write(room);
    if (JSON.stringify(blocks).length <= BLOCKS_LENGTH || room < 10) return blocks;
  }
}

function pollBlocks(poll: Poll, room: number): KnownBlock[] {
  const question: SectionBlock = {
    type: "section",
    block_id: `causeway_poll:${Math.min(poll.maxSelections, 999)}:${poll.disclosed ? 1 : 0}`,
    text: { type: "mrkdwn", text: `*${shown(poll.question, room)}*` },
  };
  const answers = poll.answers.map<SectionBlock>((answer, index) => ({
    type: "section",
    block_id: `causeway_answer:${index}`,
    text: { type: "mrkdwn", text: shown(answer.text, room) },
    accessory: { type: "button", action_id: VOTE, text: { type: "plain_text", text: "Vote" }, value: answer.id },
  }));
  return [question, ...answers, footer(poll.maxSelections > 1 ? `Up to ${poll.maxSelections} answers each.` : "One answer each.")];
}

function shown(text: string, room: number): string {
  return escaped(clip(clean(text).replace(/\s+/g, " ").trim(), room)) || " ";
}

function footer(text: string): KnownBlock {
  return { type: "context", block_id: "causeway_footer", elements: [{ type: "mrkdwn", text }] };
}

export interface Pressed {
  readonly channel: string;
  readonly message: string;
  readonly user: string;
  readonly answer: string;
  readonly maxSelections: number;
}

/** A press of one of our poll's buttons. https://docs.slack.dev/reference/interaction-payloads/block_actions-payload */
export function readPressed(payload: Json): Pressed | undefined {
  const action = records(payload.actions).find((each) => each.action_id === VOTE);
  const message = record(payload.message);
  const channel = filled(record(payload.channel).id) ?? filled(record(payload.container).channel_id);
  const ts = filled(message.ts) ?? filled(record(payload.container).message_ts);
  const user = filled(record(payload.user).id);
  if (!action || channel === undefined || ts === undefined || user === undefined) return undefined;
  const settings = records(message.blocks)
    .map((block) => QUESTION.exec(string(block.block_id)))
    .find((match) => match !== null);
  return { channel, message: ts, user, answer: string(action.value), maxSelections: Number(settings?.[1] ?? 1) };
}

/** What someone has chosen after pressing once more: the same again takes it back, one too many lets the first go. */
export function chosen(before: readonly string[], pressed: string, maxSelections: number): string[] {
  if (before.includes(pressed)) return before.filter((answer) => answer !== pressed);
  return [...before, pressed].slice(-Math.max(1, maxSelections));
}

export interface Tally {
  readonly tally: readonly { readonly text: string; readonly votes: number }[];
  readonly closed: boolean;
}

/** The answers of a poll as it stands in the channel. A closed one has none that could be chosen. */
export function answersIn(blocks: unknown): readonly { readonly id: string; readonly text: string }[] {
  return records(blocks)
    .filter((block) => record(block.accessory).action_id === VOTE)
    .map((block) => ({
      id: string(record(block.accessory).value),
      text: decoded(string(record(block.text).text).replace(/ — \*\d+\*$/, "")),
    }));
}

/** The blocks of a poll as it stands in the channel, with the results in them. Undefined = these are no poll's blocks. */
export function tallied(blocks: unknown, { tally, closed }: Tally): KnownBlock[] | undefined {
  const question = records(blocks).find((block) => QUESTION.test(string(block.block_id)));
  if (!question) return undefined;
  const [, , disclosed] = QUESTION.exec(string(question.block_id)) ?? [];
  const counted = closed || disclosed === "1";
  const buttons = records(blocks).filter((block) => record(block.accessory).action_id === VOTE);
  const answers = (room: number) =>
    tally.map<SectionBlock>(({ text, votes }, index) => ({
      type: "section",
      block_id: `causeway_answer:${index}`,
      text: { type: "mrkdwn", text: shown(text, room) + (counted ? ` — *${votes}*` : "") },
      ...(closed || !buttons[index] ? {} : { accessory: buttons[index].accessory as NonNullable<SectionBlock["accessory"]> }),
    }));
  const total = tally.reduce((sum, { votes }) => sum + (number(votes) ?? 0), 0);
  const count = total === 1 ? "1 vote" : `${total} votes`;
  const below = footer(closed ? `The poll is closed: ${count}.` : `${count}.`);
  return fitting((room) => [question as unknown as SectionBlock, ...answers(room), below]);
}
