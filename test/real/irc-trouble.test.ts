/** What only a real server can show: its limits, its services, and a network of two servers that splits. */
import assert from "node:assert/strict";
import { suite, test, type TestContext } from "node:test";
import { irc } from "../../bridges/irc/index.ts";
import { TryLater } from "../../core/model/errors.ts";
import type { RemoteEvent } from "../../core/model/events.ts";
import { mxid, remoteChannelId } from "../../core/model/ids.ts";
import { plainText } from "../../core/model/richtext.ts";
import type { Connection, Login } from "../../core/network.ts";
import { Disk, QuickClock, TestCore } from "../fakes/test-core.ts";
import { IrcClient } from "./irc-client.ts";
import { IrcProxy } from "./irc-proxy.ts";
import type { IrcServer } from "./irc-servers.ts";
import { startErgo } from "./irc-servers-ergo.ts";
import { startInspircd } from "./irc-servers-inspircd.ts";
import { startNgircd } from "./irc-servers-ngircd.ts";

const channel = remoteChannelId("real/#causeway");

interface Bridge {
  readonly core: TestCore;
  readonly connection: Connection;
  say(text: string): Promise<void>;
  heard(fits: (event: RemoteEvent) => boolean, what: string): Promise<RemoteEvent>;
  close(): Promise<void>;
}

async function open(
  t: TestContext,
  server: Pick<IrcServer, "host" | "port">,
  settings: Record<string, unknown> = {},
  disk = new Disk(),
  speed = 1,
): Promise<Bridge> {
  const config = irc.config.parse({
    networks: { real: { servers: [{ host: server.host, port: server.port, tls: false }], nick: "bridge", ...settings } },
  });
  const login = irc.logins(config)[0] as Login;
  const core = await TestCore.open({ network: irc.id, login: login.id, links: [channel], disk, clock: new QuickClock(speed) });
  const connection = irc.connect(config, login, core);
  let number = 0;
  let open = true;
  const close = async (): Promise<void> => {
    if (!open) return;
    open = false;
    await connection.close();
    await core.close();
  };
  t.after(close);
  return {
    core,
    connection,
    close,
    heard: (fits, what) => core.until(() => core.offered.find(fits), what, 20_000),
    say: async (text) => {
      const speaker = { mxid: mxid("@mira:example.org"), name: "Mira", own: false };
      for (const part of irc.toParts({ speaker, style: "text", body: plainText(text) }, connection.capabilities(channel))) {
        const progress = { attempt: 1, since: Date.now(), saved: undefined, save: async () => undefined };
        const key = `7:$trouble${++number}:0`;
        for (let sent = false; !sent; ) {
          sent = await connection.send({ ...part, channel }, key, progress).then(
            () => true,
            async (error: unknown) => {
              if (!(error instanceof TryLater)) throw error;
              await core.clock.sleep(error.after);
              return false;
            },
          );
        }
      }
    },
  };
}

const connected = (bridge: Bridge) =>
  bridge.core.until(() => bridge.core.states.some(({ is }) => is === "connected"), "to be connected", 20_000);

// Each waits for its own server, as slowly as that wants it.
suite("the real limits of servers", { concurrency: true }, () => {
  const tight = {
    InspIRCd: () => startInspircd({ tight: true }),
    ngIRCd: () => startNgircd({ tight: true }),
    Ergo: () => startErgo({ tight: true }),
  };
  for (const [name, start] of Object.entries(tight)) {
    test(`${name} does not cut us off at the pace that comes with the bridge, and every line arrives in order`, async (t) => {
      const server = await start();
      t.after(() => server.stop());
      const witness = await (await IrcClient.connect(server, "witness")).join("#causeway");
      t.after(() => witness.close());
      const bridge = await open(t, server);
      await connected(bridge);
      const lines = Array.from({ length: 20 }, (_, number) => `line ${number}`);
      for (const line of lines) await bridge.say(line);
      await witness.ask();
      assert.deepEqual(
        witness.seen.filter(({ nick }) => nick === "bridge").map(({ text }) => text),
        lines.map((line) => `<Mira> ${line}`),
      );
      assert.equal(bridge.core.states.filter(({ is }) => is === "connected").length, 1, "without a break");
    });
  }
});

