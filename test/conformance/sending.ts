import assert from "node:assert/strict";
import { test } from "node:test";
import { TryLater, Uncertain } from "../../core/model/errors.ts";
import type { Found, Sent } from "../../core/model/effects.ts";
import type { Harness } from "./harness.ts";
import { isOneOfTheFive, type Live, mira, newKey, newProgress, onStage, otto, textOf, whenLive, word } from "./live.ts";

/** `send` makes exactly one visible effect, and `find` tells the truth about it. */
export function sendPromises<Config>(harness: Harness<Config>): void {
  oneEffect(harness);
  looking(harness);
  lostAnswers(harness);
  limits(harness);
}

function oneEffect<Config>(harness: Harness<Config>): void {
  test(
    "a message is said once, under its speaker's name",
    whenLive(harness, async (live) => {
      const text = word("hello");
      const standing = await live.say(text);
      assertShows(live, standing, mira.name);
    }),
  );

  test(
    "the send returns the message's id, or the echo brings it",
    whenLive(harness, async (live) => {
      const key = newKey();
      const text = word("named");
      const sent = await live.send(live.part({ text }), key);
      if (!live.capabilities.ids) return assert.equal(sent.id, undefined);
      const standing = await live.standing(text);
      if (sent.id !== undefined) return assert.equal(sent.id, standing.id);
      assert.equal(sent.pending, true, "without an id the send says that it comes later");
      const echo = await live.heard("message", (event) => event.echo?.key === key, "to hear the echo with the send's key");
      assert.equal(echo.message, standing.id);
    }),
  );

  test(
    "what comes back of our own is marked as ours",
    whenLive(harness, async (live) => {
      const text = word("echo");
      const { id } = await live.say(text);
      await live.caughtUp();
      const heard = live.core.offered.filter(
        (event) => event.kind === "message" && (textOf(event.body).includes(text) || (id !== undefined && event.message === id)),
      );
      for (const event of heard) assert.ok(event.echo, "an echo without a mark would be bridged back");
    }),
  );

  test(
    "messages sent one after the other stand in that order",
    whenLive(harness, async (live) => {
      const words = Array.from({ length: 6 }, () => word("step"));
      for (const text of words) await live.deliver(live.part({ text, speaker: words.indexOf(text) % 2 ? mira : otto }));
      const standing = await live.scene.standing(live.scene.channel);
      assert.deepEqual(standing.map((message) => words.find((text) => message.text.includes(text))).filter(Boolean), words);
    }),
  );

  test(
    "a person's own login speaks as that person, without a name written before",
    onStage(harness, async ({ scene, start }) => {
      const { signIn, accounts } = harness.network;
      if (!scene.own) return assert.ok(signIn.length === 0 || accounts, "who can sign in brings an own login to the scene");
      assert.equal(harness.network.ids.serves(scene.own, scene.channel), true, "it serves the channel");
      const live = await start({ login: scene.own });
      const text = word("myself");
      const standing = await live.say(text, { speaker: { ...mira, own: true } });
      assert.ok(!standing.text.includes(mira.name) && standing.name !== mira.name, "their name there is their account's");
    }),
  );
}

/** A name stands beside the message, or before its text, as the capability says. */
export function assertShows(live: Live, standing: { name: string; text: string }, name: string): void {
  if (live.capabilities.speaker === "full") assert.equal(standing.name, name);
  else assert.ok(standing.text.includes(name) || standing.name.includes(name), `"${name}" is not shown: ${JSON.stringify(standing)}`);
}

