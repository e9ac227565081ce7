/** Requests to Discord: limits kept, failures told apart, nothing sent twice. */
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { routeOf } from "../../bridges/discord/buckets.ts";
import { channelId, messageId } from "../../bridges/discord/ids.ts";
import { LoggedOut, Refused, TryLater, Uncertain } from "../../core/model/errors.ts";
import { mira, scene } from "./stage.ts";

const token = "aW50ZXJhY3Rpb246MTIzNDU2Nzg5MDEyMzQ1Njc4OTA".padEnd(68, "x");

test("requests are counted by route, and by channel, guild or webhook; a webhook's token is no part of it", () => {
  const cases = [
    ["GET", "/channels/1/messages", "/channels/:id/messages", "channels/1"],
    ["GET", "/channels/1/messages/2", "/channels/:id/messages/:id", "channels/1"],
    ["PUT", "/channels/1/messages/2/reactions/%F0%9F%91%8D/@me", "/channels/:id/messages/:id/reactions/:reaction", "channels/1"],
    ["POST", `/webhooks/3/${token}`, "/webhooks/:id/:token", "webhooks/3/token"],
    ["PATCH", `/webhooks/3/${token}/messages/4`, "/webhooks/:id/:token/messages/:id", "webhooks/3/token"],
    ["GET", "/guilds/5/members/6", "/guilds/:id/members/:id", "guilds/5"],
    ["GET", "/users/@me", "/users/@me", ""],
    ["POST", "/interactions/7/abc/callback", "/interactions/:id/:token/callback", ""],
  ] as const;
  for (const [method, path, template, major] of cases) assert.deepEqual(routeOf(method, path), { method, template, major }, path);
});

test("a channel whose limit is reached waits by itself, and nothing is refused for it", async (t) => {
  const stage = await scene(t);
  const bridge = await stage.start();
  let putOff = 0;
  for (let count = 0; count < 12; count++) {
    for (;;) {
      try {
        await bridge.say({ text: `message ${count}` });
        break;
      } catch (error) {
        assert.ok(error instanceof TryLater && error.scope === "channel", String(error));
        putOff += 1;
        await bridge.core.clock.sleep(error.after);
      }
    }
  }
  assert.equal(stage.fake.http.seen.filter(({ status }) => status === 429).length, 0, "the headers were read, so no limit was ever hit");
  void putOff;
});

test("a limit of one channel holds no other", async (t) => {
  const stage = await scene(t);
  const bridge = await stage.start({ links: [stage.channel, stage.other] });
  await bridge.say({ text: "x" });
  await bridge.say({ text: "x", channel: stage.other });
  const [webhook] = [...stage.fake.world.webhooks.values()].filter(({ channel_id }) => channel_id === stage.channel);
  stage.fake.http.limits.force((bucket) => bucket.includes(webhook?.id ?? "?"), 60);
  await assert.rejects(
    bridge.say({ text: "y" }),
    (error: Error) => error instanceof TryLater && error.scope === "channel" && error.after > 50_000,
  );
  await assert.rejects(bridge.say({ text: "z" }), TryLater);
  assert.equal(stage.fake.http.seen.filter(({ status }) => status === 429).length, 1, "the second was not even tried");
  await bridge.say({ text: "w", channel: stage.other });
});

test("a limit of the whole bot holds everything", async (t) => {
  const stage = await scene(t);
  const bridge = await stage.start({ links: [stage.channel, stage.other] });
  await bridge.say({ text: "x" });
  stage.fake.http.globalLimit(60);
  await assert.rejects(bridge.say({ text: "y" }), (error: Error) => error instanceof TryLater && error.scope === "login");
  await assert.rejects(
    bridge.say({ text: "z", channel: stage.other }),
    (error: Error) => error instanceof TryLater && error.scope === "login",
  );
});

test("the limit of a channel's name and topic holds nothing else of the channel", async (t) => {
  const stage = await scene(t);
  const bridge = await stage.start();
  const rename = (text: string) => bridge.send({ kind: "name", channel: channelId(stage.channel), text, speaker: mira });
  await rename("a");
  await rename("b");
  await assert.rejects(rename("c"), (error: Error) => error instanceof TryLater && error.after > 500_000);
  await bridge.say({ text: "still" });
});

