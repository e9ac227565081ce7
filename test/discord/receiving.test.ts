/** What people do on Discord, as core hears of it. */
import assert from "node:assert/strict";
import { text as readText } from "node:stream/consumers";
import { test } from "node:test";
import { ChannelType, MessageFlags } from "discord-api-types/v10";
import { channelId, messageId, threadId, userId } from "../../bridges/discord/ids.ts";
import { PLURALKIT } from "../../bridges/discord/people.ts";
import type { RemoteMessage } from "../../core/model/events.ts";
import type { Person } from "../fakes/discord/people.ts";
import { Bit } from "../fakes/discord/rights.ts";
import { byWebhook, slash } from "./harness.ts";
import { plainOf, scene } from "./stage.ts";

const saying = (text: string) => (event: RemoteMessage) => plainOf(event).includes(text);

test("a reply says what it answers, whose, and whether it rings them, as it does whoever is relayed; a deleted target is said to be deleted", async (t) => {
  const stage = await scene(t);
  const { alice, bob, channel } = stage;
  const bridge = await stage.start();
  const target = alice.say(channel, "how are **you**?");
  bob.say(channel, "fine", { reply: target });
  bob.say(channel, "quietly", { reply: target, quiet: true });
  const loud = await bridge.heard("message", saying("fine"));
  assert.deepEqual(loud.replyTo, { message: messageId(target), author: userId(alice.id), excerpt: "how are you?", ping: true });
  assert.equal((await bridge.heard("message", saying("quietly"))).replyTo?.ping, false);
  const [relayed] = await bridge.say({ text: "from afar" });
  alice.say(channel, "far away, too", { reply: relayed?.id as string });
  assert.equal((await bridge.heard("message", saying("far away, too"))).replyTo?.ping, true);
  const gone = alice.say(channel, "gone");
  alice.delete(channel, gone);
  stage.fake.acts.post(stage.fake.channelOf(channel), bob.user, { content: "to whom?", type: 19, reference: { message: gone, channel } });
  assert.deepEqual((await bridge.heard("message", saying("to whom?"))).replyTo, { message: messageId(gone), excerpt: "(deleted message)" });
});

test("a person carries their nick and picture of that server", async (t) => {
  const stage = await scene(t);
  const { alice, channel, guild, fake } = stage;
  const bridge = await stage.start();
  fake.acts.updateMember(guild.id, alice.id, { nick: "Alicia", avatar: "a1b2" });
  alice.say(channel, "hi");
  const { person } = await bridge.heard("message", saying("hi"));
  assert.equal(person?.name, "Alicia");
  assert.deepEqual(person?.avatar, {
    id: "a1b2",
    ref: { kind: "path", path: `/guilds/${guild.id}/users/${alice.id}/avatars/a1b2.png?size=256` },
  });
  fake.file(`/guilds/${guild.id}/users/${alice.id}/avatars/a1b2.png`, Buffer.from("PNG"), "image/png");
  assert.equal(await readText((await bridge.connection.open(person?.avatar?.ref)).stream), "PNG");
});

test("a thread's messages belong to their channel; one that hangs from a message says from which", async (t) => {
  const stage = await scene(t);
  const { alice, bob, channel } = stage;
  const bridge = await stage.start();
  const root = alice.say(channel, "root");
  const thread = bob.thread(channel, root, "about the root");
  bob.say(thread, "aside");
  const aside = await bridge.heard("message", saying("aside"));
  assert.deepEqual(
    [aside.channel, aside.thread],
    [channelId(channel), { id: threadId(root), root: messageId(root), name: "about the root" }],
  );
  const bare = bob.bareThread(channel, "by itself");
  bob.say(bare, "alone");
  const alone = await bridge.heard("message", saying("alone"));
  assert.deepEqual(alone.thread, { id: threadId(bare), name: "by itself" });
  await bridge.settled();
  assert.equal(
    bridge.core.events.filter((event) => event.kind === "message" && plainOf(event) === "root").length,
    1,
    "the thread's first message repeats nothing",
  );
});

