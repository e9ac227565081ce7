import assert from "node:assert/strict";
import { test } from "node:test";
import type { RoomEvent } from "../../../matrix-room.ts";
import { at, refused, type Stage } from "./stage.ts";

export function membershipPromises(stage: Stage): void {
  test("a private room lets in who is invited, and nobody else", async () => {
    const [anna, ben] = await Promise.all([stage.person("anna"), stage.person("ben")]);
    const room = await anna.createRoom({ preset: "private_chat" });
    const there = ben.in(room.id);
    await refused(403, "M_FORBIDDEN", there.join());
    await room.invite(ben.id);
    await ben.invited(room.id);
    await there.join();
    assert.deepEqual((await room.joined()).sort(), [anna.id, ben.id].sort());
    await refused(403, "M_FORBIDDEN", room.invite(ben.id));
    await there.join();
    assert.equal((await room.timeline()).filter(({ state_key: key }) => key === ben.id).length, 2, "to join again changes nothing");
  });

  test("whoever is kicked may come back, whoever is banned may not until they are unbanned", async () => {
    const { guest, room, there } = await stage.roomOfTwo();
    await room.kick(guest.id, "out");
    assert.equal((await room.state("m.room.member", guest.id))["reason"], "out");
    await refused(403, "M_FORBIDDEN", there.say("still here?"));
    await there.join();
    await room.ban(guest.id, "for good");
    await refused(403, "M_BAD_STATE", there.join());
    await refused(403, "M_BAD_STATE", room.invite(guest.id));
    await room.unban(guest.id);
    await refused(403, "M_BAD_STATE", room.unban(guest.id));
    await there.join();
  });

  test("to kick or ban needs power, and more than the other has", async () => {
    const { owner, guest, room, there } = await stage.roomOfTwo();
    const other = await stage.person();
    await other.join(room.id);
    await refused(403, "M_FORBIDDEN", there.kick(other.id));
    await refused(403, "M_FORBIDDEN", there.ban(owner.id));
    await room.setPower((levels) => ({ ...levels, users: { [guest.id]: 50, [other.id]: 50 } }));
    await refused(403, "M_FORBIDDEN", there.kick(other.id));
    await refused(403, "M_FORBIDDEN", there.kick(owner.id));
    await refused(403, "M_FORBIDDEN", room.kick((await stage.person()).id));
    await room.kick(other.id);
  });

  test("who has left may neither speak nor leave again", async () => {
    const { room, there } = await stage.roomOfTwo();
    await there.leave("bye");
    assert.equal((await room.state("m.room.member", there.user.id))["reason"], "bye");
    await refused(403, "M_FORBIDDEN", there.say("hello?"));
    await refused(403, "M_FORBIDDEN", there.leave());
    const stranger = await stage.person();
    await refused(403, "M_FORBIDDEN", room.as(stranger).leave());
    await refused(404, "M_UNKNOWN", stranger.in("!unknown:test.local").leave());
  });

  test("an invitation is declined by leaving", async () => {
    const [anna, ben] = await Promise.all([stage.person("anna"), stage.person("ben")]);
    const room = await anna.createRoom();
    await room.invite(ben.id);
    await ben.in(room.id).leave();
    assert.equal((await room.state("m.room.member", ben.id))["membership"], "leave");
    await refused(403, "M_FORBIDDEN", ben.in(room.id).join());
  });

  test("a knock asks to be let in where the room takes knocks", async () => {
    const [anna, ben] = await Promise.all([stage.person("anna"), stage.person("ben")]);
    const room = await anna.createRoom({ initial_state: [{ type: "m.room.join_rules", content: { join_rule: "knock" } }] });
    await ben.call("POST", `/knock/${encodeURIComponent(room.id)}`, { body: { reason: "please" } });
    assert.equal((await room.state("m.room.member", ben.id))["membership"], "knock");
    await refused(403, "M_FORBIDDEN", ben.in(room.id).join());
    await room.invite(ben.id);
    await ben.in(room.id).join();
    const closed = await anna.createRoom();
    await refused(403, "M_FORBIDDEN", ben.call("POST", `/knock/${encodeURIComponent(closed.id)}`, { body: {} }));
  });

  test("a restricted room lets in the members of the room that it names", async () => {
    const { owner, guest, room: lobby } = await stage.roomOfTwo();
    const rule = { join_rule: "restricted", allow: [{ type: "m.room_membership", room_id: lobby.id }] };
    const inner = await owner.createRoom({ initial_state: [{ type: "m.room.join_rules", content: rule }] });
    await inner.as(guest).join();
    assert.equal((await inner.state("m.room.member", guest.id))["join_authorised_via_users_server"], owner.id);
    const stranger = await stage.person();
    await refused(403, "M_FORBIDDEN", inner.as(stranger).join());
    await inner.invite(stranger.id);
    await inner.as(stranger).join();
  });

  test("nobody can be joined by someone else, and nonsense is refused", async () => {
    const { guest, room } = await stage.roomOfTwo();
    const other = await stage.person();
    await refused(403, "M_FORBIDDEN", room.setState("m.room.member", { membership: "join" }, other.id));
    await refused(400, "M_UNKNOWN", room.setState("m.room.member", { membership: "nonsense" }, guest.id));
    await refused(400, "M_UNKNOWN", room.setState("m.room.member", {}, guest.id));
    await refused(400, "M_INVALID_PARAM", room.invite("nonsense"));
    await refused(400, "M_MISSING_PARAM", room.user.call("POST", at(room, "invite"), { body: {} }));
    await refused(404, "M_UNKNOWN", guest.join("!unknown:test.local"));
    await refused(404, "M_NOT_FOUND", guest.join("#unknown:test.local"));
    await refused(400, "M_UNKNOWN", guest.join("nonsense"));
  });

  test("joins, invitations and knocks carry the person's name, unless the event brings its own", async () => {
    const { owner, guest, room, there } = await stage.roomOfTwo();
    assert.equal((await room.state("m.room.member", guest.id))["displayname"], guest.name);
    await there.setState("m.room.member", { membership: "join", displayname: "Here only", "io.test.key": 1 }, guest.id);
    const own = await room.state("m.room.member", guest.id);
    assert.deepEqual([own["displayname"], own["io.test.key"]], ["Here only", 1]);
    const other = await stage.person();
    await room.invite(other.id);
    const invited = await room.state("m.room.member", other.id);
    assert.equal(invited["displayname"], other.name);
    assert.equal(owner.id, room.user.id);
  });

  test("a service writes one membership event with name, avatar, time and keys of its own", async () => {
    const { room } = await stage.roomOfTwo();
    const ghost = await stage.ghostIn(room);
    const body = { membership: "join", displayname: "Ghost", avatar_url: "mxc://test.local/ghost", "io.test.key": { deep: [1] } };
    const { event_id: id } = await stage.asService("PUT", at(room, `state/m.room.member/${ghost}`), {
      user: ghost,
      body,
      query: { ts: "1700000000000" },
    });
    const event = await room.event(id as string);
    assert.deepEqual(event.content, body);
    assert.equal(event.origin_server_ts, 1_700_000_000_000);
    const kick = { membership: "leave", reason: "gone", "io.test.key": 2 };
    await room.setState("m.room.member", kick, ghost);
    assert.deepEqual(await room.state("m.room.member", ghost), kick);
  });

  test("members are listed, all or by membership; joined ones with their names", async () => {
    const { owner, guest, room } = await stage.roomOfTwo();
    const other = await stage.person();
    await room.invite(other.id);
    const list = async (query = {}): Promise<string[]> => {
      const { chunk } = await owner.call("GET", at(room, "members"), { query });
      return (chunk as RoomEvent[]).map(({ state_key: key }) => key ?? "").sort();
    };
    assert.deepEqual(await list(), [owner.id, guest.id, other.id].sort());
    assert.deepEqual(await list({ membership: "invite" }), [other.id]);
    assert.deepEqual(await list({ not_membership: "invite" }), [owner.id, guest.id].sort());
    const { joined } = await owner.call("GET", at(room, "joined_members"));
    assert.deepEqual((joined as Record<string, unknown>)[guest.id], { avatar_url: null, display_name: guest.name });
    await refused(403, "M_FORBIDDEN", other.call("GET", at(room, "joined_members")));
    assert.deepEqual(await guest.call("GET", "/joined_rooms"), { joined_rooms: [room.id] });
  });

  test("a service sees who is in a room through any of its users", async () => {
    const { room } = await stage.roomOfTwo();
    await refused(403, "M_FORBIDDEN", stage.asService("GET", at(room, "joined_members")));
    const ghost = await stage.ghostIn(room);
    const { joined } = await stage.asService("GET", at(room, "joined_members"));
    assert.ok(ghost in (joined as Record<string, unknown>));
  });
}
