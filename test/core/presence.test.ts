import assert from "node:assert/strict";
import { describe, test, type TestContext } from "node:test";
import type { Ghosts } from "../../core/ghost.ts";
import type { MatrixClient } from "../../core/matrix/client.ts";
import { mxid, networkId, remoteUserId } from "../../core/model/ids.ts";
import type { OptOuts } from "../../core/opt-out.ts";
import { Presences } from "../../core/presence.ts";
import type { UserStore } from "../../core/store/store.ts";
import { StandingClock } from "./shore.ts";
import { silent } from "./temporary-store.ts";

const TOY = networkId("toy");

function stage(t: TestContext) {
  const clock = new StandingClock();
  const told: string[] = [];
  const stop = new AbortController();
  const net = { connected: true };
  t.after(() => stop.abort());
  const presences = new Presences({
    client: {
      presence: async (as: string, is: string, says?: string) => void told.push([as, is, ...(says ? [says] : [])].join(" ")),
    } as unknown as MatrixClient,
    users: { ghost: async (ghost: string) => (ghost.includes("stranger") ? undefined : { registered: true }) } as unknown as UserStore,
    ghosts: { mxidOf: (_network: string, person: string) => mxid(`@_toy_${person}:test.local`) } as unknown as Ghosts,
    optOuts: { isOut: async (who: string) => who === "toy:hidden" } as unknown as OptOuts,
    clock,
    log: silent,
    signal: stop.signal,
    isConnected: () => net.connected,
  });
  const tell = async (...people: [string, "here" | "away" | "gone", string?][]) =>
    await presences.told(TOY, {
      people: people.map(([person, is, says]) => ({ person: remoteUserId(person), is, ...(says === undefined ? {} : { says }) })),
    });
  const pass = async (ms: number) => {
    clock.pass(ms);
    await new Promise((resolve) => setImmediate(resolve));
    return told.splice(0);
  };
  return { tell, pass, clock, stop, net };
}

describe("presence", () => {
  test("who is there, away with a word, and gone is shown so", async (t) => {
    const { tell, pass } = stage(t);
    await tell(["nelly", "here"], ["rob", "away", "at lunch"]);
    assert.deepEqual(await pass(1_000), ["@_toy_nelly:test.local online", "@_toy_rob:test.local unavailable at lunch"]);
    await tell(["nelly", "gone"]);
    assert.deepEqual(await pass(1_000), ["@_toy_nelly:test.local offline"]);
  });

  test("a homeserver forgets in half a minute, so it is told again; of who is gone, once", async (t) => {
    const { tell, pass } = stage(t);
    await tell(["nelly", "here"]);
    await pass(1_000);
    assert.deepEqual(await pass(10_000), []);
    assert.deepEqual(await pass(16_000), ["@_toy_nelly:test.local online"]);
    await tell(["nelly", "gone"]);
    await pass(1_000);
    assert.deepEqual(await pass(60_000), []);
  });

  test("the same twice is told once", async (t) => {
    const { tell, pass } = stage(t);
    await tell(["nelly", "here"]);
    await tell(["nelly", "here"]);
    assert.equal((await pass(1_000)).length, 1);
    assert.deepEqual(await pass(1_000), []);
  });

  test("nothing of who has no ghost, has opted out, or was never there", async (t) => {
    const { tell, pass } = stage(t);
    await tell(["stranger", "here"], ["hidden", "here"], ["rob", "gone"]);
    assert.deepEqual(await pass(1_000), []);
  });

  test("a thousand at once come at a pace that a homeserver stands, and news goes before repeats", async (t) => {
    const { tell, pass } = stage(t);
    await tell(...Array.from({ length: 1_000 }, (_, index): [string, "here"] => [`p${index}`, "here"]));
    assert.equal((await pass(1_000)).length, 10);
    for (let second = 0; second < 99; second++) assert.equal((await pass(1_000)).length, 10);
    await tell(["late", "here"]);
    assert.ok((await pass(1_000)).includes("@_toy_late:test.local online"));
  });

  test("while a network is away nobody is said to be there; afterwards they are again", async (t) => {
    const { tell, pass, net } = stage(t);
    await tell(["nelly", "here"]);
    await pass(1_000);
    net.connected = false;
    assert.deepEqual(await pass(60_000), []);
    net.connected = true;
    assert.deepEqual(await pass(1_000), ["@_toy_nelly:test.local online"]);
  });

  test("after a stop nothing is told", async (t) => {
    const { tell, pass, clock, stop } = stage(t);
    await tell(["nelly", "here"]);
    stop.abort();
    assert.deepEqual(await pass(60_000), []);
    assert.equal(clock.waiting, 0);
  });
});
