/**
 * What is said about a message of which the bridge does not know yet that it stands there: the network made it, and its answer is still
 * on its way. It waits for that answer, and then finds the message.
 */
import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import type { RoomEvent } from "../matrix-room.ts";
import type { RemoteMessageId } from "../../core/model/ids.ts";
import type { ToyHappening } from "../fakes/toy-network-wire.ts";
import { openTown, type Town, type TownOptions, until } from "./town.ts";

describe("While it is open whether a message arrived", () => {
  let town: Town;
  afterEach(() => town.close());

  interface Held {
    /** Of the message that was posted. */
    readonly id: RemoteMessageId;
    /** The answer arrives. */
    release(): void;
  }

  async function open(options: TownOptions = {}): Promise<void> {
    // In step with the wall: what waits here has a limit, which a busy machine should not reach.
    town = await openTown({ speed: 1, ...options });
    await town.toy.bob.say("I am here");
    await town.room.find({ body: "I am here" });
  }

  /** How the bridge's own messages come back to it: not at all, or without a sign of who sent them. */
  function echoes(how: "never" | "unmarked"): void {
    const tell = town.service.tell.bind(town.service);
    town.service.tell = (channel, client, happening) => {
      const isOurs = client === "causeway" && happening.type === "posted";
      if (isOurs && how === "never") return;
      tell(channel, isOurs ? "" : client, isOurs ? unmarked(happening) : happening);
    };
  }

  const unmarked = (happening: ToyHappening & { type: "posted" }): ToyHappening => ({
    ...happening,
    message: { ...happening.message, client: "" },
  });

  /** Ann says it; it stands in the channel, and the answer is held back. */
  async function half(text: string): Promise<Held & { event: string }> {
    const [made, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const call = town.service.call.bind(town.service);
    town.service.call = async (token, client, method, parameters) => {
      const answer = await call(token, client, method, parameters);
      if (method !== "post") return answer;
      made.resolve();
      await answered.promise;
      return answer;
    };
    const event = await town.room.say(text);
    await made.promise;
    const id = (await town.channel()).find((one) => one.text === text)?.id;
    assert.ok(id);
    const release = () => {
      town.service.call = call;
      answered.resolve();
    };
    return { id, event, release };
  }

  /** What Bob did before this has been heard: hints overtake what waits. */
  async function bobIsHeard(): Promise<void> {
    await town.toy.bob.type?.();
    await town.room.nextEphemeral(({ type, content }) => type === "m.typing" && JSON.stringify(content).includes("/u2"));
  }

  const relation = (event: RoomEvent) => event.content["m.relates_to"] as { event_id?: string; "m.in_reply_to"?: { event_id: string } };

  async function fromNetwork(): Promise<unknown[]> {
    const events = (await town.room.timeline()).filter(({ type, sender }) => type === "m.room.message" && sender.startsWith("@_toy_"));
    return events.map(({ content }) => content["body"]);
  }

  test("a reaction to it waits, and then stands on it", async () => {
    await open();
    echoes("never");
    const held = await half("react to me");
    await town.toy.bob.react?.(held.id, "👍");
    await bobIsHeard();
    held.release();
    assert.equal(relation(await town.room.find({ type: "m.reaction" })).event_id, held.event);
  });

  test("its deletion waits, and then takes it out of the room", async () => {
    await open();
    echoes("never");
    const held = await half("delete me");
    await town.toy.bob.delete?.(held.id);
    await bobIsHeard();
    held.release();
    await until(async () => (await town.room.event(held.event)).content["body"] === undefined, "it is gone");
  });

  test("an answer to it waits, and then answers it", async () => {
    await open();
    echoes("never");
    const held = await half("answer me");
    await town.toy.bob.say("the answer", { replyTo: held.id });
    await bobIsHeard();
    held.release();
    assert.equal(relation(await town.room.find({ body: /the answer$/ }))["m.in_reply_to"]?.event_id, held.event);
  });

  test("it comes back as one of ours without a sign of which: it waits, and does not come into the room", async () => {
    await open();
    echoes("unmarked");
    const held = await half("not twice");
    await town.toy.bob.say("after it");
    await bobIsHeard();
    held.release();
    await town.room.find({ body: "after it" });
    assert.deepEqual(await fromNetwork(), ["I am here", "after it"]);
  });

  test("the bridge ended meanwhile: what came back and what was said about it wait for what the next start finds out", async () => {
    await open({ speed: 20 });
    echoes("unmarked");
    // Nothing more is heard before the end: all of it waits for the next start.
    const { tell } = town.service;
    const late: Parameters<typeof tell>[] = [];
    town.service.tell = (...told) => void late.push(told);
    const held = await half("not twice");
    await town.toy.bob.react?.(held.id, "👍");
    await town.toy.bob.say("the answer", { replyTo: held.id });
    await town.stopBridge();
    held.release();
    town.service.tell = tell;
    for (const told of late) town.service.tell(...told);
    // The look for it takes its time; what waited in the session comes at once.
    const [looked, found] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const person = town.hs.faults.add({ kind: "hold", times: 0, match: { method: "GET", path: "/profile/" } });
    const call = town.service.call.bind(town.service);
    town.service.call = async (token, client, method, parameters) => {
      if (method === "history") {
        looked.resolve();
        await found.promise;
      }
      return await call(token, client, method, parameters);
    };
    await town.startBridge();
    await looked.promise;
    person.release();
    found.resolve();
    assert.equal(relation(await town.room.find({ type: "m.reaction" })).event_id, held.event);
    assert.equal(relation(await town.room.find({ body: /the answer$/ }))["m.in_reply_to"]?.event_id, held.event);
    await until(async () => (await fromNetwork()).length >= 2, "the answer");
    assert.deepEqual((await fromNetwork()).length, 2);
    assert.deepEqual(await town.texts(), ["I am here", "not twice", "the answer"]);
  });
});
