/** Crowds on IRC, and what its channel's modes and moderators do, as the room shows it. The same on the fakes and on real servers. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { IrcPerson } from "../irc-person.ts";
import type { MatrixUser, TestHomeserver } from "../matrix-client.ts";
import type { MatrixRoom } from "../matrix-room.ts";
import { openWorld, type World } from "../world.ts";
import type { IrcPlace } from "./irc-stories.ts";
import { until } from "./town.ts";

/** A network of two servers: the bridge on one of them, the crowd on the other. */
export interface CrowdNetwork extends IrcPlace {
  /** These come into the channel. Resolves when all are in. */
  gather(channel: string, nicks: readonly string[]): Promise<void>;
  say(nick: string, channel: string, text: string): void;
  /** The servers lose each other, and with them the crowd. */
  split(): Promise<void>;
  /** They meet again, and the crowd comes back at once. */
  heal(channel: string): Promise<void>;
}

export interface CrowdStoryOptions {
  startHomeserver(registration: string): Promise<TestHomeserver>;
  startIrc(): Promise<CrowdNetwork>;
  /** People in the large channel. */
  readonly crowd: number;
  readonly speed?: number;
}

const FAST = { burst: 50, per_second: 30, most_per_second: 60 };
const JOINS_A_MINUTE = 60;