suite("services", () => {
  test("SASL at atheme signs us in, others see our account, and theirs is who they are", async (t) => {
    const server = await startInspircd({ services: true });
    t.after(() => server.stop());
    const owner = await IrcClient.connect(server, "bridge");
    await owner.ask("PRIVMSG NickServ :REGISTER s3cret-pass bridge@example.org");
    await owner.wait(({ command }) => command === "NOTICE" || command === "900").catch(() => undefined);
    await owner.ask("QUIT").catch(() => undefined);
    owner.close();
    const bridge = await open(t, server, { sasl: { account: "bridge", password: "s3cret-pass" } });
    await connected(bridge);
    const dave = await (await IrcClient.connect(server, "dave")).join("#causeway");
    t.after(() => dave.close());
    await bridge.say("signed in");
    await dave.ask();
    assert.equal(dave.seen.find(({ text }) => text.includes("signed in"))?.tags["account"], "bridge");
    const registered = dave.wait(({ command, params }) => command === "900" || (command === "NOTICE" && /regist/i.test(params[1] ?? "")));
    dave.send("PRIVMSG NickServ :REGISTER another-pass dave@example.org");
    await registered;
    await dave.say("#causeway", "hello");
    const heard = await bridge.heard((event) => event.kind === "message" && JSON.stringify(event.body).includes("hello"), "dave");
    assert.equal((heard as { sender: string }).sender, "real/+dave");
  });

  test("a wrong password is no guest's way in: twice refused, it logs out", async (t) => {
    const server = await startInspircd({ services: true });
    t.after(() => server.stop());
    const bridge = await open(t, server, { sasl: { account: "bridge", password: "wrong-pass" } }, new Disk(), 10);
    await bridge.core.until(() => bridge.core.states.some(({ is }) => is === "logged-out"), "to give up", 30_000);
    assert.ok(!bridge.core.states.some(({ is }) => is === "connected"));
    assert.ok(!JSON.stringify([bridge.core.states, bridge.core.logged]).includes("wrong-pass"));
  });
});

test("two linked servers that lose each other are one sentence and no leaves, and one more when they meet again", async (t) => {
  const hub = await startInspircd({ name: "hub.test.local", accepts: ["leaf.test.local"] });
  t.after(() => hub.stop());
  const leaf = await startInspircd({ name: "leaf.test.local", linkTo: hub });
  t.after(() => leaf.stop());
  const bridge = await open(t, hub, {}, new Disk(), 4);
  await connected(bridge);
  await bridge.connection.join(channel);
  const everybody = async (count: number): Promise<void> => {
    for (const end = Date.now() + 20_000; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 100))) {
      if ((await bridge.connection.members(channel)).people.length >= count) return;
    }
    assert.fail(`Not ${count} people came`);
  };
  const crowd = await Promise.all(Array.from({ length: 20 }, (_, number) => IrcClient.connect(leaf, `far${number}`)));
  t.after(() => crowd.forEach((person) => person.close()));
  for (const person of crowd) await person.join("#causeway");
  await everybody(21);
  const before = bridge.core.offered.length;
  await leaf.kill();
  const notice = (words: string) => (event: RemoteEvent) => event.kind === "notice" && JSON.stringify(event.body).includes(words);
  await bridge.heard(notice("20 people are out of sight"), "to hear of the split");
  assert.deepEqual(
    bridge.core.offered.slice(before).filter(({ kind }) => kind === "membership"),
    [],
  );
  await leaf.restart();
  const again = await Promise.all(Array.from({ length: 20 }, (_, number) => IrcClient.connect(leaf, `far${number}`)));
  t.after(() => again.forEach((person) => person.close()));
  for (const person of again) await person.join("#causeway");
  await bridge.heard(notice("come together again"), "to hear that it is over");
  assert.deepEqual(
    bridge.core.offered.slice(before).filter(({ kind }) => kind === "membership"),
    [],
  );
});

