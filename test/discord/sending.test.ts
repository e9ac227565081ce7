/** What Matrix people say, as it stands on Discord. */
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { ChannelType, MessageFlags } from "discord-api-types/v10";
import { channelId, messageId, threadId, userId } from "../../bridges/discord/ids.ts";
import { Refused, TryLater, Uncertain } from "../../core/model/errors.ts";
import type { OutFile } from "../../core/model/message.ts";
import { plainText } from "../../core/model/richtext.ts";
import { Bit } from "../fakes/discord/rights.ts";
import { destroy } from "../fakes/discord/routes-webhooks.ts";
import { isThread } from "../fakes/discord/world.ts";
import { standing } from "./harness.ts";
import { asked, mira, newProgress, plainOf, scene } from "./stage.ts";

const file = (name: string, bytes: Buffer, more: Partial<OutFile> = {}): OutFile => ({
  kind: "file",
  name,
  mimetype: "text/plain",
  size: bytes.length,
  open: async () => ({ stream: Readable.from([bytes]), size: bytes.length, mimetype: more.mimetype ?? "text/plain" }),
  ...more,
});

test("a Matrix person speaks through the channel's webhook, under their name and picture", async (t) => {
  const stage = await scene(t);
  const bridge = await stage.start();
  await bridge.say({ text: "good **morning**", speaker: { ...mira, avatarUrl: "https://bridge.example/a/1" } });
  const [said] = standing(stage.fake, stage.channel);
  assert.equal(said?.name, "Mira Lind");
  assert.equal(said?.text, "good \\*\\*morning\\*\\*");
  const [body] = asked(stage, /^POST \/webhooks/);
  assert.equal(body?.["avatar_url"], "https://bridge.example/a/1");
  assert.deepEqual(body?.["allowed_mentions"], { parse: [], users: [], replied_user: false });
});

test("one webhook is made for a channel, and found again after a restart and after the store is lost", async (t) => {
  const stage = await scene(t);
  const first = await stage.start();
  for (const text of ["one", "two"]) await first.say({ text });
  await first.close();
  const second = await stage.start();
  await second.say({ text: "three" });
  second.disk.keep.clear();
  await second.close();
  const third = await stage.start();
  await third.say({ text: "four" });
  assert.equal(stage.fake.world.webhooks.size, 1);
  assert.equal(asked(stage, /^POST \/channels\/\d+\/webhooks$/).length, 1);
});

test("a webhook that was deleted between two messages is made anew, and no message is lost", async (t) => {
  const stage = await scene(t);
  const bridge = await stage.start();
  await bridge.say({ text: "one" });
  for (const webhook of [...stage.fake.world.webhooks.values()]) destroy(stage.fake.door, webhook);
  await bridge.say({ text: "two" });
  assert.deepEqual(
    standing(stage.fake, stage.channel).map(({ text }) => text),
    ["one", "two"],
  );
  assert.equal(stage.fake.world.webhooks.size, 1);
});

test("where the bot may make no webhook it speaks itself, with the person's name before the words", async (t) => {
  const stage = await scene(t, ({ fake, guild }) => {
    const role = [...guild.roles.values()].find(({ name }) => name === "Causeway");
    if (role) role.permissions = String(BigInt(role.permissions) & ~Bit.ManageWebhooks);
    void fake;
  });
  const bridge = await stage.start();
  assert.equal(bridge.connection.capabilities(channelId(stage.channel)).speaker, "fallback");
  await bridge.say({ text: "hello" });
  assert.equal(standing(stage.fake, stage.channel)[0]?.text, "**Mira Lind**: hello");
  assert.equal(asked(stage, /^POST \/channels\/\d+\/messages$/)[0]?.["enforce_nonce"], true);
});

test("a name that Discord does not take is made acceptable, and a picture that it does not take costs no message", async (t) => {
  const stage = await scene(t);
  const bridge = await stage.start();
  for (const name of ["Clyde", "the DISCORD team", "everyone", "\u202eevil\u202c", "👩‍👩‍👧‍👦".repeat(40)])
    await bridge.say({ text: "hello", speaker: { ...mira, name } });
  await bridge.say({ text: "hello", speaker: { ...mira, avatarUrl: "not an address" } });
  const names = standing(stage.fake, stage.channel).map(({ name }) => name);
  assert.equal(names.length, 6);
  assert.deepEqual(names.slice(0, 4), ["C·lyde", "the DIS·CORD team", "everyone·", "evil"]);
  assert.ok((names[4] as string).length <= 80);
});

