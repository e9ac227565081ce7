import assert from "node:assert/strict";
import { text as readText } from "node:stream/consumers";
import { test } from "node:test";
import type { RemoteEvent } from "../../core/model/events.ts";
import { remoteChannelId, remoteUserId } from "../../core/model/ids.ts";
import { Disk } from "../fakes/test-core.ts";
import type { Harness } from "./harness.ts";
import { can, type Live, mira, onStage, textOf, whenLive, word } from "./live.ts";

/** What people do on the network reaches core as events: whole, in order, and recognisable when it comes twice. */
export function receivePromises<Config>(harness: Harness<Config>): void {
  messages(harness);
  deedsOfPeople(harness);
  twice(harness);
  looksUp(harness);
}

function messages<Config>(harness: Harness<Config>): void {
  test(
    "what a person says is heard: who, where, when and what",
    whenLive(harness, async (live) => {
      const { alice, channel } = live.scene;
      const text = word("morning");
      const id = await alice.say(`good ${text}`);
      const event = await live.hears(text);
      assert.equal(event.sender, alice.id);
      assert.equal(event.channel, channel);
      assert.equal(textOf(event.body).trim(), `good ${text}`);
      assert.equal(event.style, "text");
      assert.equal(event.via, "live");
      assert.equal(event.echo, undefined);
      assert.ok(Number.isSafeInteger(event.at) && event.at > 1_500_000_000_000, `milliseconds since 1970, not ${event.at}`);
      if (!live.capabilities.ids) return;
      assert.equal(event.message, id);
      assert.ok(event.subject ?? event.deliveryId, "a message can be told apart when it comes again");
    }),
  );

  test(
    "what is said quickly is heard in order, in each channel",
    whenLive(harness, async (live) => {
      const { alice, bob, channel, other } = live.scene;
      const [here, there] = [Array.from({ length: 8 }, () => word("here")), Array.from({ length: 8 }, () => word("there"))];
      for (const [index, text] of here.entries()) {
        await (index % 2 ? alice : bob).say(text);
        await alice.say(there[index] as string, { channel: other });
      }
      await live.hears(here.at(-1) as string);
      await live.hears(there.at(-1) as string);
      assert.deepEqual(wordsHeard(live, here), here);
      assert.deepEqual(wordsHeard(live, there), there);
      const heard = live.core.events.filter((event) => event.kind === "message");
      for (const event of heard) assert.equal(event.channel, here.includes(textOf(event.body).trim()) ? channel : other);
    }),
  );

  test(
    "a reply says what it answers, and a message in a thread says which",
    whenLive(harness, async (live) => {
      const { alice, bob } = live.scene;
      if (!live.capabilities.ids) return;
      const [question, answer, aside] = [word("question"), word("answer"), word("aside")];
      const target = await alice.say(question);
      assert.ok(target);
      if (live.capabilities.reply === "full") {
        await bob.say(answer, { replyTo: target });
        assert.equal((await live.hears(answer)).replyTo?.message, target);
      }
      if (live.capabilities.thread !== "full") return;
      await bob.say(aside, { threadOf: target });
      const { thread } = await live.hears(aside);
      assert.ok(thread?.id);
      assert.equal(thread.root, target);
    }),
  );
}

const wordsHeard = (live: Live, words: readonly string[]): readonly string[] =>
  live.core.events.flatMap((event) => (event.kind === "message" ? words.filter((text) => textOf(event.body).includes(text)) : []));