test("a forum post is its first message, with title and tags; what follows is its thread", async (t) => {
  const stage = await scene(t);
  const { alice, bob, fake, guild } = stage;
  const forum = fake.channel(guild, "ideas", {
    type: ChannelType.GuildForum,
    tags: [{ id: "7", name: "oil", moderated: false, emoji_id: null, emoji_name: null }],
  });
  const bridge = await stage.start({ links: [stage.channel, forum] });
  const post = alice.post(forum, "Brighter lanterns", "more oil!", ["7"]);
  bob.say(post, "agreed");
  const first = await bridge.heard("message", saying("more oil"));
  assert.deepEqual([first.channel, first.thread, first.message], [channelId(forum), undefined, messageId(post)]);
  assert.equal(plainOf(first), "Brighter lanterns\noil\n\nmore oil!");
  const answer = await bridge.heard("message", saying("agreed"));
  assert.deepEqual([answer.channel, answer.thread?.root], [channelId(forum), messageId(post)]);
});

test("a private thread is not told to the channel's room, unless the config says so", async (t) => {
  const stage = await scene(t);
  const { alice, channel, guild } = stage;
  const thread = alice.bareThread(channel, "secrets", ChannelType.PrivateThread);
  const bridge = await stage.start();
  alice.say(thread, "psst");
  await bridge.settled();
  assert.ok(!bridge.core.offered.some((event) => JSON.stringify(event).includes("psst")));
  await bridge.close();
  const open = await stage.start({ config: { guilds: { [guild.id]: { private_threads: true } } } });
  alice.say(thread, "hello");
  await open.heard("message", saying("hello"));
});

test("a message that Discord fills in later (a preview, a thread, a pin) was not edited; one that was edited says the whole new text", async (t) => {
  const stage = await scene(t);
  const { alice, bob, channel, fake } = stage;
  const bridge = await stage.start();
  const id = alice.say(channel, "see https://example.org/a");
  const embed = { type: "link", url: "https://example.org/a", title: "A page", description: "about a" };
  fake.acts.change(fake.channelOf(channel), id, { embeds: [embed as never] }, false);
  bob.thread(channel, id);
  bob.pin(channel, id);
  await bridge.settled();
  assert.deepEqual(
    bridge.core.events.filter(({ kind }) => kind === "edit"),
    [],
  );
  alice.edit(channel, id, "see https://example.org/b");
  const edit = await bridge.heard("edit");
  assert.equal(plainOf(edit), "see https://example.org/b");
  assert.equal(edit.files, undefined, "the files were not touched");
});

test("an edit that takes a file away says which are left", async (t) => {
  const stage = await scene(t);
  const { alice, channel, fake } = stage;
  const bridge = await stage.start();
  const files = ["a.txt", "b.txt"].map((name) => ({ name, type: "text/plain", bytes: Buffer.from(name) }));
  const id = alice.say(channel, "two files", { files });
  const [keep] = fake.world.stored(channel, id)?.message.attachments ?? [];
  fake.acts.change(fake.channelOf(channel), id, { attachments: [keep as never] }, true);
  const edit = await bridge.heard("edit");
  assert.deepEqual(
    edit.files?.map(({ name }) => name),
    ["a.txt"],
  );
});

test("an edit that comes without its author or its text is asked for", async (t) => {
  const stage = await scene(t);
  const { alice, channel, fake, guild } = stage;
  const bridge = await stage.start();
  const id = alice.say(channel, "draft");
  const stored = fake.world.stored(channel, id);
  Object.assign(stored?.message ?? {}, { content: "final", edited_timestamp: fake.world.iso() });
  fake.gateway.dispatch("MESSAGE_UPDATE", {
    id,
    channel_id: channel,
    guild_id: guild.id,
    edited_timestamp: stored?.message.edited_timestamp,
  });
  assert.equal(plainOf(await bridge.heard("edit")), "final");
});

