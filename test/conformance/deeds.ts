import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import type { Capabilities, Degree } from "../../core/capabilities.ts";
import { remoteMessageId } from "../../core/model/ids.ts";
import type { OutFile } from "../../core/model/message.ts";
import type { Part, SayPart } from "../../core/model/effects.ts";
import type { Harness, Standing } from "./harness.ts";
import { can, type Live, mira, newKey, newProgress, otto, refuses, whenLive, word } from "./live.ts";

const thumb = { kind: "unicode", text: "👍" } as const;

/**
 * What people do to messages and channels. What the capabilities call full or partial works, and doing it twice is success;
 * what they call fallback or refused is core's to word, and the adapter refuses it when it is asked all the same.
 */
export function deedPromises<Config>(harness: Harness<Config>): void {
  edits(harness);
  deletes(harness);
  reactions(harness);
  replies(harness);
  channels(harness);
  echoes(harness);
  filesAndPolls(harness);
}

/** A deed on a message of ours, told once for the network that can and once for the one that cannot. */
function deed<Config>(
  harness: Harness<Config>,
  name: string,
  degree: (capabilities: Capabilities) => Degree,
  part: (live: Live, message: Standing) => Part,
  holds: (live: Live, text: string) => Promise<boolean>,
): void {
  test(
    name,
    whenLive(harness, async (live) => {
      const text = word("target");
      const target = await live.say(text);
      const wanted = part(live, target);
      if (!can(degree(live.capabilities))) return refuses(live.send(wanted));
      const [key, progress] = [newKey(), newProgress()];
      await live.deliver(wanted, key, progress);
      await live.eventually(() => holds(live, text), name);
      assert.notEqual((await live.connection.find(wanted, key, progress)).is, "not-arrived", "it is found afterwards");
      await live.deliver(wanted, newKey());
      assert.ok(await holds(live, text), "done again, it is still so");
    }),
  );
}

/** A message id, also where there are none: the adapter is then asked for what it cannot do. */
const idOf = (message: Standing) => message.id ?? remoteMessageId("none");

function edits<Config>(harness: Harness<Config>): void {
  const rewritten = (live: Live, text: string) => {
    const { wire, text: plain } = live.part({ text: `${text} corrected` });
    return { wire, text: plain };
  };
  test(
    "an edit changes the message where it stands, or is refused where there are no edits",
    whenLive(harness, async (live) => {
      const text = word("edited");
      const target = await live.say(text);
      const part: Part = { kind: "edit", channel: live.scene.channel, message: idOf(target), speaker: mira, ...rewritten(live, text) };
      if (!can(live.capabilities.edit)) return refuses(live.send(part));
      await live.deliver(part);
      const after = await live.eventually(
        async () => (await live.standing(text)).text.includes("corrected") && live.standing(text),
        "the edit to stand",
      );
      assert.equal(after.id, target.id);
      await live.deliver(part);
      assert.equal((await live.allStanding(text)).length, 1);
    }),
  );

  test(
    "an edit comes back as ours, or not at all",
    whenLive(harness, async (live) => {
      if (!can(live.capabilities.edit)) return;
      const text = word("edited");
      const target = await live.say(text);
      await live.deliver({ kind: "edit", channel: live.scene.channel, message: idOf(target), speaker: mira, ...rewritten(live, text) });
      await live.caughtUp();
      for (const event of live.core.offered) if (event.kind === "edit" && event.message === target.id) assert.ok(event.echo);
    }),
  );
}

function deletes<Config>(harness: Harness<Config>): void {
  const deletion = (live: Live, target: Standing, own: boolean): Part => ({
    kind: "delete",
    channel: live.scene.channel,
    message: idOf(target),
    speaker: mira,
    own,
  });
  deed(
    harness,
    "a deletion removes the message, or is refused where nothing can be deleted",
    (capabilities) => capabilities.delete,
    (live, target) => deletion(live, target, true),
    async (live, text) => (await live.allStanding(text)).length === 0,
  );

  test(
    "a moderator's deletion removes what someone else said, or is refused",
    whenLive(harness, async (live) => {
      const text = word("other");
      await live.scene.alice.say(text);
      const target = await live.standing(text);
      const part = deletion(live, target, false);
      if (!can(live.capabilities.deleteOthers)) return refuses(live.send(part));
      await live.deliver(part);
      await live.eventually(async () => (await live.allStanding(text)).length === 0, "the message to be gone");
    }),
  );
}