test("a mark stands after every relayed name when the config sets one", async (t) => {
  const stage = await scene(t);
  const bridge = await stage.start({ config: { relay: { mark: " (Matrix)" } } });
  await bridge.say({ text: "hello", speaker: { ...mira, name: "x".repeat(100) } });
  const name = standing(stage.fake, stage.channel)[0]?.name ?? "";
  assert.ok(name.endsWith("… (Matrix)") && name.length <= 80, name);
});

test("a reply is a small line with a link, under the person's own name; by setting it is Discord's own, said by the bot", async (t) => {
  const stage = await scene(t);
  const { alice, channel, guild } = stage;
  const asks = alice.say(channel, "how *are* you?");
  const bridge = await stage.start();
  const url = bridge.connection.permalink(channelId(channel), messageId(asks)) as string;
  assert.equal(url, `https://discord.com/channels/${guild.id}/${channel}/${asks}`);
  const reply = { message: messageId(asks), author: userId(alice.id), authorName: "Alice", excerpt: "how are you?", latest: true, url };
  await bridge.say({ text: "well", reply });
  const [, quoted] = standing(stage.fake, channel);
  assert.equal(quoted?.text, `-# ↩ <@${alice.id}> [how are you?](${url})\nwell`);
  assert.deepEqual(quoted?.rang, [], "a reply rings nobody");
  await bridge.close();

  const native = await stage.start({ config: { relay: { replies: "native" } } });
  await native.say({ text: "very well", reply });
  const [, , own] = standing(stage.fake, channel);
  assert.equal(own?.replyTo, messageId(asks));
  assert.equal(own?.text, "**Mira Lind**: very well");
});

test("what is quoted loses its addresses, which would spoil the link to the message", async (t) => {
  const stage = await scene(t);
  const bridge = await stage.start();
  const url = "https://discord.com/channels/1/2/3";
  const reply = { message: messageId("3"), authorName: "Mira", latest: true, url };
  const quote = (excerpt: string) =>
    String((bridge.parts({ text: "yes", reply: { ...reply, excerpt } })[0]?.wire as { quote?: string } | undefined)?.quote);
  assert.equal(quote("see the plans (https://plans.example/x_y) tonight"), `-# ↩ **Mira** [see the plans tonight](${url})`);
  assert.equal(quote("https://plans.example/x"), `-# ↩ **Mira** […](${url})`);
});

test("a long text is split at words, its code fences closed and opened again; the second part may fail without harm to the first", async (t) => {
  const stage = await scene(t);
  const bridge = await stage.start();
  const code = Array.from({ length: 150 }, (_, index) => `line ${index} of the program`).join("\n");
  const parts = bridge.parts({ body: [{ type: "code", text: code, language: "js" }] });
  assert.equal(parts.length, 2);
  await bridge.send(parts[0] as never);
  stage.fake.http.fault("fail", /^POST \/webhooks/, 1, 503);
  await assert.rejects(bridge.send(parts[1] as never, "second"), Uncertain);
  const progress = newProgress();
  assert.equal((await bridge.connection.find(parts[1] as never, "second", progress)).is, "not-arrived");
  await bridge.send(parts[1] as never, "second", progress);
  const texts = standing(stage.fake, stage.channel).map(({ text }) => text);
  assert.equal(texts.length, 2);
  for (const text of texts) assert.match(text, /^```js\n[^]*\n```$/);
  assert.equal(texts.map((text) => text.slice(6, -4)).join("\n"), code);
});

test("an emote is in italics", async (t) => {
  const stage = await scene(t);
  const bridge = await stage.start();
  await bridge.say({ text: "waves", style: "emote" });
  assert.equal(standing(stage.fake, stage.channel)[0]?.text, "*waves*");
});

