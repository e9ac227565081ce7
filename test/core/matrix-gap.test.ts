import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import { createClock } from "../../core/clock.ts";
import type { Links } from "../../core/links.ts";
import { MatrixGaps } from "../../core/matrix-gap.ts";
import type { MatrixClient } from "../../core/matrix/client.ts";
import type { MatrixEvent } from "../../core/matrix/event.ts";
import { roomId } from "../../core/model/ids.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** What a look at a room takes in. `ages`: of its events, newest first, milliseconds; `ghost` = marked as ours. */
async function look(
  pages: readonly (readonly (number | { ghost: number })[])[],
): Promise<{ taken: string[]; asked: number; told: number[] }> {
  const now = Date.now();
  let asked = 0;
  const events = pages.map((page, at) =>
    page.map((age, place) => {
      const content = typeof age === "number" ? {} : { "io.causeway.origin": {} };
      return { event_id: `$${at}.${place}`, origin_server_ts: now - (typeof age === "number" ? age : age.ghost), content };
    }),
  );
  const taken: string[] = [];
  const told: number[] = [];
  const gaps = new MatrixGaps({
    client: { messages: async () => ({ events: events[asked++] ?? [], end: `t${asked}` }) } as unknown as MatrixClient,
    links: {} as Links,
    settings: { get: async () => now - HOUR, set: async () => undefined },
    clock: createClock({ speed: 1, since: now }),
    log: pino({ level: "silent" }),
    signal: new AbortController().signal,
    take: async (_room, found: readonly MatrixEvent[]) => void taken.push(...found.map((event) => event.event_id)),
    looked: () => undefined,
    tooMuch: async (_room, before) => void told.push(now - before),
  });
  await gaps.load();
  await gaps.look(roomId("!room"));
  return { taken, asked, told };
}

test("of more than is looked through, the room hears from when on it was", async () => {
  const { taken, told } = await look(Array.from({ length: 30 }, (_, page) => [1_000 * (page + 1)]));
  assert.equal(taken.length, 20);
  assert.deepEqual(told, [20_000]);
});

test("one event with an old time does not hide what was missed before it", async () => {
  const { taken } = await look([[1_000, 30 * DAY, 2_000], [30 * DAY]]);
  assert.deepEqual(taken, ["$0.2", "$0.0"]);
});

test("what ghosts said late is found, what they said weeks ago is not taken for new", async () => {
  const { taken, asked } = await look([[{ ghost: DAY }], [{ ghost: 40 * DAY }], [{ ghost: 41 * DAY }]]);
  assert.deepEqual(taken, ["$0.0"]);
  assert.equal(asked, 2);
});

/** What was noted as heard, by our clock that is `ahead`, when events of these ages came; milliseconds before the real now. */
async function noted(ahead: number, ages: readonly number[], swept = true): Promise<number | undefined> {
  const now = Date.now();
  let kept: number | undefined;
  const gaps = new MatrixGaps({
    client: {} as MatrixClient,
    links: { all: async function* () {} } as unknown as Links,
    settings: { get: async () => kept, set: async (_key, value) => void (kept = value as number) },
    clock: { ...createClock({ speed: 1, since: now }), now: () => now + ahead },
    log: pino({ level: "silent" }),
    signal: new AbortController().signal,
    take: async () => undefined,
    looked: () => undefined,
    tooMuch: async () => undefined,
  });
  if (swept) await gaps.sweep();
  await gaps.heard(ages.map((age) => ({ origin_server_ts: now - age, content: {} }) as unknown as MatrixEvent));
  return kept === undefined ? undefined : now - kept;
}

test("how far pushes have come is told by the homeserver's clock: ours may be an hour ahead", async () => {
  assert.equal(await noted(HOUR, [5_000, 1_000]), 1_000);
  assert.equal(await noted(0, [-365 * DAY]), 0, "another server's clock is a year ahead");
  assert.equal(await noted(0, [365 * DAY]), 7 * DAY, "and a year behind");
  assert.equal(await noted(0, []), undefined);
  assert.equal(await noted(0, [1_000], false), undefined, "what was lost before has not been looked for yet");
});

test("a look that was ended by a stop opens the way for nothing", async () => {
  const stopping = new AbortController();
  const opened: string[] = [];
  const gaps = new MatrixGaps({
    client: {
      messages: async () => {
        stopping.abort();
        throw new Error("gone");
      },
    } as unknown as MatrixClient,
    links: {} as Links,
    settings: { get: async () => 1, set: async () => undefined },
    clock: createClock({ speed: 1, since: Date.now() }),
    log: pino({ level: "silent" }),
    signal: stopping.signal,
    take: async () => undefined,
    looked: (room) => void opened.push(room),
    tooMuch: async () => undefined,
  });
  await gaps.load();
  await gaps.look(roomId("!room"));
  assert.deepEqual([opened, gaps.isLooked(roomId("!room"))], [[], false]);
});
