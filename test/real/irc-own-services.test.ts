/** A person's own connection and a network's services; and a channel that is secret. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { IrcConfig } from "../../bridges/irc/config.ts";
import { irc } from "../../bridges/irc/index.ts";
import { remoteChannelId } from "../../core/model/ids.ts";
import type { Login } from "../../core/network.ts";
import { Disk, QuickClock, TestCore } from "../fakes/test-core.ts";
import { IrcClient } from "./irc-client.ts";
import type { IrcServer } from "./irc-servers.ts";
import { startErgo } from "./irc-servers-ergo.ts";
import { startInspircd } from "./irc-servers-inspircd.ts";

const channel = remoteChannelId("real/#causeway");
const OWNER = "@mira:example.org";

function configFor(server: IrcServer): IrcConfig {
  return irc.config.parse({
    networks: {
      real: {
        servers: [{ host: server.host, port: server.port, tls: false }],
        nick: "bridge",
        own: { enabled: true, per_minute: 600, nick: "{localpart}" },
      },
    },
  });
}

async function open(config: IrcConfig, login: Login, disk = new Disk()) {
  const links = login.owner === undefined ? [channel] : [];
  const core = await TestCore.open({ network: irc.id, login: login.id, links, disk, clock: new QuickClock(1) });
  const connection = irc.connect(config, login, core);
  const close = async (): Promise<void> => {
    await connection.close();
    await core.close();
  };
  await core.until(() => core.states.some(({ is }) => is === "connected"), "to be connected", 20_000);
  return { core, connection, close };
}

test("a registered nick is protected: its owner is told, signs in by asking, and is signed in from then on", async (t) => {
  const server = await startInspircd({ services: true });
  t.after(() => server.stop());
  const owner = await IrcClient.connect(server, "mira");
  await owner.ask("PRIVMSG NickServ :REGISTER s3cret-pass mira@example.org");
  await owner.wait(({ command }) => command === "NOTICE" || command === "900").catch(() => undefined);
  await owner.ask("PRIVMSG NickServ :SET ENFORCE ON").catch(() => undefined);
  owner.close();
  const config = configFor(server);
  const made = irc.ownLogin?.(config, OWNER, { channel });
  assert.ok(made);
  const disk = new Disk();
  const first = await open(config, made.login, disk);
  const told = await first.core.until(
    () => first.core.offered.find((event) => event.kind === "notice" && event.to === "owner" && event.from === "NickServ"),
    "to be told by services",
    20_000,
  );
  assert.match(JSON.stringify(told), /registered|identify/i);
  const ask = (verb: string, words: string) => first.connection.ask?.({ verb, words, by: OWNER });
  assert.match((await ask("identify", "mira s3cret-pass")) ?? "", /You are signed in as mira/);
  assert.match((await ask("status", "")) ?? "", /signed in as mira/);
  await first.close();
  const again = await open(config, made.login, disk);
  t.after(() => again.close());
  assert.match((await again.connection.ask?.({ verb: "status", words: "", by: OWNER })) ?? "", /as mira \(.*signed in as mira/);
});

for (const [name, start] of Object.entries({ InspIRCd: () => startInspircd(), Ergo: () => startErgo() })) {
  test(`a secret channel is known as such, and stands in no list (${name})`, async (t) => {
    const server = await start();
    t.after(() => server.stop());
    const dave = await (await IrcClient.connect(server, "dave")).join("#causeway");
    t.after(() => dave.close());
    await (await IrcClient.connect(server, "erin")).join("#open");
    const config = configFor(server);
    const bridge = await open(config, irc.logins(config)[0] as Login);
    t.after(() => bridge.close());
    const list = async () => await bridge.connection.ask?.({ verb: "list", words: "", by: OWNER });
    assert.match((await list()) ?? "", /#causeway/);
    await dave.ask("MODE #causeway +s");
    await bridge.core.until(
      () => bridge.core.offered.find((event) => event.kind === "channel-changed" && event.facts.unlisted === true),
      "to hear of it",
      10_000,
    );
    assert.equal((await bridge.connection.channel(channel))?.unlisted, true);
    const after = (await list()) ?? "";
    assert.ok(after.includes("#open") && !after.includes("#causeway"), after);
    await dave.ask("MODE #causeway +i");
    await bridge.core.until(
      () => bridge.core.offered.find((event) => event.kind === "channel-changed" && event.facts.visibility === "private"),
      "to hear that it is for the invited alone",
      10_000,
    );
  });
}