test("an edit changes a relayed message, and one in an archived thread opens it first", async (t) => {
  const stage = await scene(t);
  const { alice, channel, fake } = stage;
  const root = alice.say(channel, "root");
  const bridge = await stage.start();
  const [sent] = await bridge.say({ text: "draft", thread: { root: messageId(root), excerpt: "root" } });
  const thread = fake.channelOf(sent?.thread as string);
  fake.acts.archive(thread, true);
  const { wire, text } = bridge.parts({ text: "final", thread: { id: threadId(thread.id), excerpt: "root" } })[0] as never;
  await bridge.send({
    kind: "edit",
    channel: channelId(channel),
    thread: threadId(thread.id),
    message: sent?.id as never,
    speaker: mira,
    wire,
    text,
  });
  assert.equal(standing(fake, channel).find(({ id }) => id === sent?.id)?.text, "final");
  assert.equal(thread.meta?.archived, false);
});

test("a relayed message in an archived thread is deleted all the same: the thread is opened first", async (t) => {
  const stage = await scene(t);
  const { alice, channel, fake } = stage;
  const root = alice.say(channel, "root");
  const bridge = await stage.start();
  const [sent] = await bridge.say({ text: "a slip", thread: { root: messageId(root), excerpt: "root" } });
  const thread = fake.channelOf(sent?.thread as string);
  fake.acts.archive(thread, true);
  const where = { channel: channelId(channel), thread: threadId(thread.id), message: sent?.id as never };
  await bridge.send({ kind: "delete", ...where, speaker: mira, own: true });
  assert.equal(
    standing(fake, channel).some(({ id }) => id === sent?.id),
    false,
  );
});

test("what Discord refuses is said in a sentence and not tried again", async (t) => {
  const stage = await scene(t);
  const { alice, channel, fake } = stage;
  const thread = alice.thread(channel, alice.say(channel, "root"));
  const bridge = await stage.start();
  fake.acts.archive(fake.channelOf(thread), true, true);
  const locked = bridge.say({ text: "anybody?", thread: { id: threadId(thread), excerpt: "root" } });
  await assert.rejects(locked, (error: Error) => error instanceof Refused && /locked/.test(error.message));
  const old = alice.say(channel, "x");
  const [{ id } = {}] = await bridge.say({ text: "old" });
  fake.world.skew = 2 * 3_600_000;
  const { wire, text } = bridge.parts({ text: "newer" })[0] as never;
  const edit = () => bridge.send({ kind: "edit", channel: channelId(channel), message: id as never, speaker: mira, wire, text });
  for (let times = 0; times < 5; times++) await edit();
  await assert.rejects(edit(), (error: Error) => error instanceof Refused && /a few times only/.test(error.message));
  void old;
});

test("a thread begun in Matrix becomes one on Discord, at its message; the same one is used again", async (t) => {
  const stage = await scene(t);
  const { alice, channel, fake } = stage;
  const root = alice.say(channel, "what about lanterns?");
  const bridge = await stage.start();
  const thread = { root: messageId(root), excerpt: "what about lanterns?" };
  const [first] = await bridge.say({ text: "they shine", thread });
  assert.equal(first?.thread, threadId(root));
  const [second] = await bridge.say({ text: "they do", thread });
  assert.equal(second?.thread, first?.thread);
  assert.equal(fake.channelOf(root).name, "what about lanterns?");
});

test("a thread whose first message never reached Discord stands by itself there, under the first words", async (t) => {
  const stage = await scene(t);
  const bridge = await stage.start();
  const [sent] = await bridge.say({ text: "aside", thread: { excerpt: "something said in Matrix" } });
  const thread = stage.fake.channelOf(sent?.thread as string);
  assert.ok(isThread(thread.type));
  assert.equal(thread.name, "something said in Matrix");
});

