/** Catching up: what was said, threads among it, from wherever core left off. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Cursor, RemoteEvent } from "../../core/model/events.ts";
import type { HistoryPage } from "../../core/network.ts";
import { toPlain } from "../../core/model/plain.ts";
import { Refused } from "../../core/model/errors.ts";
import { idOf, live, type Live } from "./stage.ts";

/** Every page from the place on, one after the other. */
async function caughtUp(alive: Live, after: Cursor): Promise<{ events: RemoteEvent[]; complete: boolean; why: string; pages: number }> {
  const events: RemoteEvent[] = [];
  let complete = true;
  let why = "";
  let pages = 0;
  for (let at: Cursor | undefined = after; at !== undefined; pages++) {
    const page: HistoryPage | undefined = await alive.connection.history?.(alive.place, at);
    assert.ok(page && pages < 100);
    events.push(...page.events);
    complete &&= page.complete;
    why += page.why ?? "";
    assert.ok(page.next === undefined || page.next > at, "it goes on");
    at = page.next;
  }
  return { events, complete, why, pages };
}

const texts = (events: readonly RemoteEvent[]): string[] =>
  events.flatMap((event) => (event.kind === "message" ? [toPlain(event.body)] : []));
const BEGINNING = "0000000000.000000";

test("what was said is told oldest first, each message once, replies where they were said", async (t) => {
  const alive = await live(t);
  const { alice, bob, channel } = alive.stage;
  const root = alice.say(channel, "one");
  alice.say(channel, "two");
  bob.say(channel, "three, below one", { thread: root.ts });
  bob.say(channel, "four, below one and for all", { thread: root.ts, broadcast: true });
  alice.say(channel, "five");
  const { events, complete } = await caughtUp(alive, BEGINNING);
  assert.deepEqual(texts(events), ["one", "two", "three, below one", "four, below one and for all", "five"]);
  assert.ok(complete && events.every(({ via }) => via === "history"));
});

test("from a place on: neither that message nor those before it", async (t) => {
  const alive = await live(t);
  const { alice, channel } = alive.stage;
  alice.say(channel, "before");
  const seen = alice.say(channel, "seen");
  alice.say(channel, "after");
  assert.deepEqual(texts((await caughtUp(alive, seen.ts)).events), ["after"]);
  const place = alive.connection.before?.(alive.place, idOf(seen), Number(seen.ts) * 1000);
  assert.deepEqual(texts((await caughtUp(alive, place ?? "")).events), ["seen", "after"]);
});

test("a reply that was missed in a thread from before", async (t) => {
  const alive = await live(t);
  const { alice, bob, channel } = alive.stage;
  const root = alice.say(channel, "old root");
  bob.say(channel, "seen reply", { thread: root.ts });
  const seen = alice.say(channel, "seen");
  bob.say(channel, "missed reply", { thread: root.ts });
  const { events } = await caughtUp(alive, seen.ts);
  assert.deepEqual(texts(events), ["missed reply"]);
  assert.ok(events[0]?.kind === "message" && events[0].thread?.root === root.ts);
});

test("long histories and long threads come in pages, in order and whole", async (t) => {
  const alive = await live(t);
  const { alice, bob, channel, fake } = alive.stage;
  fake.delivery.down = true;
  const root = alice.say(channel, "0");
  for (let index = 1; index < 700; index++)
    if (index % 2) alice.say(channel, String(index));
    else bob.say(channel, String(index), { thread: root.ts });
  const { events, complete, pages } = await caughtUp(alive, BEGINNING);
  assert.deepEqual(
    texts(events),
    Array.from({ length: 700 }, (_, index) => String(index)),
  );
  assert.ok(complete && pages === 7);
});

test("while it is handed out, what is new is not lost", async (t) => {
  const alive = await live(t);
  const { alice, channel, fake } = alive.stage;
  fake.delivery.down = true;
  for (let index = 0; index < 150; index++) alice.say(channel, String(index));
  const first = await alive.connection.history?.(alive.place, BEGINNING);
  alice.say(channel, "150");
  const { events } = await caughtUp(alive, first?.next ?? "");
  const rest = texts(events);
  assert.deepEqual(
    rest.slice(0, 50),
    Array.from({ length: 50 }, (_, index) => String(index + 100)),
  );
});

