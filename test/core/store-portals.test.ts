import assert from "node:assert/strict";
import { test } from "node:test";
import { Refused } from "../../core/model/errors.ts";
import {
  eventId,
  linkId,
  loginId,
  mxid,
  networkId,
  remoteChannelId,
  type RemoteUserId,
  remoteUserId,
  roomId,
} from "../../core/model/ids.ts";
import { memoryStore } from "./temporary-store.ts";

const network = networkId("irc");
const login = loginId("libera");
const channel = (name: string, room = "!r") => ({
  network,
  channel: remoteChannelId(`libera/${name}`),
  login,
  room: roomId(room),
  by: "config" as const,
  settings: {},
  watermark: undefined,
  at: 1,
});

test("a room has many links, and a link is found by its number, its channel and its room", async (t) => {
  const { portals } = await memoryStore(t);
  const one = await portals.addLink({ ...channel("#a"), settings: { readers: "visible" }, watermark: "7" });
  const two = await portals.addLink({ ...channel("#b"), by: mxid("@admin:x") });
  assert.deepEqual(await portals.link(one.id), one);
  assert.deepEqual(await portals.linkOf(network, remoteChannelId("libera/#b")), two);
  assert.deepEqual(await portals.linksIn(roomId("!r")), [one, two]);
  assert.deepEqual(await portals.links(one.id, 10), [two]);
  assert.equal(await portals.linkOf(network, remoteChannelId("libera/#c")), undefined);
});

test("a channel is linked at most once, and the refusal names the room", async (t) => {
  const { portals } = await memoryStore(t);
  await portals.addLink(channel("#a", "!first"));
  await assert.rejects(
    portals.addLink(channel("#a", "!second")),
    (error: Error) => error instanceof Refused && error.message.includes("!first"),
  );
});

test("a link's number is never used again, its waiting rows go with it", async (t) => {
  const { portals, journal } = await memoryStore(t);
  const link = await portals.addLink(channel("#a"));
  const row = (lane: string) => ({ lane, payload: 1, trace: "t", at: 1, phase: 0, once: [] });
  await journal.take({ rows: [row(`in:${link.id}`), row(`out:${link.id}`), row(`out:${link.id}`), row("in:77")] });
  await journal.park(3, "no right", 1);
  await portals.removeLink(link.id);
  assert.deepEqual(await journal.lanes(), ["in:77"]);
  assert.deepEqual(await journal.counts(), { waiting: 1, parked: 0 });
  assert.notEqual((await portals.addLink(channel("#a"))).id, link.id);
});

test("a change touches what it names, and undefined takes away", async (t) => {
  const { portals } = await memoryStore(t);
  const link = await portals.addLink({ ...channel("#a"), watermark: "7" });
  await portals.updateLink(link.id, { paused: "The room is encrypted.", facts: { name: "#a" } });
  await portals.updateLink(link.id, { paused: undefined, settings: { relay: false } });
  assert.deepEqual(await portals.link(link.id), { ...link, facts: { name: "#a" }, settings: { relay: false } });
  await portals.updateLink(linkId(99), { paused: "gone" });
});

test("each connection that missed something raises the phase of its links once, until they have caught up", async (t) => {
  const { portals } = await memoryStore(t);
  const one = await portals.addLink(channel("#a"));
  const other = await portals.addLink({ ...channel("#b"), login: loginId("oftc") });
  await portals.nextPhase(network, login);
  await portals.nextPhase(network, login);
  const now = async (id: typeof one.id) => {
    const link = await portals.link(id);
    return [link?.phase, link?.behind];
  };
  assert.deepEqual(await now(one.id), [2, true]);
  await portals.updateLink(one.id, { behind: false });
  await portals.nextPhase(network, login);
  assert.deepEqual(await now(one.id), [4, true]);
  assert.deepEqual(await now(other.id), [0, false]);
});

test("an upgraded room: links, notices and direct chats move, the map of old messages stays", async (t) => {
  const { portals, journal, users, messages } = await memoryStore(t);
  const [from, to] = [roomId("!old"), roomId("!new")];
  const link = await portals.addLink(channel("#a", "!old"));
  await portals.putPortal({ room: from, made: true, shown: { name: "A" } });
  await users.putDirectRoom(mxid("@a:x"), mxid("@bot:x"), from);
  const message = { link: link.id, room: from, event: eventId("$e"), part: 0, origin: "matrix", sender: mxid("@a:x"), at: 1 } as const;
  await journal.finish(undefined, { messages: [message], rows: [{ lane: "say:!old", payload: 1, trace: "t", at: 1, phase: 0, once: [] }] });
  await portals.moveRoom(from, to);
  assert.equal(await portals.portal(from), undefined);
  assert.deepEqual(await portals.portal(to), { room: to, made: true, shown: { name: "A" } });
  assert.deepEqual(
    (await portals.linksIn(to)).map((one) => one.id),
    [link.id],
  );
  assert.deepEqual(await journal.lanes(), ["say:!new"]);
  assert.deepEqual(await journal.counts("say:!new"), { waiting: 1, parked: 0 });
  assert.equal(await users.directRoom(mxid("@a:x"), mxid("@bot:x")), to);
  assert.equal((await messages.byEvent(eventId("$e")))[0]?.room, from);
});

test("a room that moves to one that is a portal already: that portal stays as it is", async (t) => {
  const { portals } = await memoryStore(t);
  await portals.putPortal({ room: roomId("!old"), made: true, shown: 1 });
  await portals.putPortal({ room: roomId("!new"), made: false, shown: 2 });
  await portals.moveRoom(roomId("!old"), roomId("!new"));
  assert.deepEqual(await portals.portal(roomId("!new")), { room: "!new", made: false, shown: 2 });
  assert.equal(await portals.portal(roomId("!old")), undefined);
});

test("what is being made is remembered until it is forgotten", async (t) => {
  const { portals } = await memoryStore(t);
  await portals.putMaking("room:#a", { alias: "#_irc_a:x" });
  assert.deepEqual(await portals.making("room:#a"), { alias: "#_irc_a:x" });
  await portals.putMaking("room:#a", undefined);
  assert.equal(await portals.making("room:#a"), undefined);
});

test("who is in a link's channel is remembered with the link, and forgotten with it", async (t) => {
  const { portals } = await memoryStore(t);
  const one = await portals.addLink(channel("#a"));
  const [alice, bob] = ["libera/alice", "libera/bob"].map(remoteUserId) as [RemoteUserId, RemoteUserId];
  await portals.attend(one.id, { come: [alice, bob, alice] });
  await portals.attend(one.id, { come: [alice], gone: [bob] });
  assert.deepEqual(await portals.attending(one.id), [alice]);
  await portals.removeLink(one.id);
  assert.deepEqual(await portals.attending(one.id), []);
});

test("what is being made is found by the beginning of its name", async (t) => {
  const { portals } = await memoryStore(t);
  await portals.putMaking("#_irc_a", { channel: "a" });
  await portals.putMaking("#_irc_b", { channel: "b" });
  await portals.putMaking("direct:c", "!room");
  await portals.putMaking("#_irc_b", undefined);
  assert.deepEqual(await portals.makings("#"), [{ key: "#_irc_a", value: { channel: "a" } }]);
});
