/** Every parser and converter of the bridge, each with what it is fed and what is asked of it. */
import { readBlocks } from "../../bridges/slack/blocks.ts";
import { fromEvent } from "../../bridges/slack/from-slack.ts";
import { readMrkdwn } from "../../bridges/slack/mrkdwn.ts";
import { BEST as slackCapabilities } from "../../bridges/slack/capabilities.ts";
import * as slackOut from "../../bridges/slack/to-slack.ts";
import type { GatewayMessage } from "../../bridges/discord/from-discord.ts";
import { channelId as discordChannel } from "../../bridges/discord/ids.ts";
import { discord } from "../../bridges/discord/index.ts";
import { readMarkdown } from "../../bridges/discord/markdown.ts";
import type { SayWire } from "../../bridges/discord/wire.ts";
import { legible } from "../../bridges/discord/unreadable.ts";
import type { View } from "../../bridges/discord/view.ts";
import { bestCapabilities, plainCapabilities } from "../../bridges/irc/capabilities.ts";
import { fromFormatting } from "../../bridges/irc/formatting.ts";
import * as ircIds from "../../bridges/irc/ids.ts";
import { readLine, writeLine } from "../../bridges/irc/line.ts";
import { type IrcWire, toParts as toIrc } from "../../bridges/irc/to-irc.ts";
import { readEphemeral, readEvent } from "../../core/matrix/event.ts";
import { editTarget, fromMatrix, mentionedIn, newContent, reactionOf, replyTarget, threadRoot } from "../../core/matrix/from-matrix.ts";
import { parseHtml } from "../../core/matrix/html-parse.ts";
import { escapeAlias, escapeLocalpart, unescapeAlias, unescapeLocalpart } from "../../core/matrix/namespace.ts";
import { readMatrixLink, writeMatrixLink } from "../../core/matrix/uri.ts";
import { Refused } from "../../core/model/errors.ts";
import { mxid, remoteUserId } from "../../core/model/ids.ts";
import type { OutMessage } from "../../core/model/message.ts";
import { delivered, lanterns } from "../slack/fixtures.ts";
import type { Chance } from "../core/seeded.ts";
import { anyText, bytes, linesIn, markup, mutated, payloads, scratched } from "./inputs.ts";
import { require, rings, soundLine, soundText } from "./promises.ts";
import { html } from "../core/random-text.ts";

export interface Target {
  readonly name: string;
  /** Makes one input. */
  input(chance: Chance): unknown;
  /** Throws when something does not hold. */
  feed(input: never): void;
}

const target = <Input>(name: string, input: (chance: Chance) => Input, feed: (input: Input) => void): Target => ({
  name,
  input,
  feed: feed as (input: never) => void,
});

const view: View = {
  me: "159985870458322944",
  application: "159985870458322944",
  cdn: "https://cdn.discordapp.com",
  guild: "290926798626357999",
  system: true,
  person: () => undefined,
  role: () => undefined,
  channel: () => undefined,
};

/** What a person on Matrix writes, as HTML or not, with or without people in it who may be rung. */
function said(chance: Chance): Record<string, unknown> {
  const plain = { msgtype: chance.pick(["m.text", "m.notice", "m.emote"]), body: anyText(chance) };
  const formatted = chance.once(2)
    ? { format: "org.matrix.custom.html", formatted_body: chance.once(2) ? html(chance) : markup(chance) }
    : {};
  return { ...plain, ...formatted, ...(chance.once(3) ? { "m.mentions": { user_ids: ["@bob:example.org"] } } : {}) };
}

const bob = mxid("@bob:example.org");

function outOf(content: Record<string, unknown>, remote: string): OutMessage {
  const people = new Map([[bob, { remote: remoteUserId(remote), name: "Bob" }]]);
  const { style, body } = fromMatrix("m.room.message", content, { people, everyone: false });
  return { speaker: { mxid: mxid("@alice:example.org"), name: "Alice", own: false }, style, body };
}

/** Nothing to show is an answer too. */
function unlessRefused<Result>(work: () => Result): Result | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof Refused) return undefined;
    throw error;
  }
}

function slackTakes(content: Record<string, unknown>): void {
  const message = outOf(content, "T024BE7LD/U1");
  for (const { wire } of unlessRefused(() => slackOut.toParts(message, slackCapabilities)) ?? []) {
    const live = marked(wire).join("\n");
    const written = JSON.stringify(wire);
    require(!/<!(?:channel|here|everyone|subteam)/.test(live), `it rings everybody on Slack: ${live.slice(0, 200)}`);
    require(!/"type":"(?:broadcast|usergroup)"/.test(written), "it rings a group on Slack");
    if (!rings(message.body))
      require(!/<@[UW]/.test(live) && !/"type":"user"/.test(written), "it rings somebody on Slack who was not named");
  }
}

/** Texts in which Slack looks for its marks: those of blocks it takes as they are. */
function marked(wire: unknown): string[] {
  const found: string[] = [];
  const waiting = [wire];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (typeof next !== "object" || next === null) continue;
    const { type, text, comment } = next as { type?: unknown; text?: unknown; comment?: unknown };
    for (const one of [type === undefined || type === "mrkdwn" ? text : undefined, comment]) if (typeof one === "string") found.push(one);
    waiting.push(...Object.values(next));
  }
  return found;
}

const discordAble = discord.capabilities;

