/** What a homeserver admin expects of an application service, from the room's making to its end. The same on the fakes and on real servers. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { IrcPerson } from "../irc-person.ts";
import type { MatrixUser, TestHomeserver } from "../matrix-client.ts";
import type { MatrixRoom } from "../matrix-room.ts";
import { openWorld, type World } from "../world.ts";
import type { IrcPlace } from "./irc-stories.ts";
import { until } from "./town.ts";

export interface EdgeStoryOptions {
  startHomeserver(registration: string): Promise<TestHomeserver>;
  startIrc(): Promise<IrcPlace>;
}

const SLOW = 20_000;

export function edgeStories(name: string, options: EdgeStoryOptions): void {
  describe(name, () => {
    let world: World;
    let irc: IrcPlace;
    let dave: IrcPerson;
    let ann: MatrixUser;

    before(async () => {
      irc = await options.startIrc();
      dave = await IrcPerson.connect(irc, "dave");
      for (const channel of ["#lobby", "#garden", "#cellar"]) await dave.join(channel);
      world = await openWorld({
        startHomeserver: options.startHomeserver,
        config: {
          aliases: [{ network: "irc", channel: "one #l*", readers: "open" }],
          links: [{ network: "irc", channel: "one #garden", readers: "open", directory: true }],
          irc: { networks: { one: { servers: [{ host: irc.host, port: irc.port, tls: false }], nick: "causeway" } } },
        },
      });
      await world.start();
      ann = await world.hs.user("ann");
    });
    after(async () => {
      dave?.quit();
      await world?.close();
      await irc?.stop();
    });

    const alias = (channel: string) => `#_irc_one_${channel}:${world.hs.serverName}`;
    const ghost = (nick: string) => `@_irc_one_${nick}:${world.hs.serverName}`;
    async function join(where: string): Promise<MatrixRoom> {
      let room: MatrixRoom | undefined;
      await until(async () => Boolean((room = await ann.join(where))), where, SLOW);
      return room as MatrixRoom;
    }
    const listed = async () => ((await ann.call("GET", "/publicRooms"))["chunk"] as { room_id: string }[]).map((room) => room.room_id);

    test("joining an alias that the config allows makes the room; one that it does not is not there", async () => {
      const room = await join(alias("#lobby"));
      dave.say("#lobby", "welcome in");
      await room.find({ sender: ghost("dave"), body: "welcome in" });
      await room.say("thank you");
      await dave.hear("#lobby", "<ann> thank you");
      await assert.rejects(ann.join(alias("#cellar")), /M_NOT_FOUND/);
    });

    test("aliases of odd bytes are nobody's, and harm nobody", async () => {
      for (const odd of [
        "#",
        "##",
        "#l ",
        "#l,#cellar",
        "#l\u0007",
        "#l\u202e",
        "#l%0d%0aQUIT",
        `#l${"x".repeat(200)}`,
        "#l/../cellar",
        "#L\u0000",
      ])
        await assert.rejects(ann.join(alias(odd)), odd);
      dave.say("#lobby", "still here");
      await (await join(alias("#lobby"))).find({ body: "still here" });
    });

    test("clients find the network, its rooms and its people", async () => {
      const ask = async (path: string) => await ann.call("GET", `/thirdparty/${path}`);
      const { irc: protocol } = (await ask("protocols")) as { irc: { instances: { network_id: string }[] } };
      assert.deepEqual(
        protocol.instances.map((one) => one.network_id),
        ["one"],
      );
      const rooms = (await ask(`location/irc?network=one&channel=${encodeURIComponent("#garden")}`)) as unknown as { alias: string }[];
      assert.deepEqual(
        rooms.map((one) => one.alias),
        [alias("#garden")],
      );
      const people = (await ask("user/irc?network=one&nickname=dave")) as unknown as { userid: string }[];
      assert.deepEqual(
        people.map((one) => one.userid),
        [ghost("dave")],
      );
    });

    test("a room that the bridge made stands in its network's space and, by setting, in the directory; unlinked, nothing of it is left", async () => {
      const room = await join(alias("#garden"));
      const space = await join(`#_irc_one:${world.hs.serverName}`);
      await until(async () => "via" in (await space.state("m.space.child", room.id)), "it stands in the space", SLOW);
      await until(async () => (await listed()).includes(room.id), "it stands in the directory", SLOW);
      dave.say("#garden", "for the last time");
      await room.find({ sender: ghost("dave"), body: "for the last time" });
      const chat = await ann.createRoom({ preset: "trusted_private_chat", is_direct: true, invite: [world.bot] });
      await chat.next({ sender: world.bot, type: "m.room.message" });
      await chat.say("!causeway unlink irc one #garden");
      await chat.find({ sender: world.bot, body: /is ended/ });
      await until(async () => !(await room.joined()).some((who) => who.startsWith("@_irc_")), "its ghosts have left", SLOW);
      await until(async () => !("via" in (await space.state("m.space.child", room.id))), "the space lets go", SLOW);
      await until(async () => !(await listed()).includes(room.id), "the directory has forgotten it", SLOW);
      await assert.rejects(ann.call("GET", `/directory/room/${encodeURIComponent(alias("#garden"))}`), /M_NOT_FOUND/);
      await dave.wait((line) => line.nick === "causeway" && line.command === "PART" && line.params[0] === "#garden", "the bridge leaves");
    });
  });
}
