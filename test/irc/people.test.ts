/** People: who they are over renames and logins, who comes and goes, and splits of the network. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { remoteUserId } from "../../core/model/ids.ts";
import { ergo, FakeIrc, inspircd, plain } from "../fakes/irc.ts";
import { causeway, newKey, progress, stage } from "./stage.ts";

suite("who somebody is", { concurrency: 4 }, () => {
  test("is their account where the server tells it, and a new nick is only a new name", async (t) => {
    const bridge = await stage(t, { profile: inspircd });
    const dave = bridge.server.person("Dave", { account: "David" }).join("#causeway");
    dave.say("#causeway", "hello");
    const heard = await bridge.heard("message", ({ sender }) => sender === remoteUserId("fake/+david"));
    assert.equal(heard.person?.name, "Dave");
    dave.rename("Dave2");
    const renamed = await bridge.heard("person-changed");
    assert.deepEqual(renamed.person, { id: "fake/+david", name: "Dave2", avatar: null });
    assert.equal(bridge.of("id-changed").length, 0);
  });

  test("is their nick where they are not signed in, and a new nick is the same person under a new id", async (t) => {
    const bridge = await stage(t, { profile: inspircd });
    const dave = bridge.server.person("Dave").join("#causeway");
    dave.say("#causeway", "hello");
    await bridge.heard("message", ({ sender }) => sender === remoteUserId("fake/dave"));
    dave.rename("Erin");
    const changed = await bridge.heard("id-changed");
    assert.deepEqual([changed.from, changed.to.id, changed.to.name], ["fake/dave", "fake/erin", "Erin"]);
  });

  test("moves to the account when they sign in, and back when they sign out", async (t) => {
    const bridge = await stage(t, { profile: inspircd });
    const dave = bridge.server.person("Dave").join("#causeway");
    dave.say("#causeway", "hello");
    dave.login("david");
    const [there] = [await bridge.heard("id-changed")];
    assert.deepEqual([there.from, there.to.id], ["fake/dave", "fake/+david"]);
    dave.login(undefined);
    const back = await bridge.heard("id-changed", (event) => event !== there);
    assert.deepEqual([back.from, back.to.id], ["fake/+david", "fake/dave"]);
  });

  test("cannot be taken over by taking their nick", async (t) => {
    const bridge = await stage(t, { profile: inspircd });
    const dave = bridge.server.person("Dave", { account: "david" }).join("#causeway");
    dave.say("#causeway", "it is me");
    dave.rename("Away");
    const thief = bridge.server.person("Dave").join("#causeway");
    thief.say("#causeway", "no, me");
    const heard = await bridge.heard("message", ({ body }) => JSON.stringify(body).includes("no, me"));
    assert.equal(heard.sender, "fake/dave");
    assert.notEqual(heard.sender, bridge.of("message")[0]?.sender);
  });

  test("is the nick alone where the config says so", async (t) => {
    const bridge = await stage(t, { profile: inspircd, config: { identity: "nick" } });
    bridge.server.person("Dave", { account: "david" }).join("#causeway").say("#causeway", "hello");
    assert.equal((await bridge.heard("message")).sender, "fake/dave");
  });

  test("people who were there before us are known by their accounts, because we ask", async (t) => {
    const server = await FakeIrc.start({ profile: inspircd });
    server.person("Dave", { account: "david" }).join("#causeway");
    const bridge = await stage(t, { server });
    await bridge.eventually(() => server.received.some((line) => line.includes("WHO #causeway")), "to ask");
    await bridge.caughtUp();
    const { people, complete } = await bridge.connection.members(causeway);
    assert.ok(complete);
    assert.ok(people.some(({ id, name }) => id === "fake/+david" && name === "Dave"));
  });

  test("nicks that the server holds for one are one person", async (t) => {
    const bridge = await stage(t, { profile: inspircd });
    bridge.server.person("Dave[1]").join("#causeway").say("#causeway", "hello");
    assert.equal((await bridge.heard("message")).sender, "fake/dave{1}");
    assert.equal((await bridge.connection.resolve("dAVE{1}", causeway))?.name, "Dave[1]");
  });

  test("and on a server that does not, they are two", async (t) => {
    const bridge = await stage(t, { profile: plain });
    bridge.server.person("Dave[1]").join("#causeway").say("#causeway", "hello");
    assert.equal((await bridge.heard("message")).sender, "fake/dave[1]");
    assert.equal(await bridge.connection.resolve("dave{1}", causeway), undefined);
  });

  test("bots are known as bots", async (t) => {
    const bridge = await stage(t, { profile: inspircd });
    const robot = bridge.server.person("robot").join("#causeway");
    robot.user.bot = true;
    robot.say("#causeway", "beep");
    assert.equal((await bridge.heard("message")).person?.bot, true);
  });

  test("who is in no channel of ours is looked up, and nobody is nobody", async (t) => {
    const bridge = await stage(t, { profile: inspircd });
    bridge.server.person("Erin", { account: "erin" });
    assert.deepEqual(await bridge.connection.resolve("@erin", causeway), { id: "fake/+erin", name: "Erin", avatar: null });
    assert.equal(await bridge.connection.resolve("nobody", causeway), undefined);
    assert.equal(await bridge.connection.person(remoteUserId("fake/nobody")), undefined);
    assert.equal(await bridge.connection.person(remoteUserId("elsewhere/erin")), undefined);
    assert.equal((await bridge.connection.person(remoteUserId("fake/+away")))?.name, "away");
  });
});

suite("who comes and goes", { concurrency: 4 }, () => {
  test("joins, parts and quits are heard, one leave for each channel", async (t) => {
    const bridge = await stage(t, { profile: inspircd, links: ["#causeway", "#other"] });
    const dave = bridge.server.person("dave").join("#causeway").join("#other");
    dave.part("#other", "bored");
    dave.join("#other");
    dave.quit("Quit: good night");
    await bridge.caughtUp();
    const moves = bridge.of("membership").filter(({ person }) => person === remoteUserId("fake/dave"));
    assert.deepEqual(
      moves.map(({ change, channel, reason }) => [change, channel.slice(5), reason]),
      [
        ["join", "#causeway", undefined],
        ["join", "#other", undefined],
        ["leave", "#other", "bored"],
        ["join", "#other", undefined],
        ["leave", "#causeway", "Quit: good night"],
        ["leave", "#other", "Quit: good night"],
      ],
    );
  });

  test("our own coming is nobody's news", async (t) => {
    const bridge = await stage(t, { profile: inspircd });
    await bridge.caughtUp();
    assert.deepEqual(
      bridge.of("membership").filter(({ person }) => person === remoteUserId("fake/causeway")),
      [],
    );
  });
});

suite("a split of the network", { concurrency: 4 }, () => {
  test("of two thousand people and their return are two sentences and no leaves", async (t) => {
    const server = await FakeIrc.start({ profile: inspircd });
    const bridge = await stage(t, { server });
    const people = Array.from({ length: 2000 }, (_, number) => server.person(`leaf${number}`, { deaf: true }).join("#causeway"));
    await bridge.connection.join(causeway);
    await bridge.caughtUp();
    const before = bridge.events.length;
    server.split(people);
    await bridge.heard("notice", ({ body }) =>
      JSON.stringify(body).includes("The network has split between hub.fake.test and leaf.fake.test: 2000 people are out of sight"),
    );
    server.rejoin(people, "#causeway");
    await bridge.heard("notice", ({ body }) => JSON.stringify(body).includes("has come together again: 2000 people are back"));
    await bridge.caughtUp();
    const news = bridge.events.slice(before).filter(({ kind }) => kind !== "message");
    assert.deepEqual(
      news.map(({ kind }) => kind).filter((kind) => kind !== "notice" && kind !== "membership"),
      [],
    );
    assert.ok(
      bridge.events.slice(before).filter((event) => event.kind === "membership" && event.person !== remoteUserId("fake/marker")).length ===
        0,
    );
    assert.equal((await bridge.connection.members(causeway)).people.length, 2002);
  });

  test("names its few people", async (t) => {
    const bridge = await stage(t, { profile: plain });
    const people = ["dave", "erin"].map((nick) => bridge.server.person(nick).join("#causeway"));
    await bridge.caughtUp();
    bridge.server.split(people);
    await bridge.heard("notice", ({ body }) => JSON.stringify(body).includes("dave and erin are out of sight"));
  });

  test("is not what somebody writes who only wants to look like one", async (t) => {
    const bridge = await stage(t, { profile: plain });
    const dave = bridge.server.person("dave").join("#causeway");
    dave.quit("Quit: hub.example.net leaf.example.net");
    await bridge.heard("membership", ({ change }) => change === "leave");
  });

  test("nick changes in the middle of a burst leave nobody behind", async (t) => {
    const bridge = await stage(t, { profile: inspircd });
    const people = Array.from({ length: 50 }, (_, number) => bridge.server.person(`n${number}`).join("#causeway"));
    for (const [number, person] of people.entries()) {
      person.rename(`m${number}`);
      if (number % 3 === 0) person.part("#causeway");
      if (number % 3 === 1) person.rename(`n${number}`);
    }
    await bridge.caughtUp();
    const { people: members } = await bridge.connection.members(causeway);
    const expected = [...bridge.server.channel("#causeway").members.keys()].map(({ nick }) => nick);
    assert.deepEqual(members.map(({ name }) => name).sort(), expected.sort());
  });
});

suite("questions between clients", { concurrency: 4 }, () => {
  const ctcp = (words: string): string => `\x01${words}\x01`;

  test("VERSION, PING and TIME are answered, nothing else, and none of it is a message", async (t) => {
    const bridge = await stage(t, { profile: plain });
    const dave = bridge.server.person("dave").join("#causeway");
    for (const question of ["VERSION", "PING 12345", "TIME", "FINGER", "DCC SEND x 1 2 3", "USERINFO"])
      dave.say("causeway", ctcp(question));
    await bridge.caughtUp();
    await bridge.eventually(() => dave.notices.length >= 3, "three answers");
    assert.equal(dave.notices.length, 3);
    assert.match(dave.notices[0] ?? "", /^\x01VERSION Causeway/);
    assert.equal(dave.notices[1], ctcp("PING 12345"));
    assert.match(dave.notices[2] ?? "", /^\x01TIME .* GMT\x01$/);
    assert.equal(bridge.of("message").filter(({ sender }) => sender === remoteUserId("fake/dave")).length, 0);
  });

  test("a hundred of them are not answered a hundred times", async (t) => {
    const bridge = await stage(t, { profile: plain });
    const dave = bridge.server.person("dave");
    for (let times = 0; times < 100; times++) dave.say("causeway", ctcp("VERSION"));
    await bridge.caughtUp();
    assert.ok(dave.notices.length <= 3, String(dave.notices.length));
  });

  test("a notice is never answered, so that nothing can begin to talk with itself", async (t) => {
    const bridge = await stage(t, { profile: plain });
    const dave = bridge.server.person("dave").join("#causeway");
    const sent = bridge.server.received.length;
    dave.notice("causeway", ctcp("VERSION"));
    dave.notice("causeway", "!causeway help");
    dave.notice("#causeway", "!causeway help");
    await bridge.caughtUp();
    assert.deepEqual(
      bridge.server.received.slice(sent).filter((line) => /NOTICE|PRIVMSG/.test(line)),
      [],
    );
    assert.equal(bridge.of("command").length, 0);
  });
});

suite("words to the bridge", { concurrency: 4 }, () => {
  test("are a command with the speaker's power, and the answer goes to them alone", async (t) => {
    const server = await FakeIrc.start({ profile: inspircd });
    const dave = server.person("dave").join("#causeway");
    const bridge = await stage(t, { server });
    dave.say("#causeway", "!Causeway  link 1234");
    const command = await bridge.heard("command");
    assert.deepEqual([command.words, command.power, command.sender], ["link 1234", 50, "fake/dave"]);
    await bridge.connection.answer(command.reply, "Linked.\r\nPRIVMSG #causeway :injected\n\nWelcome.");
    await bridge.eventually(() => dave.notices.length === 3, "the answer");
    assert.deepEqual(dave.notices, ["Linked.", "PRIVMSG #causeway :injected", "Welcome."]);
    assert.deepEqual(bridge.log(), ["!Causeway  link 1234"]);
  });

  test("opting out needs no prefix, and in private an exclamation mark is enough", async (t) => {
    const bridge = await stage(t, { profile: inspircd });
    const dave = bridge.server.person("dave").join("#causeway");
    dave.say("#causeway", "!optout");
    dave.say("causeway", "!help me");
    dave.say("#causeway", "!other bot's command");
    await bridge.caughtUp();
    assert.deepEqual(
      bridge.of("command").map(({ words }) => words),
      ["optout", "help me"],
    );
    assert.ok(bridge.of("message").some(({ body }) => JSON.stringify(body).includes("!other bot's command")));
  });
});

test("two networks of one bridge go their own ways", async (t) => {
  const [one, two] = [await stage(t, { profile: ergo }), await stage(t, { profile: plain })];
  two.server.faults.hang = true;
  one.server.person("dave").join("#causeway").say("#causeway", "hello");
  await one.heard("message");
  const [part] = one.parts({ text: "hello back" });
  assert.ok(part);
  await one.connection.send(part, newKey(), progress());
  two.server.faults.hang = false;
});