test("a command's answer is told once it is there: who used it, and not that the bot was thinking", async (t) => {
  const stage = await scene(t);
  const { alice, channel, fake } = stage;
  const robot = fake.world.user("Dice", { bot: true });
  const bridge = await stage.start();
  const metadata = {
    interaction_metadata: { id: "1", type: 2, user: alice.user, authorizing_integration_owners: {} },
    interaction: { id: "1", type: 2, name: "roll", user: alice.user },
  };
  const { message } = fake.acts.post(fake.channelOf(channel), robot, {
    type: 20,
    flags: MessageFlags.Loading,
    application: "1",
    webhook: "1",
    more: metadata as never,
  });
  await bridge.settled();
  assert.ok(!bridge.core.events.some((event) => event.kind === "message" && event.message === messageId(message.id)));
  fake.acts.change(fake.channelOf(channel), message.id, { content: "a six", flags: 0 as MessageFlags }, false);
  const answer = await bridge.heard("message", saying("a six"));
  assert.deepEqual([answer.note, answer.style, answer.sender], ["Alice used /roll", "notice", userId(robot.id)]);
});

test("deletions, one and many at once, name their messages", async (t) => {
  const stage = await scene(t);
  const { alice, channel } = stage;
  const bridge = await stage.start();
  const [a, b, c] = ["a", "b", "c"].map((text) => alice.say(channel, text)) as [string, string, string];
  alice.delete(channel, a);
  alice.delete(channel, b, c);
  assert.deepEqual((await bridge.heard("delete")).messages, [messageId(a)]);
  assert.deepEqual((await bridge.heard("delete", ({ messages }) => messages.length > 1)).messages, [messageId(b), messageId(c)]);
});

test("reactions: custom ones with their picture, all of them taken away, all of one emoji", async (t) => {
  const stage = await scene(t);
  const { alice, bob, channel, fake, guild } = stage;
  guild.emojis.set("123456789012345678", { id: "123456789012345678", name: "parrot", animated: true });
  const bridge = await stage.start();
  const id = alice.say(channel, "hi");
  bob.react(channel, id, "parrot:123456789012345678");
  const parrot = { kind: "custom", name: "parrot", id: "123456789012345678", url: `${fake.cdnUrl}/emojis/123456789012345678.gif` };
  assert.deepEqual((await bridge.heard("react")).key, parrot);
  fake.file("/emojis/123456789012345678.gif", Buffer.from("GIF"), "image/gif");
  assert.equal(await readText((await bridge.connection.open({ url: parrot.url })).stream), "GIF");
  fake.acts.clearReactions(fake.channelOf(channel), id, "parrot:123456789012345678");
  fake.acts.clearReactions(fake.channelOf(channel), id);
  const all = await bridge.heard("reactions-are", ({ only }) => only === undefined);
  assert.deepEqual(all.reactions, []);
  assert.deepEqual((await bridge.heard("reactions-are", ({ only }) => only !== undefined)).only, parrot);
});

test("pins and their end are heard, though Discord does not say which message", async (t) => {
  const stage = await scene(t);
  const { alice, channel } = stage;
  const bridge = await stage.start();
  const [a, b] = [alice.say(channel, "a"), alice.say(channel, "b")];
  alice.pin(channel, a);
  await bridge.heard("pin", ({ message }) => message === messageId(a));
  assert.equal((await bridge.heard("message", saying("pinned a message"))).style, "emote");
  alice.pin(channel, b);
  await bridge.heard("pin", ({ message }) => message === messageId(b));
  await bridge.settled();
  alice.pin(channel, a, false);
  await bridge.heard("unpin", ({ message }) => message === messageId(a));
});

test("what Discord itself writes is not told where the config says so; the pin is told all the same", async (t) => {
  const stage = await scene(t);
  const bridge = await stage.start({ config: { system_messages: false } });
  const id = stage.alice.say(stage.channel, "a");
  stage.alice.pin(stage.channel, id);
  await bridge.heard("pin");
  await bridge.settled();
  assert.ok(!bridge.core.events.some((event) => event.kind === "message" && event.style === "emote"));
});

