/** The stories that a bridge to Discord is measured by, each told through homeserver, bridge and Discord. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ChannelType, MessageFlags, MessageReferenceType } from "discord-api-types/v10";
import { PLURALKIT } from "../../bridges/discord/people.ts";
import { byWebhook } from "../discord/harness.ts";
import type { Json } from "../matrix-client.ts";
import type { RoomEvent } from "../matrix-room.ts";
import { type DiscordTown, openDiscordTown } from "./discord-town.ts";
import { until } from "./town.ts";

const ghost = (id: string) => `@_discord_${id}:test.local`;
const words = (count: number, mark: string) => Array.from({ length: count }, (_, index) => `${mark}${index}`).join(" ");

function relation(event: RoomEvent): Json {
  return (event.content["m.relates_to"] ?? {}) as Json;
}

function repliesTo(event: RoomEvent): unknown {
  return (relation(event)["m.in_reply_to"] as Json | undefined)?.["event_id"];
}

describe("Discord: messages", () => {
  let town: DiscordTown;
  before(async () => {
    town = await openDiscordTown({ speed: 10 });
  });
  after(() => town?.close());

  const stored = (channel = town.channel) => [...(town.fake.world.messages.get(channel)?.values() ?? [])];
  const messageOf = (text: string | RegExp, channel?: string) =>
    stored(channel).find(({ message }) => (typeof text === "string" ? message.content === text : text.test(message.content)))?.message;

  test("relay: each side hears the other under its own name, with the right mentions and no echo", async () => {
    await town.room.say("good morning");
    await town.shows("good morning");
    assert.equal(messageOf("good morning")?.author.username, "ann");
    town.alice.say(town.channel, "good morning, **Ann**");
    const event = await town.room.find({ body: "good morning, Ann" });
    assert.equal(event.sender, ghost(town.alice.id));
    assert.match(String(event.content["formatted_body"]), /<strong>Ann<\/strong>/);
    assert.deepEqual(event.content["m.mentions"], {});
    assert.equal(stored().filter(({ message }) => message.content === "good morning").length, 1);
  });

  test("a message of several parts whose second part fails stands there whole, once and in order; an edit and a deletion reach all parts", async () => {
    let count = 0;
    town.fake.http.faults.push({
      match: (method, path) => method === "POST" && path.startsWith("/webhooks/") && ++count === 2,
      times: 1,
      kind: "fail-after",
      status: 502,
    });
    const text = words(1000, "w");
    const mine = await town.room.say(text);
    await town.shows(/w999$/);
    const parts = stored().filter(({ message }) => /^w\d+ /.test(message.content));
    assert.equal(parts.length, 3);
    assert.equal(parts.map(({ message }) => message.content).join(" "), text, "no part twice, none lost");
    assert.ok(parts.every(({ message }) => message.content.length <= 2000));
    await town.room.edit(mine, `${words(1000, "w")} and more`);
    await town.shows(/w999 and more$/);
    assert.equal(stored().filter(({ message }) => /^w\d+ /.test(message.content)).length, 3);
    town.bob.react(town.channel, parts[1]?.message.id as string, "🎉");
    const reaction = await town.room.find({ type: "m.reaction" });
    assert.equal(relation(reaction)["event_id"], mine);
    await town.room.redact(mine);
    await until(async () => !stored().some(({ message }) => /^w\d+ /.test(message.content)), "all parts are gone");
  });

  test("an echo that comes by the gateway before the answer to the request is known for ours", async () => {
    town.fake.http.fault("lose-reply", /^POST \/webhooks\/\d+\/[^/]+$/);
    await town.room.say("echoed first");
    await town.shows("echoed first");
    town.bob.say(town.channel, "after the echo");
    await town.room.find({ body: "after the echo" });
    await town.room.say("still in order");
    await town.shows("still in order");
    assert.equal(stored().filter(({ message }) => message.content === "echoed first").length, 1);
    assert.equal((await town.room.timeline()).filter(({ content }) => content["body"] === "echoed first").length, 1);
  });

  test("a chain of replies across the parts of a long message finds the whole each time", async () => {
    const long = await town.room.say(words(500, "c"));
    await town.shows(/c499$/);
    const last = stored().findLast(({ message }) => message.content.endsWith("c499"))?.message.id as string;
    const answer = town.alice.say(town.channel, "to its end", { reply: last });
    const first = await town.room.find({ body: /to its end/ });
    assert.equal(repliesTo(first), long);
    await town.room.reply(first, "and to that");
    await town.shows(/discord\.com\/channels\/.*\nand to that$/s);
    assert.ok(messageOf(/and to that$/)?.content.includes(answer), "it leads to what it answers");
    town.bob.say(town.channel, "and again", { reply: messageOf(/and to that$/)?.id as string });
    const again = await town.room.find({ body: /and again/ });
    assert.equal((await town.room.event(String(repliesTo(again)))).content["body"], "and to that");
  });

  test("a thread that begins on Discord, and one that begins in the room", async () => {
    const root = town.alice.say(town.channel, "root there");
    const begun = await town.room.find({ body: "root there" });
    const thread = town.alice.thread(town.channel, root, "Talk");
    town.bob.say(thread, "in the thread");
    const inside = await town.room.find({ body: "in the thread" });
    assert.deepEqual([relation(inside)["rel_type"], relation(inside)["event_id"]], ["m.thread", begun.event_id]);
    await town.room.thread(begun, "from the room");
    await town.shows("from the room", thread);

    const mine = await town.room.say("root here");
    await town.shows("root here");
    await town.room.thread(mine, "first answer");
    await until(async () => town.fake.world.channels.has(String(messageOf("root here")?.id)), "a thread at the message");
    const made = String(messageOf("root here")?.id);
    await town.shows("first answer", made);
    town.bob.say(made, "second answer");
    const second = await town.room.find({ body: "second answer" });
    assert.deepEqual([relation(second)["rel_type"], relation(second)["event_id"]], ["m.thread", mine]);
  });

  test("PluralKit: the member's message takes the place of the original, which is seen by nobody", async () => {
    const speak = (text: string) => {
      const original = town.bob.say(town.channel, `L: ${text}`);
      byWebhook(town.fake, town.channel, "Luna", text, PLURALKIT);
      town.bob.delete(town.channel, original);
    };
    speak("first, they are not known yet");
    await town.room.find({ body: "first, they are not known yet" });
    speak("hello from Luna");
    const event = await town.room.find({ body: "hello from Luna" });
    assert.match(event.sender, /_discord_w\./);
    assert.equal(event.content["msgtype"], "m.text");
    town.alice.say(town.channel, "nobody waits");
    await town.room.find({ body: "nobody waits" });
    assert.ok(!(await town.room.timeline()).some(({ content }) => content["body"] === "L: hello from Luna"));
  });

  test("a voice message, both ways, with length and loudness", async () => {
    const sound = Buffer.from("OggS and so on");
    town.alice.voice(town.channel, sound, 3.5, Buffer.from([0, 128, 255]).toString("base64"));
    const event = await town.room.find((one) => one.content["msgtype"] === "m.audio");
    assert.ok("org.matrix.msc3245.voice" in event.content);
    const audio = event.content["org.matrix.msc1767.audio"] as { duration: number; waveform: number[] };
    assert.equal(audio.duration, 3_500);
    assert.equal(audio.waveform.length, 3);

    const uri = await town.ann.upload(sound, { type: "audio/ogg" });
    await town.room.send("m.room.message", {
      msgtype: "m.audio",
      body: "voice.ogg",
      url: uri,
      info: { mimetype: "audio/ogg", size: sound.length, duration: 2_000 },
      "org.matrix.msc3245.voice": {},
      "org.matrix.msc1767.audio": { duration: 2_000, waveform: [0, 512, 1024] },
    });
    const voice = () =>
      stored().find(
        ({ message }) => ((message.flags ?? 0) & MessageFlags.IsVoiceMessage) !== 0 && message.author.id === town.fake.bot.user.id,
      );
    await until(async () => voice() !== undefined, "a voice message");
    const [attachment] = voice()?.message.attachments ?? [];
    assert.equal(attachment?.duration_secs, 2);
    assert.ok((attachment?.waveform ?? "").length > 0);
  });

  test("a poll on Discord is one in the room, with its votes and its end", async () => {
    const id = town.alice.poll(town.channel, "Tea or coffee?", ["Tea", "Coffee"]);
    const start = await town.room.find((event) => event.type.endsWith("poll.start"));
    town.bob.vote(town.channel, id, 2);
    const response = await town.room.find((event) => event.type.endsWith("poll.response"));
    assert.equal(relation(response)["event_id"], start.event_id);
    assert.equal(response.sender, ghost(town.bob.id));
    town.fake.acts.endPoll(town.fake.channelOf(town.channel), id);
    const end = await town.room.find((event) => event.type.endsWith("poll.end"));
    assert.equal(relation(end)["event_id"], start.event_id);
  });

  test("a webhook that is deleted between two messages is made anew, and nothing is lost", async () => {
    await town.room.say("before the deletion");
    await town.shows("before the deletion");
    const hook = messageOf("before the deletion")?.webhook_id as string;
    town.fake.world.webhooks.delete(hook);
    await town.room.say("after the deletion");
    await town.shows("after the deletion");
    assert.notEqual(messageOf("after the deletion")?.webhook_id, hook);
    assert.equal(messageOf("after the deletion")?.author.username, "ann");
  });

  test("what is forwarded says so and shows what it held; a hostile name is only a name", async () => {
    const source = stored().find(({ message }) => message.content === "good morning, **Ann**");
    assert.ok(source);
    const id = town.bob.forward(town.channel, source);
    assert.equal(town.fake.world.stored(town.channel, id)?.message.message_reference?.type, MessageReferenceType.Forward);
    await town.room.find({ body: /forwarded[\s\S]*good morning, (?:\*\*)?Ann/ });
    const mallory = town.fake.person("@everyone \u202e**clyde** discord 🎉".repeat(3).slice(0, 80), town.guild);
    mallory.say(town.channel, "who am I");
    const event = await town.room.find({ body: "who am I" });
    const member = await town.room.state("m.room.member", event.sender);
    assert.ok(!String(member["displayname"]).includes("\u202e"));
  });
});

describe("Discord: a forum", () => {
  let town: DiscordTown;
  let forum: string;
  before(async () => {
    town = await openDiscordTown({
      speed: 10,
      prepare: ({ fake, guild }) => {
        forum = fake.channel(guild, "ideas", { type: ChannelType.GuildForum, tags: [{ id: "900", name: "wish" }] as never });
      },
    });
  });
  after(() => town?.close());

  test("a post is its first message with title and tags; answers are its thread, and from the room a message is a post", async () => {
    const room = await town.ann.createRoom({ preset: "public_chat", power_level_content_override: { users: { [town.world.bot]: 100 } } });
    await room.invite(town.world.bot);
    await room.next({ sender: town.world.bot, body: /I am the bridge/ });
    await room.say(`!causeway link discord ${forum}`);
    await room.next({ sender: town.world.bot, body: /now linked/ });
    const post = town.alice.post(forum, "A bell", "We should have a bell.", ["900"]);
    const first = await room.find({ body: /A bell[\s\S]*wish[\s\S]*We should have a bell/ });
    town.bob.say(post, "I agree");
    const answer = await room.find({ body: "I agree" });
    assert.deepEqual([relation(answer)["rel_type"], relation(answer)["event_id"]], ["m.thread", first.event_id]);
    await room.thread(first, "so do I");
    await town.shows("so do I", post);
    await room.say("And a gate");
    const made = () => [...town.fake.world.channels.values()].find(({ parent, name }) => parent === forum && name === "And a gate");
    await until(async () => made() !== undefined, "a post");
    await town.shows("And a gate", made()?.id);
  });
});

describe("Discord: connections that break", () => {
  let town: DiscordTown;
  before(async () => {
    town = await openDiscordTown({ speed: 10 });
  });
  after(() => town?.close());

  async function saidOnce(...texts: string[]): Promise<void> {
    for (const text of texts) await town.room.find({ body: text }, 30_000);
    const all = (await town.room.timeline()).map(({ content }) => content["body"]).filter((body) => texts.includes(body as string));
    assert.deepEqual(all, texts, "once, in order");
  }

  test("a break is resumed: nothing is missed, nothing read again, nothing identified anew", async () => {
    const { identifies, resumes } = town.fake.gateway;
    town.fake.gateway.drop();
    town.alice.say(town.channel, "during the break 1");
    town.alice.say(town.channel, "during the break 2");
    await saidOnce("during the break 1", "during the break 2");
    assert.equal(town.fake.gateway.identifies, identifies);
    assert.equal(town.fake.gateway.resumes, resumes + 1);
  });

  test("a restart resumes the session too", async () => {
    const { identifies } = town.fake.gateway;
    await town.world.kill("SIGTERM");
    town.alice.say(town.channel, "while stopped");
    await town.world.start();
    await saidOnce("while stopped");
    assert.equal(town.fake.gateway.identifies, identifies);
  });

  test("an invalid session is begun anew, and what was missed is fetched by history, threads too, in order, once, with its own time", async () => {
    const root = town.alice.say(town.channel, "before the gap");
    const thread = town.alice.thread(town.channel, root, "T");
    await town.room.find({ body: "before the gap" });
    await town.world.kill();
    town.fake.gateway.forget();
    const at = Date.now();
    town.alice.say(town.channel, "missed 1");
    town.bob.say(thread, "missed in the thread");
    town.alice.say(town.channel, "missed 2");
    await town.world.start();
    town.alice.say(town.channel, "live again");
    await saidOnce("missed 1", "missed in the thread", "missed 2", "live again");
    const event = await town.room.find({ body: "missed 1" });
    assert.ok(Math.abs(event.origin_server_ts - at) < 2_000, "its own time");
    assert.equal(relation(await town.room.find({ body: "missed in the thread" }))["rel_type"], "m.thread");
  });

  test("op 7 and op 9 while it runs", async () => {
    town.fake.gateway.askToReconnect();
    town.alice.say(town.channel, "after op 7");
    await saidOnce("after op 7");
    town.fake.gateway.invalidate(false);
    town.alice.say(town.channel, "after op 9");
    await saidOnce("after op 9");
  });

  test("a bot that is removed from the server says what has to be done, and goes on when it is back", async () => {
    town.fake.acts.removeMember(town.guild.id, town.fake.bot.user.id);
    await town.room.find({ sender: town.world.bot, body: /removed from the Discord server .*causeway discord invite/ });
    await town.room.say("while the bot is away");
    const { user } = town.fake.bot;
    const roles = [...town.guild.roles.values()].filter(({ name }) => name === "Causeway").map(({ id }) => id);
    const joined = { nick: null, avatar: null, joined_at: town.fake.world.iso(), communication_disabled_until: null };
    town.guild.members.set(user.id, { user, roles, ...joined });
    town.fake.gateway.greetGuild(town.guild);
    town.alice.say(town.channel, "welcome back");
    await town.room.find({ body: "welcome back" });
    await town.shows("while the bot is away");
  });
});
