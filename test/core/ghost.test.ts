import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test, type TestContext } from "node:test";
import { Ghosts, type OpenAvatar } from "../../core/ghost.ts";
import { failureOf } from "../../core/matrix/client.ts";
import { createNamespace } from "../../core/matrix/namespace.ts";
import { Broken, Refused, TryLater } from "../../core/model/errors.ts";
import { type Mxid, networkId, type RoomId, remoteChannelId, remoteUserId, roomId } from "../../core/model/ids.ts";
import type { Person } from "../../core/model/message.ts";
import { type FakeHomeserver, startHomeserver } from "../fakes/homeserver.ts";
import { clientOf, clock, StandingClock } from "./shore.ts";
import { memoryStore, silent } from "./temporary-store.ts";

const irc = networkId("irc");
const registration = {
  id: "causeway",
  url: null,
  as_token: "as-token",
  hs_token: "hs-token",
  sender_localpart: "causeway",
  namespaces: { users: [{ regex: "^@_irc_.*:test\\.local$", exclusive: true }], aliases: [], rooms: [] },
};
const ids = {
  toGhost: (id: string) => id,
  fromGhost: (text: string) => remoteUserId(text),
  toAlias: (id: string) => id,
  fromAlias: (text: string) => remoteChannelId(text),
};
const namespace = createNamespace({ domain: "test.local", botLocalpart: "causeway", prefix: "_", networks: [{ id: irc, ids }] });
const alice: Person = { id: remoteUserId("libera_alice"), name: "Alice" };
const noPicture: OpenAvatar = () => assert.fail("No picture was to be fetched.");
const picture =
  (bytes: string, mimetype?: string): OpenAvatar =>
  async () => ({ stream: Readable.from([Buffer.from(bytes)]), size: bytes.length, ...(mimetype ? { mimetype } : {}) });

async function house(t: TestContext, by = clock) {
  const fake = await startHomeserver({ services: [registration] });
  t.after(() => fake.stop());
  const client = clientOf(t, fake.url);
  await client.register("causeway");
  const store = await memoryStore(t);
  /** As after a restart: nothing in memory. */
  const awake = async () => {
    const ghosts = new Ghosts({ client, users: store.users, settings: store.settings, namespace, clock: by, log: silent });
    await ghosts.load();
    return ghosts;
  };
  const open = (preset = "public_chat") => client.createRoom({ preset });
  return { fake, client, store, awake, open, ghosts: await awake() };
}

function memberships(fake: FakeHomeserver, room: RoomId, whom: Mxid) {
  return fake
    .timeline(room)
    .filter(({ type, state_key }) => type === "m.room.member" && state_key === whom)
    .map(({ content }) => content);
}

/** How many calls the homeserver had while it went on. */
async function callsDuring(fake: FakeHomeserver, work: () => Promise<unknown>): Promise<number> {
  const counter = fake.faults.add({ kind: "slow", ms: 0, times: 0 });
  await work();
  counter.release();
  return counter.hits;
}

test("a person who speaks for the first time gets an account, a name and one membership event", async (t) => {
  const { fake, client, ghosts, open } = await house(t);
  const room = await open();
  const ghost = await ghosts.present(room, irc, alice, noPicture);
  assert.equal(ghost, "@_irc_libera_alice:test.local");
  assert.deepEqual(await client.profile(ghost), { displayname: "Alice" });
  assert.deepEqual(memberships(fake, room, ghost), [{ membership: "join", displayname: "Alice" }]);
});

test("whoever is there as they are is not touched, not even after a restart", async (t) => {
  const { fake, ghosts, awake, open } = await house(t);
  const room = await open();
  await ghosts.present(room, irc, { ...alice, avatar: { id: "a1", ref: 1 } }, picture("png", "image/png"));
  for (const same of [ghosts, await awake()]) {
    const calls = await callsDuring(fake, () => same.present(room, irc, { ...alice, avatar: { id: "a1", ref: 1 } }, noPicture));
    assert.equal(calls, 0);
  }
});

test("two messages at once make one account and one join", async (t) => {
  const { fake, ghosts, open } = await house(t);
  const [room, other] = [await open(), await open()];
  const all = await Promise.all([room, room, other, room].map((each) => ghosts.present(each, irc, alice, noPicture)));
  assert.equal(new Set(all).size, 1);
  for (const each of [room, other]) assert.equal(memberships(fake, each, all[0] as Mxid).length, 1);
});

test("a new name and a new picture are one event, in each room when the person next speaks there", async (t) => {
  const { fake, client, ghosts, open } = await house(t);
  const [room, other] = [await open(), await open()];
  const ghost = await ghosts.present(room, irc, alice, noPicture);
  await ghosts.present(other, irc, alice, noPicture);
  await ghosts.present(room, irc, { ...alice, name: "Alicia", avatar: { id: "a1", ref: 1 } }, picture("png"));
  const mxc = memberships(fake, room, ghost).at(-1)?.["avatar_url"];
  assert.match(String(mxc), /^mxc:/);
  assert.deepEqual(memberships(fake, room, ghost).slice(1), [{ membership: "join", displayname: "Alicia", avatar_url: mxc }]);
  assert.equal(memberships(fake, other, ghost).length, 1);
  await ghosts.present(other, irc, { ...alice, name: "Alicia" }, noPicture);
  assert.deepEqual(memberships(fake, other, ghost).at(-1), { membership: "join", displayname: "Alicia", avatar_url: mxc });
  // The profile outside of rooms would fan out into all of them.
  assert.deepEqual(await client.profile(ghost), { displayname: "Alice" });
});