test("InspIRCd's +H gives back what was said while we were away, once and in order", async (t) => {
  const server = await startInspircd();
  t.after(() => server.stop());
  const dave = await (await IrcClient.connect(server, "dave")).join("#causeway");
  t.after(() => dave.close());
  await dave.ask("MODE #causeway +H 50:1d");
  await dave.say("#causeway", "before the bridge came");
  const proxy = await IrcProxy.open(server);
  t.after(() => proxy.close());
  const bridge = await open(t, { host: "127.0.0.1", port: proxy.port }, {}, new Disk(), 4);
  await connected(bridge);
  await dave.say("#causeway", "heard live");
  const saying = (words: string) => (event: RemoteEvent) => event.kind === "message" && JSON.stringify(event.body).includes(words);
  await bridge.heard(saying("heard live"), "the live one");
  proxy.down();
  for (const words of ["one", "two", "three"]) {
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await dave.say("#causeway", `meanwhile ${words}`);
  }
  proxy.up();
  await bridge.heard(saying("meanwhile three"), "the last one");
  const subjects = new Set<string | undefined>();
  const texts = bridge.core.offered.flatMap((event) => {
    if (event.kind !== "message" || subjects.has(event.subject)) return [];
    subjects.add(event.subject);
    return [JSON.stringify(event.body).match(/before|live|one|two|three/)?.[0]];
  });
  assert.deepEqual(texts, ["live", "one", "two", "three"]);
  await bridge.core.clock.sleep(5000);
  assert.deepEqual(
    bridge.core.offered.filter(({ kind }) => kind === "missed"),
    [],
  );
});

test("a person's own connection signs in at atheme, speaks as itself, and talks in private", async (t) => {
  const server = await startInspircd({ services: true });
  t.after(() => server.stop());
  const owner = await IrcClient.connect(server, "mira");
  await owner.ask("PRIVMSG NickServ :REGISTER s3cret-pass mira@example.org");
  await owner.wait(({ command }) => command === "NOTICE" || command === "900").catch(() => undefined);
  owner.close();
  const dave = await (await IrcClient.connect(server, "dave")).join("#causeway");
  t.after(() => dave.close());
  const settings = { own: { enabled: true, per_minute: 600 } };
  const config = irc.config.parse({
    networks: { real: { servers: [{ host: server.host, port: server.port, tls: false }], nick: "bridge", ...settings } },
  });
  const way = irc.signIn.find(({ id }) => id === "account");
  const step = await way?.start(config, { owner: "@mira:example.org", signal: new AbortController().signal });
  assert.ok(step?.kind === "fields");
  const done = await step.submit({ account: "mira", password: "s3cret-pass" });
  assert.ok(done.kind === "done");
  const core = await TestCore.open({ network: irc.id, login: done.login.id, clock: new QuickClock(1) });
  const connection = irc.connect(config, done.login, core);
  t.after(async () => {
    await connection.close();
    await core.close();
  });
  await core.until(() => core.states.some(({ is }) => is === "connected"), "to be connected", 20_000);
  const speaker = { mxid: mxid("@mira:example.org"), name: "Mira", own: true };
  const [part] = irc.toParts({ speaker, style: "text", body: plainText("it is me") }, connection.capabilities(channel));
  assert.ok(part);
  const progress = { attempt: 1, since: Date.now(), saved: undefined, save: async () => undefined };
  await connection.send({ ...part, channel }, "7:$own1:0", progress);
  await dave.ask();
  const heard = dave.seen.find(({ text }) => text === "it is me");
  assert.deepEqual([heard?.nick, heard?.tags["account"]], ["mira", "mira"]);
  await dave.say("mira", "psst");
  const whisper = await core.until(() => core.offered.find((event) => event.kind === "message" && event.direct), "the whisper", 10_000);
  await connection.send({ ...part, channel: whisper.channel }, "7:$own2:0", progress);
  await dave.ask();
  assert.ok(dave.seen.some(({ channel: where, text }) => where === "dave" && text === "it is me"));
});