test("files can be opened, also when their address has run out; nothing but Discord's own hosts is ever asked", async (t) => {
  const stage = await scene(t);
  const { alice, channel, fake } = stage;
  const bridge = await stage.start();
  alice.say(channel, "", {
    files: [{ name: "notes.txt", type: "text/plain", bytes: Buffer.from("by lantern light"), description: "notes" }],
  });
  const { files } = await bridge.heard("message", ({ files: some }) => (some?.length ?? 0) > 0);
  assert.deepEqual([files?.[0]?.name, files?.[0]?.description, files?.[0]?.size], ["notes.txt", "notes", 16]);
  fake.world.skew = 3 * 86_400_000;
  const stored = [...(fake.world.messages.get(channel)?.values() ?? [])][0];
  const [attachment] = stored?.message.attachments ?? [];
  if (attachment) attachment.url = attachment.url.replace(/ex=\w+/, `ex=${Math.floor(fake.world.now() / 1000 + 1000).toString(16)}`);
  assert.equal(await readText((await bridge.connection.open(files?.[0]?.ref)).stream), "by lantern light");
  for (const ref of [
    { url: "http://169.254.169.254/latest" },
    "https://cdn.discordapp.com.example.org/x",
    { kind: "path", path: "/../../etc/passwd" },
    { kind: "attachment", url: "file:///etc/passwd", channel, message: "1", id: "1" },
    {},
    null,
  ]) {
    await assert.rejects(bridge.connection.open(ref), { name: "Refused" }, JSON.stringify(ref));
  }
});

test("a voice message has its length and loudness", async (t) => {
  const stage = await scene(t);
  const bridge = await stage.start();
  stage.alice.voice(stage.channel, Buffer.from("OggS"), 3.4, Buffer.from([0, 128, 255]).toString("base64"));
  const { files } = await bridge.heard("message", (event) => event.files !== undefined);
  assert.deepEqual([files?.[0]?.kind, files?.[0]?.duration, files?.[0]?.waveform], ["voice", 3400, [0, 514, 1024]]);
});

test("a forwarded message is shown with what it holds, and says that it was forwarded", async (t) => {
  const stage = await scene(t);
  const { alice, bob, channel, other, fake } = stage;
  const source = alice.say(other, "the **original**", { files: [{ name: "a.txt", type: "text/plain", bytes: Buffer.from("a") }] });
  const bridge = await stage.start();
  bob.forward(channel, fake.world.stored(other, source) as never);
  const event = await bridge.heard("message", saying("original"));
  assert.deepEqual([event.note, plainOf(event), event.files?.length], ["forwarded", "> the original", 1]);
});

test("who speaks through a webhook is a person of their own: by name, and the same in every channel for an application's", async (t) => {
  const stage = await scene(t);
  const { channel, other, fake } = stage;
  const bridge = await stage.start({ links: [channel, other] });
  byWebhook(fake, channel, "GitHub", "pushed");
  byWebhook(fake, channel, "Luna", "hello from luna", PLURALKIT);
  byWebhook(fake, other, "Luna", "luna again", PLURALKIT);
  const github = await bridge.heard("message", saying("pushed"));
  assert.match(github.sender, /^w\.\d+\.[0-9a-f]{16}$/);
  assert.deepEqual([github.person?.name, github.style, github.person?.bot], ["GitHub", "notice", true]);
  const [here, there] = [await bridge.heard("message", saying("hello from luna")), await bridge.heard("message", saying("luna again"))];
  assert.equal(here.sender, there.sender);
  assert.deepEqual([here.style, here.person?.bot], ["text", undefined]);
});

test("PluralKit: once somebody is known to use it, what they write is told once, under the member's name; nobody else waits", async (t) => {
  const stage = await scene(t);
  const { alice, bob, channel, fake } = stage;
  const bridge = await stage.start();
  const proxied = (text: string): void => {
    const id = alice.say(channel, `[${text}]`);
    byWebhook(fake, channel, "Luna", text, PLURALKIT);
    alice.delete(channel, id);
  };
  proxied("the first");
  await bridge.heard("delete");
  proxied("the second");
  await bridge.heard("message", saying("the second"));
  await bridge.settled();
  const said = bridge.core.events.flatMap((event) => (event.kind === "message" ? [`${event.person?.name}: ${plainOf(event)}`] : []));
  assert.deepEqual(
    said.filter((line) => line.includes("the ")),
    ["Alice: [the first]", "Luna: the first", "Luna: the second"],
  );

  alice.say(channel, "as myself");
  bob.say(channel, "not held");
  await bridge.heard("message", saying("not held"));
  assert.ok(!bridge.core.offered.some((event) => event.kind === "message" && plainOf(event) === "as myself"));
  await bridge.heard("message", saying("as myself"));
});

