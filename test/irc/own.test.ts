/** Matrix people as themselves: connections of their own. */
import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { suite, test } from "node:test";
import type { TestContext } from "node:test";
import { makeCertificate } from "../../bridges/irc/certificate.ts";
import { Gate } from "../../bridges/irc/gate.ts";
import { irc } from "../../bridges/irc/index.ts";
import { ownAddress } from "../../bridges/irc/own-self.ts";
import { isForListeners } from "../../bridges/irc/skim.ts";
import { Refused, TryLater } from "../../core/model/errors.ts";
import { remoteChannelId } from "../../core/model/ids.ts";
import type { Login, SignInStep } from "../../core/network.ts";
import { ergo, FakeIrc, inspircd, plain, type Profile } from "../fakes/irc.ts";
import { Disk, QuickClock, TestCore } from "../fakes/test-core.ts";
import { certificate } from "./certificate.ts";
import { causeway, mira, newKey, progress, Stage, stage } from "./stage.ts";

const OWNER = "@mira:example.org";
const signal = new AbortController().signal;

/** Walks the steps of a sign-in with these answers. */
async function signIn(
  config: unknown,
  way: string,
  ...answers: readonly Record<string, string>[]
): Promise<Login & { person: string | undefined }> {
  const chosen = irc.signIn.find(({ id }) => id === way);
  assert.ok(chosen);
  let step: SignInStep = await chosen.start(config as never, { owner: OWNER, signal });
  for (const values of answers) {
    assert.equal(step.kind, "fields");
    if (step.kind === "fields") step = await step.submit(values);
  }
  assert.equal(step.kind, "done");
  if (step.kind !== "done") throw new Error("not done");
  return { ...step.login, person: step.person?.id };
}

/** The relay bot and one person's own connection, on one server. */
async function both(
  t: TestContext,
  profile: Profile,
  own: Record<string, unknown> = {},
  way = "nick",
  answers: Record<string, string> = {},
  server?: FakeIrc,
) {
  const relay = await stage(t, { profile, ...(server ? { server } : {}), config: { own: { enabled: true, ...own } } });
  const login = await signIn(relay.config, way, answers);
  const clock = new QuickClock(20);
  const core = await TestCore.open({ network: irc.id, login: login.id, disk: new Disk(), clock });
  const person = new Stage(relay.server, core, relay.config, login);
  t.after(() => person.close());
  return { relay, person, login, server: relay.server };
}

const say = (stage: Stage, text: string, own = true) => {
  const [part] = stage.parts({ text, speaker: { ...mira, own } });
  assert.ok(part);
  return stage.connection.send(part, newKey(), progress());
};

