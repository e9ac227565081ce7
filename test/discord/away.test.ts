/** What happened on Discord while the bridge was away. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { channelId } from "../../bridges/discord/ids.ts";
import { Bit } from "../fakes/discord/rights.ts";
import { asked, plainOf, scene } from "./stage.ts";

test("a channel that turned private while the bridge was stopped is told before what was said in it since", async (t) => {
  const stage = await scene(t);
  const { alice, channel, fake, guild } = stage;
  const first = await stage.start();
  await first.settled();
  await first.core.until(() => first.disk.keep.has("told"), "the facts to be written down");
  await first.close();
  const overwrites = [
    { id: guild.id, type: 0, allow: "0", deny: String(Bit.ViewChannel) },
    { id: fake.bot.user.id, type: 1, allow: String(Bit.ViewChannel), deny: "0" },
  ];
  fake.acts.updateChannel(fake.channelOf(channel), { overwrites });
  alice.say(channel, "between us");
  const before = first.disk.events.length;
  const second = await stage.start();
  await second.heard("message", (event) => plainOf(event) === "between us");
  const news = second.disk.events.slice(before);
  const turned = news.findIndex((event) => event.kind === "channel-changed" && event.facts.visibility === "private");
  const said = news.findIndex((event) => event.kind === "message");
  assert.ok(turned >= 0 && turned < said, JSON.stringify(news.map(({ kind }) => kind)));
  assert.deepEqual(second.core.states.at(-1), { is: "connected", resumed: true });
});

test("a restart at which nothing has changed tells nothing of the channels", async (t) => {
  const stage = await scene(t);
  const first = await stage.start();
  await first.core.until(() => first.disk.keep.has("told"), "the facts to be written down");
  await first.close();
  const before = first.disk.events.filter(({ kind }) => kind === "channel-changed").length;
  const second = await stage.start();
  await second.settled();
  assert.equal(second.disk.events.filter((event) => event.kind === "channel-changed" && !event.facts.powers).length, before);
});

test("a channel that was deleted while the bridge was away is told, whether the session could be resumed or not; and told again when it is back", async (t) => {
  const stage = await scene(t);
  const { channel, other, fake } = stage;
  const first = await stage.start({ links: [channel, other] });
  await first.core.until(() => first.disk.keep.has("told"), "the facts to be written down");
  await first.close();
  fake.gateway.forget();
  const lost = fake.channelOf(other);
  fake.world.channels.delete(other);
  const second = await stage.start({ links: [channel, other] });
  const gone = await second.heard("channel-gone");
  assert.equal(gone.channel, channelId(other));
  fake.world.channels.set(other, lost);
  fake.acts.updateChannel(lost, {});
  await second.heard("channel-changed", (event) => event.channel === channelId(other) && event.facts.name === "market");
});

test("during an outage nothing is taken for gone, not even at the start", async (t) => {
  const stage = await scene(t);
  stage.guild.unavailable = true;
  const bridge = await stage.start({ connected: false });
  await bridge.core.until(() => bridge.core.states.some(({ is }) => is === "connected"), "to be connected");
  await assert.rejects(bridge.say({ text: "x" }), { name: "TryLater" });
  await assert.rejects(bridge.connection.channel(channelId(stage.channel)), { name: "TryLater" });
  stage.fake.outage(stage.guild, false);
  await bridge.connection.join(channelId(stage.channel)).catch(() => undefined);
  await bridge.settled();
  await bridge.say({ text: "y" });
  assert.ok(!bridge.core.events.some(({ kind }) => kind === "channel-gone"));
});

test("after a resume, what is said on servers where nothing is linked costs no look-up", async (t) => {
  const stage = await scene(t);
  const elsewhere = stage.fake.guild("Elsewhere");
  const noise = stage.fake.channel(elsewhere, "noise");
  const somebody = stage.fake.person("Somebody", elsewhere);
  const first = await stage.start();
  await first.close();
  await stage.start().then(async (second) => {
    const before = stage.fake.http.seen.length;
    for (let count = 0; count < 20; count++) somebody.say(noise, `noise ${count}`);
    await second.settled();
    assert.equal(stage.fake.http.seen.length, before);
    assert.equal(asked(stage, new RegExp(`^GET /guilds/${elsewhere.id}`)).length, 0);
  });
});

test("a message that defeats the bridge keeps nothing behind it from being read", async (t) => {
  const stage = await scene(t);
  const { alice, channel, fake } = stage;
  const bridge = await stage.start();
  await bridge.settled();
  const before = alice.say(channel, "before");
  const odd = fake.world.stored(channel, alice.say(channel, "odd"));
  alice.say(channel, "after");
  Object.assign(odd?.message ?? {}, { components: { not: "a list" }, embeds: 7 });
  const page = await bridge.connection.history?.(channelId(channel), before);
  assert.deepEqual(
    page?.events.map((event) => (event.kind === "message" ? plainOf(event) : event.kind)),
    ["(a message that the bridge could not read)", "after"],
  );
});