test("a picture is fetched once per picture; one that is taken away goes away", async (t) => {
  const { fake, ghosts, open } = await house(t);
  const room = await open();
  let fetched = 0;
  const count: OpenAvatar = (ref) => (fetched++, picture("png")(ref));
  for (const id of ["a1", "a1", "a2"]) await ghosts.present(room, irc, { ...alice, avatar: { id, ref: 1 } }, count);
  const ghost = await ghosts.present(room, irc, alice, count);
  assert.equal(fetched, 2);
  assert.ok("avatar_url" in (memberships(fake, room, ghost).at(-1) ?? {}));
  await ghosts.present(room, irc, { ...alice, avatar: null }, count);
  assert.equal(memberships(fake, room, ghost).at(-1)?.["avatar_url"], "");
});

test("a picture that cannot be had holds no message up, and is not asked for with each", async (t) => {
  const by = new StandingClock();
  const { fake, ghosts, open } = await house(t, by);
  const room = await open();
  let asked = 0;
  const bad: OpenAvatar[] = [
    () => Promise.reject(new Error("gone")),
    picture("<html>log in</html>", "text/html"),
    async () => ({ stream: Readable.from([Buffer.alloc(9 * 1024 * 1024)]), mimetype: "image/png" }),
    async () => ({
      stream: Readable.from(
        (async function* () {
          yield Buffer.from("a");
          throw new Error("cut");
        })(),
      ),
    }),
  ];
  for (const [index, open] of bad.entries()) {
    const person = { ...alice, avatar: { id: `bad${index}`, ref: 1 } };
    const counted: OpenAvatar = (ref) => (asked++, open(ref));
    for (let time = 0; time < 3; time += 1) await ghosts.present(room, irc, person, counted);
  }
  assert.equal(asked, bad.length);
  const ghost = ghosts.mxidOf(irc, alice.id);
  assert.equal(memberships(fake, room, ghost).length, 1);
  by.pass(10 * 60_000 + 1);
  await ghosts.present(room, irc, { ...alice, avatar: { id: "bad0", ref: 1 } }, picture("png"));
  assert.ok("avatar_url" in (memberships(fake, room, ghost).at(-1) ?? {}));
});

test("a picture that never comes is waited for ten seconds", async (t) => {
  const by = new StandingClock();
  const { ghosts, open } = await house(t, by);
  const room = await open();
  const stream = new Readable({ read() {} });
  const presented = ghosts.present(room, irc, { ...alice, avatar: { id: "slow", ref: 1 } }, async () => {
    setTimeout(() => by.pass(10_001), 5);
    return { stream };
  });
  assert.equal(await presented, ghosts.mxidOf(irc, alice.id));
  assert.ok(stream.destroyed);
});

test("a room that wants an invitation gets one from the bot, and is invited to at once from then on", async (t) => {
  const { fake, ghosts, open } = await house(t);
  const room = await open("private_chat");
  const ghost = await ghosts.present(room, irc, alice, noPicture);
  assert.deepEqual(
    memberships(fake, room, ghost).map(({ membership }) => membership),
    ["invite", "join"],
  );
  const refused = fake.faults.add({ kind: "slow", ms: 0, times: 0, match: { path: "/state/m.room.member/" } });
  await ghosts.present(room, irc, { id: remoteUserId("libera_bob"), name: "Bob" }, noPicture);
  refused.release();
  assert.equal(refused.hits, 1);
});

test("a banned ghost is refused in a sentence, and the homeserver is not asked again", async (t) => {
  const { fake, client, ghosts, open } = await house(t);
  const room = await open();
  await client.ban(room, ghosts.mxidOf(irc, alice.id));
  await assert.rejects(ghosts.present(room, irc, alice, noPicture), (error: unknown) => {
    return error instanceof Refused && error.message === "Alice is banned from the room.";
  });
  const calls = await callsDuring(fake, () => assert.rejects(ghosts.present(room, irc, alice, noPicture), Refused));
  assert.equal(calls, 0);
  await client.unban(room, ghosts.mxidOf(irc, alice.id));
  await ghosts.removed(room, ghosts.mxidOf(irc, alice.id), "leave");
  await ghosts.present(room, irc, alice, noPicture);
});