for (const kind of ["html-429", "json-429"] as const) {
  test(`shut out without rate-limit headers (${kind}): everything stops for a long, growing wait, and that is told once`, async (t) => {
    const stage = await scene(t, undefined, 100);
    const bridge = await stage.start();
    await bridge.say({ text: "x" });
    stage.fake.http.fault(kind, /^\w+ \//, 2);
    const seen = () => stage.fake.http.seen.length + stage.fake.http.turnedAway;
    await assert.rejects(
      bridge.say({ text: "y" }),
      (error: Error) => error instanceof TryLater && error.scope === "login" && error.after >= 59_000,
    );
    const before = seen();
    await assert.rejects(bridge.say({ text: "z" }), (error: Error) => error instanceof TryLater && error.scope === "login");
    assert.equal(seen(), before, "nothing is asked meanwhile");
    await bridge.core.until(() => bridge.core.states.at(-1)?.is === "disconnected", "to be told");
    await bridge.core.until(() => bridge.core.states.filter(({ is }) => is === "connected").length === 2, "to be let in again", 10_000);
    assert.equal(bridge.core.states.filter(({ is }) => is === "disconnected").length, 1, "told once, however often it was tried");
    assert.deepEqual(bridge.core.states.at(-1), { is: "connected", resumed: true });
    await bridge.say({ text: "w" });
  });
}

test("the shutting out is remembered over a restart", async (t) => {
  const stage = await scene(t);
  const first = await stage.start();
  stage.fake.http.fault("html-429", /^POST \//);
  await assert.rejects(first.say({ text: "x" }), TryLater);
  await first.close();
  const before = stage.fake.http.seen.length;
  const second = await stage.start({ connected: false });
  await second.core.until(() => second.core.states.find(({ is }) => is === "disconnected"), "to be told");
  assert.equal(stage.fake.http.seen.length, before);
});

test("failures are told apart: unreachable, unclear, refused, logged out", async (t) => {
  const stage = await scene(t);
  const bridge = await stage.start();
  await bridge.say({ text: "x" });
  const { http } = stage.fake;
  http.fault("lose-request", /^GET/);
  await assert.rejects(
    bridge.connection.members(channelId(stage.channel)),
    (error: Error) => error instanceof TryLater && error.scope === "login",
  );
  http.fault("fail", /^POST \/webhooks/, 1, 500);
  await assert.rejects(bridge.say({ text: "y" }), Uncertain);
  const delete_ = {
    kind: "delete",
    channel: channelId(stage.channel),
    message: messageId(stage.alice.say(stage.channel, "z")),
    speaker: mira,
    own: false,
  } as const;
  stage.fake.acts.updateChannel(stage.fake.channelOf(stage.channel), {
    overwrites: [{ id: stage.fake.bot.user.id, type: 1, allow: "0", deny: String(1n << 13n) }],
  });
  await assert.rejects(bridge.send(delete_), Refused);
  stage.fake.bot.token = "another";
  await assert.rejects(bridge.connection.members(channelId(stage.channel)), LoggedOut);
  assert.equal(bridge.core.states.at(-1)?.is, "logged-out");
});

test("a request that gets no answer is given up by the clock, and it is unclear what became of it", async (t) => {
  const stage = await scene(t);
  const bridge = await stage.start();
  await bridge.say({ text: "x" });
  stage.fake.http.fault("hang", /^POST \/webhooks/);
  await assert.rejects(bridge.say({ text: "y" }), Uncertain);
});

test("a file passes through without being held in memory", async (t) => {
  const stage = await scene(t, ({ guild }) => {
    guild.premium_tier = 3;
  });
  const bridge = await stage.start();
  const [chunk, count] = [Buffer.alloc(64 * 1024, 1), 300];
  let most = 0;
  let made = 0;
  async function* bytes() {
    for (; made < count; made++) {
      yield chunk;
      most = Math.max(most, made * chunk.length - stage.fake.http.received);
    }
  }
  const size = chunk.length * count;
  const file = {
    kind: "file",
    name: "big.bin",
    mimetype: "application/octet-stream",
    size,
    open: async () => ({ stream: Readable.from(bytes()), size }),
  } as const;
  await bridge.say({ file });
  assert.ok(most < 8 * 1024 * 1024, `${most} bytes were on the way at once`);
});

test("no error holds the bot's token, or a webhook's", async (t) => {
  const stage = await scene(t);
  const bridge = await stage.start();
  await bridge.say({ text: "x" });
  const [webhook] = [...stage.fake.world.webhooks.values()];
  stage.fake.http.fault("lose-reply", /^POST \/webhooks/);
  const errors: unknown[] = [];
  await bridge.say({ text: "y" }).catch((error: unknown) => errors.push(error));
  await bridge.say({ text: "z", speaker: { ...mira, name: "x" }, body: [{ type: "paragraph", content: [{ type: "text", text: "a" }] }] });
  const shown =
    errors.map((error) => `${(error as Error).stack} ${JSON.stringify(error)} ${String((error as Error).cause)}`).join(" ") +
    bridge.core.logged.join(" ");
  for (const secret of [stage.fake.bot.token, (webhook as { token?: string } | undefined)?.token ?? "?"])
    assert.ok(!shown.includes(secret));
});
