/** Servers, people and names that mean harm, or know no better: nothing crashes, nothing is injected, and the connection lives on. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { readLine } from "../../bridges/irc/line.ts";
import { Refused } from "../../core/model/errors.ts";
import { remoteChannelId, remoteMessageId, remoteUserId } from "../../core/model/ids.ts";
import { plainText } from "../../core/model/richtext.ts";
import { ergo, FakeIrc, inspircd, plain } from "../fakes/irc.ts";
import { causeway, mira, newKey, progress, type Stage, stage } from "./stage.ts";

const INJECTION = "x\r\nPRIVMSG #causeway :injected\nQUIT :injected\rJOIN #injected\0NICK injected\u2028";

/** Whatever went over the wire, none of it is a line that somebody slipped in. */
function assertClean(bridge: Stage): void {
  for (const line of bridge.server.received)
    assert.ok(!/^(@\S+ )?(QUIT|JOIN #injected|NICK injected|PRIVMSG #causeway :injected)/.test(line), line);
  assert.equal(bridge.server.connections, 1);
}

suite("line breaks in what people write begin no line of their own", { concurrency: 4 }, () => {
  const paths: readonly (readonly [string, (bridge: Stage) => Promise<unknown>])[] = [
    ["a message", (bridge) => bridge.say(INJECTION)],
    ["a message of several parts", (bridge) => bridge.say([{ type: "code", text: INJECTION }, ...plainText(INJECTION)])],
    ["an action", (bridge) => bridge.say(INJECTION, { style: "emote" })],
    ["a name", (bridge) => bridge.say("hello", { speaker: { ...mira, name: INJECTION } })],
    ["a wire form that did not come from us", (bridge) => sendWire(bridge, { command: "PRIVMSG", lines: [{ text: INJECTION }] })],
    ["an action's wire form", (bridge) => sendWire(bridge, { command: "PRIVMSG", action: true, lines: [{ text: INJECTION }] })],
    ["a reply's target", (bridge) => sendWire(bridge, { command: "PRIVMSG", reply: INJECTION, lines: [{ text: "x" }] })],
    [
      "several lines",
      (bridge) => sendWire(bridge, { command: "PRIVMSG", lines: [{ text: INJECTION }, { text: INJECTION, joined: true }] }),
    ],
    ["a key", (bridge) => sendWire(bridge, { command: "PRIVMSG", lines: [{ text: "x" }] }, INJECTION)],
    [
      "a topic",
      (bridge) => bridge.connection.send({ kind: "topic", channel: causeway, text: INJECTION, speaker: mira }, newKey(), progress()),
    ],
    [
      "a reaction",
      (bridge) =>
        bridge.connection.send(
          { kind: "react", channel: causeway, message: remoteMessageId("m1"), key: { kind: "unicode", text: INJECTION }, speaker: mira },
          newKey(),
          progress(),
        ),
    ],
    [
      "a reaction's target",
      (bridge) =>
        bridge.connection.send(
          { kind: "react", channel: causeway, message: remoteMessageId(INJECTION), key: { kind: "unicode", text: "x" }, speaker: mira },
          newKey(),
          progress(),
        ),
    ],
    [
      "a deletion's target",
      (bridge) =>
        bridge.connection.send(
          { kind: "delete", channel: causeway, message: remoteMessageId(INJECTION), speaker: mira, own: true },
          newKey(),
          progress(),
        ),
    ],
    [
      "a deletion's reason",
      (bridge) =>
        bridge.connection.send(
          { kind: "delete", channel: causeway, message: remoteMessageId("m1"), reason: INJECTION, speaker: mira, own: true },
          newKey(),
          progress(),
        ),
    ],
    [
      "a kick's reason",
      (bridge) =>
        bridge.connection.act({ kind: "kick", channel: causeway, person: remoteUserId("fake/dave"), reason: INJECTION, by: mira }),
    ],
    [
      "the name of who is banned",
      (bridge) => bridge.connection.act({ kind: "ban", channel: causeway, person: remoteUserId(`fake/${INJECTION}`), by: mira }),
    ],
    [
      "the name of who is invited",
      (bridge) => bridge.connection.act({ kind: "invite", channel: causeway, person: remoteUserId(`fake/${INJECTION}`), by: mira }),
    ],
    ["who is looked for", (bridge) => bridge.connection.resolve(INJECTION, causeway)],
    ["a person's id", (bridge) => bridge.connection.person(remoteUserId(`fake/${INJECTION}`))],
    ["a channel's id", (bridge) => bridge.connection.channel(remoteChannelId(`fake/#${INJECTION}`))],
    ["a channel to join", (bridge) => bridge.connection.join(remoteChannelId(`fake/#${INJECTION}`))],
    ["a channel to speak in", (bridge) => sendWire(bridge, { command: "PRIVMSG", lines: [{ text: "x" }] }, newKey(), `fake/#${INJECTION}`)],
    [
      "a private talk's id",
      (bridge) => sendWire(bridge, { command: "PRIVMSG", lines: [{ text: "x" }] }, newKey(), `fake/${INJECTION}@fake`),
    ],
    [
      "a channel where somebody types",
      (bridge) => bridge.connection.hint({ kind: "typing", channel: remoteChannelId(`fake/#${INJECTION}`), speaker: mira, on: true }),
    ],
    ["an answer", (bridge) => bridge.connection.answer({ nick: "dave" }, INJECTION)],
    ["an answer's addressee", (bridge) => bridge.connection.answer({ nick: INJECTION }, "hello")],
    ["a place in the history", async (bridge) => bridge.connection.history?.(causeway, INJECTION)],
  ];
  for (const profile of [plain, ergo]) {
    for (const [path, deed] of paths) {
      test(`${path} (${profile.name})`, async (t) => {
        const bridge = await stage(t, { profile });
        bridge.server.person("dave").join("#causeway");
        await bridge.caughtUp();
        await deed(bridge).catch((error: unknown) => assert.ok(error instanceof Error && !/TypeError/.test(error.name), String(error)));
        await bridge.caughtUp();
        assertClean(bridge);
      });
    }
  }

  function sendWire(bridge: Stage, wire: unknown, key = newKey(), channel: string = causeway): Promise<unknown> {
    return bridge.connection.send({ kind: "say", channel: remoteChannelId(channel), speaker: mira, wire, text: "x" }, key, progress());
  }
});

test("a body within 0x01 is no order to people's clients", async (t) => {
  const bridge = await stage(t, { profile: plain });
  await bridge.say("\x01DCC SEND a 1 2 3\x01", { speaker: { ...mira, own: true } });
  await bridge.say("waves\x01\x01VERSION\x01", { style: "emote" });
  assert.deepEqual(bridge.log(), ["DCC SEND a 1 2 3", "\x01ACTION Mira wavesVERSION\x01"]);
});

suite("a server that lies about itself", { concurrency: 4 }, () => {
  const lies: readonly (readonly [string, readonly string[]])[] = [
    ["lengths of nothing", ["NICKLEN=0", "TOPICLEN=0", "CHANNELLEN=0", "KICKLEN=-5", "MODES=0"]],
    ["lengths without end", ["NICKLEN=99999999999", "TOPICLEN=1e9", "MODES=NaN", "CHATHISTORY=-1"]],
    ["ranks that do not match", ["PREFIX=(qaohv)~&", "PREFIX=((((", "PREFIX=(o)"]],
    ["no channels", ["CHANTYPES=", "CHANTYPES=abc"]],
    ["case mappings that nobody knows", ["CASEMAPPING=klingon"]],
    ["modes without commas", ["CHANMODES=", "CHANMODES=,,,,,,,,,"]],
    ["status signs that are channels", ["STATUSMSG=#&abc"]],
    ["broken escapes and nothing at all", ["NETWORK=\\x", "=", "-", "=x=y", "EXTBAN=\\xZZ"]],
    ["a thousand tokens", Array.from({ length: 1000 }, (_, number) => `T${number}=x`)],
  ];
  for (const [what, isupport] of lies) {
    test(`with ${what} is still spoken with`, async (t) => {
      const server = await FakeIrc.start({ profile: inspircd });
      server.faults.isupport = isupport;
      const bridge = await stage(t, { server });
      server.person("dave").join("#causeway").say("#causeway", "hello");
      await bridge.heard("message");
      await bridge.say("hello back");
      assert.deepEqual(
        bridge.log().filter((text) => text.includes("back")),
        ["<Mira> hello back"],
      );
    });
  }
});

suite("lines that make no sense", { concurrency: 4 }, () => {
  const nonsense: readonly string[] = [
    "",
    " ",
    ":",
    "@",
    "@a",
    "@a=b",
    ":x",
    ": ",
    "@ :x",
    "PRIVMSG",
    "PRIVMSG #causeway",
    ":dave!d@h PRIVMSG",
    ":dave!d@h PRIVMSG #causeway",
    ":dave!d@h NOTICE",
    ":dave JOIN",
    ":dave!d@h JOIN",
    ":dave PART",
    ":dave KICK",
    ":dave!d@h KICK #causeway",
    "MODE",
    ":x MODE #causeway",
    ":x MODE #causeway +ov",
    ":x MODE #causeway ++--++ovovov dave",
    "TOPIC",
    ":dave!d@h TOPIC #causeway",
    ":dave NICK",
    ":dave!d@h NICK",
    ":dave QUIT",
    "INVITE",
    ":dave INVITE causeway",
    "001",
    "005",
    "324",
    ":s 324 causeway",
    ":s 353 causeway",
    ":s 353 causeway = #causeway",
    ":s 353 causeway = #causeway :@ + @+ !@ a!b@",
    ":s 366",
    ":s 332",
    ":s 354",
    ":s 354 causeway 152",
    ":s 352",
    ":s 433",
    ":s 474",
    ":s 900",
    ":s 396",
    ":s 396 causeway",
    "CAP",
    "CAP *",
    ":s CAP causeway ACK",
    ":s CAP causeway NEW :sasl",
    ":s CAP causeway DEL :echo-message batch",
    ":s CAP causeway NAK :",
    "AUTHENTICATE",
    ":s AUTHENTICATE +",
    "BATCH",
    "BATCH +",
    "BATCH -x",
    "BATCH +x",
    "@batch=none PRIVMSG #causeway :x",
    "BATCH +y chathistory",
    "BATCH -y",
    "BATCH +z draft/multiline #causeway",
    "BATCH -z",
    "BATCH +n netsplit",
    "@batch=n :dave!d@h QUIT :x",
    "BATCH -n",
    "@batch=loop BATCH +loop x",
    "BATCH -loop",
    ":dave!d@h REDACT",
    ":dave!d@h REDACT #causeway",
    ":dave!d@h TAGMSG",
    ":dave!d@h TAGMSG #causeway",
    "@+draft/react=x :dave!d@h TAGMSG #causeway",
    "@+draft/reply=m1;+draft/react= :dave!d@h TAGMSG #causeway",
    "@time=never;msgid=;account= :dave!d@h PRIVMSG #causeway :odd tags",
    "@time=99999999999999999999 :dave!d@h PRIVMSG #causeway :late",
    ":dave!d@h ACCOUNT",
    ":dave!d@h AWAY",
    ":dave!d@h CHGHOST",
    ":dave!d@h SETNAME",
    "RENAME",
    ":s RENAME #causeway",
    "FAIL",
    "FAIL *",
    "WARN",
    "NOTE",
    "ERROR",
    "PONG",
    ":s PONG",
    "ACK",
    ":!@ PRIVMSG #causeway :nobody",
    ":\u0000\u0007 PRIVMSG #causeway :x",
    `:${"n".repeat(5000)}!d@h PRIVMSG #causeway :long nick`,
    "\u0000\u0001\u0002",
    "😀 😀 :😀",
  ];
  for (const profile of [plain, ergo]) {
    test(`are let go of, one and all (${profile.name})`, async (t) => {
      const bridge = await stage(t, { profile });
      bridge.server.person("dave").join("#causeway");
      const client = bridge.server.client("causeway");
      for (const line of nonsense) client?.raw(line);
      await bridge.caughtUp();
      await bridge.say("alive");
      assert.ok(bridge.log().includes("<Mira> alive"));
      const errors = bridge.core.logged.filter((line) => line.includes("could not be taken in"));
      assert.deepEqual(errors, []);
    });
  }

  test("are read without an error whatever they are", () => {
    for (const line of nonsense) assert.equal(typeof readLine(line).command, "string");
  });

  test("of a megabyte are let go of, and what follows is heard", async (t) => {
    const bridge = await stage(t, { profile: plain });
    const dave = bridge.server.person("dave").join("#causeway");
    const client = bridge.server.client("causeway");
    client?.rawBytes(Buffer.from(`:dave!d@h PRIVMSG #causeway :${"x".repeat(1_000_000)}`));
    client?.rawBytes(Buffer.from(`${"y".repeat(1_000_000)}\r\n`));
    dave.say("#causeway", "short");
    await bridge.heard("message", ({ body }) => JSON.stringify(body).includes("short"));
    assert.equal(bridge.of("message").length, 1);
  });

  test("without an end take no memory", async (t) => {
    const bridge = await stage(t, { profile: plain });
    const client = bridge.server.client("causeway");
    const before = process.memoryUsage().rss;
    for (let times = 0; times < 50; times++) client?.rawBytes(Buffer.alloc(1_000_000, "x"));
    client?.rawBytes(Buffer.from("\r\n"));
    await bridge.caughtUp();
    assert.ok(process.memoryUsage().rss - before < 200_000_000);
  });

  test("that come byte by byte are whole", async (t) => {
    const bridge = await stage(t, { profile: plain });
    bridge.server.person("dave").join("#causeway");
    // Nothing else may be said meanwhile.
    await bridge.connection.join(causeway);
    const client = bridge.server.client("causeway");
    for (const byte of Buffer.from(":dave!d@h PRIVMSG #causeway :naïve 👩‍👩‍👧‍👦\r\n")) {
      client?.rawBytes(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.deepEqual((await bridge.heard("message")).body, plainText("naïve 👩‍👩‍👧‍👦"));
  });

  test("in a batch that never ends are not kept for ever", async (t) => {
    const bridge = await stage(t, { profile: ergo });
    const client = bridge.server.client("causeway");
    for (let name = 0; name < 200; name++) client?.raw(`BATCH +b${name} x`);
    for (let line = 0; line < 30_000; line++) client?.raw("@batch=b199 :dave!d@h PRIVMSG #causeway :x");
    await bridge.caughtUp();
  });
});

suite("hostile names", { concurrency: 4 }, () => {
  test("a nick that is HTML, or a word of ours, is a name like any other", async (t) => {
    const bridge = await stage(t, { profile: plain });
    const client = bridge.server.client("causeway");
    for (const nick of ["<script>alert(1)</script>", "@room", "&amp;", "../../etc/passwd", "__proto__", "constructor"]) {
      client?.raw(`:${nick}!d@h JOIN #causeway`);
      client?.raw(`:${nick}!d@h PRIVMSG #causeway :hello`);
      const heard = await bridge.heard("message", ({ person }) => person?.name === nick);
      assert.equal(heard.sender, `fake/${nick.toLowerCase()}`);
    }
  });

  test("a topic of 600 bytes is heard whole, and ours is cut to what the server takes", async (t) => {
    const bridge = await stage(t, { profile: plain });
    const dave = bridge.server.person("dave").join("#causeway");
    dave.topic("#causeway", "ж".repeat(225));
    await bridge.heard("channel-changed", ({ facts }) => facts.topic === "ж".repeat(225));
    await bridge.connection.send({ kind: "topic", channel: causeway, text: "ж".repeat(600), speaker: mira }, newKey(), progress());
    const topic = bridge.server.channel("#causeway").topic;
    assert.ok(Buffer.byteLength(topic) <= 390 && /^ж+…$/.test(topic));
  });

  test("a person's name of 300 letters leaves room for the words", async (t) => {
    const bridge = await stage(t, { profile: plain });
    await bridge.say("hello", { speaker: { ...mira, name: "ж".repeat(300) } });
    assert.match(bridge.log()[0] ?? "", /^<ж+…> hello$/);
  });
});

test("files, pins, names and edits are refused in a sentence", async (t) => {
  const bridge = await stage(t, { profile: plain });
  const target = { channel: causeway, message: remoteMessageId("m1"), speaker: mira } as const;
  const [part] = bridge.parts({ text: "x" });
  assert.ok(part);
  const parts = [
    { kind: "edit", ...target, wire: part.wire, text: "x" },
    { kind: "pin", ...target },
    { kind: "unpin", ...target },
    { kind: "name", channel: causeway, text: "x", speaker: mira },
    { kind: "react", ...target, key: { kind: "unicode", text: "x" } },
    { kind: "delete", ...target, own: true },
  ] as const;
  for (const one of parts) await assert.rejects(bridge.connection.send(one, newKey(), progress()), Refused, one.kind);
  await assert.rejects(bridge.connection.open({}), Refused);
});
