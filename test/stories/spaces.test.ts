/** Rooms that the bridge makes stand in a space of their network, made once; and in the room directory only by a yes of their own. */
import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import type { MatrixRoom } from "../matrix-room.ts";
import { openTown, type Town, type TownOptions, until } from "./town.ts";

const PLAZA = "#_toy_town/plaza:test.local";
const MARKET = "#_toy_town/market:test.local";
const TOWN = "#_toy_town:test.local";

describe("Spaces", () => {
  let town: Town;
  afterEach(() => town.close());

  /** The bridge makes the room of each channel. */
  async function open(options: TownOptions & { channels?: readonly Record<string, unknown>[] } = {}): Promise<void> {
    const channels = options.channels ?? [{ channel: "town plaza" }];
    const links = channels.map((one) => ({ network: "toy", readers: "open", ...one }));
    town = await openTown({ ...options, linked: false, config: { ...options.config, links } });
  }

  async function roomOf(alias: string): Promise<string> {
    let found = "";
    await until(async () => {
      found = String((await town.ann.call("GET", `/directory/room/${encodeURIComponent(alias)}`))["room_id"]);
      return true;
    }, alias);
    return found;
  }

  async function enter(alias: string): Promise<MatrixRoom> {
    await roomOf(alias);
    return await town.ann.join(alias);
  }

  async function holds(space: MatrixRoom, child: string): Promise<void> {
    await until(async () => Array.isArray((await space.state("m.space.child", child))["via"]), "the space holds the room");
  }

  async function holdsNot(space: MatrixRoom, child: string): Promise<void> {
    await until(async () => !("via" in (await space.state("m.space.child", child))), "the space lets go of the room");
  }

  /** Those with an address: the bridge has a room for itself too. */
  function madeRooms(): number {
    return town.hs.rooms().filter((room) => town.hs.timeline(room).some((event) => event.type === "m.room.canonical_alias")).length;
  }

  async function linked(room: string): Promise<void> {
    await until(async () => Boolean(await town.ann.in(room).state("uk.half-shot.bridge", "io.causeway.toy/town/plaza")), "the link");
  }

  test("a room that the bridge makes stands in the space of its network, which everybody may enter who may enter the room", async () => {
    await open();
    const room = await enter(PLAZA);
    const space = await enter(TOWN);
    await holds(space, room.id);
    assert.equal((await space.state("m.room.create"))["type"], "m.space");
    assert.equal((await space.state("m.room.name"))["name"], "town");
    const parent = await room.state("m.space.parent", space.id);
    assert.deepEqual(parent, { via: ["test.local"], canonical: true });
  });

  test("a category is a space within the space, and two channels of one network share it", async () => {
    await open({
      channels: [{ channel: "town plaza" }, { channel: "town market" }],
      prepare: (service) => {
        for (const channel of service.channels.values()) {
          channel.spaces = [
            { id: "town", name: "The town" },
            { id: "centre", name: "The centre" },
          ];
        }
      },
    });
    const outer = await enter(TOWN);
    const inner = await enter("#_toy_centre:test.local");
    await holds(outer, inner.id);
    await holds(inner, await roomOf(PLAZA));
    await holds(inner, await roomOf(MARKET));
    assert.equal((await inner.state("m.room.name"))["name"], "The centre");
    assert.equal(madeRooms(), 4);
  });

  test("a restart makes nothing anew, and a space whose name changed is renamed", async () => {
    await open();
    const space = await enter(TOWN);
    await holds(space, await roomOf(PLAZA));
    await town.stopBridge();
    const plaza = town.service.channels.get("town/plaza");
    assert.ok(plaza);
    plaza.spaces = [{ id: "town", name: "The old\ntown" }];
    town.service.forget("u3");
    await town.startBridge();
    await until(async () => (await space.state("m.room.name"))["name"] === "The old town", "the new name");
    assert.equal(madeRooms(), 2);
  });

  test("the answer to the making of a room is lost: room and space stand there once, and are linked", async () => {
    await open({ config: {}, faults: [{ kind: "reply-lost", times: 2, match: { path: "/createRoom" } }] });
    const room = await enter(PLAZA);
    await linked(room.id);
    await town.toy.alice.say("hello");
    await room.next({ body: "hello" });
    await holds(await enter(TOWN), room.id);
    assert.equal(madeRooms(), 2);
  });

  test("cut off after a space was made, the next start finds it by its address and goes on", async () => {
    await open({ faults: [{ kind: "status", status: 503, times: 0, match: { path: "m.space.child" } }] });
    const space = await enter(TOWN);
    await town.stopBridge();
    town.hs.faults.clear();
    town.service.forget("u3");
    await town.startBridge();
    await holds(space, await roomOf(PLAZA));
    assert.equal(madeRooms(), 2);
  });

  test("a channel that moves to another category takes its room along, and a space that holds nothing is given up", async () => {
    const inner = (id: string) => [
      { id: "town", name: "town" },
      { id, name: id },
    ];
    await open({ prepare: (service) => void Object.assign(service.channels.get("town/plaza") ?? {}, { spaces: inner("north") }) });
    const [room, outer, north] = [await roomOf(PLAZA), await enter(TOWN), await enter("#_toy_north:test.local")];
    await holds(north, room);
    await town.stopBridge();
    Object.assign(town.service.channels.get("town/plaza") ?? {}, { spaces: inner("south") });
    town.service.forget("u3");
    await town.startBridge();
    const south = await enter("#_toy_south:test.local");
    await holds(south, room);
    await holds(outer, south.id);
    await holdsNot(north, room);
    await holdsNot(outer, north.id);
    await until(async () => !(await north.joined()).includes("@causeway:test.local"), "the bot leaves the old space");
  });

  test("the space of a closed channel lets in those who are in its room, and nobody else", async () => {
    await open({
      channels: [{ channel: "town plaza", invite: ["@ann:test.local"] }],
      prepare: (service) => void Object.assign(service.channels.get("town/plaza")?.facts ?? {}, { visibility: "private" }),
    });
    const room = await town.ann.invited();
    const eve = await town.hs.user("eve");
    const space = await roomOf(TOWN);
    await assert.rejects(() => eve.join(TOWN), /M_FORBIDDEN/);
    await room.join();
    await until(async () => Boolean(await town.ann.join(TOWN)), "those of the room may enter");
    await holds(town.ann.in(space), room.id);
  });

  test("a room that people made stands in no space, unless the config says so", async () => {
    await open({ channels: [] });
    await town.stopBridge();
    const links = [{ network: "toy", channel: "town plaza", room: town.room.id, readers: "open" }];
    await town.startBridge({ links });
    await linked(town.room.id);
    assert.equal(madeRooms(), 0);
    await town.stopBridge();
    town.service.forget("u3");
    await town.startBridge({ links, bridge: { spaces: "all" } });
    await holds(await enter(TOWN), town.room.id);
  });

  test("a room that is replaced leaves its alias, its place in the space and its state to the new one", async () => {
    town = await openTown({ config: { bridge: { spaces: "all" } } });
    const space = await enter(TOWN);
    await holds(space, town.room.id);
    assert.equal(await roomOf(PLAZA), town.room.id);
    const next = await town.room.upgrade("12");
    await town.toy.alice.say("wait for me");
    await next.invite("@causeway:test.local");
    await next.next({ body: "wait for me" });
    await holds(space, next.id);
    await holdsNot(space, town.room.id);
    await linked(next.id);
    await until(async () => (await roomOf(PLAZA)) === next.id, "the alias follows");
  });

  test("a room that only says that it was replaced stays where it is", async () => {
    town = await openTown();
    const other = await town.ann.createRoom({ preset: "private_chat" });
    await other.invite("@causeway:test.local");
    await other.next({ sender: "@causeway:test.local", body: /I am the bridge/ });
    await town.room.setState("m.room.tombstone", { body: "gone", replacement_room: other.id });
    await town.room.next({ sender: "@causeway:test.local", body: /does not name it as its predecessor/ });
    await town.toy.alice.say("still here");
    await town.room.next({ body: "still here" });
  });

  test("a room stands in the directory only where the config says yes, and only while its channel is public", async () => {
    await open({ channels: [{ channel: "town plaza" }, { channel: "town market", directory: true }] });
    const listed = async () => ((await town.ann.call("GET", "/publicRooms"))["chunk"] as { room_id: string }[]).map((room) => room.room_id);
    const market = await roomOf(MARKET);
    await roomOf(PLAZA);
    await until(async () => (await listed()).includes(market), "the market is listed");
    assert.deepEqual(await listed(), [market]);
    town.service.perform("u1", "toy-client", "channel", { channel: "town/market", facts: { visibility: "private" } });
    await until(async () => (await listed()).length === 0, "the market is taken out");
  });
});
