/** What real servers sent, line by line, and what becomes of it. We are `bridge`; Dave is an operator of #causeway. */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { suite, test, type TestContext } from "node:test";
import type { RemoteEvent } from "../../core/model/events.ts";
import { toPlain } from "../../core/model/plain.ts";
import { ergo, FakeIrc, inspircd, plain } from "../fakes/irc.ts";
import { causeway, type Stage, stage } from "./stage.ts";

const FOLDER = new URL("../fixtures/irc/", import.meta.url);
const profiles = { inspircd, ngircd: plain, ergo };
type ServerName = keyof typeof profiles;

const linesOf = (name: string): string[] =>
  readFileSync(new URL(`${name}.txt`, FOLDER), "utf8")
    .split("\n")
    .filter(Boolean);

/** 005 tokens, as the server sent them. */
const isupportOf = (server: ServerName): string[] =>
  linesOf(`${server}-isupport`).flatMap((line) =>
    line
      .replace(/^.* 005 \S+ /, "")
      .replace(/ :are .*$/, "")
      .split(" "),
  );

async function play(t: TestContext, server: ServerName, what: string): Promise<Stage> {
  const fake = await FakeIrc.start({ profile: profiles[server] });
  fake.faults.isupport = isupportOf(server);
  const [dave] = ["Dave", "Erin"].map((nick) => fake.person(nick).join("#causeway"));
  const bridge = await stage(t, { server: fake, config: { nick: "bridge" } });
  await bridge.connection.join(causeway);
  dave?.say("#causeway", "here I am");
  await bridge.caughtUp();
  bridge.core.offered.length = 0;
  const client = fake.client("bridge");
  for (const line of linesOf(`${server}-${what}`)) client?.raw(line);
  // One more line, so that everything before it has been taken in.
  client?.raw(":marker!m@h PRIVMSG #causeway :the end");
  await bridge.heard("message", ({ body }) => toPlain(body) === "the end");
  return bridge;
}

/** Events in few words. */
function inWords(event: RemoteEvent): string {
  switch (event.kind) {
    case "message":
      return `${event.sender} ${event.style} ${JSON.stringify(toPlain(event.body))}${event.replyTo ? ` to ${event.replyTo.message}` : ""}${event.direct ? " in private" : ""}${event.echo ? " (ours)" : ""}`;
    case "membership":
      return `${event.change} ${event.person}${event.by ? ` by ${event.by}` : ""}${event.reason ? ` (${event.reason})` : ""}`;
    case "channel-changed":
      return `${JSON.stringify(event.facts)}${event.by ? ` by ${event.by}` : ""}`;
    case "react":
      return `${event.sender} ${event.kind} ${JSON.stringify(event.key)} to ${event.message}`;
    case "typing":
      return `${event.sender} types for ${event.for}`;
    case "id-changed":
      return `${event.from} is ${event.to.id} (${event.to.name})`;
    case "delete":
      return `${event.by} deletes ${event.messages.join()}`;
    default:
      return event.kind;
  }
}

/** By the time of these files Dave had signed in, which the first line of his tells. */
const SIGNED_IN = "real/dave is real/+dave (Dave)";
/** What InspIRCd leaves of a line of 600 letters. */
const LEFT = linesOf("inspircd-a-line-that-is-too-long").join().match(/x+$/)?.[0].length ?? 0;
const open = '{"visibility":"public","unlisted":false,"moderated":false}';
const closed = '{"visibility":"private","unlisted":false,"moderated":false}';

/** What each file becomes; the same on all servers unless one is named. */
const expected: Readonly<Record<string, readonly string[] | Partial<Record<ServerName, readonly string[]>>>> = {
  "somebody-joins": ["join real/dave"],
  "a-message": ['real/dave text "good morning, bold red"'],
  "an-action": ['real/dave emote "waves"'],
  "a-notice": ['real/dave notice "beep"'],
  "a-private-message": ['real/dave text "psst" in private'],
  "a-topic": ['{"topic":"Wicks and oil"} by real/dave'],
  "ranks-and-modes": [
    '{"visibility":"public","unlisted":false,"moderated":true} by real/dave',
    `${closed} by real/dave`,
    `${open} by real/dave`,
  ],
  "our-own-echo": { ngircd: [], inspircd: ['real/bridge text "said by us" (ours)'], ergo: ['real/bridge text "said by us" (ours)'] },
  "a-message-to-nobody": [],
  "a-reply": ['real/dave text "an answer" to abc'],
  "a-reaction": ['real/dave react {"kind":"unicode","text":"👍"} to abc'],
  typing: ["real/dave types for 6000"],
  "a-message-of-several-lines": ['real/dave text "one\\ntwo and a half"'],
  "a-rename": ["real/dave is real/dave2 (Dave2)", "real/dave2 is real/dave (Dave)"],
  away: [],
  "a-ban-and-a-kick": ["join real/erin", "ban real/erin by real/dave", "kick real/erin by real/dave (too loud)"],
  "an-invitation": [`${closed} by real/dave`, `${open} by real/dave`],
  "somebody-signs-in": [SIGNED_IN, 'real/+dave text "signed in"'],
  "a-deletion": [SIGNED_IN, 'real/+dave text "oops"', "real/+dave deletes byym5fp3dk9dbfatg7bkgh8v7a"],
  history: [],
  "a-line-that-is-too-long": { inspircd: [`real/bridge text "${"x".repeat(LEFT)}" (ours)`], ergo: [], ngircd: [] },
  "who-is-there": {
    inspircd: [SIGNED_IN, `{"name":"#causeway",${open.slice(1)}`],
    ergo: [SIGNED_IN, `{"name":"#causeway",${open.slice(1)}`],
  },
  "a-quit": { inspircd: [SIGNED_IN, "leave real/+dave (good night)"], ergo: [SIGNED_IN, "leave real/+dave (Quit: good night)"] },
};

suite("what real servers send", () => {
  const files = readdirSync(FOLDER).map((name) => name.replace(/\.txt$/, ""));
  for (const file of files.filter((name) => !/-(isupport|capabilities)$/.test(name))) {
    const [server, what] = [file.slice(0, file.indexOf("-")) as ServerName, file.slice(file.indexOf("-") + 1)];
    test(`${what.replaceAll("-", " ")} (${server})`, async (t) => {
      const bridge = await play(t, server, what);
      const wanted = expected[what];
      assert.ok(wanted, `say what becomes of ${file}`);
      const events = bridge.events.slice(0, -1).filter((event) => !("facts" in event && event.facts.powers));
      const words = events.map((event) => inWords(event).replaceAll("fake/", "real/"));
      assert.deepEqual(words, "length" in wanted ? wanted : wanted[server]);
    });
  }
});

test("what servers say of themselves is understood", async (t) => {
  for (const server of ["inspircd", "ngircd", "ergo"] as const) {
    const fake = await FakeIrc.start({ profile: profiles[server] });
    fake.faults.isupport = isupportOf(server);
    const { connection } = await stage(t, { server: fake });
    assert.equal(connection.capabilities(causeway).history === "full", server === "ergo");
  }
});