test("in a forum a message becomes a post with a title, and answers go into it", async (t) => {
  const stage = await scene(t);
  const forum = stage.fake.channel(stage.guild, "ideas", {
    type: ChannelType.GuildForum,
    flags: 16,
    tags: [{ id: "1", name: "idea", moderated: false, emoji_id: null, emoji_name: null }],
  });
  const bridge = await stage.start({ links: [forum] });
  const [post] = await bridge.say({ text: "Brighter lanterns\nwith more oil", channel: forum });
  const thread = stage.fake.channelOf(post?.thread as string);
  assert.deepEqual([thread.name, thread.parent, thread.appliedTags], ["Brighter lanterns with more oil", forum, ["1"]]);
  assert.equal(post?.id, post?.thread as never);
  const reply = { message: post?.id as never, authorName: "Mira", excerpt: "Brighter lanterns", latest: true };
  const [answer] = await bridge.say({ text: "yes please", channel: forum, reply });
  assert.equal(answer?.thread, post?.thread);
  const [deeper] = await bridge.say({ text: "me too", channel: forum, thread: { root: post?.id as never, excerpt: "Brighter" } });
  assert.equal(deeper?.thread, post?.thread);
});

test("a file goes with its words, spoiler and alt text; one that is too large is refused in a sentence", async (t) => {
  const stage = await scene(t);
  const bridge = await stage.start();
  const bytes = Buffer.from("a picture, as it were");
  const picture = file("cat.png", bytes, { kind: "image", mimetype: "image/png", spoiler: true, description: "a cat on a mat" });
  await bridge.say({ text: "look", file: picture });
  const [stored] = [...(stage.fake.world.messages.get(stage.channel)?.values() ?? [])];
  const [attachment] = stored?.message.attachments ?? [];
  assert.deepEqual(
    [stored?.message.content, attachment?.filename, attachment?.description, attachment?.size],
    ["look", "SPOILER_cat.png", "a cat on a mat", bytes.length],
  );
  const big = file("big.bin", Buffer.alloc(11 * 1024 * 1024));
  await assert.rejects(bridge.say({ file: big }), (error: Error) => error instanceof Refused && /larger/.test(error.message));
});

test("a file that cannot be read on our side waits; nothing half has been sent", async (t) => {
  const stage = await scene(t);
  const bridge = await stage.start();
  const broken = file("x.txt", Buffer.from("abc"), {
    open: async () => ({
      stream: Readable.from(
        (async function* () {
          yield Buffer.from("a");
          throw new Error("gone");
        })(),
      ),
      mimetype: "text/plain",
    }),
  });
  await assert.rejects(bridge.say({ file: broken }), (error: Error) => error instanceof TryLater && error.scope === "item");
  assert.equal(standing(stage.fake, stage.channel).length, 0);
});

test("a voice message is one on Discord too, said by the bot after a word by its speaker", async (t) => {
  const stage = await scene(t);
  const bridge = await stage.start();
  const sound = file("voice.ogg", Buffer.from("OggS"), {
    kind: "voice",
    mimetype: "audio/ogg; codecs=opus",
    duration: 3400,
    waveform: [0, 512, 1024],
  });
  await bridge.say({ file: sound });
  const [word, voice] = [...(stage.fake.world.messages.get(stage.channel)?.values() ?? [])].map(({ message }) => message);
  assert.deepEqual([word?.author.username, word?.content], ["Mira Lind", "*sent a voice message:*"]);
  assert.equal((voice?.flags ?? 0) & MessageFlags.IsVoiceMessage, MessageFlags.IsVoiceMessage);
  assert.deepEqual(
    [voice?.attachments[0]?.duration_secs, voice?.attachments[0]?.waveform],
    [3, Buffer.from([0, 128, 255]).toString("base64")],
  );
});

test("a poll that fits is one of Discord's own; how Matrix votes stands in a line under it", async (t) => {
  const stage = await scene(t);
  const bridge = await stage.start();
  const poll = {
    question: "Tea?",
    answers: [
      { id: "a", text: "Yes" },
      { id: "b", text: "No" },
    ],
    maxSelections: 1,
    disclosed: true,
  };
  const [sent] = await bridge.say({ poll });
  const message = stage.fake.world.stored(stage.channel, sent?.id as string)?.message;
  assert.equal(message?.poll?.question.text, "Tea?");
  assert.equal(message?.content, "**Mira Lind** asks:");
  const tally = (yes: number, closed: boolean) =>
    bridge.send({
      kind: "poll",
      channel: channelId(stage.channel),
      message: sent?.id as never,
      tally: [
        { text: "Yes", votes: yes },
        { text: "No", votes: 0 },
      ],
      closed,
      speaker: mira,
    });
  await tally(1, false);
  await tally(2, true);
  const lines = standing(stage.fake, stage.channel).filter(({ replyTo }) => replyTo === sent?.id);
  assert.deepEqual(
    lines.map(({ text }) => text),
    ["-# Final votes from Matrix\nYes: **2**\nNo: **0**"],
  );
  assert.equal(message?.poll?.results?.is_finalized, true);
});