test("polls: their answers, each person's votes, and the end", async (t) => {
  const stage = await scene(t);
  const { alice, bob, channel, fake } = stage;
  const bridge = await stage.start();
  const single = alice.poll(channel, "Tea?", ["Yes", "No"]);
  const asked = await bridge.heard("message", ({ poll }) => poll !== undefined);
  assert.deepEqual(
    [asked.poll?.question, asked.poll?.answers, asked.poll?.maxSelections],
    [
      "Tea?",
      [
        { id: "1", text: "Yes" },
        { id: "2", text: "No" },
      ],
      1,
    ],
  );
  bob.vote(channel, single, 1);
  bob.vote(channel, single, 2);
  await bridge.heard("vote", ({ answers }) => answers.join() === "2");
  const several = alice.poll(channel, "Which?", ["a", "b", "c"], true);
  bob.vote(channel, several, 1);
  bob.vote(channel, several, 3);
  await bridge.heard("vote", ({ message, answers }) => message === messageId(several) && answers.join() === "1,3");
  bob.vote(channel, several, 1, false);
  await bridge.heard("vote", ({ message, answers }) => message === messageId(several) && answers.join() === "3");
  fake.acts.endPoll(fake.channelOf(channel), single);
  assert.deepEqual((await bridge.heard("poll-closed")).results, ["No: 1 of 1 votes"]);
});

test("after a restart, what somebody had chosen before in a poll is asked for", async (t) => {
  const stage = await scene(t);
  const { alice, bob, channel } = stage;
  const several = alice.poll(channel, "Which?", ["a", "b", "c"], true);
  bob.vote(channel, several, 1);
  const bridge = await stage.start();
  bob.vote(channel, several, 2);
  await bridge.heard("vote", ({ answers }) => answers.join() === "1,2");
});

test("commands: as text and as slash commands, with what their author may do there; the answer reaches them alone", async (t) => {
  const stage = await scene(t);
  const { alice, bob, channel, fake } = stage;
  const bridge = await stage.start();
  bob.say(channel, "!causeway confirm ABCD");
  const written = await bridge.heard("command");
  assert.deepEqual([written.words, written.power, written.sender], ["confirm ABCD", 0, userId(bob.id)]);
  await bridge.connection.answer(written.reply, "no");
  fake.command(alice, channel, slash("link ABCD"));
  const chosen = await bridge.heard("command", ({ sender }) => sender === userId(alice.id));
  assert.deepEqual([chosen.words, chosen.power], ["link ABCD", 50]);
  await bridge.connection.answer(chosen.reply, "Agreed.");
  const [interaction] = [...fake.world.interactions.values()];
  assert.deepEqual(
    interaction?.answers.map(({ content }) => content),
    ["Agreed."],
  );
  const target = bob.say(channel, "who am I?");
  fake.command(alice, channel, { id: "2", type: 3, name: "Who is this on Matrix?", target_id: target, resolved: {} });
  await bridge.heard("command", ({ words }) => words === `who ${target}`);
  assert.ok(
    !bridge.core.events.some((event) => event.kind === "message" && plainOf(event).includes("confirm")),
    "commands are not relayed",
  );
  assert.equal((fake.bot.commands as { name: string }[])[0]?.name, "causeway");
});

test("words to the bot in private are commands too, though no room is linked", async (t) => {
  const stage = await scene(t);
  const { alice, fake } = stage;
  const direct = fake.world.channel({ type: ChannelType.DM, guild: undefined, recipients: [alice.id, fake.bot.user.id] });
  const bridge = await stage.start();
  alice.say(direct.id, "!causeway link 4711");
  const event = await bridge.core.until(() => bridge.core.offered.find(({ kind }) => kind === "command"), "to be offered the command");
  assert.equal(event.kind === "command" && event.words, "link 4711");
});

