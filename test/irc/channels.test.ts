/** Channels: getting in, being put out, coming back, and what the room is told of it. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Refused, TryLater } from "../../core/model/errors.ts";
import { remoteChannelId, remoteUserId } from "../../core/model/ids.ts";
import { ergo, FakeIrc, inspircd, plain } from "../fakes/irc.ts";
import { Disk } from "../fakes/test-core.ts";
import { causeway, mira, newKey, progress, stage } from "./stage.ts";

const bridgeIn = (server: FakeIrc, name = "#causeway"): boolean =>
  [...server.channel(name).members.keys()].some(({ nick }) => nick === "causeway");

suite("a channel that keeps us out", { concurrency: 4 }, () => {
  const doors: readonly (readonly [string, (server: FakeIrc) => void, (server: FakeIrc) => void, RegExp])[] = [
    [
      "by invitation",
      (server) => server.channel("#causeway").modes.set("i", ""),
      (server) => server.channel("#causeway").modes.clear(),
      /has to invite the bridge/,
    ],
    [
      "by a ban",
      (server) => server.channel("#causeway").bans.add("causeway!*@*"),
      (server) => server.channel("#causeway").bans.clear(),
      /has banned the bridge/,
    ],
    [
      "by a key",
      (server) => server.channel("#causeway").modes.set("k", "sesame"),
      (server) => server.channel("#causeway").modes.clear(),
      /has a key that the bridge does not know/,
    ],
    [
      "because it is full",
      (server) => server.channel("#causeway").modes.set("l", "0"),
      (server) => server.channel("#causeway").modes.clear(),
      /is full/,
    ],
    [
      "because we are not signed in",
      (server) => server.channel("#causeway").modes.set("R", ""),
      (server) => server.channel("#causeway").modes.clear(),
      /signed in alone: set `sasl`/,
    ],
  ];
  for (const [how, shut, open, sentence] of doors) {
    test(`${how} is told once, holds messages back, and is entered when it opens`, async (t) => {
      const server = await FakeIrc.start({ profile: inspircd });
      server.person("dave").join("#causeway");
      shut(server);
      const bridge = await stage(t, { server, speed: 200 });
      const notice = await bridge.heard("notice");
      assert.match(JSON.stringify(notice.body), sentence);
      const [part] = bridge.parts({ text: "too early" });
      assert.ok(part);
      await assert.rejects(
        bridge.connection.send(part, newKey(), progress()),
        (error: unknown) => error instanceof TryLater && error.scope === "channel" && sentence.test(error.message),
      );
      await assert.rejects(bridge.connection.join(causeway), (error: unknown) => error instanceof Refused && sentence.test(error.message));
      await bridge.core.clock.sleep(120_000);
      assert.equal(bridge.of("notice").length, 1, "it is told once");
      open(server);
      await bridge.heard("notice", ({ body }) => JSON.stringify(body).includes("is back in #causeway"));
      await bridge.say("here I am");
      assert.deepEqual(bridge.log(), ["<Mira> here I am"]);
    });
  }

  test("an invitation opens it at once", async (t) => {
    const server = await FakeIrc.start({ profile: inspircd });
    const dave = server.person("dave").join("#causeway");
    server.channel("#causeway").modes.set("i", "");
    const bridge = await stage(t, { server });
    await bridge.heard("notice");
    dave.invite("causeway", "#causeway");
    await bridge.heard("notice", ({ body }) => JSON.stringify(body).includes("is back"));
  });

  test("a key from the config opens it", async (t) => {
    const server = await FakeIrc.start({ profile: plain });
    server.channel("#causeway").modes.set("k", "sesame");
    await stage(t, { server, links: ["#other", "#causeway"], config: { channels: { "#Causeway": { key: "sesame" } } } });
    assert.ok(bridgeIn(server));
  });

  test("a channel that the server does not allow is given up in a sentence", async (t) => {
    const bridge = await stage(t, { profile: plain, links: [`#${"x".repeat(80)}`] });
    assert.match((await bridge.heard("channel-gone")).why, /is no channel that the server knows or allows/);
  });

  test("others are entered all the same", async (t) => {
    const server = await FakeIrc.start({ profile: plain });
    server.channel("#shut").modes.set("i", "");
    await stage(t, { server, links: ["#a", "#shut", "#b"] });
    assert.ok(bridgeIn(server, "#a") && bridgeIn(server, "#b"));
  });
});

suite("a channel that puts us out", { concurrency: 4 }, () => {
  test("by a kick is told with who and why, and entered again after a pause", async (t) => {
    const bridge = await stage(t, { profile: inspircd, speed: 200 });
    bridge.server.person("dave").join("#causeway");
    bridge.server.network.change(bridge.server.channel("#causeway"), "irc.fake.test", "+o", ["dave"]);
    const dave = bridge.server.network.find("dave");
    assert.ok(dave);
    bridge.server.network.kick(dave, "#causeway", "causeway", "too loud");
    const notice = await bridge.heard("notice");
    assert.match(
      JSON.stringify(notice.body),
      /dave has thrown the bridge out of #causeway \(too loud\)\. It tries to come back in 30 seconds\./,
    );
    const [part] = bridge.parts({ text: "wait" });
    assert.ok(part);
    await assert.rejects(bridge.connection.send(part, newKey(), progress()), TryLater);
    const before = bridge.core.openings.length;
    await bridge.heard("notice", ({ body }) => JSON.stringify(body).includes("is back"));
    assert.deepEqual(bridge.core.openings.slice(before), [causeway]);
    assert.equal((await bridge.heard("missed")).channel, causeway);
  });

  test("again and again is come back to ever more slowly", async (t) => {
    const bridge = await stage(t, { profile: plain, speed: 200 });
    const dave = bridge.server.person("dave").join("#causeway");
    bridge.server.network.change(bridge.server.channel("#causeway"), "irc.fake.test", "+o", ["dave"]);
    for (let times = 1; times <= 3; times++) {
      dave.kick("#causeway", "causeway");
      await bridge.until(() => bridge.notices().filter((text) => text.includes("is back")).length === times, "to be back");
    }
    const pauses = bridge.notices().flatMap((text) => /come back in (\d+ \w+)/.exec(text)?.[1] ?? []);
    assert.deepEqual(pauses, ["30 seconds", "60 seconds", "2 minutes"]);
  });

  test("without a word of the server is noticed when we look, and mended", async (t) => {
    const bridge = await stage(t, { profile: inspircd, speed: 500 });
    const channel = bridge.server.channel("#causeway");
    const user = bridge.server.client("causeway")?.user;
    assert.ok(user);
    channel.members.delete(user);
    user.channels.delete(channel);
    await bridge.eventually(() => channel.members.has(user), "to be in again");
    // And where all is well, looking changes nothing.
    await bridge.core.clock.sleep(11 * 60_000);
    assert.deepEqual([bridge.of("notice"), bridge.of("missed").length], [[], 1]);
  });

  test("without a word of the server is noticed when a message is refused", async (t) => {
    const bridge = await stage(t, { profile: inspircd });
    const channel = bridge.server.channel("#causeway");
    const user = bridge.server.client("causeway")?.user;
    assert.ok(user);
    channel.modes.set("n", "");
    channel.members.delete(user);
    user.channels.delete(channel);
    const [part] = bridge.parts({ text: "hello?" });
    assert.ok(part);
    await assert.rejects(bridge.connection.send(part, newKey(), progress()));
  });
});

suite("what was said while we were away", { concurrency: 4 }, () => {
  test("is reported as missed where the server keeps no history", async (t) => {
    const bridge = await stage(t, { profile: inspircd });
    assert.equal(bridge.connection.history, undefined);
    assert.equal(bridge.of("missed").length, 0, "whoever comes for the first time has missed nothing");
    const before = bridge.core.clock.now();
    bridge.server.cut();
    await bridge.connected(2);
    const missed = await bridge.heard("missed");
    assert.equal(missed.channel, causeway);
    assert.ok(missed.since >= before - 1000 && missed.since <= bridge.core.clock.now());
  });

  test("over a restart too, since the last time that we were seen there", async (t) => {
    const [disk, server] = [new Disk(), await FakeIrc.start({ profile: plain })];
    const first = await stage(t, { server, disk });
    await first.close();
    const second = await stage(t, { server, disk });
    const missed = await second.heard("missed");
    assert.ok(missed.since > 1_600_000_000_000);
  });

  test("is taken from what the server tells by itself, as far as that reaches", async (t) => {
    for (const [kept, missing] of [
      [50, 0],
      [2, 1],
    ] as const) {
      const server = await FakeIrc.start({ profile: inspircd });
      const dave = server.person("dave").join("#causeway");
      server.channel("#causeway").modes.set("H", String(kept));
      dave.say("#causeway", "before we came");
      const bridge = await stage(t, { server, speed: 10 });
      dave.say("#causeway", "heard live");
      await bridge.heard("message", ({ body }) => JSON.stringify(body).includes("heard live"));
      server.down();
      for (const text of ["one", "two", "three"]) {
        // Within one millisecond nobody can tell whether something was said between two lines.
        await new Promise((resolve) => setTimeout(resolve, 3));
        dave.say("#causeway", text);
      }
      server.up();
      await bridge.connected(2);
      await bridge.connection.join(causeway);
      await bridge.caughtUp();
      const texts = bridge
        .of("message")
        .filter(({ subject }, index, all) => all.findIndex((other) => other.subject === subject) === index)
        .flatMap(({ body, via }) => (/"(one|two|three)"/.exec(JSON.stringify(body)) ?? []).slice(1).map((text) => `${text} ${via}`));
      assert.deepEqual(texts, ["one history", "two history", "three history"].slice(-kept));
      assert.ok(!bridge.of("message").some(({ body }) => JSON.stringify(body).includes("before we came")));
      await bridge.core.clock.sleep(3200);
      assert.equal(bridge.of("missed").length, missing);
    }
  });

  test("is not reported but read where there is a history", async (t) => {
    const bridge = await stage(t, { profile: ergo });
    bridge.server.cut();
    await bridge.connected(2);
    assert.equal(bridge.of("missed").length, 0);
    assert.ok(bridge.connection.history);
  });
});

suite("what a channel is", { concurrency: 4 }, () => {
  const modes: readonly (readonly [string, Record<string, unknown>])[] = [
    ["i", { visibility: "private" }],
    ["k sesame", { visibility: "private" }],
    ["s", { visibility: "public", unlisted: true }],
    ["R", { visibility: "private" }],
    ["m", { visibility: "public", moderated: true }],
  ];
  for (const [letters, facts] of modes) {
    test(`+${letters} is heard, and its end too`, async (t) => {
      const server = await FakeIrc.start({ profile: inspircd });
      const dave = server.person("dave").join("#causeway");
      const bridge = await stage(t, { server });
      await bridge.connection.join(causeway);
      const [letter = "", ...params] = letters.split(" ");
      dave.mode("#causeway", `+${letter}`, ...params);
      const heard = await bridge.heard("channel-changed", ({ by }) => by === remoteUserId("fake/dave"));
      assert.deepEqual({ ...heard.facts, ...facts }, heard.facts);
      dave.mode("#causeway", `-${letter}`, ...params);
      const lifted = await bridge.heard("channel-changed", (event) => event.by === remoteUserId("fake/dave") && event !== heard);
      assert.deepEqual(lifted.facts, { visibility: "public", unlisted: false, moderated: false });
    });
  }

  test("is known as soon as we have joined it", async (t) => {
    const server = await FakeIrc.start({ profile: inspircd });
    server.person("dave").join("#causeway").topic("#causeway", "Wicks \x02and\x02 \x0304oil");
    server.channel("#causeway").modes.set("s", "");
    const bridge = await stage(t, { server });
    await bridge.connection.join(causeway);
    const channel = await bridge.connection.channel(causeway);
    assert.deepEqual(channel, {
      id: causeway,
      name: "#causeway",
      kind: "channel",
      spaces: [{ id: "fake", name: "fake" }],
      topic: "Wicks and oil",
      visibility: "public",
      unlisted: true,
      moderated: false,
      powers: { partial: false, levels: { "fake/dave": 50 } },
    });
  });

  test("ranks are heard as power, one by one", async (t) => {
    const server = await FakeIrc.start({ profile: inspircd });
    const [dave] = [server.person("dave").join("#causeway"), server.person("erin").join("#causeway")];
    const bridge = await stage(t, { server });
    for (const [mode, power] of [
      ["v", 1],
      ["h", 40],
      ["o", 50],
      ["a", 90],
      ["q", 100],
    ] as const) {
      dave.mode("#causeway", `+${mode}`, "erin");
      await bridge.heard("channel-changed", ({ facts }) => facts.powers?.partial === true && facts.powers.levels["fake/erin"] === power);
    }
    dave.mode("#causeway", "-qaohv", "erin", "erin", "erin", "erin", "erin");
    await bridge.heard("channel-changed", ({ facts }) => facts.powers?.levels["fake/erin"] === 0);
  });

  test("a topic by somebody is heard with who; one by us is ours", async (t) => {
    const bridge = await stage(t, { profile: inspircd });
    const dave = bridge.server.person("dave").join("#causeway");
    dave.topic("#causeway", "\x0304Oil\x03");
    const heard = await bridge.heard("channel-changed", ({ facts }) => facts.topic === "Oil");
    assert.equal(heard.by, "fake/dave");
    await bridge.connection.send({ kind: "topic", channel: causeway, text: "Wicks\nand more", speaker: mira }, newKey(), progress());
    assert.equal(bridge.server.channel("#causeway").topic, "Wicks and more");
    assert.ok((await bridge.heard("channel-changed", ({ facts }) => facts.topic === "Wicks and more")).echo);
  });

  test("a topic that only operators may change is refused in a sentence", async (t) => {
    const server = await FakeIrc.start({ profile: inspircd });
    server.person("dave").join("#causeway").mode("#causeway", "+t");
    const bridge = await stage(t, { server });
    await bridge.connection.join(causeway);
    assert.equal(bridge.connection.capabilities(causeway).topic, "refused");
    const part = { kind: "topic", channel: causeway, text: "mine", speaker: mira } as const;
    await assert.rejects(
      bridge.connection.send(part, newKey(), progress()),
      /The topic was not changed: the bridge is no operator in #causeway\./,
    );
  });

  test("one that we are not in is looked at from outside, unless it is secret", async (t) => {
    const server = await FakeIrc.start({ profile: inspircd });
    server.person("dave").join("#elsewhere").mode("#elsewhere", "+m");
    server.channel("#hidden").modes.set("s", "");
    const { connection } = await stage(t, { server });
    const found = await connection.channel(remoteChannelId("fake/#elsewhere"));
    assert.equal(found?.inside, false);
    assert.equal(found?.name, "#elsewhere");
    assert.equal(found?.moderated, true);
    assert.equal(await connection.channel(remoteChannelId("fake/#hidden")), undefined);
    assert.equal(await connection.channel(remoteChannelId("fake/#nowhere")), undefined);
    assert.equal(await connection.channel(remoteChannelId("another/#elsewhere")), undefined);
  });

  test("those that the server lists are listed", async (t) => {
    const server = await FakeIrc.start({ profile: inspircd });
    for (const name of ["#one", "#two"]) server.person(`keeper${name.slice(1)}`).join(name);
    server.channel("#hidden").modes.set("s", "");
    const { connection } = await stage(t, { server });
    const names: string[] = [];
    for await (const channel of connection.channels()) names.push(channel.name);
    assert.deepEqual(names.sort(), ["#causeway", "#one", "#two"]);
  });
});

suite("operators' deeds", { concurrency: 4 }, () => {
  const operator = async (server: FakeIrc) => {
    const dave = server.person("dave", { host: "elsewhere.example" }).join("#causeway");
    return dave;
  };

  test("a kick carries who wanted it and why", async (t) => {
    const bridge = await stage(t, { profile: inspircd });
    const dave = await operator(bridge.server);
    await bridge.caughtUp();
    await bridge.connection.act({ kind: "kick", channel: causeway, person: remoteUserId("fake/dave"), reason: "too loud", by: mira });
    assert.ok(dave.lines.some((line) => line.endsWith("KICK #causeway dave :Mira: too loud")));
  });

  test("a ban is by account where the server has such bans, else by host, and by nick where others share the host", async (t) => {
    const bans = async (profile: typeof ergo, options: { account?: string; host: string }) => {
      const bridge = await stage(t, { profile });
      bridge.server.person("dave", options).join("#causeway");
      await bridge.caughtUp();
      const person = options.account ? remoteUserId(`fake/+${options.account}`) : remoteUserId("fake/dave");
      await bridge.connection.act({ kind: "ban", channel: causeway, person, by: mira });
      return [...bridge.server.channel("#causeway").bans];
    };
    assert.deepEqual(await bans(ergo, { account: "david", host: "elsewhere.example" }), ["a:david"]);
    assert.deepEqual(await bans(inspircd, { host: "elsewhere.example" }), ["*!*@elsewhere.example"]);
    assert.deepEqual(await bans(inspircd, { host: "127.0.0.1" }), ["dave!*@*"]);
  });

  test("a ban that is lifted lets the person in again", async (t) => {
    const bridge = await stage(t, { profile: inspircd });
    const dave = await operator(bridge.server);
    await bridge.caughtUp();
    const deed = { channel: causeway, person: remoteUserId("fake/dave"), by: mira } as const;
    await bridge.connection.act({ kind: "ban", ...deed });
    assert.throws(() => dave.join("#causeway"), /474/);
    // Who is gone is known by nick alone.
    bridge.server.channel("#causeway").bans.add("dave!*@*");
    bridge.server.channel("#causeway").bans.delete("*!*@elsewhere.example");
    await bridge.connection.act({ kind: "unban", ...deed });
    dave.join("#causeway");
  });

  test("without the right they are refused in a sentence", async (t) => {
    const server = await FakeIrc.start({ profile: inspircd });
    await operator(server);
    const bridge = await stage(t, { server });
    assert.equal(bridge.connection.capabilities(causeway).kick, "refused");
    const deed = { channel: causeway, person: remoteUserId("fake/dave"), by: mira } as const;
    await assert.rejects(
      bridge.connection.act({ kind: "kick", ...deed }),
      /dave was not put out: the bridge is no operator in #causeway\./,
    );
    await assert.rejects(bridge.connection.act({ kind: "ban", ...deed }), /The ban was not changed: the bridge is no operator/);
  });

  test("an invitation reaches its guest", async (t) => {
    const bridge = await stage(t, { profile: inspircd });
    const erin = bridge.server.person("erin");
    await bridge.connection.act({ kind: "invite", channel: causeway, person: remoteUserId("fake/erin"), by: mira });
    assert.ok(erin.lines.some((line) => line.endsWith("INVITE erin #causeway")));
  });

  test("kicks and bans by people on IRC are heard with who did it", async (t) => {
    const server = await FakeIrc.start({ profile: inspircd });
    const dave = server.person("dave").join("#causeway");
    server.person("erin", { host: "far.example" }).join("#causeway");
    const bridge = await stage(t, { server });
    await bridge.caughtUp();
    dave.mode("#causeway", "+b", "*!*@far.example");
    const ban = await bridge.heard("membership", ({ change }) => change === "ban");
    assert.deepEqual([ban.person, ban.by], ["fake/erin", "fake/dave"]);
    dave.kick("#causeway", "erin", "spam");
    const kick = await bridge.heard("membership", ({ change }) => change === "kick");
    assert.deepEqual([kick.person, kick.by, kick.reason], ["fake/erin", "fake/dave", "spam"]);
  });

  test("a ban that means everybody says nothing of any one person", async (t) => {
    const server = await FakeIrc.start({ profile: inspircd });
    const dave = server.person("dave").join("#causeway");
    for (const nick of ["a1", "a2", "a3", "a4"]) server.person(nick).join("#causeway");
    const bridge = await stage(t, { server });
    dave.mode("#causeway", "+b", "*!*@*");
    await bridge.caughtUp().catch(() => undefined);
    assert.deepEqual(
      bridge.of("membership").filter(({ change }) => change === "ban"),
      [],
    );
  });
});
