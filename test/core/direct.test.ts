import assert from "node:assert/strict";
import { test } from "node:test";
import { type DirectContext, workDirect } from "../../core/direct.ts";
import type { Ghosts } from "../../core/ghost.ts";
import type { Lanes } from "../../core/lanes.ts";
import { Links } from "../../core/links.ts";
import type { LiveLogin } from "../../core/logins.ts";
import { makeRegistration } from "../../core/matrix/registration.ts";
import { loginId, mxid, networkId, remoteChannelId, type RoomId } from "../../core/model/ids.ts";
import type { Channel, Connection } from "../../core/network.ts";
import { startHomeserver } from "../fakes/homeserver.ts";
import { clientOf, clock } from "./shore.ts";
import { memoryStore } from "./temporary-store.ts";

const channel: Channel = { id: remoteChannelId("town/D1"), name: "Bob", kind: "direct", spaces: [] };
const live = {
  network: { id: networkId("toy") },
  login: { id: loginId("town:ann"), owner: "@ann:test.local" },
  connection: {
    channel: async () => channel,
    members: async () => ({ people: [], complete: true }),
  } as unknown as Connection,
} as unknown as LiveLogin;
const message = { kind: "message", channel: channel.id, message: "m1", at: 1, via: "live", direct: true };

test("a private conversation gets one room, though the answer to its making was lost; its owner has power in it", async (t) => {
  const registration = await makeRegistration({
    id: "causeway",
    url: null,
    domain: "test.local",
    senderLocalpart: "causeway",
    networks: [{ id: "toy", prefix: "_toy_" }],
  });
  const hs = await startHomeserver({ services: [{ ...registration }] });
  t.after(() => hs.stop());
  const ann = await hs.user("ann");
  const store = await memoryStore(t);
  const links = new Links(store.portals);
  const context: DirectContext = {
    store,
    links,
    client: clientOf(t, hs.url, { asToken: registration.as_token }),
    clock,
    lanes: { wake: () => undefined } as unknown as Lanes,
    ghosts: { present: async () => mxid("@_toy_x:test.local") } as unknown as Ghosts,
    hosts: [],
    changed: () => undefined,
    ownerOf: () => undefined,
    tell: async () => undefined,
  };
  await store.journal.take({ rows: [{ lane: "dm:toy/town:ann", payload: message, trace: "t", at: 1, phase: 0, once: [] }] });
  const [row] = await store.journal.head("dm:toy/town:ann", 1);
  assert.ok(row);
  const work = workDirect(context, () => live);
  hs.faults.add({ kind: "reply-lost", match: { path: "/createRoom" } });
  await assert.rejects(work(row, { again: false }));
  await work(row, { again: true });
  const [room, second] = hs.rooms();
  assert.equal(second, undefined);
  assert.equal((await links.of(networkId("toy"), channel.id))?.room, room as RoomId);
  const hers = await ann.join(String(room));
  await hers.setState("m.room.topic", { topic: "mine too" });
});
