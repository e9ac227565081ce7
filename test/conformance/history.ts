import assert from "node:assert/strict";
import { test } from "node:test";
import { compareCursors, type Cursor, type RemoteEvent } from "../../core/model/events.ts";
import type { Connection } from "../../core/network.ts";
import type { RemoteChannelId } from "../../core/model/ids.ts";
import type { Harness } from "./harness.ts";
import { type Live, textOf, whenLive, word } from "./live.ts";

export interface Past {
  readonly events: readonly RemoteEvent[];
  readonly pages: number;
  readonly complete: boolean;
}

/** All of the history after a place, as core reads it: page by page, until there is no next one. */
export async function readPast(connection: Connection, channel: RemoteChannelId, after: Cursor): Promise<Past> {
  const events: RemoteEvent[] = [];
  let complete = true;
  for (let pages = 1, cursor = after; ; pages++) {
    assert.ok(connection.history && pages < 200, "history comes to an end");
    const page = await connection.history(channel, cursor);
    events.push(...page.events);
    complete &&= page.complete;
    if (!page.complete) assert.match(page.why ?? "", /\S+ \S+/, "what may be missing is said in a sentence");
    if (page.next === undefined) return { events, pages, complete };
    assert.notEqual(page.next, cursor, "the next page is another one");
    cursor = page.next;
  }
}

/** The place where the channel's history stands now. */
export async function now(live: Live): Promise<Cursor> {
  const latest = (await live.connection.channel(live.scene.channel))?.latest;
  return latest ?? assert.fail("a channel with a history tells its latest place");
}