export function crowdStories(name: string, options: CrowdStoryOptions): void {
  describe(name, () => {
    let world: World;
    let irc: CrowdNetwork;
    let dave: IrcPerson;
    let ann: MatrixUser;
    /** A room that people made; the bridge made the others. */
    let garden: MatrixRoom;

    before(async () => {
      irc = await options.startIrc();
      dave = await IrcPerson.connect(irc, "dave");
      for (const channel of ["#crowd", "#square", "#hall", "#garden", "#shuti", "#shutk", "#shuts"]) await dave.join(channel);
      const link = (channel: string) => ({ network: "irc", channel: `one ${channel}`, readers: "open", membership: true });
      world = await openWorld({
        startHomeserver: options.startHomeserver,
        config: {
          links: [
            link("#crowd"),
            link("#square"),
            link("#hall"),
            link("#shuti"),
            link("#shutk"),
            link("#shuts"),
            { ...link("#garden"), room: "#garden:test.local" },
          ],
          bridge: { joins_per_minute: JOINS_A_MINUTE, changes_per_hour: 2_000, most_members: 1_000 },
          irc: { networks: { one: { servers: [{ host: irc.host, port: irc.port, tls: false }], nick: "causeway", flood: FAST } } },
        },
        ...(options.speed === undefined ? {} : { speed: options.speed }),
      });
      ann = await world.hs.user("ann");
      garden = await ann.createRoom({
        room_alias_name: "garden",
        preset: "public_chat",
        power_level_content_override: { users: { [world.bot]: 50 } },
      });
      await garden.invite(world.bot);
      await world.start();
    });
    after(async () => {
      dave?.quit();
      await world?.close();
      await irc?.stop();
    });

    async function roomOf(channel: string): Promise<MatrixRoom> {
      let room: MatrixRoom | undefined;
      await until(
        async () => Boolean((room = await ann.join(`#_irc_one_${channel}:${world.hs.serverName}`))),
        `the room of ${channel}`,
        15_000,
      );
      return room as MatrixRoom;
    }
    const ghost = (nick: string) => `@_irc_one_${nick}:${world.hs.serverName}`;
    const ghostsIn = async (room: MatrixRoom) => (await room.joined()).filter((who) => who.startsWith("@_irc_"));
    const notices = async (room: MatrixRoom, words: RegExp) =>
      (await room.timeline()).filter((event) => event.type === "m.room.message" && words.test(String(event.content["body"])));

    const levels = async (room: MatrixRoom) =>
      (await room.state("m.room.power_levels")) as { users: Record<string, number>; events_default?: number };
    const isThere = (room: MatrixRoom, nick: string) =>
      until(async () => (await ghostsIn(room)).includes(ghost(nick)), `${nick} is there`, 15_000);
    const removal = (room: MatrixRoom, nick: string) =>
      room.find((one) => one.type === "m.room.member" && one.state_key === ghost(nick) && one.content["membership"] === "leave", 15_000);

    test("+o gives power in the room, +m lets only those speak who have some", async () => {
      const room = await roomOf("#hall");
      const erin = await (await IrcPerson.connect(irc, "erin")).join("#hall");
      await isThere(room, "erin");
      dave.send("MODE #hall +o erin");
      await until(async () => Number((await levels(room)).users[ghost("erin")] ?? 0) >= 50, "erin has power", 15_000);
      dave.send("MODE #hall -o erin");
      await until(async () => Number((await levels(room)).users[ghost("erin")] ?? 0) < 50, "erin has none", 15_000);
      dave.send("MODE #hall +m");
      await until(async () => Number((await levels(room)).events_default ?? 0) > 0, "only some may speak", 15_000);
      dave.send("MODE #hall -m");
      await until(async () => Number((await levels(room)).events_default ?? 0) === 0, "all may speak", 15_000);
      erin.quit();
      await removal(room, "erin");
    });

    for (const [mode, word] of [
      ["+i", "private"],
      ["+k lamp", "private"],
      ["+s", "secret"],
    ] as const)
      test(`${mode} shuts a room that anyone may enter, before anything more is said in it`, async () => {
        const channel = `#shut${mode[1]}`;
        const room = await roomOf(channel);
        const rule = async () => (await room.state("m.room.join_rules"))["join_rule"];
        assert.equal(await rule(), "public");
        dave.send(`MODE ${channel} ${mode}`);
        dave.say(channel, "between us");
        const said = await room.find({ sender: ghost("dave"), body: "between us" }, 30_000);
        assert.equal(await rule(), "invite");
        const all = await room.timeline();
        const place = (id: string) => all.findIndex((event) => event.event_id === id);
        const shut = String(all.findLast((event) => event.type === "m.room.join_rules")?.event_id);
        assert.ok(place(shut) < place(said.event_id), "shut first");
        await room.find({ sender: world.bot, body: new RegExp(`channel is ${word}.*lets in only those who are invited`) }, 20_000);
      });

    test("who is kicked over there is removed here, with who did it and why", async () => {
      const fay = await (await IrcPerson.connect(irc, "fay")).join("#garden");
      await isThere(garden, "fay");
      dave.send("KICK #garden fay :no singing");
      const reason = String((await removal(garden, "fay")).content["reason"]);
      assert.match(reason, /dave/);
      assert.match(reason, /no singing/);
      fay.quit();
    });

    test("who is removed here is kicked over there, and comes back when they come back", async () => {
      const gus = await (await IrcPerson.connect(irc, "gus")).join("#garden");
      await isThere(garden, "gus");
      dave.send("MODE #garden +o causeway");
      await garden.kick(ghost("gus"), "trampled the roses");
      const kick = await gus.wait((line) => line.command === "KICK" && line.params[1] === "gus", "gus is kicked");
      assert.match(kick.text, /trampled the roses/);
      await gus.join("#garden");
      gus.say("#garden", "sorry");
      await garden.find({ sender: ghost("gus"), body: "sorry" });
      gus.quit();
    });

    test("somebody who takes another nick comes as that, and the old one goes", async () => {
      const hal = await (await IrcPerson.connect(irc, "hal")).join("#garden");
      await isThere(garden, "hal");
      hal.send("NICK harold");
      hal.say("#garden", "call me harold");
      await garden.find({ sender: ghost("harold"), body: "call me harold" });
      await removal(garden, "hal");
      hal.quit();
    });

    test(`a split that hides ${options.crowd} people, and their return, are a sentence each: no ghost leaves, none joins`, async () => {
      const room = await roomOf("#crowd");
      const nicks = Array.from({ length: options.crowd }, (_, number) => `leaf${number}`);
      await irc.gather("#crowd", nicks);
      for (const nick of nicks.slice(0, 10)) irc.say(nick, "#crowd", `I am ${nick}`);
      for (const nick of nicks.slice(0, 10)) await room.find({ sender: ghost(nick), body: `I am ${nick}` }, 30_000);
      await dave.hear("#crowd", "I am leaf9", 30_000);
      const before = (await room.timeline()).length;
      const ghosts = await ghostsIn(room);
      await irc.split();
      await room.find({ body: /The network has split.*people are out of sight/ }, 40_000);
      await irc.heal("#crowd");
      await room.find({ body: /The network has come together again.*people are back/ }, 60_000);
      irc.say("leaf3", "#crowd", "here we are again");
      await room.find({ sender: ghost("leaf3"), body: "here we are again" }, 30_000);
      const since = (await room.timeline()).slice(before);
      assert.deepEqual(
        since.filter((event) => event.type === "m.room.member" && event.content["membership"] === "leave"),
        [],
      );
      for (const one of ghosts) assert.ok((await ghostsIn(room)).includes(one), one);
      assert.equal((await notices(room, /The network has split/)).length, 1);
      assert.equal((await notices(room, /come together again/)).length, 1);
      assert.ok(since.length <= 6, `${since.length} events: ${since.map(({ type }) => type).join(", ")}`);
    });

    test("five hundred who come at once join a few a minute, and whoever of them speaks is heard at once", async () => {
      const room = await roomOf("#square");
      await until(async () => (await ghostsIn(room)).includes(ghost("dave")), "dave is there");
      const begun = Date.now();
      await irc.gather(
        "#square",
        Array.from({ length: 500 }, (_, number) => `guest${number}`),
      );
      irc.say("guest499", "#square", "I cannot wait");
      await room.find({ sender: ghost("guest499"), body: "I cannot wait" }, 30_000);
      const minutes = ((Date.now() - begun) / 60_000) * (options.speed ?? 1);
      const allowed = JOINS_A_MINUTE / 6 + Math.ceil(minutes * JOINS_A_MINUTE) + 3;
      const there = (await ghostsIn(room)).length;
      assert.ok(there <= allowed, `${there} of ${allowed}`);
      // Each crowd waits in its own channel, and not in the others' way.
      await irc.gather(
        "#hall",
        Array.from({ length: 100 }, (_, number) => `visitor${number}`),
      );
      const ivy = await (await IrcPerson.connect(irc, "ivy")).join("#garden");
      await isThere(garden, "ivy");
      ivy.quit();
      await removal(garden, "ivy");
    });
  });
}