function looking<Config>(harness: Harness<Config>): void {
  test(
    "what was sent is found, after the bridge has started again too",
    onStage(harness, async ({ start }) => {
      const first = await start();
      const [key, progress, part] = [newKey(), newProgress(), first.part({ text: word("found") })];
      const sent = await first.deliver(part, key, progress);
      assertArrived(await first.connection.find(part, key, progress), sent);
      await first.kill();
      const second = await start();
      assertArrived(await second.connection.find(part, key, progress), sent);
    }),
  );

  test(
    "what was never sent is not found",
    whenLive(harness, async (live) => {
      const found = await live.connection.find(live.part({ text: word("never") }), newKey(), newProgress());
      assert.notEqual(found.is, "arrived");
    }),
  );

  test(
    "what was lost on the way is not found, though others say the very same words",
    whenLive(harness, async (live, { cause, scene }) => {
      if (!(await cause(scene.faults.loseSend))) return;
      const [part, key, progress] = [live.part({ text: word("twin") }), newKey(), newProgress()];
      await assert.rejects(live.send(part, key, progress), isOneOfTheFive);
      await scene.alice.say(part.text);
      assert.notEqual((await lookPatiently(live, () => live.connection.find(part, key, progress))).is, "arrived");
    }),
  );

  test(
    "of two messages with the same words the right one is found, or it is said that nobody can tell",
    onStage(harness, async ({ start }) => {
      const live = await start();
      const [firstKey, secondKey] = [newKey(), newKey()];
      const [firstProgress, secondProgress] = [newProgress(), newProgress()];
      const part = live.part({ text: word("again") });
      const first = await live.deliver(part, firstKey, firstProgress);
      const second = await live.deliver(part, secondKey, secondProgress);
      assertArrived(await live.connection.find(part, firstKey, firstProgress), first);
      assertArrived(await live.connection.find(part, secondKey, secondProgress), second);
      await live.kill();
      const again = await start();
      assertArrived(await again.connection.find(part, firstKey, firstProgress), first);
      assertArrived(await again.connection.find(part, secondKey, secondProgress), second);
    }),
  );

  test(
    "the same key twice is one effect where the network can refuse the second",
    whenLive(harness, async (live) => {
      if (!harness.keyed) return;
      const [key, part] = [newKey(), live.part({ text: word("once") })];
      const first = await live.send(part, key);
      const second = await live.send(part, key, { ...newProgress(), attempt: 2 });
      assert.equal(second.id, first.id);
      await live.standing(part.text);
    }),
  );
}

/** Arrived with the same id, or an honest "nobody can tell"; never a false "not arrived". */
function assertArrived(found: Found, sent: Sent): void {
  if (found.is === "unknown") return assert.match(found.why, /\S+ \S+/, "why it cannot be told is a sentence");
  assert.equal(found.is, "arrived");
  if (found.is === "arrived" && sent.id !== undefined) assert.equal(found.sent.id, sent.id);
}

function lostAnswers<Config>(harness: Harness<Config>): void {
  test(
    "an answer that was lost makes nothing twice",
    whenLive(harness, async (live, { cause, scene }) => {
      if (!(await cause(scene.faults.loseReply))) return;
      const text = word("lostreply");
      const outcome = await sendThroughFault(live, text);
      const times = (await live.allStanding(text)).length;
      assert.equal(times, 1, `it stands ${times} times after "${outcome}"`);
    }),
  );

  test(
    "a message that was lost on the way is sent again, once",
    whenLive(harness, async (live, { cause, scene }) => {
      if (!(await cause(scene.faults.loseSend))) return;
      const text = word("lostsend");
      const outcome = await sendThroughFault(live, text);
      const times = (await live.allStanding(text)).length;
      assert.equal(times, outcome === "unknown" ? 0 : 1);
    }),
  );

  test(
    "a slow network is waited for, and nothing is said twice",
    whenLive(harness, async (live, { cause, scene }) => {
      if (!(await cause(scene.faults.slow, 40))) return;
      await live.say(word("slow"));
    }),
  );

  test(
    "while the network is away a message is put off, or it is said that it may have arrived",
    whenLive(harness, async (live, { cause, scene }) => {
      if (!(await cause(scene.faults.down))) return;
      const text = word("away");
      const part = live.part({ text });
      const error: unknown = await live.send(part).then(
        () => assert.fail("it cannot have been sent"),
        (reason: unknown) => reason,
      );
      assert.ok(error instanceof TryLater || error instanceof Uncertain, String(error));
      if (error instanceof TryLater) assert.equal(error.scope, "login");
      assert.equal((await live.allStanding(text)).length, 0);
    }),
  );
}

