/**
 * One text, its Matrix, Slack, Discord and IRC forms side by side. Each row goes the whole way: from a Matrix event to each network's
 * form, and from there back to a Matrix event. A new network is one more column.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { channelId as discordChannel, userId as discordPerson } from "../bridges/discord/ids.ts";
import { readMarkdown } from "../bridges/discord/markdown.ts";
import { writeMarkdown } from "../bridges/discord/write-markdown.ts";
import { fromFormatting, toLines } from "../bridges/irc/formatting.ts";
import { channelId as ircChannel, nickId } from "../bridges/irc/ids.ts";
import { writeRuns } from "../bridges/irc/runs.ts";
import { readBlocks } from "../bridges/slack/blocks.ts";
import { channelId as slackChannel, personId as slackPerson } from "../bridges/slack/ids.ts";
import type { Known } from "../bridges/slack/known.ts";
import { readMrkdwn } from "../bridges/slack/mrkdwn.ts";
import { writeBlocks } from "../bridges/slack/write-blocks.ts";
import { writeMrkdwn } from "../bridges/slack/write-mrkdwn.ts";
import { fromMatrix } from "../core/matrix/from-matrix.ts";
import { toMatrix } from "../core/matrix/to-matrix.ts";
import { mxid, type RemoteChannelId, type RemoteUserId, remoteMessageId, roomId } from "../core/model/ids.ts";
import type { RichText } from "../core/model/richtext.ts";
import { ALICE, type NetworkName, ROWS, type Row } from "./formatting-rows.ts";

interface Column {
  /** Alice and #general there. */
  readonly alice: RemoteUserId;
  readonly general: RemoteChannelId;
  /** As people and old clients read it. */
  write(body: RichText): string;
  /** What comes back when the network shows us what it was given. */
  reread(body: RichText): RichText;
  /** What people write there. */
  read(text: string): RichText;
}

const known = {
  team: "T1",
  self: { user: "UBOT" },
  firstId: (channel: string) => channel,
  person: () => "alice",
  channel: () => "general",
  group: () => undefined,
  emoji: () => undefined,
  alias: () => undefined,
  isApp: () => false,
} as unknown as Known;

const discordNames = { person: () => "alice", role: () => undefined, channel: () => "general", everyone: true, cdn: "https://cdn.example" };
const alice = nickId("libera", "alice");
const general = ircChannel("libera", "#general");
const ircNames = {
  person: (nick: string) => (nick === "alice" ? { id: alice, name: "alice" } : undefined),
  channel: (name: string) => (name === "#general" ? general : undefined),
};
const writeIrc = (body: RichText) => toLines(body).map(writeRuns).join("\n");

const COLUMNS: Readonly<Record<NetworkName, Column>> = {
  slack: {
    alice: slackPerson("T1", "U1"),
    general: slackChannel("T1", "C1"),
    write: writeMrkdwn,
    reread: (body) => readBlocks(writeBlocks(body), known),
    read: (text) => readMrkdwn(text, known),
  },
  discord: {
    alice: discordPerson("100000000000000001"),
    general: discordChannel("200000000000000001"),
    write: writeMarkdown,
    reread: (body) => readMarkdown(writeMarkdown(body), discordNames),
    read: (text) => readMarkdown(text, discordNames),
  },
  irc: {
    alice,
    general,
    write: writeIrc,
    reread: (body) => fromFormatting(writeIrc(body), ircNames),
    read: (text) => fromFormatting(text, ircNames),
  },
};

const who = mxid("@alice:example.org");
const room = roomId("!general");

function bodyFor(row: Row, column: Column): RichText {
  const html = row.matrix === undefined ? {} : { format: "org.matrix.custom.html", formatted_body: row.matrix };
  const content = { msgtype: "m.text", body: row.text ?? "", ...html, "m.mentions": { user_ids: [who], room: true } };
  const people = new Map([[who, { remote: column.alice, name: "alice" }]]);
  const rooms = new Map([["!general", { remote: column.general, name: "general" }]]);
  return fromMatrix("m.room.message", content, { people, rooms, everyone: true }).body;
}

/** The HTML of the event that comes of it, or its plain text where that says all. */
function toRoom(body: RichText, column: Column): string {
  const happened = {
    kind: "message",
    via: "live",
    at: 0,
    channel: column.general,
    sender: column.alice,
    message: remoteMessageId("1"),
  } as const;
  const people = new Map([[column.alice, { mxid: who, name: "alice" }]]);
  const channels = new Map([[column.general, { room, name: "general", via: ["example.org"] }]]);
  const refs = { people, channels, messages: new Map(), emoji: new Map(), files: [], late: false };
  const [part] = toMatrix({ ...happened, style: "text", body }, refs);
  return (part?.content["formatted_body"] ?? part?.content["body"]) as string;
}

const NETWORKS = Object.keys(COLUMNS) as NetworkName[];

for (const row of ROWS) {
  test(`${row.says}: from Matrix to each network`, () => {
    for (const network of NETWORKS) assert.equal(COLUMNS[network].write(bodyFor(row, COLUMNS[network])), row[network], network);
  });

  test(`${row.says}: from each network back to Matrix`, () => {
    for (const network of NETWORKS) {
      const column = COLUMNS[network];
      const came = toRoom(column.reread(bodyFor(row, column)), column);
      assert.equal(came, row.back?.[network] ?? row.matrix ?? row.text, network);
    }
  });
}

/** What people write on the networks in ways of their own, and what the room sees. */
const INWARD: readonly ({ readonly says: string; readonly matrix: string } & Partial<Record<NetworkName, string>>)[] = [
  {
    says: "a moment",
    slack: "<!date^1700000000^{date_num} {time}|2023-11-14 22:13 UTC>",
    discord: "<t:1700000000:f>",
    matrix: "2023-11-14 22:13 UTC",
  },
  { says: "a code block", slack: "```a\n b```", discord: "```\na\n b\n```", matrix: "<pre><code>a\n b\n</code></pre>" },
  { says: "a mark that is never closed, on Slack", slack: "*a", matrix: "*a" },
  { says: "a mark that is never closed, on Discord", discord: "**a", matrix: "**a" },
  { says: "HTML, which is only text", slack: "&lt;b&gt;a", discord: "<b>a", irc: "<b>a", matrix: "<b>a" },
  { says: "a person by name", irc: "alice: hi", matrix: `${ALICE}: hi` },
  { says: "bold to the end of the line", irc: "\x02a\nb", matrix: "<strong>a</strong><br>b" },
];

for (const row of INWARD) {
  test(`${row.says}: from the networks to Matrix`, () => {
    for (const network of NETWORKS) {
      const text = row[network];
      if (text === undefined) continue;
      assert.equal(toRoom(COLUMNS[network].read(text), COLUMNS[network]), row.matrix, network);
    }
  });
}
