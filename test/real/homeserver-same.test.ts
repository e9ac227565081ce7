/** One journey on the fake homeserver and on a real Synapse: what goes over the wire is the same, but for ids and times. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { at } from "../fakes/homeserver/promises/stage.ts";
import { startHomeserver } from "../fakes/homeserver.ts";
import { type ListeningService, startListeningService } from "../fakes/listening-service.ts";
import { type Json, MatrixUser, type TestHomeserver } from "../matrix-client.ts";
import { startSynapse, synapseMissing } from "./synapse.ts";

type Seen = Readonly<Record<string, unknown>>;

async function journey(hs: TestHomeserver, service: ListeningService, version: string): Promise<Seen> {
  const [anna, ben] = [await MatrixUser.register(hs.url, `anna${version}`), await MatrixUser.register(hs.url, `ben${version}`)];
  const ghost = `@_test_ghost${version}:test.local`;
  const asService = (method: "POST" | "PUT", path: string, body: Json, options: { user?: string; query?: Record<string, string> } = {}) =>
    service.call(hs.url, method, path, { body, ...options });
  await asService("POST", "/register", { type: "m.login.application_service", username: `_test_ghost${version}`, inhibit_login: true });
  const room = await anna.createRoom({ name: "Room", topic: "Talk", room_version: version, invite: [ben.id, "@_test_bot:test.local"] });
  const invited = await ben.call("GET", "/sync");
  const there = await ben.join(room.id);
  await asService("POST", at(room, "join"), {});
  await asService("POST", at(room, "invite"), { user_id: ghost });
  await asService("POST", at(room, "join"), {}, { user: ghost });
  const profile = { membership: "join", displayname: "Ghost", avatar_url: "mxc://test.local/picture", "io.test": 1 };
  await asService("PUT", at(room, `state/m.room.member/${ghost}`), profile, { user: ghost });
  const first = await room.say("one");
  const words = { msgtype: "m.text", body: "two", "m.relates_to": { "m.in_reply_to": { event_id: first } } };
  const at2023 = { user: ghost, query: { ts: "1700000000000" } };
  const second = (await asService("PUT", at(room, `send/m.room.message/${version}`), words, at2023))["event_id"] as string;
  await room.edit(first, "one, better");
  await there.redact(await there.react(second, "👍"), "changed my mind", { "io.test": { deep: [1] } });
  await room.thread(first, "in a thread");
  await room.redact(second, "not nice");
  await room.setState("m.room.topic", { topic: "Other talk" });
  await asService("POST", at(room, "leave"), { reason: "tired" }, { user: ghost });
  await room.kick(ben.id, "out");
  await room.ban(ben.id, "for good");
  await room.unban(ben.id);
  const moved = await room.upgrade("12");
  const seen = {
    invited: byKey(
      (invited["rooms"] as { invite: Record<string, { invite_state: { events: Json[] } }> }).invite[room.id]?.invite_state.events,
    ),
    messages: (await anna.call("GET", at(room, "messages"), { query: { dir: "f", limit: 100 } }))["chunk"],
    moved: (await anna.call("GET", at(moved, "messages"), { query: { dir: "f", limit: 100 } }))["chunk"],
    edited: await room.event(first),
    redacted: await room.event(second),
    state: byKey((await anna.call("GET", at(room, "state"))) as unknown as Json[]),
    relations: (await anna.call("GET", `/_matrix/client/v1${at(room, `relations/${first}`)}`))["chunk"],
  };
  const last = (await room.timeline()).at(-1)?.event_id;
  await service.event((event) => event["event_id"] === last);
  const pushed = service.events.filter((event) => event["room_id"] === room.id);
  for (const event of pushed) {
    byKey(event["invite_room_state"] as Json[] | undefined);
    byKey((event["unsigned"] as Json)["invite_room_state"] as Json[] | undefined);
  }
  return { ...seen, pushed };
}

/** State has no order. */
function byKey(events: Json[] | undefined): Json[] | undefined {
  const key = ({ type, state_key: stateKey }: Json): string => `${String(type)} ${String(stateKey)}`;
  return events?.sort((a, b) => key(a).localeCompare(key(b)));
}

const times = new Set(["age", "origin_server_ts"]);

/** Ids by the order in which they appear, times as nothing. */
function plain(seen: Seen): Seen {
  const names = new Map<string, string>();
  const name = (id: string): string => {
    const bare = id.slice(1);
    if (!names.has(bare)) names.set(bare, `id${names.size}`);
    return `${id[0]}${names.get(bare)}`;
  };
  const walk = (value: unknown, key = ""): unknown => {
    if (times.has(key)) return "some time";
    if (key === "transaction_id") return "some id";
    if (typeof value === "string") return value.replace(/[$!][A-Za-z0-9_-]{43}|![A-Za-z0-9_-]{18}(?=:)/g, name);
    if (Array.isArray(value)) return value.map((each) => walk(each));
    if (typeof value !== "object" || value === null) return value;
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(entries.map(([each, inner]) => [each, walk(inner, each)]));
  };
  return walk(seen) as Seen;
}

const missing = await synapseMissing();

test("the fake homeserver and Synapse say the same in the same words", { skip: missing ?? false }, async () => {
  const services = await Promise.all([startListeningService(), startListeningService()]);
  const fake = await startHomeserver({ services: [services[0].registration] });
  const real = await startSynapse({ services: [services[1].registration] });
  try {
    for (const version of ["10", "11", "12"]) {
      const [one, other] = [await journey(fake, services[0], version), await journey(real, services[1], version)].map(plain);
      for (const part of Object.keys(one ?? {})) assert.deepEqual(one?.[part], other?.[part], `${part}, room version ${version}`);
    }
  } finally {
    await Promise.all([fake.stop(), real.stop(), ...services.map((service) => service.stop())]);
  }
});