suite("a connection of one's own", { concurrency: 4 }, () => {
  test("has the nick of the template, and names who stands behind it", async (t) => {
    const { person, server } = await both(t, inspircd);
    await person.connected();
    const user = server.client("mira[m]")?.user;
    assert.deepEqual([user?.user, user?.realName], ["~mira", OWNER]);
  });

  test("has the nick that was asked for, made fit for IRC", async (t) => {
    const { person, server, login } = await both(t, plain, {}, "nick", { nick: "7 Élise ☃" });
    await person.connected();
    assert.ok(server.client("_7_Elise_"));
    assert.equal(login.name, "fake as _7_Elise_");
  });

  test("enters a channel when the person first speaks there, and says it without a name before it", async (t) => {
    const { person, server } = await both(t, inspircd);
    await person.connected();
    const user = server.client("mira[m]")?.user;
    assert.equal(user?.channels.size, 0, "nobody is there unseen");
    await say(person, "it is me");
    const [entry] = server.channel("#causeway").log;
    assert.deepEqual([entry?.nick, entry?.text], ["mira[m]", "it is me"]);
  });

  for (const profile of [plain, inspircd, ergo]) {
    test(`is not heard by the relay bot as a stranger (${profile.name})`, async (t) => {
      const { person, relay } = await both(t, profile);
      await person.connected();
      await say(person, "it is me");
      await relay.caughtUp();
      const heard = relay.of("message").filter(({ body }) => JSON.stringify(body).includes("it is me"));
      assert.equal(heard.length, 1);
      assert.ok(heard[0]?.echo, "what we said comes back to no room");
      assert.deepEqual(
        relay.of("membership").filter(({ person }) => person.includes("mira")),
        [],
        "nor does our coming",
      );
    });
  }

  test("that is kicked is told with whom it was", async (t) => {
    const { person, relay, server } = await both(t, inspircd);
    await person.connected();
    const dave = server.person("dave").join("#causeway");
    server.network.change(server.channel("#causeway"), "irc.fake.test", "+o", ["dave"]);
    await say(person, "hello");
    dave.kick("#causeway", "mira[m]", "too loud");
    const kick = await relay.heard("membership", ({ change }) => change === "kick");
    assert.deepEqual([kick.person, kick.by, kick.reason], ["fake/mira{m}", "fake/dave", "too loud"]);
  });

  test("gets its private talks, which are its own", async (t) => {
    const { person, server, login } = await both(t, inspircd);
    await person.connected();
    const dave = server.person("Dave");
    dave.say("mira[m]", "psst");
    const heard = await person.heard("message");
    assert.deepEqual([heard.channel, heard.direct], [`fake/dave@${login.id}`, true]);
    const [part] = person.parts({ text: "what?", speaker: { ...mira, own: true } });
    assert.ok(part);
    await person.connection.send({ ...part, channel: heard.channel }, newKey(), progress());
    assert.deepEqual(dave.whispers, ["what?"]);
  });

  test("does not read what the relay bot hears", async (t) => {
    const { person, server } = await both(t, inspircd);
    await person.connected();
    await say(person, "hello");
    const dave = server.person("dave").join("#causeway");
    for (let line = 0; line < 50; line++) dave.say("#causeway", `line ${line}`);
    dave.say("mira[m]", "only this");
    await person.heard("message", ({ direct }) => direct === true);
    assert.deepEqual(
      person
        .of("message")
        .filter(({ channel }) => channel === causeway)
        .map(({ echo }) => echo !== undefined),
      [true],
    );
    assert.equal(person.of("membership").length, 0);
  });

  test("is marked as away when the person is silent, and as back when they speak", async (t) => {
    const { person, server } = await both(t, inspircd, { away_after_minutes: 0.1 });
    await person.connected();
    const user = server.client("mira[m]")?.user;
    await person.eventually(() => user?.away !== undefined, "to be away");
    await say(person, "back");
    await person.eventually(() => user?.away === undefined, "to be back");
  });

  test("is let go of after long silence, and made again when the person speaks", async (t) => {
    const { person, server } = await both(t, inspircd, { quit_after_hours: 0.002 });
    await person.connected();
    await person.eventually(() => server.client("mira[m]") === undefined, "to leave");
    assert.equal(person.core.states.at(-1)?.is, "connected", "nobody need be told");
    await assert.rejects(say(person, "too soon"), (error: unknown) => error instanceof TryLater && error.after === 3000);
    await person.connected(2);
    await say(person, "awake");
    assert.deepEqual(person.log(), ["awake"]);
  });

  test("signs in by SASL with the person's own account, and is that account", async (t) => {
    const server = await FakeIrc.start({ profile: ergo });
    server.network.accounts.set("Mira", "s3cret");
    const answers = { account: "Mira", password: "s3cret", mechanism: "SCRAM-SHA-256" };
    const { person, login } = await both(t, ergo, {}, "account", answers, server);
    await person.connected();
    assert.equal(server.client("Mira")?.user.account, "Mira");
    assert.equal(login.person, "fake/+mira");
  });

  test("whose password is wrong is logged out, and only that person is concerned", async (t) => {
    const server = await FakeIrc.start({ profile: ergo });
    const { person, relay } = await both(t, ergo, {}, "account", { account: "Mira", password: "wrong" }, server);
    await person.until(() => person.core.states.some(({ is }) => is === "logged-out"), "to be told");
    await say(relay, "relayed", false);
    assert.ok(!person.core.logged.some((line) => line.includes("wrong")));
  });

  test("signs in with NickServ where there is no SASL", async (t) => {
    const server = await FakeIrc.start({ profile: plain });
    server.network.accounts.set("mira", "s3cret");
    const { person } = await both(t, plain, {}, "nickserv", { password: "s3cret", nick: "mira" }, server);
    await person.connected();
    assert.equal(server.client("mira")?.user.account, "mira");
  });

  test("signs in with a certificate that the bridge made", async (t) => {
    const tls = certificate("server");
    const server = await FakeIrc.start({ profile: ergo, tls });
    const servers = [{ host: "127.0.0.1", port: server.port, fingerprints: [tls.fingerprint] }];
    const relay = await stage(t, { server, servers, config: { own: { enabled: true } } });
    const way = irc.signIn.find(({ id }) => id === "certificate");
    const first = await way?.start(relay.config, { owner: OWNER, signal });
    assert.ok(first?.kind === "fields");
    const told = await first.submit({ account: "mira" });
    assert.ok(told.kind === "fields");
    const sha256 = /CERT ADD ([0-9a-f]{64})$/m.exec(told.instructions)?.[1];
    assert.ok(sha256);
    server.certificates.set(sha256, "mira");
    const done = await told.submit({ told: "yes" });
    assert.ok(done.kind === "done");
    const core = await TestCore.open({ network: irc.id, login: done.login.id, clock: new QuickClock(20) });
    const person = new Stage(server, core, relay.config, done.login);
    t.after(() => person.close());
    await person.connected();
    assert.equal(server.client("mira")?.user.account, "mira");
  });
});

