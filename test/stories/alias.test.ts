/** What the homeserver asks of our names: portals by joining an alias, where the config allows it; ghosts; rooms and people to be found. */
import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { MatrixRefusal, type MatrixUser } from "../matrix-client.ts";
import type { MatrixRoom } from "../matrix-room.ts";
import { openTown, type Town, type TownOptions, until } from "./town.ts";

const PLAZA = "#_toy_town/plaza:test.local";
const MARKET = "#_toy_town/market:test.local";
const ALLOWED = { aliases: [{ network: "toy", channel: "town p*", readers: "open" }] };

describe("Portals by alias", () => {
  let town: Town;
  afterEach(() => town.close());

  async function open(config: TownOptions["config"], options: TownOptions = {}): Promise<void> {
    town = await openTown({ linked: false, ...options, config: { ...config } });
    await until(async () => (await town.asked("/users/@_toy_town%2Fu1:test.local")) === 200, "the network is there");
    await until(async () => town.hs.rooms().length === 2, "the bridge has made the room that it has for itself");
  }

  /** As people do: when the room was not there in time, once more. */
  async function join(alias: string, who: MatrixUser = town.ann): Promise<MatrixRoom> {
    let room: MatrixRoom | undefined;
    await until(async () => Boolean((room = await who.join(alias))), `${alias} can be joined`);
    return room as MatrixRoom;
  }

  async function refuses(alias: string): Promise<void> {
    await assert.rejects(town.ann.join(alias), (error) => error instanceof MatrixRefusal && error.errcode === "M_NOT_FOUND");
  }

  const portals = () =>
    town.hs.rooms().filter((room) => town.hs.timeline(room).some((event) => event.type === "uk.half-shot.bridge")).length;

  test("unless the config says so, no alias leads to a channel that nobody linked", async () => {
    await open({});
    await refuses(PLAZA);
    await refuses(PLAZA);
    assert.equal(portals(), 0);
  });

  test("where the config allows it, joining the alias makes the room and links it", async () => {
    await open(ALLOWED);
    const room = await join(PLAZA);
    await until(async () => portals() === 1, "the link");
    await town.toy.alice.say("hello, whoever you are");
    await room.next({ body: "hello, whoever you are" });
    await room.say("hello from the alias");
    await town.seen((all) => all.some((one) => one.text === "hello from the alias"), "the message");
    await join(PLAZA, await town.hs.user("eve"));
    assert.equal(portals(), 1);
  });

  test("a channel that fits no pattern, one that is private and one that is secret are not there", async () => {
    const closed = { "town/private": { visibility: "private" }, "town/presumed": {}, "town/plaza": { unlisted: true } } as const;
    await open(ALLOWED, {
      prepare: (service) => {
        service.addChannel("town/private", [...service.accounts.values()]);
        service.addChannel("town/presumed", [...service.accounts.values()].slice(0, 2));
        for (const [id, facts] of Object.entries(closed)) Object.assign(service.channels.get(id)?.facts ?? {}, facts);
      },
    });
    for (const alias of [MARKET, "#_toy_town/private:test.local", "#_toy_town/presumed:test.local", PLAZA]) await refuses(alias);
    await refuses("#_toy_town/pnowhere:test.local");
    assert.equal(portals(), 0);
  });

  test("a rule may be for one workspace alone", async () => {
    await open(
      { aliases: [{ network: "toy", space: "docks" }] },
      { prepare: (service) => void Object.assign(service.channels.get("town/market") ?? {}, { spaces: [{ id: "docks", name: "Docks" }] }) },
    );
    await refuses(PLAZA);
    await join(MARKET);
  });

  test("the homeserver has its answer within a second, however long the room takes", async () => {
    await open(ALLOWED);
    town.hs.faults.add({ kind: "slow", ms: 20_000, match: { path: "/createRoom" } });
    const before = performance.now();
    await refuses(PLAZA);
    assert.ok(performance.now() - before < 1_000);
    await join(PLAZA);
    await until(async () => portals() === 1, "the link");
  });

  test("cut off while the room is made, the bridge goes on after its next start, and makes it once", async () => {
    await open(ALLOWED);
    town.hs.faults.add({ kind: "reply-lost", match: { path: "/createRoom" } });
    await refuses(PLAZA);
    await town.stopBridge();
    await town.startBridge();
    await until(async () => portals() === 1, "the link");
    const room = await join(PLAZA);
    await town.toy.alice.say("once");
    await room.next({ body: "once" });
  });

  test("who asks for hundreds of aliases gets as many rooms as the config allows in an hour", async () => {
    await open(
      { ...ALLOWED, bridge: { rooms_per_hour: 5, spaces: "none" } },
      {
        prepare: (service) => {
          for (let number = 0; number < 300; number += 1) service.addChannel(`town/p${number}`, [...service.accounts.values()]);
        },
      },
    );
    const aliases = Array.from({ length: 300 }, (_, number) => encodeURIComponent(`#_toy_town/p${number}:test.local`));
    await Promise.all(aliases.map((alias) => town.asked(`/rooms/${alias}`)));
    for (const alias of aliases.slice(0, 20)) await town.asked(`/rooms/${alias}`);
    await until(async () => portals() === 5, "five links");
    assert.equal(await town.asked(`/rooms/${aliases[299]}`), 404);
  });

  test("a portal that was unlinked by command does not come back by its alias", async () => {
    await open(ALLOWED, { permissions: { "*": "admin" } });
    const room = await join(PLAZA);
    await until(async () => portals() === 1, "the link");
    await room.say("!causeway unlink");
    await room.next({ body: /is ended/ });
    await until(async () => (await town.asked(`/rooms/${encodeURIComponent(PLAZA)}`)) === 404, "the alias is gone");
    await until(async () => !("alias" in (await room.state("m.room.canonical_alias"))), "the alias is gone");
    await refuses(PLAZA);
    await refuses(PLAZA);
  });

  test("an alias of odd bytes is nobody's, and harms nobody", async () => {
    await open({ aliases: [{ network: "toy" }] });
    const odd = [
      "#_toy_:test.local",
      "#_toy_town:test.local",
      "#_toy_town/plaza:elsewhere.org",
      "#_toy_town%2fplaza:test.local",
      "#_toy_town/pl\u0000aza:test.local",
      "#_toy_town/plaza\n:test.local",
      "#_toy_town/\u202eazalp:test.local",
      "#_toy_town/%:test.local",
      "#_toy_town/%E4:test.local",
      "#_toy_town/../plaza:test.local",
      "#_toy_town/plaza/:test.local",
      `#_toy_town/${"x".repeat(300)}:test.local`,
      "#_toy_town/😀:test.local",
      "_toy_town/plaza:test.local",
      "@_toy_town/plaza:test.local",
      "#",
    ];
    for (const alias of odd) assert.equal(await town.asked(`/rooms/${encodeURIComponent(alias)}`), 404, alias);
    for (const raw of ["%ff%fe", "%", "%E0%A4%A", "..%2f..%2f", "%00"]) {
      assert.ok([400, 404].includes(await town.asked(`/rooms/%23_toy_town/${raw}:test.local`)), raw);
    }
    assert.equal(portals(), 0);
  });

  test("a channel with odd letters in its name is joined by the alias that spells them", async () => {
    const name = "town/pl az:ä%📯";
    await open(ALLOWED, { prepare: (service) => service.addChannel(name, [...service.accounts.values()]) });
    const room = await join("#_toy_town/pl%20az%3aä%25📯:test.local");
    await until(async () => portals() === 1, "the link");
    await town.toy.alice.say("odd", { channel: name as never });
    await room.next({ body: "odd" });
  });

  test("a channel that is linked already has its alias too, if it is public", async () => {
    town = await openTown();
    const found = async () => (await town.ann.call("GET", `/directory/room/${encodeURIComponent(PLAZA)}`))["room_id"];
    assert.equal(await found(), town.room.id);
    town.service.perform("u1", "toy-client", "channel", { channel: "town/plaza", facts: { unlisted: true } });
    await until(async () => (await town.room.state("m.room.join_rules"))["join_rule"] === "invite", "the room is closed");
  });

  test("a ghost is there when somebody asks for it whom the network knows", async () => {
    await open({});
    assert.equal(await town.asked("/users/@_toy_town%2Fu2:test.local"), 200);
    assert.equal(await town.asked("/users/@_toy_town%2Fu99:test.local"), 404);
    assert.equal(await town.asked("/users/@_toy_town:test.local"), 404);
    assert.deepEqual((await town.ann.profile("@_toy_town/u2:test.local"))["displayname"], "Bob");
  });

  test("clients can list the network and find its rooms and people, as far as they are public", async () => {
    await open(ALLOWED);
    await town.stopBridge();
    await town.startBridge({ ...ALLOWED, links: [{ network: "toy", channel: "town market", readers: "open" }] });
    await until(async () => portals() === 1, "the link");
    const ask = async (path: string) => await town.ann.call("GET", `/thirdparty/${path}`);
    const { toy } = (await ask("protocols")) as { toy: { instances: { network_id: string }[]; location_fields: string[] } };
    assert.deepEqual(
      toy.instances.map((one) => one.network_id),
      ["town"],
    );
    assert.deepEqual(await ask("location/toy?network=town&channel=plaza"), [
      { alias: PLAZA, protocol: "toy", fields: { channel: "plaza" } },
    ]);
    assert.deepEqual(await ask("location/toy?network=town"), [
      { alias: MARKET, protocol: "toy", fields: { channel: "market", network: "town" } },
    ]);
    assert.deepEqual(await ask("location/toy?channel=town/nowhere"), []);
    assert.deepEqual(await ask("user/toy?nickname=Bob"), [
      { userid: "@_toy_town/u2:test.local", protocol: "toy", fields: { network: "town", nickname: "Bob" } },
    ]);
    assert.equal(await town.asked("/thirdparty/protocol/smoke"), 404);
    assert.equal(await town.asked(`/thirdparty/location?alias=${encodeURIComponent(MARKET)}`), 200);
    assert.equal(await town.asked("/thirdparty/user?userid=@_toy_town%2Fu98:test.local"), 404);
  });
});