/** History: oldest first, whole, in pages, and told so that nothing is taken in twice. */
export function historyPromises<Config>(harness: Harness<Config>): void {
  const inEmptyHistory = (name: string, run: (live: Live<Config>) => Promise<void>): void => {
    test(
      name,
      whenLive(harness, async (live) => {
        if (live.capabilities.history === "refused") return assert.equal(harness.page, undefined, "who keeps a history says so");
        assert.ok(live.connection.history && harness.page, "a history can be read, and the harness tells the size of a page");
        await run(live);
      }),
    );
  };
  const inHistory = (name: string, run: (live: Live<Config>) => Promise<void>): void =>
    inEmptyHistory(name, async (live) => {
      await live.scene.alice.say(word("first"));
      await live.caughtUp();
      await run(live);
    });

  inEmptyHistory("a channel in which nothing was ever said has a latest place too: history begins there", async (live) => {
    const since = await now(live);
    const texts = [word("begin"), word("begin")];
    for (const text of texts) await live.scene.alice.say(text);
    await live.hears(texts[1] as string);
    assert.deepEqual(saidIn((await readPast(live.connection, live.scene.channel, since)).events, "begin"), texts);
  });

  inHistory("nothing has happened since the latest place", async (live) => {
    assert.deepEqual((await readPast(live.connection, live.scene.channel, await now(live))).events, []);
  });

  inHistory("what was heard live stands in the history under the same subject", async (live) => {
    const since = await now(live);
    const words = Array.from({ length: 3 }, () => word("said"));
    for (const text of words) await live.scene.alice.say(text);
    const heard = await Promise.all(words.map((text) => live.hears(text)));
    const past = (await readPast(live.connection, live.scene.channel, since)).events.filter((event) => event.kind === "message");
    assert.deepEqual(past.map(facts), heard.map(facts));
    for (const event of past) {
      assert.equal(event.via, "history");
      assert.ok(event.subject && event.cursor, "a subject and a place");
    }
  });

  inHistory("our own messages are marked as ours there too", async (live) => {
    const since = await now(live);
    const text = word("mine");
    const { id } = await live.say(text);
    const past = (await readPast(live.connection, live.scene.channel, since)).events;
    const mine = past.filter((event) => event.kind === "message" && (event.message === id || textOf(event.body).includes(text)));
    for (const event of mine) assert.ok(event.echo);
  });

  inHistory("many messages come in pages, oldest first, none twice and none missing", async (live) => {
    const since = await now(live);
    const words = Array.from({ length: 2 * (harness.page as number) + 1 }, () => word("page"));
    for (const text of words) await live.scene.alice.say(text);
    const past = await readPast(live.connection, live.scene.channel, since);
    assert.deepEqual(saidIn(past.events, "page"), words);
    assert.ok(past.complete);
    assert.ok(past.pages >= 3, `${words.length} messages in ${past.pages} pages`);
    const cursors = past.events.flatMap(({ cursor }) => (cursor === undefined ? [] : [cursor]));
    for (const [index, cursor] of cursors.entries()) if (index > 0) assert.ok(compareCursors(cursors[index - 1] as string, cursor) <= 0);
  });

  inHistory("reading goes on from the place of any message", async (live) => {
    const since = await now(live);
    for (const text of ["placea1", "placeb2", "placec3"]) await live.scene.alice.say(text);
    const all = (await readPast(live.connection, live.scene.channel, since)).events;
    const middle = all.find((event) => event.kind === "message" && textOf(event.body).includes("placeb2"));
    assert.ok(middle?.cursor);
    const rest = (await readPast(live.connection, live.scene.channel, middle.cursor)).events;
    assert.deepEqual(saidIn(rest, "place"), ["placec3"]);
  });

  inHistory("the place just before a message is where reading begins with that message", async (live) => {
    const { alice, channel } = live.scene;
    if (!live.connection.before) return;
    const words = [word("just"), word("just"), word("just")];
    const [, second] = [await alice.say(words[0] as string), await alice.say(words[1] as string), await alice.say(words[2] as string)];
    assert.ok(second);
    const place = live.connection.before(channel, second, live.core.clock.now());
    if (place === undefined) return;
    const said = saidIn((await readPast(live.connection, channel, place)).events, "just");
    // Where places are times, it lies somewhat earlier: clocks differ.
    assert.deepEqual(live.connection.forgets ? said.slice(-2) : said, words.slice(1));
  });

  inHistory("a message that has reactions is followed by who reacted", async (live) => {
    const { alice, bob } = live.scene;
    const since = await now(live);
    const id = await alice.say(word("liked"));
    if (id === undefined || !bob.react || !alice.react) return;
    await bob.react(id, "👍");
    await alice.react(id, "👍");
    const past = (await readPast(live.connection, live.scene.channel, since)).events;
    const index = past.findIndex((event) => event.kind === "message" && event.message === id);
    const next = past[index + 1];
    assert.ok(next?.kind === "reactions-are" && next.message === id, JSON.stringify(next));
    const people = next.reactions.find(({ key }) => key.kind === "unicode" && key.text === "👍")?.people ?? [];
    assert.deepEqual([...people].sort(), [alice.id, bob.id].sort());
  });

  inHistory("what was said in threads is there, and says which", async (live) => {
    if (live.capabilities.thread !== "full") return;
    const since = await now(live);
    const [root, aside, later] = [word("root"), word("aside"), word("later")];
    const id = await live.scene.alice.say(root);
    assert.ok(id);
    await live.scene.bob.say(aside, { threadOf: id });
    await live.scene.alice.say(later);
    const heard = await live.hears(aside);
    const past = (await readPast(live.connection, live.scene.channel, since)).events.filter((event) => event.kind === "message");
    const found = past.find((event) => textOf(event.body).includes(aside));
    assert.ok(found, "the aside is in the history");
    assert.equal(found.thread?.id, heard.thread?.id);
    assert.equal(found.subject, heard.subject);
  });
}

const facts = (event: RemoteEvent) =>
  event.kind === "message" && { subject: event.subject, message: event.message, sender: event.sender, at: event.at, body: event.body };

function saidIn(events: readonly RemoteEvent[], hint: string): readonly string[] {
  return events.flatMap((event) => (event.kind === "message" ? (textOf(event.body).match(new RegExp(`${hint}\\w+`, "g")) ?? []) : []));
}