suite("signing in", { concurrency: 4 }, () => {
  const config = irc.config.parse({
    networks: { one: { servers: [{ host: "x" }], own: { enabled: true } }, two: { servers: [{ host: "y" }] } },
  });

  test("is offered for the networks whose config allows it", async () => {
    const step = await irc.signIn[0]?.start(config, { owner: OWNER, signal });
    assert.ok(step?.kind === "fields");
    assert.deepEqual(
      step.fields.map(({ id }) => id),
      ["nick"],
    );
    const none = irc.config.parse({ networks: { two: { servers: [{ host: "y" }] } } });
    await assert.rejects(async () => irc.signIn[0]?.start(none, { owner: OWNER, signal }), Refused);
  });

  test("without what is needed is refused in a sentence", async () => {
    const way = irc.signIn.find(({ id }) => id === "account");
    const step = await way?.start(config, { owner: OWNER, signal });
    assert.ok(step?.kind === "fields");
    await assert.rejects(async () => step.submit({ account: "mira", password: " " }), /Without the password it cannot be done/);
    await assert.rejects(async () => step.submit({ account: "a\r\nQUIT", password: "x" }), Refused);
  });

  test("names the login after the network and the person, so that each has one", async () => {
    const login = await signIn(config, "nick", {});
    assert.equal(login.id, `one/${OWNER}`);
    assert.ok(irc.ids.serves(login, remoteChannelId("one/#causeway")));
    assert.ok(!irc.ids.serves(login, remoteChannelId("two/#causeway")));
  });
});

suite("many connections", { concurrency: 4 }, () => {
  test("begin one after the other, at the pace of the config, and not in step", async () => {
    const clock = new QuickClock(300);
    const gate = new Gate({ most: 500, perMinute: 20 });
    const began = clock.now();
    const at: number[] = [];
    await Promise.all(Array.from({ length: 30 }, () => gate.turn(clock, signal).then(() => at.push(clock.now() - began))));
    assert.ok((at.at(-1) ?? 0) > 60_000 && (at.at(-1) ?? 0) < 130_000, `30 in ${at.at(-1)} ms`);
    const gaps = at.slice(1).map((time, index) => time - (at[index] ?? 0));
    assert.ok(new Set(gaps.map((gap) => Math.round(gap / 500))).size > 2, "the pauses differ");
  });

  test("are no more than the config allows; who is too many waits, and is told", async (t) => {
    const { relay, person, login } = await both(t, plain, { most: 1 });
    await person.connected();
    const core = await TestCore.open({ network: irc.id, login: "fake/@otto:example.org" as never, clock: new QuickClock(200) });
    const second = new Stage(relay.server, core, relay.config, {
      ...login,
      id: "fake/@otto:example.org" as never,
      owner: "@otto:example.org",
    });
    t.after(() => second.close());
    await second.until(
      () => core.states.some((state) => "why" in state && /As many people as the config allows/.test(state.why)),
      "to be told",
    );
    await person.close();
    await second.connected();
  });

  test("are not tried any more when the network has banned our address, until the bot is started again", async (t) => {
    const { relay, person, server } = await both(t, plain, { per_minute: 600 });
    await person.connected();
    server.faults.banned = "K-Lined: abuse";
    server.cut();
    const isOut = (bridge: Stage) => bridge.core.states.some(({ is }) => is === "logged-out");
    await relay.until(() => isOut(relay), "the bot to give up");
    await person.until(() => isOut(person), "the person to give up");
    const { connections } = server;
    const core = await TestCore.open({ network: irc.id, login: "fake/@otto:example.org" as never, clock: new QuickClock(100) });
    const other: Login = { id: "fake/@otto:example.org" as never, name: "otto", owner: "@otto:example.org", secrets: {} };
    const late = new Stage(server, core, relay.config, other);
    t.after(() => late.close());
    await late.until(() => isOut(late), "nobody else to knock");
    assert.ok(server.connections <= connections + 1);
  });

  test("after a cut come back spread over time", async (t) => {
    const { person, server } = await both(t, plain, { per_minute: 60 });
    await person.connected();
    server.cut();
    await person.connected(2);
  });
});

