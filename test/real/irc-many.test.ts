/** Many own connections on a real server, and 500 lines under real limits. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { IrcConfig } from "../../bridges/irc/config.ts";
import { irc } from "../../bridges/irc/index.ts";
import { TryLater } from "../../core/model/errors.ts";
import { mxid, remoteChannelId } from "../../core/model/ids.ts";
import { plainText } from "../../core/model/richtext.ts";
import type { Connection, Login } from "../../core/network.ts";
import { Disk, QuickClock, TestCore } from "../fakes/test-core.ts";
import { IrcClient } from "./irc-client.ts";
import type { IrcServer } from "./irc-servers.ts";
import { startErgo } from "./irc-servers-ergo.ts";
import { startInspircd } from "./irc-servers-inspircd.ts";
import { startNgircd } from "./irc-servers-ngircd.ts";

const channel = remoteChannelId("real/#causeway");
const progress = { attempt: 1, since: Date.now(), saved: undefined, save: async () => undefined };

interface Own {
  readonly core: TestCore;
  readonly connection: Connection;
  /** When it was connected, by the wall. */
  readonly at: number[];
}

async function own(config: IrcConfig, number: number): Promise<Own> {
  const made = irc.ownLogin?.(config, `@person${number}:example.org`, { channel });
  assert.ok(made);
  const core = await TestCore.open({ network: irc.id, login: made.login.id, clock: new QuickClock(1) });
  const at: number[] = [];
  const { state } = core;
  core.state = (now) => {
    if (now.is === "connected") at.push(performance.now());
    state.call(core, now);
  };
  return { core, connection: irc.connect(config, made.login, core), at };
}

async function until(look: () => boolean, what: string, within: number): Promise<void> {
  for (const end = performance.now() + within; !look(); ) {
    if (performance.now() > end) throw new Error(`Waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The most of these moments that lie within one second. */
function mostInASecond(moments: readonly number[]): number {
  const sorted = moments.toSorted((one, other) => one - other);
  return Math.max(...sorted.map((start, index) => sorted.slice(index).filter((at) => at < start + 1000).length));
}

const MOST = 200;

test("200 people's own connections come back after the server's restart, paced, each under its own nick", async (t) => {
  const server = await startInspircd();
  t.after(() => server.stop());
  const config = irc.config.parse({
    networks: {
      real: {
        servers: [{ host: server.host, port: server.port, tls: false }],
        own: { enabled: true, per_minute: 600, most: MOST },
      },
    },
  });
  const all = await Promise.all(Array.from({ length: MOST }, (_, number) => own(config, number)));
  t.after(async () => {
    await Promise.all(all.map(({ connection, core }) => connection.close().then(() => core.close())));
  });
  await until(() => all.every(({ at }) => at.length === 1), "all to be connected", 90_000);
  await server.restart();
  await until(() => all.every(({ at }) => at.length === 2), "all to be connected again", 120_000);
  for (const round of [0, 1]) {
    const busiest = mostInASecond(all.map(({ at }) => at[round] ?? 0));
    // InspIRCd lets in by a tick of a second: two seconds' worth may fall into one.
    assert.ok(busiest <= 40, `${busiest} connected within a second`);
  }
  const witness = await (await IrcClient.connect(server, "witness")).join("#causeway");
  t.after(() => witness.close());
  for (const number of [0, 99, 199]) {
    const one = all[number] as Own;
    const speaker = { mxid: mxid(`@person${number}:example.org`), name: "Somebody", own: true };
    const [part] = irc.toParts({ speaker, style: "text", body: plainText(`I am ${number}`) }, one.connection.capabilities(channel));
    assert.ok(part);
    await one.connection.send({ ...part, channel }, `7:$many${number}:0`, progress);
  }
  await witness.ask();
  assert.deepEqual(
    witness.seen.filter(({ text }) => text?.startsWith("I am ")).map(({ nick, text }) => `${nick}: ${text}`),
    ["person0[m]: I am 0", "person99[m]: I am 99", "person199[m]: I am 199"],
  );
});

const LINES = 500;

// Each server has its own pace; none is waited for by the others.
suite("500 lines under the server's real limits", { concurrency: true }, () => {
  const tight: Record<string, { start(): Promise<IrcServer>; most: number }> = {
    InspIRCd: { start: () => startInspircd({ tight: true }), most: 1 },
    ngIRCd: { start: () => startNgircd({ tight: true }), most: 1.5 },
    Ergo: { start: () => startErgo({ tight: true }), most: 2 },
  };
  for (const [name, { start, most }] of Object.entries(tight)) {
    test(`${name} never cuts us off, and every line arrives once and in order`, { timeout: 20 * 60_000 }, async (t) => {
      const server = await start();
      t.after(() => server.stop());
      const witness = await (await IrcClient.connect(server, "witness")).join("#causeway");
      t.after(() => witness.close());
      const config = irc.config.parse({
        networks: {
          real: {
            servers: [{ host: server.host, port: server.port, tls: false }],
            nick: "bridge",
            flood: { per_second: 1, most_per_second: most },
          },
        },
      });
      const login = irc.logins(config)[0] as Login;
      const core = await TestCore.open({ network: irc.id, login: login.id, links: [channel], disk: new Disk(), clock: new QuickClock(1) });
      const connection = irc.connect(config, login, core);
      t.after(() => connection.close().then(() => core.close()));
      await core.until(() => core.states.some(({ is }) => is === "connected"), "to be connected", 20_000);
      const speaker = { mxid: mxid("@mira:example.org"), name: "Mira", own: false };
      for (let number = 0; number < LINES; number++) {
        const [part] = irc.toParts({ speaker, style: "text", body: plainText(`line ${number}`) }, connection.capabilities(channel));
        assert.ok(part);
        for (let sent = false; !sent; ) {
          sent = await connection.send({ ...part, channel }, `7:$flood${number}:0`, progress).then(
            () => true,
            async (error: unknown) => {
              if (!(error instanceof TryLater)) throw error;
              await core.clock.sleep(error.after);
              return false;
            },
          );
        }
      }
      await witness.ask();
      const seen = witness.seen.filter(({ nick }) => nick === "bridge").map(({ text }) => text);
      assert.deepEqual(
        seen,
        Array.from({ length: LINES }, (_, number) => `<Mira> line ${number}`),
      );
      assert.equal(core.states.filter(({ is }) => is === "connected").length, 1, "without a break");
    });
  }
});
