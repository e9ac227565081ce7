/** 8: converters alone: microseconds for a message as people write them, and for the worst that anybody can send. */
import { fromMatrix } from "../core/matrix/from-matrix.ts";
import { toMatrix } from "../core/matrix/to-matrix.ts";
import type { RemoteMessage } from "../core/model/events.ts";
import { mxid, remoteChannelId, remoteMessageId, remoteUserId } from "../core/model/ids.ts";
import type { OutMessage } from "../core/model/message.ts";
import type { RichText } from "../core/model/richtext.ts";
import { readMarkdown } from "../bridges/discord/markdown.ts";
import { capabilities as discordCapabilities } from "../bridges/discord/capabilities.ts";
import { toParts as toDiscord } from "../bridges/discord/to-discord.ts";
import { bestCapabilities } from "../bridges/irc/capabilities.ts";
import { fromFormatting } from "../bridges/irc/formatting.ts";
import { toParts as toIrc } from "../bridges/irc/to-irc.ts";
import { RELAY } from "../bridges/slack/capabilities.ts";
import type { Known } from "../bridges/slack/known.ts";
import { readMrkdwn } from "../bridges/slack/mrkdwn.ts";
import { toParts as toSlack } from "../bridges/slack/to-slack.ts";
import { medianOf } from "./figures.ts";
import type { Wishes } from "./parts.ts";

/** Letters that a message has at most: what Discord (4,000), Slack (40,000), IRC (a line, or some of a batch) and Matrix (an event) take. */
const MOST = { discord: 4_000, slack: 40_000, irc: 8_000, matrix: 60_000 } as const;
const WORST_GOAL = "≤ 5000";

const fill = (pattern: string, length: number): string => pattern.repeat(Math.ceil(length / pattern.length)).slice(0, length);
const PATTERNS = [
  "*",
  "_",
  "**a",
  "*_~`",
  "> ",
  "||",
  "[",
  "[a](",
  "<",
  "<@1> ",
  "`",
  "```\n",
  "- a\n  ",
  "# ",
  "\\",
  "a\n",
  "&amp;",
  ":a:",
  "https://a.b/ ",
];
const TAGS = [
  "<b>",
  "<blockquote>",
  "<ul><li>",
  "<font color='#123456'>",
  "<table><tr><td>",
  "<a href='https://a.b'>",
  "<pre>",
  "<",
  "&",
  "<p>a</p>",
  "<mx-reply>",
];

const names = { person: () => undefined, role: () => undefined, channel: () => undefined, everyone: false, cdn: "https://cdn.example" };
const known: Known = {
  team: "T1",
  self: { user: "U1" },
  firstId: (channel) => channel,
  channel: () => undefined,
  group: () => undefined,
  emoji: () => undefined,
  alias: () => undefined,
  isApp: () => false,
  power: () => 0,
  isOwnDeed: () => false,
};
const speaker = { mxid: mxid("@ann:bench.local"), name: "Ann", own: false };
const said = (body: RichText): OutMessage => ({ speaker, style: "text", body });
const heard = (body: RichText): RemoteMessage => ({
  kind: "message",
  channel: remoteChannelId("n/#c"),
  message: remoteMessageId("m"),
  sender: remoteUserId("n/ann"),
  style: "text",
  body,
  at: 1,
  via: "live",
});
const refs = { people: new Map(), channels: new Map(), messages: new Map(), emoji: new Map(), files: [], late: false };
const html = (formatted: string) => ({ msgtype: "m.text", body: "a", format: "org.matrix.custom.html", formatted_body: formatted });
const fromHtml = (formatted: string): RichText => fromMatrix("m.room.message", html(formatted), {}).body;

const TYPICAL = "And so *it* goes on, a line as **people** write them: see https://example.org/page?x=1, `code` and _more_.";
const TYPICAL_HTML =
  "And so <em>it</em> goes on, a line as <strong>people</strong> write them: see <a href='https://example.org/'>that</a>, <code>code</code>.";

interface Converter {
  run(text: string): unknown;
  readonly typical: string;
  readonly worst: readonly string[];
}

const CONVERTERS: Readonly<Record<string, Converter>> = {
  "Matrix's HTML to text": { run: fromHtml, typical: TYPICAL_HTML, worst: TAGS.map((tag) => fill(tag, MOST.matrix)) },
  "Discord's Markdown to text": { run: (text) => readMarkdown(text, names), typical: TYPICAL, worst: patterns(MOST.discord) },
  "Slack's mrkdwn to text": { run: (text) => readMrkdwn(text, known), typical: TYPICAL, worst: patterns(MOST.slack) },
  "IRC's formatting to text": {
    run: (text) => fromFormatting(text),
    typical: TYPICAL,
    worst: [...patterns(MOST.irc), ...["\x02", "\x0304,05a", "\x1d\x1fa", "\x16"].map((code) => fill(code, MOST.irc))],
  },
  "text to Matrix": of((body) => toMatrix(heard(body), refs)),
  "text to Discord": of((body) => toDiscord(said(body), discordCapabilities)),
  "text to Slack": of((body) => toSlack(said(body), RELAY)),
  "text to IRC": of((body) => toIrc(said(body), bestCapabilities)),
};

function patterns(length: number): string[] {
  return PATTERNS.map((pattern) => fill(pattern, length));
}

/** What writes is given what Matrix's HTML was read as, beforehand. */
function of(write: (body: RichText) => unknown): Converter {
  const read = new Map<string, RichText>();
  const body = (text: string): RichText => {
    const made = read.get(text) ?? fromHtml(text);
    read.set(text, made);
    return made;
  };
  const worst = [...TAGS, "<b>a</b>", "a<br>", "<ol><li>a</li></ol>"].map((tag) => fill(tag, MOST.matrix));
  const run = (text: string) => {
    try {
      return write(body(text));
    } catch (error) {
      // Nothing of it is left to show: an outcome as others are.
      return error;
    }
  };
  return { run, typical: TYPICAL_HTML, worst };
}

export async function converters({ figures, runs, quick }: Wishes): Promise<void> {
  for (const [name, { run, typical, worst }] of Object.entries(CONVERTERS)) {
    for (let round = 0; round < runs; round += 1) {
      figures.add("converters", `${name}: typical`, "µs", timeOf(run, typical, quick ? 200 : 5_000));
      const slowest = Math.max(...worst.map((text) => medianOf(Array.from({ length: 3 }, () => timeOf(run, text, 1)))));
      figures.add("converters", `${name}: worst`, "µs", slowest, WORST_GOAL);
    }
  }
}

/** Microseconds. */
function timeOf(run: (text: string) => unknown, text: string, times: number): number {
  run(text);
  const begun = performance.now();
  for (let time = 0; time < times; time += 1) run(text);
  return ((performance.now() - begun) * 1000) / times;
}