suite("what a person's own connection lets go of unread", { concurrency: 4 }, () => {
  const skips = (line: string): boolean => {
    const bytes = Buffer.from(`before\r\n${line}`);
    return isForListeners(bytes, 8, bytes.length, "mira[m]");
  };
  const unread = [
    ":dave!d@h PRIVMSG #causeway :hello",
    "@time=1;msgid=x :dave!d@h PRIVMSG #causeway :hello",
    ":dave!d@h NOTICE @#causeway :x",
    ":dave!d@h JOIN #causeway",
    ":dave!d@h JOIN #causeway * :Dave",
    ":dave!d@h PART #causeway",
    ":dave!d@h QUIT :bye",
    ":dave!d@h NICK erin",
    ":dave!d@h AWAY",
    "@+typing=active :dave!d@h TAGMSG #causeway",
    ":irc.test 353 mira[m] = #causeway :a b c",
    ":mira[m]x!d@h PRIVMSG #causeway :x",
  ];
  const read = [
    ":dave!d@h PRIVMSG mira[m] :psst",
    ":mira[m]!m@h PRIVMSG #causeway :mine",
    ":MIRA[m]!m@h JOIN #causeway",
    ":mira[m]!m@h NICK mira",
    "@label=c1 :dave!d@h PRIVMSG #causeway :x",
    "@time=1;label=c1 :irc.test ACK",
    "@batch=x :dave!d@h PRIVMSG #causeway :x",
    ":dave!d@h KICK #causeway mira[m] :out",
    ":dave!d@h MODE #causeway +o mira[m]",
    ":dave!d@h INVITE mira[m] #causeway",
    ":irc.test 404 mira[m] #causeway :no",
    ":irc.test PONG irc.test :c1",
    "PING :x",
    "ERROR :bye",
    ":irc.test 001 mira[m] :hi",
    "",
    ":",
    "@",
    "@x",
    ":x",
    ":x ",
    "@a=b :x",
  ];
  for (const line of unread) test(`unread: ${line}`, () => assert.ok(skips(line)));
  for (const line of read) test(`read: ${line}`, () => assert.ok(!skips(line)));
});

suite("people's addresses and certificates", { concurrency: 4 }, () => {
  test("an address is the person's own, always the same, and in the range", () => {
    const one = ownAddress("2001:db8:1:2::/64", OWNER);
    assert.match(one ?? "", /^2001:db8:1:2:[0-9a-f]{1,4}:[0-9a-f]{1,4}:[0-9a-f]{1,4}:[0-9a-f]{1,4}$/);
    assert.equal(ownAddress("2001:db8:1:2::/64", OWNER), one);
    assert.notEqual(ownAddress("2001:db8:1:2::/64", "@otto:example.org"), one);
    assert.match(ownAddress("2001:db8::5:0:0/112", OWNER) ?? "", /^2001:db8:0:0:0:5:0:[0-9a-f]{1,4}$/);
    assert.equal(ownAddress(undefined, OWNER), undefined);
  });

  test("a certificate of the bridge's making is one that others can read", () => {
    const made = makeCertificate(OWNER, Date.now());
    const read = new X509Certificate(made.certificate);
    assert.equal(read.subject, `CN=${OWNER}`);
    assert.equal(read.fingerprint256.replaceAll(":", "").toLowerCase(), made.sha256);
    assert.ok(read.verify(read.publicKey));
    assert.ok(read.checkPrivateKey(createPrivateKey(made.key)));
    assert.ok(new Date(read.validTo).getTime() > Date.now() + 10 * 365 * 86_400_000);
  });
});

test("the relay bot speaks under people's own nicks where the server lets it", async (t) => {
  const bridge = await stage(t, { profile: ergo, config: { relay: { relaymsg: true } } });
  const dave = bridge.server.person("dave").join("#causeway");
  await bridge.connection.join(causeway);
  assert.equal(bridge.connection.capabilities(causeway).speaker, "partial");
  await bridge.say("hello", { speaker: { ...mira, name: "Mira Lind" } });
  assert.ok(dave.lines.some((line) => line.includes(":Mira_Lind/matrix!") && line.endsWith("PRIVMSG #causeway hello")));
  await bridge.caughtUp();
  const heard = bridge.of("message").filter(({ body }) => JSON.stringify(body).includes("hello"));
  assert.ok(heard.length <= 1 && heard.every(({ echo }) => echo !== undefined));
});