function deedsOfPeople<Config>(harness: Harness<Config>): void {
  test(
    "edits, deletions and reactions of people name the message they are about",
    whenLive(harness, async (live) => {
      const { alice, bob, channel } = live.scene;
      const { edit, delete: erase, react } = live.capabilities;
      if (can(edit)) assert.ok(alice.edit, "the network has edits, so the harness shows one");
      if (can(erase)) assert.ok(alice.delete);
      if (can(react)) assert.ok(bob.react && bob.unreact);
      const [text, changed] = [word("draft"), word("final")];
      const id = await alice.say(text);
      if (id === undefined) return;
      if (bob.react) {
        await bob.react(id, "👍");
        const event = await live.heard("react", ({ message }) => message === id, "to hear the reaction");
        assert.deepEqual([event.sender, event.key, event.channel], [bob.id, { kind: "unicode", text: "👍" }, channel]);
        assert.equal(event.echo, undefined);
      }
      if (bob.unreact) {
        await bob.unreact(id, "👍");
        assert.equal((await live.heard("unreact", ({ message }) => message === id, "to hear it taken back")).sender, bob.id);
      }
      if (alice.edit) {
        await alice.edit(id, changed);
        const event = await live.heard("edit", ({ message }) => message === id, "to hear the edit");
        assert.equal(textOf(event.body).trim(), changed, "the whole new text");
        assert.ok(event.version);
      }
      if (alice.delete) {
        await alice.delete(id);
        await live.heard("delete", (event) => event.messages.includes(id), "to hear the deletion");
      }
    }),
  );

  test(
    "two edits are two happenings, and a reaction set, taken back and set again is three",
    whenLive(harness, async (live) => {
      const { alice, bob } = live.scene;
      const id = await alice.say(word("draft"));
      if (id === undefined) return;
      for (const text of ["second", "third"]) await alice.edit?.(id, word(text));
      for (const turn of ["react", "unreact", "react"] as const) await bob[turn]?.(id, "👍");
      await live.caughtUp();
      const about = live.core.events.filter((event) => "message" in event && event.message === id && event.kind !== "message");
      for (const name of ["subject", "deliveryId"] as const) {
        const known = about.flatMap((event) => event[name] ?? []);
        assert.equal(new Set(known).size, known.length, `${name}: ${known.join(" ")}`);
      }
      assert.equal(about.filter(({ kind }) => kind === "edit").length, alice.edit ? 2 : 0);
      if (bob.react) assert.equal(about.filter(({ kind }) => kind !== "edit").length, 3);
    }),
  );

  test(
    "a file is heard of with its name and type, and can be opened",
    whenLive(harness, async (live) => {
      const { alice } = live.scene;
      if (can(live.capabilities.files)) assert.ok(alice.upload, "the network has files, so the harness shows one");
      if (!alice.upload) return;
      const [name, bytes] = [`${word("notes")}.txt`, Buffer.from("by lantern light")];
      await alice.upload({ name, mimetype: "text/plain", bytes }, word("see"));
      const event = await live.heard("message", ({ files }) => files?.some((file) => file.name === name) ?? false, "to hear of the file");
      const file = event.files?.find((one) => one.name === name);
      assert.ok(file?.id);
      assert.equal(file.size ?? bytes.length, bytes.length);
      const opened = await live.connection.open(file.ref);
      assert.equal(await readText(opened.stream), bytes.toString());
    }),
  );

  test(
    "a new topic, a new name and a pin are heard",
    whenLive(harness, async (live) => {
      const { alice } = live.scene;
      if (can(live.capabilities.topic)) assert.ok(alice.topic);
      await alice.topic?.("Wicks and oil");
      if (alice.topic) await live.heard("channel-changed", ({ facts }) => facts.topic === "Wicks and oil", "to hear the topic");
      const id = alice.pin && (await alice.say(word("pinned")));
      if (id !== undefined) await alice.pin?.(id);
      if (id !== undefined) await live.heard("pin", ({ message }) => message === id, "to hear the pin");
      await alice.rename?.("alicia");
      const renamed = (event: RemoteEvent): boolean =>
        (event.kind === "person-changed" && event.person.name === "alicia") || (event.kind === "id-changed" && event.to.name === "alicia");
      if (alice.rename) await live.core.until(() => live.core.events.some(renamed), "to hear the new name");
    }),
  );

  test(
    "typing is heard, and marked as ours when it is",
    whenLive(harness, async (live) => {
      const { alice, channel } = live.scene;
      if (alice.type) {
        await alice.type();
        await live.core.until(() => live.core.offered.some(({ kind, ...event }) => kind === "typing" && !event.echo), "to hear typing");
      }
      await live.connection.hint({ kind: "typing", channel, speaker: mira, on: true });
      if (!can(live.capabilities.typing)) return;
      assert.ok(live.scene.typing, "the network shows typing, so the harness tells who types");
      await live.eventually(async () => ((await live.scene.typing?.(channel)) ?? []).length > 0, "us to be seen typing");
    }),
  );

  test(
    "what is said in private is marked as private, and comes from a channel of its own",
    whenLive(harness, async (live) => {
      const { alice, channel } = live.scene;
      if (!alice.whisper) return;
      const text = word("secret");
      await alice.whisper(text);
      const private_ = (event: RemoteEvent): boolean => event.kind === "message" && textOf(event.body).includes(text);
      const event = await live.core.until(() => live.core.offered.find(private_), "to hear the whisper");
      assert.equal(event.direct, true);
      assert.notEqual(event.channel, channel);
    }),
  );

  test(
    "words to the bridge are heard as a command, and the answer reaches the person",
    whenLive(harness, async (live) => {
      const { alice } = live.scene;
      if (!alice.command) return;
      await alice.command("status");
      const event = await live.heard("command", ({ words }) => words.includes("status"), "to hear the command");
      assert.equal(event.sender, alice.id);
      const answer = word("fine");
      await live.connection.answer(event.reply, `All is well:\n${answer}`);
      assert.ok(live.scene.answers, "who takes commands lets the suite read the answers");
      await live.eventually(async () => (await live.scene.answers?.())?.some((one) => one.includes(answer)), "the answer to arrive");
    }),
  );
}

