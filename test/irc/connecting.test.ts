/** Getting onto a network and staying there, whatever the server does. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { LoggedOut, TryLater } from "../../core/model/errors.ts";
import { ergo, FakeIrc, inspircd, plain } from "../fakes/irc.ts";
import { Disk } from "../fakes/test-core.ts";
import { certificate } from "./certificate.ts";
import { newKey, progress, stage } from "./stage.ts";

const last = (states: readonly { is: string }[]): string => states.at(-1)?.is ?? "";
const why = (states: readonly object[]): string => states.flatMap((state) => ("why" in state ? [String(state.why)] : [])).at(-1) ?? "";

suite("nicks", { concurrency: 4 }, () => {
  test("one that is taken is replaced by another, and what the server calls us is what we believe", async (t) => {
    const server = await FakeIrc.start({ profile: plain });
    server.person("causeway");
    const { connection, server: fake } = await stage(t, { server });
    assert.ok(fake.client("causeway_"));
    assert.ok(connection);
  });

  test("one that becomes free again is taken back", async (t) => {
    for (const profile of [plain, inspircd]) {
      const server = await FakeIrc.start({ profile });
      const holder = server.person("causeway").join("#causeway");
      const bridge = await stage(t, { server });
      assert.ok(server.client("causeway_"));
      holder.rename("somebody");
      await bridge.eventually(() => server.client("causeway"), "to have it back");
    }
  });

  test("when a staff member changes our nick, our own words are still ours", async (t) => {
    const bridge = await stage(t, { profile: inspircd });
    const client = bridge.server.client("causeway");
    assert.ok(client);
    bridge.server.network.nick(client.user, "guest123");
    await bridge.caughtUp();
    await bridge.say("still me");
    await bridge.caughtUp();
    const mine = bridge.of("message").filter(({ body }) => JSON.stringify(body).includes("still me"));
    for (const event of mine) assert.ok(event.echo);
    assert.deepEqual(
      bridge.log().filter((text) => text.includes("still me")),
      ["<Mira> still me"],
    );
  });

  test("a server that says 433 to everything is left after a while, in a sentence, and tried again", async (t) => {
    const server = await FakeIrc.start({ profile: plain });
    server.faults.nickInUse = true;
    const bridge = await stage(t, { server, connected: false, speed: 50 });
    await bridge.until(() => last(bridge.core.states) === "disconnected", "to give up for now");
    assert.match(why(bridge.core.states), /refuses every nick that is tried \(Nickname is already in use\)\.$/);
    assert.ok(server.received.filter((line) => line.startsWith("NICK ")).length < 40);
    server.faults.nickInUse = false;
    await bridge.connected();
  });
});

suite("a registration that does not end", { concurrency: 4 }, () => {
  test("without a welcome it is broken off after 20 seconds and begun again", async (t) => {
    const server = await FakeIrc.start({ profile: plain });
    server.faults.neverWelcome = true;
    const bridge = await stage(t, { server, connected: false, speed: 200 });
    await bridge.until(() => last(bridge.core.states) === "disconnected", "to break off");
    assert.match(why(bridge.core.states), /greeting within 20 seconds/);
    server.faults.neverWelcome = false;
    await bridge.connected();
  });

  test("a server that closes in the middle is tried again", async (t) => {
    const server = await FakeIrc.start({ profile: plain });
    server.faults.closeWhileRegistering = true;
    const bridge = await stage(t, { server, connected: false });
    await bridge.until(() => last(bridge.core.states) === "disconnected", "to notice");
    server.faults.closeWhileRegistering = false;
    await bridge.connected();
  });

  test("a message of the day without an end holds nothing up", async (t) => {
    const server = await FakeIrc.start({ profile: plain });
    server.faults.noMotdEnd = true;
    await stage(t, { server });
  });

  test("capabilities that are refused together are asked for one by one", async (t) => {
    const server = await FakeIrc.start({ profile: ergo });
    server.faults.refuseCaps = true;
    const bridge = await stage(t, { server });
    assert.equal(bridge.connection.capabilities("fake/#causeway" as never).history, "full");
  });
});

suite("several servers", { concurrency: 4 }, () => {
  test("the second is tried when the first does not answer", async (t) => {
    const server = await FakeIrc.start({ profile: plain });
    const gone = await FakeIrc.start({ profile: plain });
    const port = gone.port;
    await gone.stop();
    const servers = [port, server.port].map((each) => ({ host: "127.0.0.1", port: each, tls: false }));
    const bridge = await stage(t, { server, servers });
    assert.deepEqual(
      bridge.core.states.map(({ is }) => is),
      ["connecting", "disconnected", "connected"],
    );
    assert.match(why(bridge.core.states), /^It refuses connections\.$/);
  });
});

suite("a network that does not want us", { concurrency: 4 }, () => {
  for (const words of ["K-Lined: spam", "You are banned from this server- go away", "G:Lined (user@host)", "Z-lined"]) {
    test(`"${words}" ends the attempts until a person acts`, async (t) => {
      const server = await FakeIrc.start({ profile: plain });
      server.faults.banned = words;
      const bridge = await stage(t, { server, connected: false, speed: 100 });
      await bridge.until(() => last(bridge.core.states) === "logged-out", "to give up");
      assert.match(why(bridge.core.states), /banned this address/);
      const { connections } = server;
      await bridge.core.clock.sleep(30_000);
      assert.equal(server.connections, connections, "it does not go on knocking");
      const [part] = bridge.parts({ text: "anyone?" });
      assert.ok(part);
      await assert.rejects(bridge.connection.send(part, newKey(), progress()), LoggedOut);
    });
  }

  test("too many connections from here are a reason to wait, not to give up", async (t) => {
    const server = await FakeIrc.start({ profile: plain });
    server.faults.banned = "Too many user connections (global)";
    const bridge = await stage(t, { server, connected: false, speed: 200 });
    await bridge.until(() => last(bridge.core.states) === "disconnected", "to be turned away");
    assert.match(why(bridge.core.states), /no more connections from here for now/);
    server.faults.banned = undefined;
    await bridge.connected();
  });

  test("a wrong password of the server ends the attempts", async (t) => {
    const bridge = await stage(t, { profile: plain, password: "right", config: { password: "wrong" }, connected: false });
    await bridge.until(() => last(bridge.core.states) === "logged-out", "to give up");
    assert.match(why(bridge.core.states), /wants another password/);
  });

  test("being thrown out by staff is no ban: it comes back", async (t) => {
    const bridge = await stage(t, { profile: inspircd });
    bridge.server.kill("causeway", "wrong number");
    await bridge.connected(2);
  });
});

suite("signing in", { concurrency: 4 }, () => {
  const sasl = (mechanism: string) => ({ sasl: { mechanism, account: "bridge", password: "s3cret" } });

  for (const mechanism of ["plain", "scram-sha-256"]) {
    test(`by SASL ${mechanism}, before anything else`, async (t) => {
      const server = await FakeIrc.start({ profile: ergo });
      server.network.accounts.set("bridge", "s3cret");
      await stage(t, { server, config: sasl(mechanism) });
      assert.equal(server.client("causeway")?.user.account, "bridge");
    });

    test(`a wrong password by SASL ${mechanism} logs it out, without ever having been a guest`, async (t) => {
      const server = await FakeIrc.start({ profile: ergo });
      server.network.accounts.set("bridge", "another");
      const bridge = await stage(t, { server, config: sasl(mechanism), connected: false, speed: 200 });
      await bridge.until(() => last(bridge.core.states) === "logged-out", "to give up");
      assert.match(why(bridge.core.states), /refused the account or its password/);
      assert.ok(!server.received.some((line) => line.startsWith("JOIN") || line === "CAP END"));
      assert.ok(!JSON.stringify([bridge.core.states, bridge.core.logged]).includes("s3cret"));
    });
  }

  test("where SASL is not offered, the attempt ends and is made again later", async (t) => {
    const server = await FakeIrc.start({ profile: ergo });
    server.network.accounts.set("bridge", "s3cret");
    server.faults.noSasl = true;
    const bridge = await stage(t, { server, config: sasl("plain"), connected: false, speed: 200 });
    await bridge.until(() => last(bridge.core.states) === "disconnected", "to end the attempt");
    assert.match(why(bridge.core.states), /does not offer to sign in/);
    server.faults.noSasl = false;
    await bridge.connected();
  });

  test("a server that does not know the password is not trusted with SCRAM", async (t) => {
    const server = await FakeIrc.start({ profile: ergo });
    server.network.accounts.set("bridge", "s3cret");
    server.faults.scramLies = true;
    const bridge = await stage(t, { server, config: sasl("scram-sha-256"), connected: false });
    await bridge.until(() => last(bridge.core.states) === "logged-out", "to stop");
    assert.match(why(bridge.core.states), /could not show that it knows the password/);
  });

  test("by NickServ, and before channels are entered", async (t) => {
    const server = await FakeIrc.start({ profile: plain });
    server.network.accounts.set("bridge", "s3cret");
    server.channel("#causeway").modes.set("R", "");
    const bridge = await stage(t, { server, config: { nickserv: { account: "bridge", password: "s3cret" } } });
    assert.equal(server.client("causeway")?.user.account, "bridge");
    assert.ok(server.channel("#causeway").members.has(server.client("causeway")?.user as never));
    assert.ok(!bridge.core.logged.some((line) => line.includes("s3cret")));
  });

  test("by a client certificate", async (t) => {
    const tls = certificate("server");
    const mine = certificate("client");
    const server = await FakeIrc.start({ profile: ergo, tls });
    server.certificates.set(mine.fingerprint, "bridge");
    await stage(t, {
      server,
      servers: [{ host: "127.0.0.1", port: server.port, fingerprints: [tls.fingerprint] }],
      config: { sasl: { mechanism: "external", certificate: mine.cert, key: mine.key } },
    });
    assert.equal(server.client("causeway")?.user.account, "bridge");
  });
});

suite("TLS", { concurrency: 4 }, () => {
  test("a certificate that nobody vouches for is not trusted, and the sentence says what to do", async (t) => {
    const server = await FakeIrc.start({ profile: plain, tls: certificate("server") });
    const bridge = await stage(t, { server, connected: false });
    await bridge.until(() => last(bridge.core.states) === "disconnected", "to refuse");
    assert.match(why(bridge.core.states), /signed by itself; pin its fingerprint/);
    assert.deepEqual(server.received, []);
  });

  test("another certificate than the pinned one gets to hear nothing", async (t) => {
    const server = await FakeIrc.start({ profile: plain, tls: certificate("server") });
    const servers = [{ host: "127.0.0.1", port: server.port, fingerprints: ["ab".repeat(32)] }];
    const bridge = await stage(t, { server, servers, connected: false });
    await bridge.until(() => last(bridge.core.states) === "disconnected", "to refuse");
    assert.match(why(bridge.core.states), /not one of those that are pinned/);
    assert.deepEqual(server.received, []);
  });

  test("a server that wants TLS is given it, and asked in clear never again", async (t) => {
    const tls = certificate("localhost");
    const secure = await FakeIrc.start({ profile: ergo, tls });
    const open = await FakeIrc.start({ profile: ergo, sts: secure.port });
    secure.sts = secure.port;
    t.after(() => open.stop());
    const disk = new Disk();
    const servers = [{ host: "127.0.0.1", port: open.port, tls: false, fingerprints: [tls.fingerprint] }];
    await (await stage(t, { server: secure, servers, disk })).close();
    assert.ok(!open.received.some((line) => line.startsWith("JOIN")));
    const knocked = open.connections;
    await stage(t, { server: secure, servers, disk });
    assert.equal(open.connections, knocked);
  });

  test("a port without TLS is named as what it is", async (t) => {
    const server = await FakeIrc.start({ profile: plain });
    const bridge = await stage(t, { server, servers: [{ host: "127.0.0.1", port: server.port }], connected: false });
    await bridge.until(() => last(bridge.core.states) === "disconnected", "to fail");
    assert.match(why(bridge.core.states), /does not speak TLS on this port|closed|reset/);
  });
});

suite("staying connected", { concurrency: 4 }, () => {
  test("a server that falls silent is asked whether it is there, and left when it says nothing", async (t) => {
    const bridge = await stage(t, { profile: plain, speed: 200 });
    bridge.server.faults.hang = true;
    await bridge.until(() => last(bridge.core.states) === "disconnected", "to notice");
    assert.match(why(bridge.core.states), /fallen silent/);
    bridge.server.faults.hang = false;
    await bridge.connected(2);
  });

  test("a PING is answered, the odd ones too", async (t) => {
    const bridge = await stage(t, { profile: plain });
    const client = bridge.server.client("causeway");
    for (const ping of ["PING token", "PING :two words", "PING :", "PING"]) client?.raw(ping);
    const pongs = () => client?.received.filter((line) => line.startsWith("PONG")) ?? [];
    await bridge.eventually(() => pongs().length === 4, "four answers");
    assert.deepEqual(pongs(), ["PONG token", "PONG :two words", "PONG :", "PONG"]);
  });

  test("being cut off for flooding makes it slower, over a restart too", async (t) => {
    const disk = new Disk();
    const server = await FakeIrc.start({ profile: plain, flood: { most: 12, perSecond: 0.5, speed: 20 } });
    const config = { flood: { burst: 40, per_second: 8, most_per_second: 8 } };
    const bridge = await stage(t, { server, config, disk });
    const parts = Array.from({ length: 30 }, (_, line) => bridge.parts({ text: `line ${line}` })).flat();
    await Promise.all(parts.map((part) => bridge.connection.send(part, newKey(), progress()).catch(() => undefined)));
    await bridge.until(() => last(bridge.core.states) === "disconnected", "to be cut off");
    assert.match(why(bridge.core.states), /cut us off for too many messages/);
    await bridge.connected(2);
    assert.deepEqual(JSON.parse(disk.keep.get("pace") ?? "{}"), { burst: 20, perSecond: 4 });
  });

  test("with the default pace nobody is cut off by a strict server, and everything arrives", async (t) => {
    const server = await FakeIrc.start({ profile: plain, flood: { most: 10, perSecond: 1, speed: 40 } });
    const bridge = await stage(t, { server, config: { flood: {} }, speed: 40 });
    for (let line = 0; line < 30; line++) {
      for (const part of bridge.parts({ text: `line ${line}` })) {
        for (let sent = false; !sent; ) {
          await bridge.connection.send(part, newKey(), progress()).then(
            () => (sent = true),
            (error: unknown) => {
              assert.ok(error instanceof TryLater, String(error));
              return bridge.core.clock.sleep(error.after);
            },
          );
        }
      }
    }
    assert.equal(bridge.log().length, 30);
    assert.equal(server.connections, 1);
  });
});
