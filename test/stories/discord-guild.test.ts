/** A whole Discord server on Matrix: its channels, who may read them, and who leads. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ChannelType } from "discord-api-types/v10";
import { Bit } from "../fakes/discord/rights.ts";
import type { MatrixUser } from "../matrix-client.ts";
import type { MatrixRoom } from "../matrix-room.ts";
import { type DiscordTown, openDiscordTown } from "./discord-town.ts";
import { until } from "./town.ts";

type State = { readonly type: string; readonly state_key: string; readonly content: Record<string, unknown> };

async function roomsOf(user: MatrixUser): Promise<Map<string, string>> {
  const { rooms } = await user.call("GET", "/sync", { query: { timeout: 0 } });
  const invites = (rooms as { invite?: Record<string, { invite_state: { events: State[] } }> } | undefined)?.invite ?? {};
  return new Map(
    Object.entries(invites).map(([id, { invite_state }]) => [
      String(invite_state.events.find(({ type }) => type === "m.room.name")?.content["name"]),
      id,
    ]),
  );
}

describe("Discord: a whole server", () => {
  let town: DiscordTown;
  let category: string;
  before(async () => {
    town = await openDiscordTown({ linked: false, speed: 10 });
    category = town.fake.channel(town.guild, "Workshops", { type: ChannelType.GuildCategory });
    town.fake.acts.updateChannel(town.fake.channelOf(category), {});
    const inside = town.fake.channel(town.guild, "carving", { parent: category });
    town.fake.acts.updateChannel(town.fake.channelOf(inside), {});
  });
  after(() => town?.close());

  test("by category, each channel becomes a room in the space of its category, and so does one that comes later", async () => {
    assert.match(await town.ask(town.ann, `!causeway link discord all ${category}`), /Linking 1 channels/);
    await until(async () => (await roomsOf(town.ann)).has("carving"), "an invitation to carving");
    assert.ok(!(await roomsOf(town.ann)).has("plaza"), "channels elsewhere are let be");
    const later = town.fake.channel(town.guild, "pottery", { parent: category });
    town.fake.gateway.dispatch("CHANNEL_CREATE", town.fake.shape(later), { guild: town.guild.id });
    await until(async () => (await roomsOf(town.ann)).has("pottery"), "an invitation to pottery");
    const room = await town.ann.join((await roomsOf(town.ann)).get("pottery") as string);
    await room.find({ type: "uk.half-shot.bridge" });
    town.bob.say(later, "clay");
    await room.find({ body: "clay" });
    const parents = (await room.user.call("GET", `/rooms/${room.id}/state`)) as unknown as State[];
    const space = parents.find(({ type }) => type === "m.space.parent")?.state_key as string;
    assert.equal((await room.state("m.room.name"))["name"], "pottery");
    assert.ok(space, "it stands in a space");
  });

  test("by server, everything is linked; what was unlinked by hand stays so", async () => {
    assert.match(await town.ask(town.ann, `!causeway link discord all ${town.guild.id}`), /Linking \d+ channels/);
    await until(async () => (await roomsOf(town.ann)).has("plaza") && (await roomsOf(town.ann)).has("market"), "all of them");
    const plaza = await town.ann.join((await roomsOf(town.ann)).get("plaza") as string);
    await plaza.find({ type: "uk.half-shot.bridge" });
    assert.match(await town.ask(town.ann, `!causeway unlink discord ${town.other} --yes`), /is ended/);
    town.fake.acts.updateChannel(town.fake.channelOf(town.other), { topic: "anew" });
    await new Promise((resolve) => setTimeout(resolve, 400));
    assert.ok(!(await town.ask(town.ann, "!causeway links")).includes(town.other), "it is not linked again");
    assert.match(await town.ask(town.ann, `!causeway unlink discord all ${town.guild.id}`), /not linked any more/);
    await town.world.restart();
    town.bob.say(town.channel, "still here");
    await plaza.find({ body: "still here" });
    assert.match(await town.ask(town.ann, `!causeway link discord all 1`), /sees no channel/);
  });
});

describe("Discord: a private channel", () => {
  let town: DiscordTown;
  let keepers: string;
  let secret: string;
  before(async () => {
    town = await openDiscordTown({
      speed: 10,
      config: { permissions: { "*": "user", "@ann:test.local": "admin" } },
      prepare: ({ fake, guild }) => {
        keepers = fake.role(guild, "Inner circle", 0n);
        secret = fake.channel(guild, "secret", {
          overwrites: [
            { id: guild.id, type: 0, allow: "0", deny: String(Bit.ViewChannel) },
            { id: keepers, type: 0, allow: String(Bit.ViewChannel), deny: "0" },
            { id: fake.bot.user.id, type: 1, allow: String(Bit.ViewChannel), deny: "0" },
          ],
        });
        return { links: [{ network: "discord", channel: secret, invite: ["@ann:test.local"] }] };
      },
    });
  });
  after(() => town?.close());

  test("has a room that nobody joins uninvited; it admits those linked people who may read the channel, and puts them out when they may not", async () => {
    await until(async () => (await roomsOf(town.ann)).has("secret"), "the room is there");
    const id = (await roomsOf(town.ann)).get("secret") as string;
    const room = await town.ann.join(id);
    assert.equal((await room.state("m.room.join_rules"))["join_rule"], "invite");
    const eve = await town.hs.user("eve");
    await assert.rejects(eve.join(id), /403/);

    const kim = town.fake.person("Kim", town.guild);
    const code = /account ([A-Z0-9]{10})/.exec(await town.ask(eve, "!causeway login discord"))?.[1];
    kim.say(town.channel, `!causeway account ${code}`);
    await until(async () => /Kim, linked/.test(await town.ask(eve, "!causeway logins")), "linked");
    town.fake.acts.updateMember(town.guild.id, kim.id, { nick: "Kimberly" });
    await new Promise((resolve) => setTimeout(resolve, 400));
    assert.equal((await roomsOf(eve)).size, 0, "no right, no invitation");

    town.fake.acts.updateMember(town.guild.id, kim.id, { roles: [keepers] });
    await until(async () => (await roomsOf(eve)).has("secret"), "an invitation");
    const hers = await eve.join(id);
    await hers.say("I may be here");
    await town.shows("I may be here", secret);

    town.fake.acts.updateMember(town.guild.id, kim.id, { roles: [] });
    const out = await room.find(
      (event) => event.type === "m.room.member" && event.state_key === eve.id && event.content["membership"] === "leave",
    );
    assert.match(String(out.content["reason"]), /may not read the channel/);

    const lee = town.fake.person("Lee", town.guild);
    const hers2 = /account ([A-Z0-9]{10})/.exec(await town.ask(town.ann, "!causeway login discord"))?.[1];
    lee.say(town.channel, `!causeway account ${hers2}`);
    await until(async () => /Lee, linked/.test(await town.ask(town.ann, "!causeway logins")), "linked");
    await new Promise((resolve) => setTimeout(resolve, 400));
    assert.ok((await room.joined()).includes(town.ann.id), "whom the config invited stays");
  });

  test("of a room that the bridge made: who came in while it stood open, and may not read the channel, is put out", async () => {
    const opened = town.fake.channel(town.guild, "opened");
    town.fake.gateway.dispatch("CHANNEL_CREATE", town.fake.shape(opened), { guild: town.guild.id });
    const room = await town.madeRoom(opened);
    const max = await town.hs.user("max");
    const his = await max.join(room.id);
    const ned = town.fake.person("Ned", town.guild);
    const code = /account ([A-Z0-9]{10})/.exec(await town.ask(max, "!causeway login discord"))?.[1];
    ned.say(town.channel, `!causeway account ${code}`);
    await until(async () => /Ned, linked/.test(await town.ask(max, "!causeway logins")), "linked");
    assert.ok((await his.joined()).includes(max.id));
    const overwrites = [
      { id: town.guild.id, type: 0, allow: "0", deny: String(Bit.ViewChannel) },
      { id: town.fake.bot.user.id, type: 1, allow: String(Bit.ViewChannel), deny: "0" },
    ] as never;
    town.fake.acts.updateChannel(town.fake.channelOf(opened), { overwrites });
    await room.find((event) => event.type === "m.room.member" && event.state_key === max.id && event.content["membership"] === "leave");
    assert.equal((await room.state("m.room.join_rules"))["join_rule"], "invite");
  });

  test("that was public closes its room before anything more is said in it", async () => {
    town.bob.say(town.channel, "for everybody");
    await town.room.find({ body: "for everybody" });
    const overwrites = [
      { id: town.guild.id, type: 0, allow: "0", deny: String(Bit.ViewChannel) },
      { id: town.fake.bot.user.id, type: 1, allow: String(Bit.ViewChannel), deny: "0" },
    ] as never;
    town.fake.acts.updateChannel(town.fake.channelOf(town.channel), { overwrites });
    town.alice.say(town.channel, "between us");
    await town.room.find({ body: "between us" });
    const timeline = await town.room.timeline();
    const closed = timeline.findIndex(({ type, content }) => type === "m.room.join_rules" && content["join_rule"] === "invite");
    const said = timeline.findIndex(({ content }) => content["body"] === "between us");
    assert.ok(closed >= 0 && closed < said, `closed at ${closed}, said at ${said}`);
    const mallory = await town.hs.user("mallory");
    await assert.rejects(mallory.join(town.room.id), /403/);
  });
});

describe("Discord: who leads, and who is put out", () => {
  let town: DiscordTown;
  let room: MatrixRoom;
  let wardens: string;
  before(async () => {
    town = await openDiscordTown({
      linked: false,
      speed: 10,
      discord: { moderation: "mirrored", membership: true, power_levels: { Wardens: 60 } },
      prepare: ({ fake, guild, channel }) => {
        wardens = fake.role(guild, "Wardens", 0n);
        return { links: [{ network: "discord", channel, membership: true, invite: ["@ann:test.local"] }] };
      },
    });
    await until(async () => (await roomsOf(town.ann)).has("plaza"), "the room is there");
    room = await town.ann.join((await roomsOf(town.ann)).get("plaza") as string);
  });
  after(() => town?.close());

  const levels = async () => (await room.state("m.room.power_levels"))["users"] as Record<string, number>;
  const ghostOf = (id: string) => `@_discord_${id}:test.local`;

  test("a role of the config's table gives power in the room, and its loss takes it, though nothing is said", async () => {
    const wendy = town.fake.person("Wendy", town.guild, [wardens]);
    wendy.say(town.channel, "I lead here");
    await until(async () => (await levels())[ghostOf(wendy.id)] === 60, "power");
    town.fake.acts.updateMember(town.guild.id, wendy.id, { roles: [] });
    await until(async () => (await levels())[ghostOf(wendy.id)] === undefined, "no power any more");
  });

  test("a kick in the room is one on the server, with who and why; a ban and its end likewise", async () => {
    const kurt = town.fake.person("Kurt", town.guild);
    kurt.say(town.channel, "trouble");
    await room.find({ body: "trouble" });
    await town.power(room, town.ann.id, 100);
    await room.kick(ghostOf(kurt.id), "enough");
    await until(async () => !town.guild.members.has(kurt.id), "off the server");
    const bert = town.fake.person("Bert", town.guild);
    bert.say(town.channel, "more trouble");
    await room.find({ body: "more trouble" });
    await room.ban(ghostOf(bert.id), "spam");
    await until(async () => town.guild.bans.has(bert.id), "banned there");
    assert.match(String(town.guild.bans.get(bert.id)), /spam \(by ann, @ann:test\.local\)/);
    await room.unban(ghostOf(bert.id));
    await until(async () => !town.guild.bans.has(bert.id), "let in again");
  });

  test("who is silenced in the room is timed out there, until they may speak again", async () => {
    const tina = town.fake.person("Tina", town.guild);
    tina.say(town.channel, "chatter");
    await room.find({ body: "chatter" });
    const member = () => town.guild.members.get(tina.id);
    await room.setPower((all) => ({ ...all, users: { ...(all["users"] as object), [ghostOf(tina.id)]: -1 } }));
    await until(async () => Date.parse(member()?.communication_disabled_until ?? "") > Date.now(), "timed out");
    await room.setPower((all) => ({ ...all, users: { ...(all["users"] as object), [ghostOf(tina.id)]: 0 } }));
    await until(async () => member()?.communication_disabled_until === null, "free to speak");
  });

  test("a kick, a ban and a timeout on Discord are told: the ghost goes, with who and why", async () => {
    const gus = town.fake.person("Gus", town.guild);
    gus.say(town.channel, "hello from Gus");
    await room.find({ body: "hello from Gus" });
    town.fake.acts.updateMember(town.guild.id, gus.id, { communication_disabled_until: new Date(Date.now() + 86_400_000).toISOString() });
    await room.find({ body: /Gus was timed out on Discord until/ });
    town.fake.acts.ban(town.guild.id, gus.id, "spam");
    await room.find(
      (event) => event.type === "m.room.member" && event.state_key === ghostOf(gus.id) && event.content["membership"] !== "join",
    );
  });
});

describe("Discord: several servers, one bot", () => {
  let town: DiscordTown;
  let elsewhere: string;
  before(async () => {
    town = await openDiscordTown({
      speed: 10,
      prepare: ({ fake, alice }) => {
        const second = fake.guild("Harbour");
        elsewhere = fake.channel(second, "quay");
        second.members.set(alice.id, {
          user: alice.user,
          nick: "Captain",
          avatar: null,
          roles: [],
          joined_at: fake.world.iso(),
          communication_disabled_until: null,
        });
      },
    });
  });
  after(() => town?.close());

  test("a person has one ghost, and in each room the name of that server; an outage of one server holds nothing of the other", async () => {
    const room = await town.ann.createRoom({ preset: "public_chat", power_level_content_override: { users: { [town.world.bot]: 100 } } });
    await room.invite(town.world.bot);
    await room.next({ sender: town.world.bot, body: /I am the bridge/ });
    await room.say(`!causeway link discord ${elsewhere}`);
    await room.next({ sender: town.world.bot, body: /now linked/ });
    town.alice.say(elsewhere, "on the quay");
    const there = await room.find({ body: "on the quay" });
    town.alice.say(town.channel, "in the plaza");
    const here = await town.room.find({ body: "in the plaza" });
    assert.equal(here.sender, there.sender);
    assert.equal((await room.state("m.room.member", there.sender))["displayname"], "Captain");
    assert.equal((await town.room.state("m.room.member", here.sender))["displayname"], "Alice");

    town.fake.outage(town.guild, true);
    await town.room.say("waits for the end of the outage");
    await room.say("goes on");
    await town.shows("goes on", elsewhere);
    assert.ok(!town.shown().includes("waits for the end of the outage"));
    town.fake.outage(town.guild, false);
    await town.shows("waits for the end of the outage");
  });
});