function twice<Config>(harness: Harness<Config>): void {
  test(
    "what is delivered twice is known by its delivery or its subject",
    whenLive(harness, async (live, { cause, scene }) => {
      const text = word("twice");
      await scene.alice.say(text);
      await live.hears(text);
      if (!(await cause(scene.faults.redeliver))) return;
      await live.caughtUp();
      const heard = live.core.events.filter((event) => event.kind === "message" && textOf(event.body).includes(text));
      assert.equal(new Set(heard.map((event) => event.deliveryId ?? event.subject)).size, 1);
      assert.ok(heard.length === 1 || heard[0]?.deliveryId !== undefined || heard[0]?.subject !== undefined);
    }),
  );

  test(
    "two logins in one channel tell the same message by the same subject",
    onStage(harness, async ({ scene, start }) => {
      if (!scene.own) return;
      const [shared, own] = [await start(), await start({ login: scene.own, disk: new Disk() })];
      if (!shared.capabilities.ids) return;
      const text = word("both");
      await scene.alice.say(text);
      const [one, another] = [await shared.hears(text), await own.hears(text)];
      assert.ok(one.subject);
      assert.deepEqual(
        [one.subject, one.message, one.sender, one.channel],
        [another.subject, another.message, another.sender, another.channel],
      );
    }),
  );
}

function looksUp<Config>(harness: Harness<Config>): void {
  test(
    "people and channels are looked up, and nobody is found where nobody is",
    whenLive(harness, async (live) => {
      const { connection, scene } = live;
      await scene.alice.say(word("here"));
      await live.caughtUp();
      assert.equal((await connection.person(scene.alice.id))?.name, scene.alice.name);
      const channel = await connection.channel(scene.channel);
      assert.equal(channel?.id, scene.channel);
      assert.ok(channel.name);
      assert.equal(await connection.person(remoteUserId("?/no such person")), undefined);
      assert.equal(await connection.channel(remoteChannelId("?/no such channel")), undefined);
      assert.equal(await connection.resolve("no such person at all", scene.channel), undefined);
    }),
  );

  test(
    "a channel's members and the channels that can be seen are listed",
    whenLive(harness, async (live) => {
      const { connection, scene } = live;
      const { people } = await connection.members(scene.channel);
      for (const person of people) assert.ok(person.id && person.name);
      assert.ok(people.some(({ id }) => id === scene.alice.id));
      assert.equal(new Set(people.map(({ id }) => id)).size, people.length);
      const seen: string[] = [];
      for await (const channel of connection.channels()) seen.push(channel.id);
      assert.ok(seen.includes(scene.channel));
    }),
  );

  test(
    "a person is found by what someone types",
    whenLive(harness, async (live) => {
      const { alice, channel } = live.scene;
      assert.equal((await live.connection.resolve(alice.name, channel))?.id, alice.id);
      for (const text of ["", " ", "\n", "@", "<@>", "*", "a,b", "\u0000"]) await live.connection.resolve(text, channel);
    }),
  );

  test(
    "an address of a message is an address, and the same every time",
    whenLive(harness, async (live) => {
      const { id } = await live.say(word("address"));
      const address = live.connection.permalink(live.scene.channel, id);
      assert.equal(live.connection.permalink(live.scene.channel, id), address);
      if (address !== undefined) assert.ok(URL.canParse(address));
    }),
  );

  test(
    "joining and leaving are done again without harm",
    whenLive(harness, async (live) => {
      const { connection, scene } = live;
      await connection.join(scene.channel);
      const text = word("joined");
      await scene.alice.say(text);
      await live.hears(text);
      await connection.leave(scene.other);
      await connection.leave(scene.other);
    }),
  );
}
