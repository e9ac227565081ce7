/** Five hundred people's own connections: a restart of theirs must not look like an attack. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { irc } from "../../bridges/irc/index.ts";
import { remoteChannelId } from "../../core/model/ids.ts";
import { FakeIrc, plain } from "../fakes/irc.ts";
import { QuickClock, TestCore } from "../fakes/test-core.ts";

const PEOPLE = 500;
const PER_MINUTE = 400;

test("500 connections that are cut at once come back at the pace of the config, not in step, and all of them", async (t) => {
  const server = await FakeIrc.start({ profile: plain });
  t.after(() => server.stop());
  const config = irc.config.parse({
    networks: {
      fake: {
        servers: [{ host: "127.0.0.1", port: server.port, tls: false }],
        own: { enabled: true, per_minute: PER_MINUTE, most: PEOPLE },
      },
    },
  });
  const clock = new QuickClock(40);
  const times: number[][] = [];
  const all = await Promise.all(
    Array.from({ length: PEOPLE }, async (_, number) => {
      const made = irc.ownLogin?.(config, `@person${number}:example.org`, { channel: remoteChannelId("fake/#causeway") });
      assert.ok(made);
      const core = await TestCore.open({ network: irc.id, login: made.login.id, clock });
      const at: number[] = [];
      times.push(at);
      const { state } = core;
      core.state = (now) => {
        if (now.is === "connected") at.push(clock.now());
        state.call(core, now);
      };
      return { core, connection: irc.connect(config, made.login, core) };
    }),
  );
  t.after(() => Promise.all(all.map(({ connection, core }) => connection.close().then(() => core.close()))));
  const everybody = async (round: number): Promise<number[]> => {
    const end = performance.now() + 60_000;
    while (times.some((at) => at.length < round)) {
      if (performance.now() > end) assert.fail(`${times.filter((at) => at.length < round).length} did not come (back)`);
      await clock.sleep(400);
    }
    return times.map((at) => at[round - 1] as number).toSorted((one, other) => one - other);
  };
  const first = await everybody(1);
  server.cut();
  const again = await everybody(2);
  for (const moments of [first, again]) {
    const took = (moments.at(-1) as number) - (moments[0] as number);
    assert.ok(took > (PEOPLE / PER_MINUTE) * 60_000 * 0.8, `all within ${Math.round(took / 1000)} seconds`);
    const busiest = Math.max(...moments.map((start, index) => moments.slice(index).filter((at) => at < start + 15_000).length));
    assert.ok(busiest < (PER_MINUTE / 4) * 1.6, `${busiest} within a quarter of a minute`);
    const gaps = moments.slice(1).map((at, index) => at - (moments[index] as number));
    assert.ok(new Set(gaps).size > 20, "the pauses differ");
  }
});
