import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { askIrc, type IrcServer } from "./irc-servers.ts";
import { ergoMissing, startErgo } from "./irc-servers-ergo.ts";
import { inspircdMissing, startInspircd } from "./irc-servers-inspircd.ts";
import { ngircdMissing, startNgircd } from "./irc-servers-ngircd.ts";

const servers: [string, string | undefined, () => Promise<IrcServer>][] = [
  ["InspIRCd", await inspircdMissing(), () => startInspircd({ network: "Inspired", tls: true })],
  ["InspIRCd with NickServ", await inspircdMissing(true), () => startInspircd({ network: "Inspired", services: true })],
  ["ngIRCd", await ngircdMissing(), () => startNgircd({ network: "Plain" })],
  ["Ergo", await ergoMissing(), () => startErgo({ network: "Modern" })],
];

describe("Real IRC servers", () => {
  for (const [name, missing, start] of servers) {
    test(`${name} starts, tells its name, and comes back after it was killed`, { skip: missing ?? false }, async () => {
      const server = await start();
      try {
        assert.match(await askIrc(server.port, "", / 005 .* NETWORK=/), new RegExp(`NETWORK=${server.network} `));
        await server.restart();
        assert.match(await askIrc(server.port, "TIME", / 391 /), /test\.local/);
      } finally {
        await server.stop();
      }
    });
  }

  test("two InspIRCd servers form one network, and a killed one splits it", { skip: servers[0]?.[1] ?? false }, async () => {
    const hub = await startInspircd({ name: "hub.test.local", accepts: ["leaf.test.local"] });
    const leaf = await startInspircd({ name: "leaf.test.local", linkTo: hub });
    try {
      const linked = async (): Promise<boolean> => (await askIrc(hub.port, "MAP", /leaf\.test\.local| 007 | 017 /)).includes("leaf");
      for (let tries = 0; !(await linked()) && tries < 10; tries++);
      assert.equal(await linked(), true);
      await leaf.kill();
      for (let tries = 0; (await linked()) && tries < 10; tries++);
      assert.equal(await linked(), false);
    } finally {
      await leaf.stop();
      await hub.stop();
    }
  });
});
