/** What is said, both ways: long and short, replies, reactions, deletions, and what becomes of a message whose answer is lost. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { keyTag } from "../../bridges/irc/from-irc.ts";
import { Refused, Uncertain } from "../../core/model/errors.ts";
import type { RemoteReact } from "../../core/model/events.ts";
import { remoteChannelId, remoteMessageId, remoteUserId } from "../../core/model/ids.ts";
import { plainText } from "../../core/model/richtext.ts";
import type { HistoryPage } from "../../core/network.ts";
import { ergo, FakeIrc, inspircd, plain } from "../fakes/irc.ts";
import { causeway, mira, newKey, progress, stage } from "./stage.ts";

const thumb = { kind: "unicode", text: "👍" } as const;
const textOf = (event: { body: unknown }): string => JSON.stringify(event.body);

suite("what a Matrix person says", { concurrency: 4 }, () => {
  test("stands under their name, line by line", async (t) => {
    const bridge = await stage(t, { profile: plain });
    await bridge.say("good\n\nmorning");
    assert.deepEqual(bridge.log(), ["<Mira> good", "<Mira> morning"]);
  });

  test("as /me is an action, and a notice is a notice", async (t) => {
    const bridge = await stage(t, { profile: plain });
    await bridge.say("waves", { style: "emote" });
    await bridge.say("beep", { style: "notice" });
    assert.deepEqual(
      bridge.server.channel("#causeway").log.map(({ command, text }) => `${command} ${text}`),
      ["PRIVMSG \x01ACTION Mira waves\x01", "NOTICE <Mira> beep"],
    );
  });

  test("keeps the prefix of the config, and a calm name rings nobody", async (t) => {
    const bridge = await stage(t, { profile: plain, config: { relay: { prefix: "[{name}] ", calm_names: true } } });
    await bridge.say("hello");
    assert.deepEqual(bridge.log(), ["[M\u200bira] hello"]);
  });

  test("is never cut by the server, however long our mask is", async (t) => {
    const bridge = await stage(t, { profile: inspircd });
    const dave = bridge.server.person("dave").join("#causeway");
    const user = bridge.server.client("causeway")?.user;
    assert.ok(user);
    user.host = "a.very.long.host.name.that.a.cloak.may.well.have.example.org";
    bridge.server.network.topic(user, "#causeway", "shows our mask");
    await bridge.caughtUp();
    const words = Array.from({ length: 300 }, (_, number) => `w${number}`).join(" ");
    await bridge.say(words);
    const heard = dave.heard.filter(({ command, prefix }) => command === "PRIVMSG" && prefix?.startsWith("causeway!"));
    for (const { prefix, params } of heard) assert.ok(Buffer.byteLength(`:${prefix} PRIVMSG #causeway :${params[1]}\r\n`) <= 512);
    assert.ok(
      heard.some(({ prefix, params }) => Buffer.byteLength(`:${prefix} PRIVMSG #causeway :${params[1]}\r\n`) > 500),
      "the room is used",
    );
    assert.equal(heard.map(({ params }) => params[1]?.replace("<Mira> ", "")).join(" "), words);
  });

  test("of many lines becomes a link to a page, once, and the page is not made twice", async (t) => {
    const bridge = await stage(t, { profile: plain, config: { relay: { max_lines: 3 } } });
    const [part, ...more] = bridge.parts({ text: "one\ntwo\nthree\nfour" });
    assert.ok(part && more.length === 0);
    const saved = progress();
    await bridge.connection.send(part, newKey(), saved);
    await bridge.connection.send(part, newKey(), { ...saved, attempt: 2 });
    assert.match(bridge.log()[0] ?? "", /^<Mira> one two three four… http:\/\/127\.0\.0\.1:\d+\/\S+\/paste\/1$/);
    assert.deepEqual(bridge.core.pastes, [{ text: "one\ntwo\nthree\nfour", title: "Mira, 4 lines" }]);
  });

  test("has a line limit of its own in a channel that wants one", async (t) => {
    const bridge = await stage(t, { profile: plain, config: { channels: { "#causeway": { max_lines: 1 } } } });
    await bridge.say("one\ntwo");
    assert.equal(bridge.core.pastes.length, 1);
  });

  test("in several lines is one message where the server knows such", async (t) => {
    const bridge = await stage(t, { profile: ergo });
    const dave = bridge.server.person("dave").join("#causeway");
    const long = Array.from({ length: 120 }, (_, number) => `w${number}`).join(" ");
    const [sent, ...more] = await bridge.say(`first\n${long}\nlast`);
    assert.equal(more.length, 0);
    const [entry] = bridge.server.channel("#causeway").log;
    assert.equal(entry?.id, sent?.id);
    assert.equal(entry?.text, `<Mira> first\n<Mira> ${long}\n<Mira> last`);
    const lines = dave.heard.filter(({ command }) => command === "PRIVMSG");
    for (const { prefix, params } of lines) assert.ok(Buffer.byteLength(`:${prefix} PRIVMSG #causeway :${params[1]}\r\n`) <= 512);
  });

  test("that a server cannot show is refused in a sentence", async (t) => {
    const bridge = await stage(t, { profile: plain });
    assert.throws(
      () => bridge.parts({ text: " \n\x00\x01 " }),
      (error: unknown) => error instanceof Refused && /nothing in this message/.test(error.message),
    );
  });

  test("in private goes to the person alone", async (t) => {
    const bridge = await stage(t, { profile: inspircd });
    const dave = bridge.server.person("Dave").join("#causeway");
    await bridge.caughtUp();
    const [part] = bridge.parts({ text: "psst" });
    assert.ok(part);
    const talk = remoteChannelId("fake/dave@fake");
    await bridge.connection.send({ ...part, channel: talk }, newKey(), progress());
    assert.deepEqual(dave.whispers, ["<Mira> psst"]);
    await assert.rejects(
      bridge.connection.send({ ...part, channel: remoteChannelId("fake/gone@fake") }, newKey(), progress()),
      /nobody called gone on IRC now/,
    );
  });
});

suite("what people on IRC say", { concurrency: 4 }, () => {
  test("in several lines is heard as one message", async (t) => {
    const bridge = await stage(t, { profile: ergo });
    const dave = bridge.server.person("dave").join("#causeway");
    const { id } = dave.saySeveral("#causeway", [
      { text: "one", joined: false },
      { text: "two ", joined: false },
      { text: "and a half", joined: true },
    ]);
    const heard = await bridge.heard("message");
    assert.equal(heard.message, id);
    assert.equal(heard.subject, `message:${id}`);
    const text = (value: string) => ({ type: "text", text: value });
    assert.deepEqual(heard.body, [{ type: "paragraph", content: [text("one"), { type: "break" }, text("two and a half")] }]);
  });

  test("to operators alone goes nowhere", async (t) => {
    const bridge = await stage(t, { profile: inspircd });
    const dave = bridge.server.person("dave").join("#causeway");
    bridge.server.network.change(bridge.server.channel("#causeway"), "irc.fake.test", "+o", ["dave"]);
    dave.say("@#causeway", "just between us");
    await bridge.caughtUp();
    assert.ok(!bridge.of("message").some((event) => textOf(event).includes("between us")));
  });

  test("in private comes as a conversation of its own", async (t) => {
    const bridge = await stage(t, { profile: inspircd });
    bridge.server.person("Dave").say("causeway", "psst");
    const heard = await bridge.heard("message");
    assert.deepEqual([heard.channel, heard.direct, heard.sender], ["fake/dave@fake", true, "fake/dave"]);
  });

  test("in an old encoding is read all the same", async (t) => {
    const bridge = await stage(t, { profile: plain });
    bridge.server.person("dave").join("#causeway");
    const client = bridge.server.client("causeway");
    client?.rawBytes(Buffer.from(":dave!d@127.0.0.1 PRIVMSG #causeway :na\xefve caf\xe9 \x80\r\n", "latin1"));
    client?.raw(":dave!d@127.0.0.1 PRIVMSG #causeway :naïve café €");
    const heard = await bridge.until(() => (bridge.of("message").length === 2 ? bridge.of("message") : undefined), "to hear both");
    assert.deepEqual(heard[0]?.body, heard[1]?.body);
    assert.deepEqual(heard[0]?.body, plainText("naïve café €"));
  });

  test("keeps its time where the server tells it, and its notices and actions", async (t) => {
    const bridge = await stage(t, { profile: inspircd });
    const dave = bridge.server.person("dave").join("#causeway");
    const { at } = dave.action("#causeway", "waves");
    dave.notice("#causeway", "beep");
    await bridge.caughtUp();
    const [action, notice] = bridge.of("message");
    assert.deepEqual([action?.style, action?.at, textOf(action as never)], ["emote", at, textOf({ body: plainText("waves") })]);
    assert.equal(notice?.style, "notice");
  });
});

suite("replies, reactions, deletions", { concurrency: 4 }, () => {
  test("a reply carries what it answers, and rings the person for readers whose client shows none", async (t) => {
    const bridge = await stage(t, { profile: ergo });
    const dave = bridge.server.person("Dave").join("#causeway");
    const { id } = dave.say("#causeway", "tea?");
    const reply = { message: remoteMessageId(id), author: remoteUserId("fake/dave"), authorName: "Dave", excerpt: "tea?", latest: true };
    await bridge.say("yes please", { reply });
    const entry = bridge.server.channel("#causeway").log.at(-1);
    assert.deepEqual([entry?.text, entry?.tags["+draft/reply"]], ["<Mira> Dave: yes please", id]);
    const again = dave.say("#causeway", "here you are", { "+draft/reply": entry?.id ?? "" });
    const heard = await bridge.heard("message", (event) => event.message === remoteMessageId(again.id));
    assert.equal(heard.replyTo?.message, entry?.id);
  });

  test("reactions cross both ways, each taken back too", async (t) => {
    const bridge = await stage(t, { profile: ergo });
    const dave = bridge.server.person("dave").join("#causeway");
    const { id } = dave.say("#causeway", "look");
    for (const kind of ["react", "unreact"] as const) {
      await bridge.connection.send(
        { kind, channel: causeway, message: remoteMessageId(id), key: thumb, speaker: mira },
        newKey(),
        progress(),
      );
    }
    const ours = bridge.server.channel("#causeway").log.filter(({ command }) => command === "TAGMSG");
    assert.deepEqual(
      ours.map(({ tags }) => [tags["+draft/react"], tags["+draft/unreact"], tags["+draft/reply"]]),
      [
        ["👍", undefined, id],
        [undefined, "👍", id],
      ],
    );
    dave.react("#causeway", id, ":parrot:");
    const heard: RemoteReact = await bridge.heard("react", ({ echo }) => !echo);
    assert.deepEqual([heard.key, heard.sender, heard.message], [{ kind: "custom", name: "parrot" }, "fake/dave", id]);
  });

  test("a deletion crosses both ways", async (t) => {
    const bridge = await stage(t, { profile: ergo });
    const dave = bridge.server.person("dave").join("#causeway");
    const [sent] = await bridge.say("oops");
    assert.ok(sent?.id);
    await bridge.connection.send({ kind: "delete", channel: causeway, message: sent.id, speaker: mira, own: true }, newKey(), progress());
    assert.ok(bridge.server.channel("#causeway").log[0]?.redacted);
    const { id } = dave.say("#causeway", "oops too");
    dave.redact("#causeway", id);
    const heard = await bridge.heard("delete", ({ messages }) => messages.includes(remoteMessageId(id)));
    assert.deepEqual([heard.by, heard.echo], ["fake/dave", undefined]);
  });

  test("are left to core where the server does not pass such tags on", async (t) => {
    const server = await FakeIrc.start({ profile: { ...ergo, isupport: [...ergo.isupport, "CLIENTTAGDENY=*"] } });
    server.passesTags = false;
    const bridge = await stage(t, { server });
    const { reply, react, typing } = bridge.connection.capabilities(causeway);
    assert.deepEqual([reply, react, typing], ["fallback", "fallback", "refused"]);
  });
});

suite("a message whose answer is lost", { concurrency: 4 }, () => {
  test("is looked for in the history by its key, and found", async (t) => {
    const bridge = await stage(t, { profile: ergo });
    bridge.server.faults.loseReply = true;
    const [part] = bridge.parts({ text: "did it arrive?" });
    assert.ok(part);
    const [key, saved] = [newKey(), progress()];
    await assert.rejects(bridge.connection.send(part, key, saved), Uncertain);
    await bridge.connected(2);
    const [entry] = bridge.server.channel("#causeway").log;
    assert.equal(entry?.tags[keyTag], key);
    assert.deepEqual(await bridge.connection.find(part, key, saved), { is: "arrived", sent: { id: entry?.id } });
  });

  test("is looked for by its words where keys do not travel, and nobody guesses", async (t) => {
    const server = await FakeIrc.start({ profile: { ...ergo, isupport: [...ergo.isupport, "CLIENTTAGDENY=*"] } });
    server.passesTags = false;
    const bridge = await stage(t, { server });
    server.faults.loseReply = true;
    const [part] = bridge.parts({ text: "did it arrive?" });
    assert.ok(part);
    await assert.rejects(bridge.connection.send(part, newKey(), progress()), Uncertain);
    await bridge.connected(2);
    assert.equal((await bridge.connection.find(part, newKey(), progress())).is, "unknown");
    const [other] = bridge.parts({ text: "never sent" });
    assert.ok(other);
    assert.equal((await bridge.connection.find(other, newKey(), progress())).is, "not-arrived");
  });

  test("without a history is rather said twice than lost", async (t) => {
    const bridge = await stage(t, { profile: plain });
    bridge.server.faults.loseReply = true;
    const [part] = bridge.parts({ text: "did it arrive?" });
    assert.ok(part);
    const [key, saved] = [newKey(), progress()];
    await assert.rejects(bridge.connection.send(part, key, saved), Uncertain);
    await bridge.connected(2);
    assert.deepEqual(await bridge.connection.find(part, key, saved), { is: "not-arrived" });
  });

  test("because the server forgets labels is waited for no longer than the limit", async (t) => {
    const bridge = await stage(t, { profile: ergo, speed: 200 });
    bridge.server.faults.forgetLabels = true;
    const [part] = bridge.parts({ text: "anyone there?" });
    assert.ok(part);
    const [key, saved] = [newKey(), progress()];
    const began = bridge.core.clock.now();
    await assert.rejects(bridge.connection.send(part, key, saved), Uncertain);
    assert.ok(bridge.core.clock.now() - began < 40_000);
    bridge.server.faults.forgetLabels = false;
    assert.equal((await bridge.connection.find(part, key, saved)).is, "arrived");
  });

  test("because the answer is late is known as soon as it comes", async (t) => {
    const bridge = await stage(t, { profile: plain, speed: 200 });
    bridge.server.faults.slow = 250;
    const [part] = bridge.parts({ text: "slowly" });
    assert.ok(part);
    const [key, saved] = [newKey(), progress()];
    await assert.rejects(bridge.connection.send(part, key, saved), Uncertain);
    await bridge.eventually(() => bridge.log().length === 1, "it to arrive");
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal((await bridge.connection.find(part, key, saved)).is, "arrived");
  });

  test("echoes of ours carry their key, in the history too", async (t) => {
    const bridge = await stage(t, { profile: ergo });
    const since = (await bridge.connection.channel(causeway))?.latest;
    assert.ok(since);
    const [part] = bridge.parts({ text: "mine" });
    assert.ok(part);
    const key = newKey();
    await bridge.connection.send(part, key, progress());
    assert.equal((await bridge.heard("message")).echo?.key, key);
    const page = await bridge.connection.history?.(causeway, since);
    assert.deepEqual(
      page?.events.map((event) => event.echo),
      [{ key }],
    );
  });
});

suite("typing", { concurrency: 4 }, () => {
  test("is shown as ours once in three seconds, and never takes a message's turn", async (t) => {
    const bridge = await stage(t, { profile: inspircd, speed: 1 });
    for (let times = 0; times < 20; times++) await bridge.connection.hint({ kind: "typing", channel: causeway, speaker: mira, on: true });
    await bridge.eventually(() => bridge.server.received.some((line) => line.includes("+typing=active")), "to be shown");
    assert.equal(bridge.server.received.filter((line) => line.includes("+typing=active")).length, 1);
  });

  test("is not sent where the server has no such thing", async (t) => {
    const bridge = await stage(t, { profile: plain });
    await bridge.connection.hint({ kind: "typing", channel: causeway, speaker: mira, on: true });
    await bridge.caughtUp();
    assert.ok(!bridge.server.received.some((line) => line.includes("TAGMSG")));
  });
});

test("two sends with the same words are told apart by their order where nothing else does", async (t) => {
  const bridge = await stage(t, { profile: plain });
  const parts = bridge.parts({ text: "again" });
  const both = await Promise.all([...parts, ...parts].map((part) => bridge.connection.send(part, newKey(), progress())));
  assert.deepEqual(both, [{}, {}]);
  assert.deepEqual(bridge.log(), ["<Mira> again", "<Mira> again"]);
});

test("a page of the history that holds nothing but comings and goings is not taken for its end", async (t) => {
  const bridge = await stage(t, { profile: ergo });
  const dave = bridge.server.person("dave").join("#causeway");
  const since = (await bridge.connection.channel(causeway))?.latest;
  assert.ok(since);
  const { id } = dave.say("#causeway", "look");
  for (let times = 0; times < 120; times++) dave.react("#causeway", id, `${times}`, times % 2 ? "unreact" : "react");
  await new Promise((resolve) => setTimeout(resolve, 5));
  dave.say("#causeway", "after all that");
  const texts: string[] = [];
  for (let after: string | undefined = since; after !== undefined; ) {
    const page: HistoryPage | undefined = await bridge.connection.history?.(causeway, after);
    for (const event of page?.events ?? []) if (event.kind === "message") texts.push(textOf(event));
    after = page?.next;
  }
  assert.deepEqual(
    texts,
    ["look", "after all that"].map((text) => textOf({ body: plainText(text) })),
  );
});