test("an app that is sold outside of the marketplace gets 15 rows a minute: it catches up all the same, and says what may be missing", async (t) => {
  const alive = await live(t, { speed: 100, way: "http", before: ({ app }) => void (app.restricted = true) });
  const { alice, channel, fake } = alive.stage;
  fake.delivery.down = true;
  for (let index = 0; index < 20; index++) alice.say(channel, `old ${index}`);
  const seen = alice.say(channel, "seen");
  for (let index = 0; index < 20; index++) alice.say(channel, String(index));
  const { events, complete, why } = await caughtUp(alive, seen.ts);
  assert.deepEqual(
    texts(events),
    Array.from({ length: 20 }, (_, index) => String(index)),
  );
  assert.ok(!complete);
  assert.match(why, /no more than a few messages a minute/);
});

test("reactions as they stand are told behind their message, without the bot's own", async (t) => {
  const alive = await live(t);
  const { stage, place, connection } = alive;
  const message = stage.alice.say(stage.channel, "done");
  stage.bob.react(stage.channel, message.ts, "🎉");
  stage.mira.react(stage.channel, message.ts, "🎉");
  const own = { kind: "react", channel: place, message: idOf(message), key: { kind: "unicode", text: "👍" }, speaker: {} } as const;
  await connection.send(own as never, "k", {} as never);
  const { events } = await caughtUp(alive, BEGINNING);
  const [said, are] = events;
  assert.equal(said?.kind, "message");
  assert.ok(are?.kind === "reactions-are");
  assert.deepEqual(
    are.reactions.map(({ key, people }) => [key.kind === "unicode" ? key.text : key.name, people.length]),
    [["🎉", 2]],
  );
});

test("where Slack cuts the list of those who reacted, everybody is asked for", async (t) => {
  const alive = await live(t);
  const { stage } = alive;
  const message = stage.alice.say(stage.channel, "done");
  for (let index = 0; index < 60; index++) {
    const fan = stage.fake.person(stage.team, `fan ${index}`);
    stage.channel.members.add(fan.user.id);
    fan.react(stage.channel, message.ts, "🎉");
  }
  const { events } = await caughtUp(alive, BEGINNING);
  const [are] = events.filter((event) => event.kind === "reactions-are");
  assert.equal(are?.kind === "reactions-are" ? are.reactions[0]?.people.length : 0, 60);
});

test("what we said ourselves carries its key", async (t) => {
  const alive = await live(t);
  await alive.say("from Matrix");
  const { events } = await caughtUp(alive, BEGINNING);
  assert.ok(events[0]?.kind === "message" && events[0].echo?.key === "key-from Matrix");
});

test("what Slack says by itself is told as what happened: who came, what the topic is", async (t) => {
  const alive = await live(t);
  const { stage } = alive;
  stage.bob.leave(stage.channel);
  stage.bob.join(stage.channel);
  stage.alice.topic(stage.channel, "oil");
  const { events } = await caughtUp(alive, BEGINNING);
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ["membership", "membership", "channel-changed"],
  );
});

test("a root that was deleted over its replies is told as deleted", async (t) => {
  const alive = await live(t);
  const { alice, bob, channel } = alive.stage;
  const root = alice.say(channel, "root");
  bob.say(channel, "reply", { thread: root.ts });
  alice.delete(channel, root.ts);
  const { events } = await caughtUp(alive, BEGINNING);
  assert.ok(events.some((event) => event.kind === "delete" && event.messages[0] === root.ts));
  assert.deepEqual(texts(events), ["reply"]);
});

test("Slack wants a pause in the middle: what was fetched is kept, and it goes on", async (t) => {
  const alive = await live(t, { speed: 20 });
  const { alice, channel, fake } = alive.stage;
  fake.delivery.down = true;
  for (let index = 0; index < 450; index++) alice.say(channel, String(index));
  fake.faults.plan("conversations.history", { kind: "limit", seconds: 4 });
  const { events } = await caughtUp(alive, BEGINNING);
  assert.equal(texts(events).length, 450);
});

test("a link that begins now begins behind what was said", async (t) => {
  const alive = await live(t);
  const { stage, connection, place } = alive;
  const last = stage.alice.say(stage.channel, "last");
  assert.equal((await connection.channel(place))?.latest, last.ts);
});

test("a place that is none is refused", async (t) => {
  const { connection, place } = await live(t);
  for (const after of ["", "now", "1700000000", "-1.000000"]) await assert.rejects(async () => connection.history?.(place, after), Refused);
});