test("a poll with too many answers becomes buttons, and more than buttons can hold becomes a list", async (t) => {
  const stage = await scene(t);
  const bridge = await stage.start();
  const poll = (count: number) => ({
    question: "Which?",
    answers: Array.from({ length: count }, (_, index) => ({ id: `${index}`, text: `answer ${index + 1}` })),
    maxSelections: 1,
    disclosed: true,
  });
  const [sent] = await bridge.say({ poll: poll(12) });
  const message = stage.fake.world.stored(stage.channel, sent?.id as string)?.message;
  assert.equal((message?.components ?? []).length, 3);
  assert.match(message?.content ?? "", /Which\?/);
  await bridge.say({ poll: poll(30) });
  assert.match(standing(stage.fake, stage.channel).at(-1)?.text ?? "", /^\*\*Which\?\*\*\n1\. answer 1\n[^]*30\. answer 30$/);
});

test("a reaction is found whichever way its emoji is written, and one that Discord does not know is refused", async (t) => {
  const stage = await scene(t);
  const { alice, channel, fake, guild } = stage;
  const target = alice.say(channel, "hi");
  guild.emojis.set("123456789012345678", { id: "123456789012345678", name: "parrot" });
  const bridge = await stage.start();
  const react = (key: never) => bridge.send({ kind: "react", channel: channelId(channel), message: messageId(target), key, speaker: mira });
  await react({ kind: "unicode", text: "❤" } as never);
  await react({ kind: "custom", name: "parrot" } as never);
  assert.deepEqual(
    standing(fake, channel)[0]?.reactions?.map(({ emoji }) => emoji),
    ["❤", "parrot:123456789012345678"],
  );
  await assert.rejects(react({ kind: "custom", name: "nowhere" } as never), Refused);
  await assert.rejects(react({ kind: "unicode", text: "not an emoji" } as never), Refused);
});

test("an answer that was lost is looked for, and found by its webhook, name and words; the same words twice are nobody's to tell", async (t) => {
  const stage = await scene(t);
  const { alice, channel, fake } = stage;
  const bridge = await stage.start();
  const [part] = bridge.parts({ text: "  once <:wave:123456789012345678> only " });
  const progress = newProgress();
  fake.http.fault("lose-reply", /^POST \/webhooks/);
  alice.say(channel, "once <:wave:123456789012345678> only");
  await assert.rejects(bridge.send(part as never, "k", progress), Uncertain);
  const found = await bridge.connection.find(part as never, "k", progress);
  assert.equal(found.is, "arrived");
  await bridge.kill();
  const again = await stage.start();
  await again.send(part as never, "another");
  await again.kill();
  const third = await stage.start();
  const unclear = await third.connection.find(part as never, "k", progress);
  assert.equal(unclear.is, "unknown");
});

test("the same key is the same message when the bot itself speaks", async (t) => {
  const stage = await scene(t);
  const bridge = await stage.start();
  const [part] = bridge.parts({ text: "x", speaker: { ...mira, own: true } });
  const [first, second] = [await bridge.send(part as never, "k"), await bridge.send(part as never, "k")];
  assert.equal(first.id, second.id);
  assert.equal(standing(stage.fake, stage.channel).length, 1);
});

test("a POST that failed on Discord's side is never sent twice by itself", async (t) => {
  const stage = await scene(t);
  const bridge = await stage.start();
  await bridge.say({ text: "first" });
  const before = asked(stage, /^POST \/webhooks/).length;
  stage.fake.http.fault("fail-after", /^POST \/webhooks/, 1, 502);
  await assert.rejects(bridge.say({ text: "second" }), Uncertain);
  assert.equal(asked(stage, /^POST \/webhooks/).length, before + 1);
});