function reactions<Config>(harness: Harness<Config>): void {
  const reaction =
    (kind: "react" | "unreact") =>
    (live: Live, target: Standing): Part => ({
      kind,
      channel: live.scene.channel,
      message: idOf(target),
      key: thumb,
      speaker: mira,
    });
  const reacted = async (live: Live, text: string): Promise<boolean> =>
    (await live.standing(text)).reactions?.some(({ emoji }) => emoji === thumb.text) ?? false;
  deed(harness, "a reaction stands on the message, or is refused", (capabilities) => capabilities.react, reaction("react"), reacted);
  deed(
    harness,
    "taking away a reaction that is not there is success, or is refused",
    (capabilities) => capabilities.react,
    reaction("unreact"),
    async (live, text) => !(await reacted(live, text)),
  );

  test(
    "a reaction that is taken back is gone",
    whenLive(harness, async (live) => {
      if (!can(live.capabilities.react)) return;
      const text = word("taken");
      const target = await live.say(text);
      await live.deliver(reaction("react")(live, target));
      await live.eventually(() => reacted(live, text), "the reaction to stand");
      await live.deliver(reaction("unreact")(live, target));
      await live.eventually(async () => !(await reacted(live, text)), "the reaction to be gone");
    }),
  );

  test(
    "our own reactions come back as ours, or not at all",
    whenLive(harness, async (live) => {
      if (!can(live.capabilities.react)) return;
      await live.deliver(reaction("react")(live, await live.say(word("mine"))));
      await live.caughtUp();
      for (const event of live.core.offered) if (event.kind === "react") assert.ok(event.echo);
    }),
  );

  test(
    "a custom emoji that the network does not know is refused, or sent as it can be",
    whenLive(harness, async (live) => {
      const target = await live.say(word("parrot"));
      const key = { kind: "custom", name: "no-such-parrot" } as const;
      const part: Part = { kind: "react", channel: live.scene.channel, message: idOf(target), key, speaker: mira };
      await live.deliver(part).catch(() => refuses(live.deliver(part)));
    }),
  );
}

function replies<Config>(harness: Harness<Config>): void {
  test(
    "a reply hangs from the message that it answers",
    whenLive(harness, async (live) => {
      if (!can(live.capabilities.reply)) return;
      const [question, answer] = [word("question"), word("answer")];
      await live.scene.alice.say(question);
      const target = await live.standing(question);
      const reply = { message: idOf(target), author: live.scene.alice.id, authorName: "Alice", excerpt: question, latest: true };
      const standing = await live.say(answer, { reply });
      if (live.capabilities.reply === "full") assert.equal(standing.replyTo, target.id);
    }),
  );

  test(
    "a thread is begun at a message, and what follows goes into the same one",
    whenLive(harness, async (live) => {
      if (!can(live.capabilities.thread)) return;
      const [root, first, second] = [word("root"), word("first"), word("second")];
      const target = await live.say(root);
      const thread = { root: idOf(target), excerpt: root };
      const sent = await live.deliver(live.part({ text: first, thread }));
      const standing = await live.standing(first);
      assert.ok(standing.thread !== undefined, "it stands in a thread");
      if (sent.thread !== undefined) assert.equal(sent.thread, standing.thread);
      await live.deliver(live.part({ text: second, thread: { ...thread, id: standing.thread } }));
      assert.equal((await live.standing(second)).thread, standing.thread);
    }),
  );
}

function channels<Config>(harness: Harness<Config>): void {
  const fact = (kind: "topic" | "name", text: string): void => {
    test(
      `the channel's ${kind} is set, or that is refused`,
      whenLive(harness, async (live) => {
        const { channel } = live.scene;
        const part: Part = { kind, channel, text, speaker: otto };
        if (!can(live.capabilities[kind])) return refuses(live.send(part));
        await live.deliver(part);
        await live.eventually(async () => (await live.scene.shown(channel))[kind] === text, `the ${kind} to be set`);
        await live.deliver(part);
      }),
    );
  };
  fact("topic", "Lanterns and their keepers");
  fact("name", "lanterns");

  deed(
    harness,
    "a message is pinned, or that is refused",
    (capabilities) => capabilities.pin,
    (live, target) => ({ kind: "pin", channel: live.scene.channel, message: idOf(target), speaker: mira }),
    async (live, text) => (await live.standing(text)).pinned === true,
  );
  deed(
    harness,
    "unpinning what is not pinned is success, or is refused",
    (capabilities) => capabilities.pin,
    (live, target) => ({ kind: "unpin", channel: live.scene.channel, message: idOf(target), speaker: mira }),
    async (live, text) => (await live.standing(text)).pinned !== true,
  );

  for (const kind of ["kick", "ban"] as const)
    test(
      `a ${kind} puts the person out, or is refused`,
      whenLive(harness, async (live) => {
        const { channel, alice } = live.scene;
        await alice.say(word("present"));
        const out = (): Promise<void> => live.connection.act({ kind, channel, person: alice.id, by: mira, reason: "a test" });
        if (!can(live.capabilities[kind])) return refuses(out());
        await out();
        const gone = async () => !(await live.connection.members(channel)).people.some(({ id }) => id === alice.id);
        await live.eventually(gone, "the person to be out");
        await out();
      }),
    );
}