function discordTakes(content: Record<string, unknown>): void {
  const message = outOf(content, "80351110224678912");
  for (const part of unlessRefused(() => discord.toParts(message, discordAble)) ?? []) {
    const wire = part.wire as SayWire;
    require(!wire.everyone, "it rings everybody on Discord");
    if (!rings(message.body)) require(wire.users.length === 0, "it rings somebody on Discord who was not named");
    const length = wire.content.length + Math.max(wire.quote?.length ?? 0, wire.name?.length ?? 0);
    require(length <= 2_010, `too long for Discord: ${length}`);
  }
}

function ircTakes({ content, plain }: { content: Record<string, unknown>; plain: boolean }): void {
  const message = outOf(content, "one/bob");
  for (const part of unlessRefused(() => toIrc(message, plain ? plainCapabilities : bestCapabilities)) ?? []) {
    const wire = part.wire as IrcWire;
    for (const { text } of wire.lines) {
      soundLine(text);
      soundLine(writeLine(wire.command, ["#channel", text]));
      require(!text.includes("\x01"), "a machine's command hides in a line");
    }
  }
}

const slackEvents = payloads("slack/{events,messages,cases}/*.json", "event");
const slackBlocks = payloads("slack/{blocks,elements,rich-text}/*.json", "block");
const discordMessages = payloads("discord/{messages,components,embeds,stickers}/*.json", "payload");
const ircLines = linesIn("irc/*.txt");

function slackEvent(event: unknown): void {
  for (const remote of fromEvent(delivered(event as never), lanterns)) {
    if ("body" in remote) soundText(remote.body);
    JSON.stringify(remote);
  }
}

function discordMessage(message: unknown): void {
  const stand = { channel: discordChannel("290926798999357250") };
  for (const remote of legible(message as GatewayMessage, view, stand, { via: "live" }, () => undefined)) {
    if ("body" in remote) soundText(remote.body);
    JSON.stringify(remote);
  }
}

function matrixEvent(text: string): void {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return;
  }
  readEphemeral(json);
  const event = readEvent(json);
  if (!event) return;
  for (const read of [replyTarget, threadRoot, editTarget, newContent, reactionOf, mentionedIn]) read(event.content);
  soundText(fromMatrix(event.type, event.content, {}).body);
}

const MATRIX_EVENT = {
  type: "m.room.message",
  event_id: "$event",
  room_id: "!room:example.org",
  sender: "@alice:example.org",
  origin_server_ts: 1_700_000_000_000,
  unsigned: { age: 1, prev_content: { membership: "join" } },
  content: {
    msgtype: "m.image",
    body: "a picture",
    format: "org.matrix.custom.html",
    formatted_body: "<b>a</b> picture",
    url: "mxc://a/b",
    info: { w: 1, h: 1, size: 1, mimetype: "image/png", thumbnail_url: "mxc://a/c" },
    "m.mentions": { user_ids: ["@bob:example.org"], room: true },
    "m.relates_to": { rel_type: "m.thread", event_id: "$root", is_falling_back: true, "m.in_reply_to": { event_id: "$reply" } },
    "m.new_content": { msgtype: "m.text", body: "new" },
  },
};

/** What a server lets somebody be called. */
const NICK = /[A-Za-z[\]\\`_^{|}][A-Za-z0-9[\]\\`_^{|}-]{0,30}/;

function roundTrip(input: string): void {
  const text = input.toWellFormed();
  require(unescapeLocalpart(escapeLocalpart(text)) === text, `a name does not come back: ${JSON.stringify(text)}`);
  require(unescapeAlias(escapeAlias(text)) === text, `an alias does not come back: ${JSON.stringify(text)}`);
  const nick = NICK.exec(text)?.[0];
  if (nick !== undefined) {
    require(ircIds.readPersonId(ircIds.nickId("one", nick))?.nick === nick, `a nick does not come back: ${JSON.stringify(nick)}`);
  }
  const link = readMatrixLink(text);
  if (link) require(JSON.stringify(readMatrixLink(writeMatrixLink(link))) === JSON.stringify(link), `a link does not come back: ${text}`);
}

export const targets: readonly Target[] = [
  target(
    "Matrix HTML",
    (chance) => (chance.once(2) ? html(chance) : anyText(chance)),
    (text) => soundText(parseHtml(text)),
  ),
  target("Matrix events", (chance) => (chance.once(8) ? bytes(chance) : JSON.stringify(mutated(chance, MATRIX_EVENT))), matrixEvent),
  target("Slack events", (chance) => mutated(chance, chance.pick(slackEvents), chance.pick(slackEvents)), slackEvent),
  target(
    "Slack blocks",
    (chance) => mutated(chance, chance.pick(slackBlocks), chance.pick(slackBlocks)),
    (block) => soundText(readBlocks([block], lanterns)),
  ),
  target("Slack mrkdwn", anyText, (text) => soundText(readMrkdwn(text, lanterns))),
  target("Discord messages", (chance) => mutated(chance, chance.pick(discordMessages), chance.pick(discordMessages)), discordMessage),
  target("Discord markdown", anyText, (text) => soundText(readMarkdown(text, { ...view, everyone: false }))),
  target(
    "IRC lines",
    (chance) => (chance.once(4) ? bytes(chance) : scratched(chance, chance.pick(ircLines))),
    (text) => {
      const line = readLine(text);
      soundText(fromFormatting(line.params.at(-1) ?? ""));
    },
  ),
  target("IRC formatting", anyText, (text) => soundText(fromFormatting(text))),
  target("to Slack", said, slackTakes),
  target("to Discord", said, discordTakes),
  target("to IRC", (chance) => ({ content: said(chance), plain: chance.once(2) }), ircTakes),
  target("ids and links", (chance) => (chance.once(2) ? anyText(chance) : `https://matrix.to/#/${markup(chance)}`), roundTrip),
];
