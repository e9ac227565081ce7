import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import { Canary } from "../../core/canary.ts";
import { createClock } from "../../core/clock.ts";
import { type MatrixClient, MatrixError } from "../../core/matrix/client.ts";
import type { MatrixEvent } from "../../core/matrix/event.ts";
import { roomId } from "../../core/model/ids.ts";

/** A canary over a homeserver of a few lines: it gives back what is written, unless it is `deaf`. */
function scene(options: { deaf?: boolean; refuses?: number; speed?: number } = {}) {
  const stop = new AbortController();
  const told: string[] = [];
  const heard: (number | undefined)[] = [];
  const rooms: string[] = [];
  const settings = new Map<string, unknown>();
  const at = { deaf: options.deaf ?? false, refuses: options.refuses ?? 0, told, heard, rooms, pings: 0, stop, settings };
  const client = {
    createRoom: async () => roomId(rooms[rooms.push(`!room${rooms.length}`) - 1] ?? ""),
    setState: async (_room: string, type: string, _key: string, content: Record<string, unknown>) => {
      if (at.refuses-- > 0) throw new MatrixError("Setting", { status: 403, errcode: "M_FORBIDDEN", error: "", read: false });
      if (!at.deaf) setImmediate(() => canary.observe({ type, content } as unknown as MatrixEvent));
    },
  };
  const canary: Canary = new Canary({
    client: client as unknown as MatrixClient,
    settings: { get: async (key) => settings.get(key), set: async (key, value) => void settings.set(key, value) },
    clock: createClock({ speed: options.speed ?? 1_000, since: Date.now() }),
    log: pino({ level: "silent" }),
    signal: stop.signal,
    heard: (ms) => void heard.push(ms),
    lost: async (why) => void told.push(why),
    ping: async () => void (at.pings += 1),
  });
  return { ...at, at, canary };
}

async function until(look: () => boolean): Promise<void> {
  for (let tries = 0; tries < 2_000 && !look(); tries += 1) await new Promise((resolve) => setTimeout(resolve, 2));
  assert.ok(look());
}

test("a homeserver that pushes is timed, and nobody is told anything", async () => {
  // Slow enough that a busy machine is not taken for a deaf homeserver.
  const { canary, stop, heard, told } = scene({ speed: 10 });
  const running = canary.run();
  await until(() => heard.length >= 1);
  stop.abort();
  await assert.rejects(running);
  assert.ok(heard.every((ms) => ms !== undefined));
  assert.deepEqual([canary.trouble, told], [undefined, []]);
});

test("one that stopped pushing is pinged, told of once, and well again when it pushes", async () => {
  const { canary, at, stop, heard, told } = scene({ deaf: true });
  const running = canary.run();
  await until(() => heard.length >= 2);
  assert.match(canary.trouble ?? "", /does not push/);
  assert.equal(told.length, 1);
  assert.ok(at.pings >= 1);
  at.deaf = false;
  await until(() => canary.trouble === undefined);
  stop.abort();
  await assert.rejects(running);
});

test("a canary in the air does not outlive the bridge", async () => {
  const { canary, stop, rooms, heard } = scene({ deaf: true });
  const running = canary.run();
  await until(() => rooms.length === 1);
  stop.abort();
  await assert.rejects(running);
  assert.deepEqual(heard, []);
});

test("thrown out of its room, the canary gets another", async () => {
  const { canary, stop, rooms, heard } = scene({ refuses: 1 });
  const running = canary.run();
  await until(() => heard.length >= 1);
  stop.abort();
  await assert.rejects(running);
  assert.deepEqual(rooms, ["!room0", "!room1"]);
});