/** Whatever the login has done itself and hears of afterwards is marked as ours: else it would be done once more on every other side. */
function echoes<Config>(harness: Harness<Config>): void {
  test(
    "our own deletions come back as ours, or not at all",
    whenLive(harness, async (live) => {
      const { channel, alice } = live.scene;
      const { delete: erase, deleteOthers } = live.capabilities;
      const part = (target: Standing, own: boolean): Part => ({ kind: "delete", channel, message: idOf(target), speaker: mira, own });
      const text = word("others");
      await alice.say(text);
      if (can(erase)) await live.deliver(part(await live.say(word("own")), true));
      if (can(deleteOthers)) await live.deliver(part(await live.standing(text), false));
      await live.caughtUp();
      for (const event of live.core.offered) if (event.kind === "delete") assert.ok(event.echo, JSON.stringify(event));
    }),
  );

  test(
    "our own pins, topics and names come back as ours, or not at all",
    whenLive(harness, async (live) => {
      const { channel } = live.scene;
      const { pin, topic, name } = live.capabilities;
      if (can(pin)) await live.deliver({ kind: "pin", channel, message: idOf(await live.say(word("pinned"))), speaker: mira });
      if (can(topic)) await live.deliver({ kind: "topic", channel, text: "A topic of ours", speaker: mira });
      if (can(name)) await live.deliver({ kind: "name", channel, text: "ours", speaker: mira });
      await live.caughtUp();
      for (const event of live.core.offered) {
        const { topic: heard, name: called } = event.kind === "channel-changed" ? event.facts : {};
        if (event.kind === "pin" || heard === "A topic of ours" || called === "ours") assert.ok(event.echo, JSON.stringify(event));
      }
    }),
  );
}

function filesAndPolls<Config>(harness: Harness<Config>): void {
  const bytes = Buffer.from("lantern ".repeat(512));
  const file = (name: string): OutFile => ({
    kind: "file",
    name,
    mimetype: "text/plain",
    size: bytes.length,
    open: async () => ({
      stream: Readable.from([bytes.subarray(0, 1000), bytes.subarray(1000)]),
      size: bytes.length,
      mimetype: "text/plain",
    }),
  });
  const withFile = (live: Live, name: string): SayPart => live.part({ text: "", file: file(name) });

  test(
    "a file is sent whole, under its name; where there are no files it goes as a link, or is refused",
    whenLive(harness, async (live) => {
      if (!can(live.capabilities.files)) return;
      const name = `${word("notes")}.txt`;
      const [part, key, progress] = [withFile(live, name), newKey(), newProgress()];
      await live.deliver(part, key, progress);
      const stands = async () =>
        (await live.scene.standing(live.scene.channel)).flatMap(({ files = [] }) => files).filter((one) => one.name === name);
      await live.eventually(async () => (await stands()).length > 0, "the file to stand");
      assert.deepEqual(await stands(), [{ name, size: bytes.length }]);
      assert.notEqual((await live.connection.find(part, key, progress)).is, "not-arrived");
    }),
  );

  test(
    "a file with words carries both",
    whenLive(harness, async (live) => {
      if (!can(live.capabilities.files)) return;
      const text = word("caption");
      for (const part of live.parts({ text, file: file(`${word("notes")}.txt`) })) await live.deliver(part);
      await live.eventually(async () => (await live.allStanding(text)).length === 1, "the caption to stand");
    }),
  );

  test(
    "a poll is asked, or core asks it in words",
    whenLive(harness, async (live) => {
      if (!can(live.capabilities.poll)) return;
      const question = word("tea");
      const answers = [
        { id: "1", text: "Yes" },
        { id: "2", text: "No" },
      ];
      const poll = { question, answers, maxSelections: 1, disclosed: true };
      await live.deliver(live.part({ poll }));
      assert.equal((await live.standing(question)).poll, true);
    }),
  );
}
