/** Connections over time: words said to them, silence, ranks, other names; and what services do to them. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Gate } from "../../bridges/irc/gate.ts";
import { endingOf } from "../../bridges/irc/endings.ts";
import { Isupport } from "../../bridges/irc/isupport.ts";
import { readLine } from "../../bridges/irc/line.ts";
import { Registration } from "../../bridges/irc/registration.ts";
import { isForListeners } from "../../bridges/irc/skim.ts";
import { Refused } from "../../core/model/errors.ts";
import { remoteUserId } from "../../core/model/ids.ts";
import type { Core } from "../../core/network.ts";
import { ergo, inspircd, plain } from "../fakes/irc.ts";
import { QuickClock } from "../fakes/test-core.ts";
import { causeway, mira, newKey, progress, stage } from "./stage.ts";
import { ownAndBot } from "./own-and-bot.ts";

const by = { ...mira, own: true };

suite("words said to a connection", { concurrency: 4 }, () => {
  test("by services and bots on one's own are told to its owner, and make no room", async (t) => {
    const { person, server } = await ownAndBot(t, inspircd);
    server.person("NickServ").notice("mira[m]", "This nickname is registered.");
    const told = await person.heard("notice");
    assert.deepEqual([told.to, told.from, JSON.stringify(told.body).includes("registered")], ["owner", "NickServ", true]);
    assert.deepEqual(person.of("message"), []);
  });

  test("by anybody to the bot are told to the admins, and answered once an hour, by a notice", async (t) => {
    const { relay, server } = await ownAndBot(t, plain);
    const told: string[] = [];
    Object.assign(relay.core, { alarm: async (_key: string, text: string) => void told.push(text) } satisfies Partial<Core>);
    const dave = server.person("dave");
    for (const words of ["hello?", "are you there?"]) dave.say("causeway", words);
    await relay.eventually(() => told.length === 2, "the admins to be told");
    assert.deepEqual(told, ["dave to the bridge on fake: hello?", "dave to the bridge on fake: are you there?"]);
    await relay.eventually(() => dave.notices.length === 1, "an answer");
    assert.match(dave.notices[0] ?? "", /This is a bridge/);
  });

  test("as a notice are never answered, so that two machines cannot talk for ever", async (t) => {
    const { relay, server } = await ownAndBot(t, plain);
    const robot = server.person("robot");
    for (let number = 0; number < 20; number++) robot.notice("causeway", `automatic ${number}`);
    await relay.caughtUp();
    assert.deepEqual(
      robot.lines.filter((line) => /NOTICE|PRIVMSG/.test(line)),
      [],
    );
  });

  test("in great numbers are told a few times a minute only", async (t) => {
    const { relay, server } = await ownAndBot(t, plain);
    const told: string[] = [];
    Object.assign(relay.core, { alarm: async (_key: string, text: string) => void told.push(text) } satisfies Partial<Core>);
    const robot = server.person("robot");
    for (let number = 0; number < 50; number++) robot.say("causeway", `spam ${number}`);
    await relay.caughtUp();
    assert.equal(told.length, 10);
  });
});

suite("silence", { concurrency: 4 }, () => {
  test("ends nobody's connection in a channel that lets nobody read unseen", async (t) => {
    const { person, server, ask } = await ownAndBot(t, plain, { own: { quit_after_hours: 0.001 } });
    Object.assign(person.core, { readersOf: async () => "visible" as const } satisfies Partial<Core>);
    await ask("join #causeway");
    await person.core.clock.sleep(20_000);
    assert.ok(server.client("mira[m]"), "still there, and seen");
    Object.assign(person.core, { readersOf: async () => "announced" as const } satisfies Partial<Core>);
    await person.eventually(() => server.client("mira[m]") === undefined, "to leave where nobody minds");
  });

  test("of others is told as presence where the config wants it, gathered", async (t) => {
    const { relay, server } = await ownAndBot(t, inspircd, { more: { presence: true } });
    const dave = server.person("dave").join("#causeway");
    dave.say("#causeway", "off to lunch");
    await relay.heard("message");
    dave.user.away = "at lunch";
    server.network.away(dave.user);
    const told = await relay.heard("presence");
    assert.deepEqual(told.people, [{ person: "fake/dave", is: "away", says: "at lunch" }]);
    dave.user.away = undefined;
    server.network.away(dave.user);
    await relay.heard("presence", ({ people }) => people[0]?.is === "here");
  });
});

test("how far somebody has read is told to their other clients, where the server keeps it, and not at every step", async (t) => {
  const { person, server, ask } = await ownAndBot(t, ergo);
  await ask("join #causeway");
  assert.equal(person.connection.capabilities(causeway).read, "full");
  for (let step = 0; step < 5; step++)
    await person.connection.hint({ kind: "read", channel: causeway, message: "m" as never, speaker: by });
  await person.eventually(() => server.received.some((line) => /^MARKREAD #causeway timestamp=\d{4}-/.test(line)), "a mark");
  assert.equal(server.received.filter((line) => line.startsWith("MARKREAD")).length, 1);
});

test("whoever has something to say connects before those who are merely coming back", async () => {
  const clock = new QuickClock(500);
  const gate = new Gate({ most: 100, perMinute: 60 });
  const { signal } = new AbortController();
  const order: number[] = [];
  const urgent = new Set([7]);
  await Promise.all(
    Array.from({ length: 9 }, (_, number) => gate.turn(clock, signal, () => urgent.has(number)).then(() => order.push(number))),
  );
  assert.deepEqual(order.slice(0, 3), [0, 7, 1]);
});

test("whoever no longer wants to connect leaves the queue", async () => {
  const clock = new QuickClock(500);
  const gate = new Gate({ most: 100, perMinute: 60 });
  const leaving = new AbortController();
  const { signal } = new AbortController();
  await gate.turn(clock, signal);
  const waiting = gate.turn(clock, leaving.signal);
  leaving.abort(new Error("gone"));
  await assert.rejects(waiting, /gone/);
  await gate.turn(clock, signal);
});

suite("ranks and modes from Matrix", { concurrency: 4 }, () => {
  test("are set as the nearest rank, and again without harm", async (t) => {
    const bridge = await stage(t, { profile: inspircd });
    const dave = server(bridge).person("dave").join("#causeway");
    const rule = (level: number) =>
      bridge.connection.rule?.({ kind: "power", channel: causeway, person: remoteUserId("fake/dave"), level, by: mira });
    const ranks = () => server(bridge).channel("#causeway").members.get(dave.user);
    await bridge.caughtUp();
    for (const [level, wanted] of [
      [50, "o"],
      [50, "o"],
      [1, "v"],
      [0, ""],
    ] as const) {
      await rule(level);
      assert.equal(ranks(), wanted, String(level));
    }
    await bridge.connection.rule?.({ kind: "restrict", channel: causeway, moderated: true, by: mira });
    assert.ok(server(bridge).channel("#causeway").modes.has("m"));
    await bridge.connection.rule?.({ kind: "restrict", channel: causeway, moderated: false, by: mira });
    assert.ok(!server(bridge).channel("#causeway").modes.has("m"));
  });

  test("are refused in a sentence to who has none, and for who is not there", async (t) => {
    const { person, server: one, ask } = await ownAndBot(t, inspircd);
    one.person("dave").join("#causeway");
    await ask("join #causeway");
    const rule = (who: string) => person.connection.rule?.({ kind: "power", channel: causeway, person: remoteUserId(who), level: 50, by });
    await assert.rejects(
      async () => rule("fake/dave"),
      (error: unknown) => error instanceof Refused && /no operator/.test(error.message),
    );
    await assert.rejects(
      async () => rule("fake/nobody"),
      (error: unknown) => error instanceof Refused && /given to who is there/.test(error.message),
    );
  });

  const server = (bridge: Awaited<ReturnType<typeof stage>>) => bridge.server;
});

test("who is on a list of the silenced has power below none, and has it back afterwards", async (t) => {
  const bridge = await stage(t, { profile: inspircd });
  const dave = bridge.server.person("dave").join("#causeway");
  dave.say("#causeway", "hello");
  await bridge.heard("message");
  const client = bridge.server.client("causeway");
  client?.raw(":irc.fake.test 005 causeway CHANMODES=beIq,k,l,imnpst PREFIX=(ov)@+ :are supported by this server");
  client?.raw(":irc.fake.test MODE #causeway +q dave!*@*");
  const quiet = await bridge.heard("channel-changed", ({ facts }) => facts.powers?.levels["fake/dave"] === -1);
  assert.equal(quiet.facts.powers?.partial, true);
  client?.raw(":irc.fake.test MODE #causeway -q dave!*@*");
  await bridge.heard("channel-changed", ({ facts }) => facts.powers?.levels["fake/dave"] === 0);
});

test("a channel that is renamed is heard and spoken in under its new name, over a reconnection too", async (t) => {
  const bridge = await stage(t, { profile: ergo });
  const { server } = bridge;
  const dave = server.person("dave").join("#causeway");
  const rename = (): void => {
    const channel = server.channel("#causeway");
    server.network.channels.delete("#causeway");
    Object.assign(channel, { name: "#crossing" });
    server.network.channels.set("#crossing", channel);
    server.client("causeway")?.raw(":oper!o@h RENAME #causeway #crossing :a better name");
  };
  rename();
  const told = await bridge.heard("channel-changed", ({ facts }) => facts.name === "#crossing");
  assert.equal(told.channel, causeway);
  dave.say("#crossing", "under the new name");
  assert.equal((await bridge.heard("message")).channel, causeway);
  await bridge.say("heard you");
  assert.ok(server.channel("#crossing").log.some(({ text }) => text.endsWith("heard you")));
  server.cut();
  await bridge.connected(2);
  await bridge.say("back again");
  assert.ok(server.channel("#crossing").log.some(({ text }) => text.endsWith("back again")));
});

test("services that rename us during the greeting are believed", () => {
  let isDone = false;
  const registration = new Registration({ nick: "mira", user: "m", realName: "m" }, false, {
    send: () => undefined,
    done: () => (isDone = true),
    failed: ({ why }) => assert.fail(why),
  });
  registration.begin();
  for (const line of [
    ":irc.test 001 mira :hi",
    ":mira!m@h NICK Guest123",
    ":irc.test 005 Guest123 NICKLEN=9 :are",
    ":irc.test 376 Guest123 :end",
  ])
    registration.take(readLine(line));
  assert.deepEqual([isDone, registration.nick], [true, "Guest123"]);
});

test("a rename that is told under the new nick already is ours all the same", async (t) => {
  const bridge = await stage(t, { profile: inspircd });
  const { server } = bridge;
  const client = server.client("causeway");
  server.network.users.delete("causeway");
  assert.ok(client);
  client.user.nick = "crossing";
  server.network.users.set("crossing", client.user);
  client.raw(":crossing!causeway@host NICK :crossing");
  await bridge.say("under another nick");
  await bridge.caughtUp();
  assert.equal(bridge.log()[0], "<Mira> under another nick");
  assert.ok(bridge.of("message").find(({ body }) => JSON.stringify(body).includes("under another"))?.echo, "our own words");
});

test("a nick that is too long is tried in shorter forms, and its tail still tells two apart", () => {
  const sent: string[] = [];
  const registration = new Registration({ nick: "bartholomew.fitzgerald[m]", user: "m", realName: "m" }, false, {
    send: (line) => void sent.push(line),
    done: () => undefined,
    failed: ({ why }) => assert.fail(why),
  });
  registration.begin();
  const answer = (code: string, nick: string) => registration.take(readLine(`:irc.test ${code} * ${nick} :no`));
  const last = (): string => sent.findLast((line) => line.startsWith("NICK "))?.slice(5) ?? "";
  const tried = [last()];
  while (last().length > 9) {
    answer("432", last());
    tried.push(last());
  }
  answer("433", last());
  tried.push(last());
  assert.deepEqual(tried, ["bartholomew_fitzgerald[m]", "bartholomew_fitzgera", "bartholomew_fitz", "bartholom", "bartholo_"]);
});

test("words for a channel's operators alone go nowhere else", () => {
  assert.ok(isForListeners(Buffer.from(":dave!d@h PRIVMSG @#causeway :for us"), 0, 36, "mira"));
  const isupport = new Isupport();
  isupport.read(["me", "STATUSMSG=~&@%+", "are supported"]);
  assert.ok(isupport.statusSigns.includes("@") && !isupport.statusSigns.includes("#"));
});

test("limits are read as servers write them", () => {
  const isupport = new Isupport();
  isupport.read(["me", "CHANLIMIT=#:25,&:", "TARGMAX=PRIVMSG:4,JOIN:,KICK:1", "MAXCHANNELS=10", "are supported"]);
  assert.deepEqual(
    ["#a", "&b", "!c"].map((name) => isupport.channelsAtMost(name)),
    [25, 10, 10],
  );
  assert.deepEqual(
    ["PRIVMSG", "JOIN", "KICK", "NAMES"].map((one) => Math.min(isupport.targetsAtMost(one), 99)),
    [4, 99, 1, 99],
  );
  isupport.read(["me", "-CHANLIMIT", "-MAXCHANNELS", "are supported"]);
  assert.equal(isupport.channelsAtMost("#a"), Number.MAX_SAFE_INTEGER);
});

test("a KILL by staff is no ban, whatever reason they give, and not answered by knocking at once", () => {
  assert.equal(endingOf("Killed (oper (your spam is prohibited, you are banned))").kind, "throttled");
  assert.equal(endingOf("Closing Link: u[1.2.3.4] (Killed (oper (no)))").kind, "throttled");
  assert.equal(endingOf("Closing Link: (K-Lined: spam)").kind, "shut-out");
});

test("the end of a poll is one line, and each vote none", async (t) => {
  const bridge = await stage(t, { profile: plain });
  const part = {
    kind: "poll",
    channel: causeway,
    message: "m" as never,
    speaker: mira,
    tally: [
      { text: "Pie", votes: 2 },
      { text: "Soup", votes: 1 },
    ],
  } as const;
  await bridge.connection.send({ ...part, closed: false }, newKey(), progress());
  assert.deepEqual(bridge.log(), []);
  await bridge.connection.send({ ...part, closed: true }, newKey(), progress());
  assert.deepEqual(bridge.log(), ["📊 The poll has ended. Pie: 2, Soup: 1"]);
});
