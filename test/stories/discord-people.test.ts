/** Who is who, and who may do what, between Matrix and Discord. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Bit } from "../fakes/discord/rights.ts";
import type { Person } from "../fakes/discord/people.ts";
import type { MatrixUser } from "../matrix-client.ts";
import type { MatrixRoom } from "../matrix-room.ts";
import { type DiscordTown, openDiscordTown } from "./discord-town.ts";
import { until } from "./town.ts";

let turn = 0;

/** What the bridge answers to a command, seen by nobody but its author. */
async function command(town: DiscordTown, person: Person, channel: string, data: object): Promise<string> {
  const token = town.fake.command(person, channel, { id: String(++turn), ...data });
  const interaction = () => town.fake.world.interactions.get(token);
  await until(async () => (interaction()?.answers.length ?? 0) > 0, `an answer to ${JSON.stringify(data)}`);
  return String(interaction()?.answers.at(-1)?.content);
}

const slash = (name: string, values: Readonly<Record<string, string | boolean>> = {}) => ({
  type: 1,
  name: "causeway",
  options: [
    {
      type: 1,
      name,
      options: Object.entries(values).map(([key, value]) => ({ type: typeof value === "string" ? 3 : 5, name: key, value })),
    },
  ],
});
const menu = (name: string, target: string) => ({ type: 3, name, target_id: target, resolved: { messages: {} } });