test("a room that the bot may not invite into says what it lacks", async (t) => {
  const { client, ghosts, fake } = await house(t);
  const admin = await fake.user("admin");
  const room = await client.join(roomId((await admin.createRoom({ preset: "public_chat" })).id));
  await admin.call("PUT", `/_matrix/client/v3/rooms/${encodeURIComponent(room)}/state/m.room.join_rules`, {
    body: { join_rule: "invite" },
  });
  await admin.call("PUT", `/_matrix/client/v3/rooms/${encodeURIComponent(room)}/state/m.room.power_levels`, { body: { invite: 50 } });
  await assert.rejects(ghosts.present(room, irc, alice, noPicture), /may not invite Alice/);
});

test("a ghost that was kicked while we did not look comes back by invitation", async (t) => {
  const { fake, client, ghosts, open } = await house(t);
  const room = await open("private_chat");
  const ghost = await ghosts.present(room, irc, alice, noPicture);
  await client.kick(room, ghost);
  await ghosts.present(room, irc, { ...alice, name: "Alicia" }, noPicture);
  assert.deepEqual(memberships(fake, room, ghost).at(-1), { membership: "join", displayname: "Alicia" });
});

test("a ghost leaves once, and joins again when it speaks", async (t) => {
  const { fake, ghosts, open } = await house(t);
  const room = await open();
  const ghost = await ghosts.present(room, irc, alice, noPicture);
  await ghosts.leave(room, ghost, "Ping timeout");
  assert.equal(await callsDuring(fake, () => ghosts.leave(room, ghost)), 0);
  await ghosts.present(room, irc, alice, noPicture);
  assert.deepEqual(
    memberships(fake, room, ghost).map(({ membership }) => membership),
    ["join", "leave", "join"],
  );
});

test("an account that was there before us is not renamed again", async (t) => {
  const { fake, client, ghosts, open } = await house(t);
  const ghost = ghosts.mxidOf(irc, alice.id);
  await client.register("_irc_libera_alice");
  await client.setName(ghost, "Alice");
  const room = await open();
  const named = fake.faults.add({ kind: "slow", ms: 0, times: 0, match: { path: "/displayname" } });
  await ghosts.present(room, irc, alice, noPicture);
  named.release();
  assert.equal(named.hits, 0);
});

test("a ghost that somebody asks for exists, and is in no room", async (t) => {
  const { client, ghosts } = await house(t);
  await ghosts.exist(irc, alice, noPicture);
  const ghost = ghosts.mxidOf(irc, alice.id);
  assert.deepEqual(await client.profile(ghost), { displayname: "Alice" });
  assert.deepEqual(await client.joinedRooms(ghost), []);
});

test("a hostile name is made one harmless line; an empty one becomes the id", async (t) => {
  const { fake, ghosts, open } = await house(t);
  const room = await open();
  const table: [name: string, shown: string][] = [
    ["Al\r\nice", "Al ice"],
    ["\u202eecilA", "ecilA"],
    ["half \ud800", "half \ufffd"],
    ["\u0000", "libera_alice"],
    ["x".repeat(300), `${"x".repeat(99)}…`],
  ];
  for (const [name, shown] of table) {
    const ghost = await ghosts.present(room, irc, { ...alice, name }, noPicture);
    assert.equal(memberships(fake, room, ghost).at(-1)?.["displayname"], shown);
  }
});

test("a homeserver that is away makes the message wait, and nothing is half remembered", async (t) => {
  const { fake, ghosts, open } = await house(t);
  const room = await open();
  fake.faults.add({ kind: "status", status: 503, match: { path: "/displayname" } });
  await assert.rejects(ghosts.present(room, irc, alice, noPicture), TryLater);
  fake.faults.add({ kind: "status", status: 429, match: { path: "/m.room.member/" }, retry_after_ms: 50 });
  const error = await ghosts.present(room, irc, alice, noPicture).catch(failureOf);
  assert.ok(error instanceof TryLater && error.after === 50);
  const ghost = await ghosts.present(room, irc, alice, noPicture);
  assert.equal(memberships(fake, room, ghost).length, 1);
});

test("whose ghost it is can be told from its name, for a name that was too long too, and after a restart", async (t) => {
  const { ghosts, awake, open } = await house(t);
  const long: Person = { id: remoteUserId(`libera_${"n".repeat(300)}`), name: "Long" };
  const ghost = await ghosts.present(await open(), irc, long, noPicture);
  assert.deepEqual(ghosts.remoteOf(ghost), { network: irc, remote: long.id });
  assert.deepEqual((await awake()).remoteOf(ghost), { network: irc, remote: long.id });
  assert.deepEqual(ghosts.remoteOf(ghosts.mxidOf(irc, alice.id)), { network: irc, remote: alice.id });
  assert.equal(ghosts.remoteOf("@alice:test.local" as Mxid), undefined);
});

test("nobody takes over another's ghost, whatever the network says", async (t) => {
  const { ghosts, store, open } = await house(t);
  const room = await open();
  const ghost = ghosts.mxidOf(irc, alice.id);
  const other = { mxid: ghost, network: irc, remote: remoteUserId("libera_ALICE"), registered: true };
  await store.users.putGhost({ ...other, name: "A", avatarId: undefined, avatar: undefined });
  await assert.rejects(ghosts.present(room, irc, alice, noPicture), Broken);
});
