import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { loginId, mxcUri, mxid, networkId, remoteUserId, roomId } from "../../core/model/ids.ts";
import type { Ghost } from "../../core/store/store.ts";
import { diskStore, memoryStore, temporaryFolder } from "./temporary-store.ts";

const network = networkId("irc");
const room = roomId("!r");
const ghost = (name: string, more: Partial<Ghost> = {}): Ghost => ({
  mxid: mxid(`@_irc_${name}:x`),
  network,
  remote: remoteUserId(name),
  registered: true,
  name,
  avatarId: undefined,
  avatar: undefined,
  ...more,
});

test("a ghost is found by either name, and an unknown picture differs from none", async (t) => {
  const { users } = await memoryStore(t);
  const [plain, none, some] = [ghost("a"), ghost("b", { avatarId: null }), ghost("c", { avatarId: "", avatar: mxcUri("mxc://x/1") })];
  for (const one of [plain, none, some]) await users.putGhost(one);
  assert.deepEqual(await users.ghost(plain.mxid), plain);
  assert.deepEqual(await users.ghostOf(network, none.remote), none);
  assert.deepEqual(await users.ghost(some.mxid), some);
  await users.putGhost({ ...plain, name: undefined, registered: false });
  assert.deepEqual(await users.ghost(plain.mxid), { ...plain, name: undefined, registered: false });
});

test("a room's joined ghosts of one network come in pages, whichever was told first, the ghost or the membership", async (t) => {
  const { users } = await memoryStore(t);
  const people = ["a", "b", "c"].map((name) => ghost(name));
  const joined = (one: Ghost) => ({ room, mxid: one.mxid, membership: "join" as const, name: one.name, avatar: undefined });
  await users.putMember(joined(people[0] as Ghost));
  for (const one of people) await users.putGhost(one);
  for (const one of people.slice(1)) await users.putMember(joined(one));
  await users.putGhost(ghost("d", { network: networkId("slack") }));
  await users.putMember(joined(ghost("d")));
  const first = await users.members(room, network, "", 2);
  assert.deepEqual(
    first.map((one) => one.name),
    ["a", "b"],
  );
  assert.deepEqual(
    (await users.members(room, network, first[1]?.mxid ?? "", 2)).map((one) => one.name),
    ["c"],
  );
  await users.putMember({ ...joined(people[1] as Ghost), membership: "leave" });
  assert.deepEqual(
    (await users.members(room, network, "", 9)).map((one) => one.name),
    ["a", "c"],
  );
  assert.equal((await users.member(room, (people[1] as Ghost).mxid))?.membership, "leave");
});

test("logins and what they keep are sealed: the files hold none of it", async (t) => {
  const path = join(temporaryFolder(t), "causeway.db");
  const store = await diskStore(path);
  const [id, owner] = [loginId("me"), mxid("@me:x")];
  const login = { network, id, name: "me on IRC", owner, secrets: { password: "hunter-two" }, person: remoteUserId("me") };
  await store.users.putLogin(login);
  await store.users.putKeep(network, id, "session", "gateway-session");
  assert.deepEqual(await store.users.logins(), [login]);
  assert.deepEqual(await store.users.loginsOf(owner), [login]);
  assert.equal(await store.users.keep(network, id, "session"), "gateway-session");
  const bytes = [path, `${path}-wal`].map((file) => readFileSync(file, "latin1")).join("");
  assert.ok(bytes.includes("me on IRC") && !bytes.includes("hunter-two") && !bytes.includes("gateway-session"));
  await store.close();
});

test("a login that is removed takes with it what it kept", async (t) => {
  const { users } = await memoryStore(t);
  await users.putKeep(network, loginId("a"), "k", { n: 1 });
  await users.putKeep(network, loginId("b"), "k", 2);
  await users.putKeep(network, loginId("b"), "k", undefined);
  await users.removeLogin(network, loginId("a"));
  assert.equal(await users.keep(network, loginId("a"), "k"), undefined);
  assert.equal(await users.keep(network, loginId("b"), "k"), undefined);
});

test("opting out holds until it is taken back", async (t) => {
  const { users } = await memoryStore(t);
  await users.setOptedOut("@a:x", true);
  await users.setOptedOut("@a:x", true);
  assert.equal(await users.isOptedOut("@a:x"), true);
  await users.setOptedOut("@a:x", false);
  assert.equal(await users.isOptedOut("@a:x"), false);
});

test("a chat with the bot that was left is forgotten", async (t) => {
  const { users } = await memoryStore(t);
  const [owner, bot] = [mxid("@a:x"), mxid("@bot:x")];
  await users.putDirectRoom(owner, bot, room);
  assert.equal(await users.directRoom(owner, bot), room);
  await users.putDirectRoom(owner, bot, undefined);
  assert.equal(await users.directRoom(owner, bot), undefined);
});

test("a setting comes back as it was set", async (t) => {
  const { settings } = await memoryStore(t);
  for (const value of [0, false, null, "text", { since: "s1" }]) {
    await settings.set("k", value);
    assert.deepEqual(await settings.get("k"), value);
  }
  await settings.set("k", undefined);
  assert.equal(await settings.get("k"), undefined);
});