/** Sends as core does, over a break: uncertain → look as soon as there is a connection → send again only when it has not arrived. */
async function sendThroughFault(live: Live, text: string): Promise<"sent" | "found" | "sent again" | "unknown"> {
  const [part, key, progress] = [live.part({ text }), newKey(), newProgress()];
  try {
    await live.send(part, key, progress);
    return "sent";
  } catch (error) {
    assert.ok(error instanceof Uncertain || error instanceof TryLater, String(error));
    const before = (await live.allStanding(text)).length;
    if (error instanceof TryLater) assert.equal(before, 0, "TryLater promises that nothing was sent");
    progress.attempt++;
    const found =
      error instanceof TryLater
        ? ({ is: "not-arrived" } as const)
        : await lookPatiently(live, () => live.connection.find(part, key, progress));
    if (found.is === "arrived") return "found";
    if (found.is === "unknown") return "unknown";
    assert.equal(before, 0, "not arrived, it says, but there it stands");
    await live.deliver(part, key, progress);
    return "sent again";
  }
}

async function lookPatiently(live: Live, look: () => Promise<Found>): Promise<Found> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await look();
    } catch (error) {
      if (!(error instanceof TryLater) || attempt > 20) throw error;
      await live.core.clock.sleep(error.after);
    }
  }
}

function limits<Config>(harness: Harness<Config>): void {
  test(
    "a rate limit puts the message off, says what has to wait, and has sent nothing",
    whenLive(harness, async (live, { cause, scene }) => {
      if (!(await cause(scene.faults.limit, 30))) return;
      const part = live.part({ text: word("limited") });
      const error: unknown = await live.send(part).catch((reason: unknown) => reason);
      assert.ok(error instanceof TryLater, String(error));
      assert.ok(error.after >= 29_000 && error.after < 120_000, `after ${error.after} ms`);
      assert.ok(["item", "channel", "login"].includes(error.scope));
      assert.equal((await live.allStanding(part.text)).length, 0);
      await live.core.clock.sleep(error.after);
      await live.deliver(part);
      await live.standing(part.text);
    }),
  );

  test(
    "a flood waits two seconds for its turn at most, and what was put off has not been sent",
    whenLive(harness, async (live, { cause, scene }) => {
      await cause(scene.faults.slow, 15);
      const words = Array.from({ length: 25 }, () => word("flood"));
      const began = live.core.clock.now();
      const outcomes = await Promise.all(
        words.map(async (text) => {
          const sent = await live.send(live.part({ text })).then(
            () => true,
            (error: unknown) => {
              assert.ok(error instanceof TryLater && error.after > 0, String(error));
              return false;
            },
          );
          return { text, sent, took: live.core.clock.now() - began };
        }),
      );
      for (const { text, sent, took } of outcomes) {
        assert.equal((await live.allStanding(text)).length, sent ? 1 : 0, `${text} was ${sent ? "sent" : "put off"}`);
        assert.ok(took < 2_000 + 400 * (harness.speed ?? 20), `it waited ${took} ms for its turn`);
      }
    }),
  );

  test(
    "where we may not speak, the message is refused in a sentence or waits for the channel",
    whenLive(harness, async (live, { cause, scene }) => {
      if (!(await cause(scene.faults.mute))) return;
      const text = word("muted");
      const error: unknown = await live.send(live.part({ text })).catch((reason: unknown) => reason);
      assert.ok(isOneOfTheFive(error), String(error));
      assert.ok(!(error instanceof Uncertain), "the network has said no");
      assert.match((error as Error).message, /\S+ \S+/);
      assert.equal((await live.allStanding(text)).length, 0);
    }),
  );
}