describe("Discord: a linked account", () => {
  let town: DiscordTown;
  before(async () => {
    town = await openDiscordTown({ config: { permissions: { "*": "user", "@ann:test.local": "admin" } } });
  });
  after(() => town?.close());

  test("is proven by a code that its holder says to the bot, and mentions ring the real account from then on", async () => {
    const answer = await town.ask(town.ann, "!causeway login discord");
    const code = /!causeway account ([A-Z0-9]{10})/.exec(answer)?.[1];
    assert.ok(code, answer);
    assert.match(await command(town, town.bob, town.channel, slash("account", { code: "AAAAAAAAAA" })), /not known here/);
    assert.match(await command(town, town.alice, town.channel, slash("account", { code })), /belongs to @ann:test\.local/);
    assert.match(await command(town, town.bob, town.channel, slash("account", { code })), /not known here/, "a code is good once");
    assert.match(await town.ask(town.ann, "!causeway logins"), /discord \d+: Alice, linked to you/);

    const bea = await town.hs.user("bea");
    const hers = await bea.join(town.room.id);
    await hers.html("ann: look", `<a href="https://matrix.to/#/${town.ann.id}">ann</a>: look`, {
      "m.mentions": { user_ids: [town.ann.id] },
    });
    await town.shows(new RegExp(`<@${town.alice.id}>.* look`));
    const [message] = town.fake.http.seen.filter(({ body }) => JSON.stringify(body["content"] ?? "").includes("look"));
    assert.deepEqual(message?.body["allowed_mentions"], { parse: [], users: [town.alice.id], replied_user: false });
  });

  test("is a pill of its owner where it is mentioned on Discord", async () => {
    town.bob.say(town.channel, `<@${town.alice.id}> are you there?`);
    const event = await town.room.find({ body: /are you there/ });
    assert.deepEqual(event.content["m.mentions"], { user_ids: [town.ann.id] });
    assert.match(String(event.content["formatted_body"]), /matrix\.to\/#\/(?:@|%40)ann(?::|%3A)test\.local/);
  });

  test("speaks as its ghost, and as its owner once the bridge may", async () => {
    town.alice.say(town.channel, "as a ghost");
    assert.equal((await town.room.find({ body: "as a ghost" })).sender, `@_discord_${town.alice.id}:test.local`);
    assert.match(await town.ask(town.ann, "!causeway login matrix"), /token/i);
    assert.match(await town.ask(town.ann, town.ann.token), /own Matrix name|your own name/i);
    town.alice.say(town.channel, "as myself");
    assert.equal((await town.room.find({ body: "as myself" })).sender, town.ann.id);
    await town.room.say("and from here");
    await town.shows("and from here");
    assert.equal(town.shown().filter((text) => text === "as myself").length, 1, "it does not come back");
  });

  test("is given up on either side", async () => {
    assert.match(await command(town, town.alice, town.channel, slash("account", { code: "off" })), /no longer linked to @ann/);
    town.alice.say(town.channel, "a stranger again");
    assert.equal((await town.room.find({ body: "a stranger again" })).sender, `@_discord_${town.alice.id}:test.local`);
    const code = /account ([A-Z0-9]{10})/.exec(await town.ask(town.ann, "!causeway login discord"))?.[1] as string;
    await command(town, town.alice, town.channel, slash("account", { code }));
    assert.match(await town.ask(town.ann, "!causeway logout discord"), /no longer linked to you/);
  });

  test("survives a restart", async () => {
    const code = /account ([A-Z0-9]{10})/.exec(await town.ask(town.ann, "!causeway login discord"))?.[1] as string;
    await command(town, town.alice, town.channel, slash("account", { code }));
    await town.world.restart();
    assert.match(await town.ask(town.ann, "!causeway logins"), /Alice, linked to you/);
  });
});

describe("Discord: an account shown in a browser", () => {
  let town: DiscordTown;
  before(async () => {
    town = await openDiscordTown({
      open: true,
      prepare: ({ fake }) => ({
        discord: {
          token: fake.bot.token,
          api_url: fake.apiUrl,
          cdn_url: fake.cdnUrl,
          oauth: { client_id: fake.bot.application.id, client_secret: fake.oauth.secret },
        },
      }),
    });
  });
  after(() => town?.close());

  test("needs nothing but a click, and the bridge keeps no token", async () => {
    const answer = await town.ask(town.ann, "!causeway login discord");
    const address = new URL(/https?:\/\/\S+/.exec(answer)?.[0] ?? "");
    assert.equal(address.pathname, "/oauth2/authorize");
    assert.deepEqual(
      ["response_type", "client_id", "scope"].map((key) => address.searchParams.get(key)),
      ["code", town.fake.bot.application.id, "identify"],
    );
    const back = new URL(address.searchParams.get("redirect_uri") as string);
    back.searchParams.set("code", town.fake.oauth.consent(town.alice.user, address.searchParams));
    back.searchParams.set("state", address.searchParams.get("state") as string);
    const page = await fetch(back);
    assert.equal(page.status, 200);
    await until(async () => /linked to you/.test(await town.ask(town.ann, "!causeway logins")), "the account is hers");
    assert.equal(town.fake.oauth.tokens.size, 0, "the token was given back");
  });

  test("nobody gets in by a state of their own, and who says no is told so", async () => {
    const forged = await fetch(`http://127.0.0.1:${town.world.port}/_causeway/sign-in?code=1&state=made-up`);
    assert.equal(forged.status, 400);
    const answer = await town.ask(town.ann, "!causeway login discord");
    const address = new URL(/https?:\/\/\S+/.exec(answer)?.[0] ?? "");
    const back = new URL(address.searchParams.get("redirect_uri") as string);
    back.search = new URLSearchParams({ error: "access_denied", state: address.searchParams.get("state") as string }).toString();
    await fetch(back);
    await until(async () => /Alice, linked/.test(await town.ask(town.ann, "!causeway logins")), "what was linked stays linked");
  });
});

describe("Discord: moderators there, and people from Matrix", () => {
  let town: DiscordTown;
  let moderators: MatrixRoom;
  let eve: MatrixUser;
  let hers: MatrixRoom;
  let mod: Person;

  before(async () => {
    town = await openDiscordTown({ config: { permissions: { "*": "user", "@ann:test.local": "admin" } } });
    moderators = await town.ann.createRoom({ preset: "private_chat" });
    await moderators.invite(town.world.bot);
    await moderators.next({ sender: town.world.bot, body: /I am the bridge/ });
    await town.configure({ moderators_room: moderators.id });
    const role = town.fake.role(town.guild, "Moderators", Bit.KickMembers | Bit.BanMembers | Bit.ModerateMembers);
    mod = town.fake.person("Mod", town.guild, [role]);
    eve = await town.hs.user("eve");
    hers = await eve.join(town.room.id);
  });
  after(() => town?.close());

  async function relayed(text: string): Promise<string> {
    await hers.say(text);
    await town.shows(text);
    const all = [...(town.fake.world.messages.get(town.channel)?.values() ?? [])];
    return all.find(({ message }) => message.content === text)?.message.id as string;
  }

  test("anybody can ask who wrote a message, and is told in private", async () => {
    const message = await relayed("who am I");
    assert.match(await command(town, town.bob, town.channel, menu("Who is this on Matrix?", message)), /eve on Matrix: @eve:test\.local/);
    assert.match(await command(town, town.bob, town.channel, slash("who", { person: "eve" })), /@eve:test\.local/);
    assert.match(await command(town, town.bob, town.channel, slash("who", { person: "nobody" })), /Nobody on Matrix/);
    const own = town.bob.say(town.channel, "I am from here");
    await town.room.find({ body: "I am from here" });
    assert.match(await command(town, town.bob, town.channel, menu("Who is this on Matrix?", own)), /from here, not from Matrix/);
  });

  test("who may not do it on Discord may not do it from there", async () => {
    const message = await relayed("still here");
    for (const name of ["Mute on Matrix", "Kick on Matrix", "Ban on Matrix"]) {
      assert.match(await command(town, town.bob, town.channel, menu(name, message)), /do not have the right/);
    }
    assert.match(
      await command(town, town.alice, town.channel, slash("ban", { person: eve.id })),
      /do not have the right/,
      "another moderator's right",
    );
  });

  test("a mute: nothing of theirs is heard, until it is lifted; the moderators' room reads it", async () => {
    const message = await relayed("too loud");
    assert.match(await command(town, mod, town.channel, menu("Mute on Matrix", message)), /@eve:test\.local is muted/);
    await moderators.find({ body: /Mod .* on Discord: @eve:test\.local is muted/ });
    const levels = await town.room.state("m.room.power_levels");
    assert.equal((levels["users"] as Record<string, number>)[eve.id], -1);
    await assert.rejects(hers.say("can you hear me"), /403/);
    assert.match(await command(town, mod, town.channel, slash("unmute", { person: eve.id })), /no longer muted/);
    await relayed("heard again");
  });

  test("a kick, and a ban in every linked room of the server, with a reason", async () => {
    const second = await town.ann.createRoom({ preset: "public_chat", power_level_content_override: { users: { [town.world.bot]: 100 } } });
    await second.invite(town.world.bot);
    await second.next({ sender: town.world.bot, body: /I am the bridge/ });
    await second.say(`!causeway link discord ${town.other}`);
    await second.next({ sender: town.world.bot, body: /now linked/ });
    await eve.join(second.id);
    assert.match(
      await command(town, mod, town.channel, slash("kick", { reason: "too loud", person: "eve" })),
      /is removed in this channel/,
    );
    const kicked = await town.room.find(
      (event) => event.type === "m.room.member" && event.state_key === eve.id && event.content["membership"] === "leave",
    );
    assert.match(String(kicked.content["reason"]), /too loud \(by Mod on Discord\)/);
    const token = town.fake.command(mod, town.channel, { id: "9", ...menu("Ban on Matrix", (await lastOf()).id) });
    await until(async () => (town.fake.world.interactions.get(token)?.answers.length ?? 0) > 0, "an answer");
    const answer = town.fake.world.interactions.get(token)?.answers.at(-1);
    const button = (answer as { components?: { components: { custom_id: string }[] }[] }).components?.[0]?.components[0];
    assert.ok(button, "a button: the same everywhere");
    const pressed = town.fake.press(mod, town.channel, button.custom_id);
    await until(async () => (town.fake.world.interactions.get(pressed)?.answers.length ?? 0) > 0, "an answer to the button");
    assert.match(String(town.fake.world.interactions.get(pressed)?.answers.at(-1)?.content), /banned in 2 of 2 rooms/);
    for (const room of [town.room, second]) {
      assert.equal((await room.state("m.room.member", eve.id))["membership"], "ban");
    }
    assert.match(
      await command(town, mod, town.channel, slash("unban", { person: eve.id, everywhere: true })),
      /no longer banned in 2 of 2/,
    );
  });

  async function lastOf(): Promise<{ id: string }> {
    const all = [...(town.fake.world.messages.get(town.channel)?.values() ?? [])].map(({ message }) => message);
    return all.filter(({ content }) => content === "heard again").at(-1) as { id: string };
  }

  test("nobody is put out who ranks as high on Matrix", async () => {
    assert.match(await command(town, mod, town.channel, slash("ban", { person: town.ann.id })), /rank as high/);
  });

  test("invite, status, pause and resume", async () => {
    const zoe = await town.hs.user("zoe");
    assert.match(await command(town, mod, town.channel, slash("invite", { person: zoe.id })), /is invited/);
    assert.equal((await town.room.state("m.room.member", zoe.id))["membership"], "invite");
    assert.match(await command(town, town.bob, town.channel, slash("status")), /connected/);
    assert.match(await command(town, town.bob, town.channel, slash("pause")), /Only someone who runs/);
    assert.match(await command(town, mod, town.channel, slash("pause")), /Held back/);
    await town.room.say("while paused");
    assert.match(await command(town, mod, town.channel, slash("status")), /Paused by Mod/);
    assert.ok(!town.shown().includes("while paused"));
    assert.match(await command(town, mod, town.channel, slash("resume")), /Crossing again/);
    await town.shows("while paused");
  });

  test("a channel's moderator begins: the code from there links it, and they end it", async () => {
    const third = town.fake.channel(town.guild, "third");
    assert.match(await command(town, town.bob, third, slash("link")), /Only someone who runs/);
    const offered = await command(town, mod, third, slash("link"));
    const code = /link ([A-Z0-9]{8})/.exec(offered)?.[1];
    assert.ok(code, offered);
    const room = await town.ann.createRoom({ preset: "public_chat", power_level_content_override: { users: { [town.world.bot]: 100 } } });
    await room.invite(town.world.bot);
    await room.next({ sender: town.world.bot, body: /I am the bridge/ });
    const zed = await town.hs.user("zed");
    const his = await zed.join(room.id);
    await his.say(`!causeway link ${code}`);
    await room.next({ sender: town.world.bot, body: /power in this room/ });
    await room.say(`!causeway link ${code}`);
    await room.next({ sender: town.world.bot, body: /now linked/ });
    await room.say("we are linked");
    await town.shows("we are linked", third);
    assert.match(await command(town, mod, third, slash("unlink")), /no longer bridged/);
    await room.find({ sender: town.world.bot, body: /Mod on Discord has ended the link/ });
  });

  test("every interaction is answered in time and for its author's eyes only", () => {
    for (const interaction of town.fake.world.interactions.values())
      assert.ok(interaction.acknowledged && interaction.ephemeral, interaction.id);
  });
});

describe("Discord: direct messages to the bot", () => {
  let town: DiscordTown;
  before(async () => {
    town = await openDiscordTown({
      config: { permissions: { "*": "relay", "test.local": "user", "@ann:test.local": "admin" } },
      discord: { intents: { presences: true } },
      speed: 10,
      prepare: ({ fake }) => void (fake.bot.portal.presence = true),
    });
  });
  after(() => town?.close());

  async function invitedTo(person: MatrixUser, by: string): Promise<MatrixRoom> {
    let room: string | undefined;
    await until(async () => {
      const { rooms } = await person.call("GET", "/sync", { query: { timeout: 0 } });
      const invites = Object.entries(
        (rooms as { invite?: Record<string, { invite_state: { events: { sender: string }[] } }> } | undefined)?.invite ?? {},
      );
      room = invites.find(([, { invite_state }]) => invite_state.events.some(({ sender }) => sender === by))?.[0];
      return room !== undefined;
    }, `an invitation by ${by}`);
    return await person.join(room as string);
  }

  test("become a room of the admin's with the ghost of who wrote, and answers go back under their name", async () => {
    const direct = town.fake.world.channel({ type: 1, guild: undefined, recipients: [town.bob.id, town.fake.bot.user.id] });
    town.bob.say(direct.id, "hello, is anybody there?");
    const room = await invitedTo(town.ann, town.world.bot);
    const event = await room.find({ body: "hello, is anybody there?" });
    assert.equal(event.sender, `@_discord_${town.bob.id}:test.local`);
    await room.say("yes, I am");
    await until(async () => town.shown(direct.id).some((text) => /ann.*yes, I am/s.test(text)), "the answer");
    town.bob.say(direct.id, "good");
    await room.find({ body: "good" });
    assert.equal((await room.timeline()).filter(({ content }) => content["body"] === "good").length, 1);
  });

  test("begin on Matrix too: who invites a ghost talks with its person, and nobody else is let in", async () => {
    town.alice.say(town.channel, "so that I have a ghost");
    const ghost = (await town.room.find({ body: "so that I have a ghost" })).sender;
    const zoe = await town.hs.user("zoe");
    const chat = await zoe.createRoom({ preset: "trusted_private_chat", is_direct: true, invite: [ghost] });
    await until(async () => (await chat.joined()).includes(town.world.bot), "the bot is in the room");
    await until(
      async () => [...town.fake.world.channels.values()].some(({ type, recipients }) => type === 1 && recipients.includes(town.alice.id)),
      "a conversation",
    );
    await chat.say("good evening");
    const direct = [...town.fake.world.channels.values()].find(({ type, recipients }) => type === 1 && recipients.includes(town.alice.id));
    await until(async () => town.shown(direct?.id).some((text) => /zoe.*good evening/s.test(text)), "it arrives");
    town.alice.say(direct?.id as string, "good evening, Zoe");
    assert.equal((await chat.find({ body: "good evening, Zoe" })).sender, ghost);
    const eve = await town.hs.user("eve");
    const hers = await eve.createRoom({ preset: "trusted_private_chat", is_direct: true, invite: [ghost] });
    const refusal = await hers.find(
      (event) => event.type === "m.room.member" && event.state_key === ghost && event.content["membership"] === "leave",
    );
    assert.match(String(refusal.content["reason"]), /Somebody else has a conversation/);
  });

  test("commands are answered there, and not relayed", async () => {
    const direct = [...town.fake.world.channels.values()].find(({ type, recipients }) => type === 1 && recipients.includes(town.bob.id));
    town.bob.say(direct?.id as string, "!causeway help");
    await until(async () => town.shown(direct?.id).some((text) => /relays between here and Matrix/.test(text)), "help");
  });

  test("who is there is shown, with what they say of it, where the config asks for it", async () => {
    const ghost = `@_discord_${town.alice.id}:test.local`;
    const shown = async () => await town.ann.call("GET", `/presence/${encodeURIComponent(ghost)}/status`);
    town.fake.presence(town.alice, "idle", "making tea");
    await until(async () => (await shown())["presence"] === "unavailable", "away");
    assert.equal((await shown())["status_msg"], "making tea");
    town.fake.presence(town.alice, "dnd");
    await until(async () => (await shown())["presence"] === "online", "there");
    assert.equal((await shown())["status_msg"], "Do not disturb");
    // Gone while nobody listened: a new session does not tell of those who left.
    town.fake.world.presences.delete(town.alice.id);
    town.fake.gateway.invalidate(false);
    await until(async () => (await shown())["presence"] === "offline", "gone");
  });
});