test("a channel that turns private is told before anything else that changed, also when it turns so by a role", async (t) => {
  const stage = await scene(t);
  const { alice, channel, fake, guild } = stage;
  const bridge = await stage.start();
  assert.equal((await bridge.connection.channel(channelId(channel)))?.visibility, "public");
  const overwrites = [
    { id: guild.id, type: 0, allow: "0", deny: String(Bit.ViewChannel) },
    { id: fake.bot.user.id, type: 1, allow: String(Bit.ViewChannel), deny: "0" },
  ];
  fake.acts.updateChannel(fake.channelOf(channel), { overwrites });
  alice.say(channel, "between us");
  const changed = await bridge.heard("channel-changed", ({ facts }) => facts.visibility === "private");
  const order = bridge.core.events;
  await bridge.heard("message", saying("between us"));
  assert.ok(order.indexOf(changed) < order.findIndex((event) => event.kind === "message"));
  fake.acts.updateChannel(fake.channelOf(channel), { overwrites: [] });
  await bridge.heard("channel-changed", ({ facts }) => facts.visibility === "public");
  const everyone = guild.roles.get(guild.id);
  fake.gateway.dispatch("GUILD_ROLE_UPDATE", { guild_id: guild.id, role: { ...everyone, permissions: "0" } }, { guild: guild.id });
  await bridge.core.until(
    () => bridge.core.events.filter((event) => event.kind === "channel-changed" && event.facts.visibility === "private").length === 2,
    "to be private again",
  );
});

test("a channel that was deleted, and a bot that was removed from its server, are told; an outage is neither", async (t) => {
  const stage = await scene(t);
  const { channel, other, fake, guild } = stage;
  const bridge = await stage.start({ links: [channel, other] });
  fake.outage(guild, true);
  fake.outage(guild, false);
  fake.acts.deleteChannel(fake.channelOf(other));
  const deleted = await bridge.heard("channel-gone");
  assert.deepEqual([deleted.channel, /deleted/.test(deleted.why)], [channelId(other), true]);
  fake.acts.removeMember(guild.id, fake.bot.user.id);
  const removed = await bridge.heard("channel-gone", (event) => event.channel === channelId(channel));
  assert.match(removed.why, /removed from the Discord server "Lantern Keepers"/);
});

test("a server that Discord calls gone, but still shows, is not gone", async (t) => {
  const stage = await scene(t);
  const bridge = await stage.start();
  stage.fake.gateway.dispatch("GUILD_DELETE", { id: stage.guild.id }, { guild: stage.guild.id });
  await bridge.settled();
  assert.ok(!bridge.core.events.some(({ kind }) => kind === "channel-gone"));
  await bridge.say({ text: "still here" });
});

test("kicks and bans are told with who and why, timeouts where the person spoke last", async (t) => {
  const stage = await scene(t);
  const { alice, bob, channel, fake, guild } = stage;
  const bridge = await stage.start({ config: { moderation: "mirrored" } });
  alice.say(channel, "spam");
  await bridge.heard("message", saying("spam"));
  fake.acts.updateMember(guild.id, alice.id, { communication_disabled_until: fake.world.iso(Date.now() + 100 * 3_600_000) });
  const notice = await bridge.heard("notice");
  assert.match(plainOf(notice), /Alice was timed out on Discord until/);
  await bridge.connection.act({
    kind: "kick",
    channel: channelId(channel),
    person: userId(alice.id),
    reason: "spam",
    by: { mxid: "@mod:example.org" as never, name: "Mod", own: false },
  });
  const kick = await bridge.heard("membership", ({ change }) => change === "kick");
  assert.match(kick.reason ?? "", /^spam \(by Mod, @mod:example\.org\)$/);
  fake.acts.ban(guild.id, bob.id, "no");
  assert.equal((await bridge.heard("membership", ({ change }) => change === "ban")).person, userId(bob.id));
});

test("the power of whoever speaks follows their roles, by the config's table first", async (t) => {
  const stage = await scene(t);
  const { alice, channel } = stage;
  const bridge = await stage.start({ config: { power_levels: { Keepers: 75 } } });
  alice.say(channel, "hi");
  const changed = await bridge.heard("channel-changed", ({ facts }) => facts.powers !== undefined);
  assert.deepEqual(changed.facts.powers, { partial: true, levels: { [alice.id]: 75 } });
});