test("during an outage of one server its messages wait, and others go on", async (t) => {
  const stage = await scene(t);
  const elsewhere = stage.fake.guild("Elsewhere");
  const other = stage.fake.channel(elsewhere, "lobby");
  const bridge = await stage.start({ links: [stage.channel, other] });
  stage.fake.outage(stage.guild, true);
  await bridge.core.until(() => bridge.core.logged.some((line) => line.includes("not available")), "to hear of the outage");
  await assert.rejects(
    bridge.say({ text: "x" }),
    (error: Error) => error instanceof TryLater && error.scope === "channel" && /outage/.test(error.message),
  );
  await bridge.say({ text: "y", channel: other });
  stage.fake.outage(stage.guild, false);
  await bridge.settled();
  await bridge.say({ text: "z" });
  assert.ok(bridge.core.openings.includes(channelId(stage.channel)));
  assert.ok(!bridge.core.events.some((event) => event.kind === "channel-gone"));
});

test("a topic that has to wait its ten minutes keeps nothing else waiting", async (t) => {
  const stage = await scene(t);
  const bridge = await stage.start();
  stage.fake.http.limits.force((bucket) => bucket.startsWith("PATCH /channels/"), 540);
  const topic = { kind: "topic", channel: channelId(stage.channel), text: "lamps", speaker: mira } as const;
  await assert.rejects(bridge.send(topic), (error: Error) => error instanceof TryLater && error.scope === "item" && error.after > 500_000);
  await bridge.say({ text: "meanwhile" });
});

test("a channel that the bot may not see for a while keeps what is said there; it goes when the right is back", async (t) => {
  const stage = await scene(t);
  const bridge = await stage.start();
  const place = stage.fake.channelOf(stage.channel);
  await bridge.say({ text: "before" });
  const deny = String(Bit.ViewChannel);
  stage.fake.acts.updateChannel(place, { overwrites: [{ id: stage.fake.bot.user.id, type: 1, allow: "0", deny }] });
  const react = { kind: "pin", channel: channelId(stage.channel), message: messageId("1"), speaker: mira } as const;
  await assert.rejects(
    bridge.send(react),
    (error: Error) => error instanceof TryLater && error.scope === "channel" && /View Channel/.test(error.message),
  );
  const before = bridge.core.openings.length;
  stage.fake.acts.updateChannel(place, { overwrites: [] });
  await bridge.core.until(() => bridge.core.openings.length > before, "to be let in again");
  await bridge.say({ text: "after" });
});

test("a person who is mentioned is rung, and @everyone only by those whom core allows", async (t) => {
  const stage = await scene(t);
  const bridge = await stage.start();
  await bridge.say({
    body: [
      { type: "paragraph", content: [{ type: "mention", target: { kind: "person", remote: userId(stage.alice.id) }, text: "Alice" }] },
    ],
  });
  await bridge.say({ body: plainText("@everyone <@1> look") });
  const [ring, quiet] = standing(stage.fake, stage.channel);
  assert.deepEqual(ring?.rang, [userId(stage.alice.id)]);
  assert.deepEqual([quiet?.rangEveryone, quiet?.rang], [false, []]);
});

test("what the channel's webhook says is ours, though Discord should not say whose webhook it is, and after a restart too", async (t) => {
  const stage = await scene(t);
  const { channel, fake } = stage;
  const first = await stage.start();
  await first.say({ text: "by webhook" });
  const hook = [...(fake.world.messages.get(channel)?.values() ?? [])][0]?.message.webhook_id as string;
  await first.close();
  const second = await stage.start();
  const author = { id: hook, username: "Mira Lind", discriminator: "0000", global_name: null, avatar: null, bot: true } as never;
  fake.acts.post(fake.channelOf(channel), author, { content: "without a name of its owner", webhook: hook });
  await second.settled();
  const heard = second.core.offered.find((event) => event.kind === "message" && plainOf(event) === "without a name of its owner");
  assert.ok(heard?.echo);
});
