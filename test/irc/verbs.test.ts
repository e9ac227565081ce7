/** What people ask of IRC itself, by their own connection or the bot's. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { verbs } from "../../bridges/irc/verbs.ts";
import type { Core } from "../../core/network.ts";
import { Refused } from "../../core/model/errors.ts";
import { ergo, FakeIrc, inspircd, plain } from "../fakes/irc.ts";
import { type Both, ownAndBot } from "./own-and-bot.ts";
import { mira, newKey, progress, type Stage } from "./stage.ts";

const speak = (stage: Stage, text: string) => {
  const [part] = stage.parts({ text, speaker: { ...mira, own: true } });
  assert.ok(part);
  return stage.connection.send(part, newKey(), progress());
};

suite("one's own connection", { concurrency: 4 }, () => {
  test("takes another nick, in letters that IRC takes, and has it the next time too", async (t) => {
    const { ask, server, again } = await ownAndBot(t, inspircd);
    assert.match(await ask("nick Élise☃"), /You are Elise_ on fake from now on \(Élise☃ in letters that IRC takes\)/);
    const person = await again();
    await person.connected();
    assert.ok(server.client("Elise_"));
  });

  test("says why a nick is not to be had", async (t) => {
    const { ask, server } = await ownAndBot(t, plain);
    server.person("dave");
    await assert.rejects(
      ask("nick dave"),
      (error: unknown) => error instanceof Refused && /already in use.*You remain mira\[m\]/.test(error.message),
    );
  });

  test("tells core who it is, when it has connected and when it is renamed", async (t) => {
    const { ask, person } = await ownAndBot(t, inspircd);
    const told: string[] = [];
    Object.assign(person.core, { me: ({ id, name }) => void told.push(`${id} ${name}`) } satisfies Partial<Core>);
    await ask("nick annika");
    assert.deepEqual(told, ["fake/annika annika"]);
  });

  test("enters a channel by asking, with its key, and is there again the next time", async (t) => {
    const { ask, server, again } = await ownAndBot(t, plain);
    const dave = server.person("dave").join("#locked");
    dave.mode("#locked", "+k", "sesame");
    await assert.rejects(
      ask("join #locked"),
      (error: unknown) => error instanceof Refused && /key that you have not given/.test(error.message),
    );
    assert.match(await ask("join #locked sesame"), /You are in #locked. It is bridged to no room/);
    const person = await again();
    await person.connected();
    await person.eventually(() => server.channel("#locked").members.size === 2, "to be back in it");
    assert.match(await ask("part #locked"), /You have left #locked/);
    await person.eventually(() => server.channel("#locked").members.size === 1, "to be out of it");
  });

  test("is in no more channels than the config and the server let it be", async (t) => {
    const { ask } = await ownAndBot(t, plain, { own: { channels: 2 } });
    await ask("join #one");
    await ask("join #two");
    await assert.rejects(
      ask("join #three"),
      (error: unknown) => error instanceof Refused && /as many channels as you may be/.test(error.message),
    );
  });

  test("signs in with services by asking; by SASL from then on; a wrong password is not kept", async (t) => {
    const server = await FakeIrc.start({ profile: ergo });
    server.network.accounts.set("mira", "s3cret");
    const { ask, again } = await ownAndBot(t, ergo, { server });
    await assert.rejects(
      ask("identify mira wrong"),
      (error: unknown) => error instanceof Refused && /Invalid password/.test(error.message),
    );
    assert.match(await ask("identify mira s3cret"), /You are signed in as mira/);
    const person = await again();
    await person.connected();
    assert.equal(server.client("mira[m]")?.user.account, "mira");
    assert.ok(server.received.some((line) => line.startsWith("AUTHENTICATE")));
  });

  test("signs in with services by asking where there is no SASL", async (t) => {
    const server = await FakeIrc.start({ profile: plain });
    server.network.accounts.set("mira", "s3cret");
    const { ask, again } = await ownAndBot(t, plain, { server });
    await ask("identify mira s3cret");
    const person = await again();
    await person.connected();
    assert.equal(server.client("mira[m]")?.user.account, "mira");
  });

  test("has a certificate made, and is told what services have to know", async (t) => {
    const { ask } = await ownAndBot(t, inspircd);
    const said = await ask("cert");
    assert.match(said, /CERT ADD [0-9a-f]{128}/);
    assert.match(said, /CERT ADD [0-9a-f]{64}\n/);
    assert.match(await ask("cert use mira"), /From your next connection on you are signed in by your certificate/);
    assert.match(await ask("cert drop"), /gone/);
    await assert.rejects(ask("cert use mira"), Refused);
  });

  test("says something in private, in lines that fit, and never an order to somebody's client", async (t) => {
    const { ask, server } = await ownAndBot(t, plain);
    const dave = server.person("dave");
    assert.equal(await ask("msg dave hello there"), "Said to dave.");
    await ask(`msg dave \u0001VERSION\u0001 ${"word ".repeat(120)}`);
    assert.equal(dave.whispers[0], "hello there");
    assert.ok(dave.whispers.every((text) => !text.includes("\u0001") && text.length <= 350));
    await assert.rejects(
      ask("msg nobody hello"),
      (error: unknown) => error instanceof Refused && /nobody called nobody/.test(error.message),
    );
  });

  test("ends by asking and is not made again until its person says so, over restarts too", async (t) => {
    const { ask, server, again, person } = await ownAndBot(t, inspircd);
    assert.match(await ask("quit"), /You have left fake/);
    await person.eventually(() => server.client("mira[m]") === undefined, "to be gone");
    const later = await again();
    await later.until(() => later.core.states.some((state) => state.is === "logged-out" && /!irc quit/.test(state.why)), "to stay away");
    assert.equal(server.client("mira[m]"), undefined);
    assert.match(await ask("status"), /You are not connected to fake: you have left by `!irc quit`/);
    await ask("join #causeway").catch(() => undefined);
    await later.connected();
    assert.ok(server.client("mira[m]"));
  });

  test("is refused a channel that has banned it, as something between it and the channel", async (t) => {
    const { person, server } = await ownAndBot(t, inspircd);
    server.network.change(server.channel("#causeway"), "irc.fake.test", "+b", ["mira[m]!*@*"]);
    await assert.rejects(
      speak(person, "hello"),
      (error: unknown) => error instanceof Refused && error.to === "sender" && /has banned you/.test(error.message),
    );
  });

  test("is not used where the channel wants nobody but the bot", async (t) => {
    const { person, relay } = await ownAndBot(t, plain, { more: { channels: { "#causeway": { own: false } } } }).catch(() => ({}) as Both);
    assert.equal(person, undefined, "nor is one made for it");
    assert.equal(relay, undefined);
  });
});

suite("the bot's answers", { concurrency: 4 }, () => {
  test("tell who somebody is, and not which secret channels they share with the bridge", async (t) => {
    const { askBot, server } = await ownAndBot(t, inspircd);
    server.person("dave", { account: "dave.s" }).join("#causeway");
    const said = await askBot("whois dave");
    assert.match(said, /^dave is .*@.*\nsigned in as dave\.s/);
    assert.ok(!said.includes("#causeway"));
    assert.match(await askBot("whois nobody"), /nobody called nobody/);
    await assert.rejects(askBot("whois"), Refused);
  });

  test("list channels, the largest first, and no secret one that the bridge is in", async (t) => {
    const { askBot, server, relay } = await ownAndBot(t, inspircd);
    server.person("one").join("#large");
    server.person("two").join("#large");
    const dave = server.person("dave").join("#small");
    dave.topic("#small", "about \u0002tea");
    server.network.change(server.channel("#causeway"), "irc.fake.test", "+s", []);
    await relay.heard("channel-changed", ({ facts }) => facts.unlisted === true);
    assert.equal(await askBot("list"), "#large (2)\n#small (1): about tea");
    assert.match(await askBot("list tea"), /^#small/);
  });

  test("tell who is in a secret channel in its own room alone", async (t) => {
    const { askBot, server, relay } = await ownAndBot(t, inspircd);
    server.network.change(server.channel("#causeway"), "irc.fake.test", "+s", []);
    await relay.heard("channel-changed", ({ facts }) => facts.unlisted === true);
    await assert.rejects(
      askBot("names #causeway", "fake/#other"),
      (error: unknown) => error instanceof Refused && /in its own room alone/.test(error.message),
    );
    assert.match(await askBot("names", "fake/#causeway"), /1 in #causeway: @causeway/);
  });

  test("send a line for an admin, and show what the server says; but not what is the bridge's own affair", async (t) => {
    const { askBot } = await ownAndBot(t, plain);
    assert.match(await askBot("raw WHOIS causeway"), /311 causeway/);
    assert.match(await askBot("raw NONSENSE"), /421 NONSENSE/);
    await assert.rejects(askBot("raw QUIT :bye"), Refused);
    assert.equal(verbs.find(({ name }) => name === "raw")?.needs, "admin");
  });

  test("refuse what only a connection of one's own can do", async (t) => {
    const { askBot } = await ownAndBot(t, plain);
    for (const { name } of verbs.filter((verb) => verb.of === "own")) await assert.rejects(askBot(`${name} x y`), Refused, name);
  });
});

test("passwords are known for what they are, however they are said", () => {
  const isSecret = (line: string): boolean => {
    const [, verb = "", words = ""] = /^(\S+)\s*(.*)$/.exec(line) ?? [];
    return verbs.find(({ name }) => name === verb)?.secret?.(words) ?? false;
  };
  for (const line of [
    "identify hunter2",
    "identify me hunter2",
    "msg NickServ IDENTIFY hunter2",
    "msg nickserv register x y",
    "msg Q@CServe.quakenet.org AUTH a b",
  ])
    assert.ok(isSecret(line), line);
  for (const line of ["msg dave identify yourself", "msg NickServ HELP", "nick dave", "whois NickServ"]) assert.ok(!isSecret(line), line);
});

const paths = [
  "nick a{}",
  "join #a{}",
  "join #a k{}",
  "part #a{}",
  "msg dave{} x",
  "msg dave x{}",
  "identify a{} b",
  "whois d{}",
  "names #a{}",
  "raw WHOIS {}",
  "list {}",
];
for (const injected of ["\r\nQUIT :injected", "\nJOIN #injected", "\0NICK injected", "\rPRIVMSG #causeway :injected"]) {
  test(`a line break in what is asked begins no line of its own (${JSON.stringify(injected)})`, async (t) => {
    const { ask, askBot, server } = await ownAndBot(t, plain);
    server.person("dave");
    for (const path of paths) {
      const line = path.replace("{}", injected);
      await ask(line).catch((error: unknown) => assert.ok(error instanceof Error && error.name !== "TypeError", String(error)));
      await askBot(line).catch((error: unknown) => assert.ok(error instanceof Error && error.name !== "TypeError", String(error)));
    }
    for (const line of server.received)
      assert.ok(!/^(@\S+ )?(QUIT|JOIN #injected|NICK injected|PRIVMSG #causeway :injected)/.test(line), line);
  });
}