test("who enters and leaves a voice channel is told when the config asks for it", async (t) => {
  const stage = await scene(t);
  const { alice, fake, guild } = stage;
  const voice = fake.channel(guild, "Lounge", { type: ChannelType.GuildVoice });
  const bridge = await stage.start({ links: [stage.channel, voice], config: { voice_notices: true } });
  const state = (channel: string | null) =>
    fake.gateway.dispatch(
      "VOICE_STATE_UPDATE",
      { guild_id: guild.id, channel_id: channel, user_id: alice.id, member: guild.members.get(alice.id), session_id: "s" },
      { guild: guild.id },
    );
  state(voice);
  state(null);
  await bridge.heard("notice", (event) => plainOf(event) === "Alice is in the voice channel.");
  await bridge.heard("notice", (event) => plainOf(event) === "Alice left the voice channel.");
});

test("who was in a voice channel before us and mutes themselves has not come in", async (t) => {
  const stage = await scene(t);
  const { alice, fake, guild } = stage;
  const voice = fake.channel(guild, "Lounge", { type: ChannelType.GuildVoice });
  guild.voices.set(alice.id, voice);
  const bridge = await stage.start({ links: [stage.channel, voice], config: { voice_notices: true } });
  const state = (channel: string | null) =>
    fake.gateway.dispatch(
      "VOICE_STATE_UPDATE",
      { guild_id: guild.id, channel_id: channel, user_id: alice.id, member: guild.members.get(alice.id), session_id: "s", self_mute: true },
      { guild: guild.id },
    );
  state(voice);
  state(null);
  await bridge.heard("notice");
  assert.deepEqual(
    bridge.core.events.flatMap((event) => (event.kind === "notice" ? [plainOf(event)] : [])),
    ["Alice left the voice channel."],
  );
});

test("history has the threads that were archived meanwhile, in one order with the channel", async (t) => {
  const stage = await scene(t);
  const { alice, bob, channel, fake } = stage;
  const bridge = await stage.start();
  const since = (await bridge.connection.channel(channelId(channel)))?.latest as string;
  await bridge.close();
  fake.gateway.forget();
  const root = alice.say(channel, "root");
  const thread = bob.thread(channel, root);
  const say = (who: Person, where: string, text: string): void => void who.say(where, text);
  say(alice, channel, "one");
  say(bob, thread, "two");
  say(alice, channel, "three");
  fake.acts.archive(fake.channelOf(thread), true);
  const again = await stage.start();
  const page = await again.connection.history?.(channelId(channel), since);
  const said = (page?.events ?? []).flatMap((event) => (event.kind === "message" && event.style === "text" ? [plainOf(event)] : []));
  assert.deepEqual([said, page?.complete], [["root", "one", "two", "three"], true]);
});

test("a server with 5,000 members and 500 channels costs no look-up per member or channel at the start", async (t) => {
  const stage = await scene(t, ({ fake, guild }) => {
    for (let count = 0; count < 5_000; count++) {
      const user = fake.world.user(`member ${count}`);
      guild.members.set(user.id, {
        user,
        nick: null,
        avatar: null,
        roles: [],
        joined_at: fake.world.iso(),
        communication_disabled_until: null,
      });
    }
    for (let count = 0; count < 500; count++) fake.channel(guild, `channel-${count}`);
  });
  const bridge = await stage.start();
  await bridge.settled();
  assert.ok(stage.fake.http.seen.length < 12, `${stage.fake.http.seen.length} requests`);
  assert.equal((await bridge.connection.members(channelId(stage.channel))).people.length, 5_004);
});

test("a command is acknowledged at once, whatever its channel waits for, and in private", async (t) => {
  const stage = await scene(t);
  const { alice, channel, fake } = stage;
  const bridge = await stage.start();
  const message = alice.say(channel, "to be pinned");
  await bridge.heard("message", saying("to be pinned"));
  fake.http.fault("hang", /^GET \/channels\/\d+\/messages\/pins/);
  alice.pin(channel, message);
  alice.say(channel, "waits behind the pins");
  const token = fake.command(alice, channel, slash("status"));
  const interaction = await bridge.core.until(() => {
    const known = fake.world.interactions.get(token);
    return known?.acknowledged ? known : undefined;
  }, "the acknowledgement");
  assert.ok(interaction.ephemeral);
  assert.ok(!bridge.core.offered.some((event) => event.kind === "message" && plainOf(event).includes("waits behind")));
});
