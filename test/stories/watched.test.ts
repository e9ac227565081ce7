/** What those who run the bridge and those who use it can see of it: one trace through the logs, what was missed, what a status says. */
import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import type { Fault as ToyFault } from "../conformance/harness.ts";
import { BOT, openTown, type Town, type TownOptions, until } from "./town.ts";

interface Line {
  readonly msg: string;
  readonly trace?: string;
  readonly lane?: string;
  readonly level: number;
}

describe("Watched", () => {
  let town: Town;
  afterEach(() => town.close());

  async function cause(fault: ToyFault): Promise<void> {
    assert.ok(typeof fault === "function");
    await fault();
  }

  async function open(options: TownOptions = {}): Promise<Line[]> {
    const lines: Line[] = [];
    town = await openTown({ ...options, log: (line) => void lines.push(line as unknown as Line) });
    return lines;
  }

  async function ask(words: string, answer: RegExp): Promise<string> {
    await town.room.say(words);
    return String((await town.room.next({ sender: BOT, body: answer })).content["body"]);
  }

  /** What the log says of one message from its arrival on. */
  const follow = (lines: readonly Line[], taken: string) => {
    const first = lines.findLast((line) => line.msg === taken);
    return lines.filter((line) => line.trace !== undefined && line.trace === first?.trace).map((line) => line.msg);
  };

  test("one trace id follows a message from its arrival to its delivery, in both directions", async () => {
    const lines = await open();
    await town.toy.alice.say("inwards");
    await town.room.find({ body: "inwards" });
    await until(async () => follow(lines, "Taken from the network").length === 2, "the message's way in");
    assert.deepEqual(follow(lines, "Taken from the network"), ["Taken from the network", "Delivered to Matrix: message"]);
    await town.room.say("outwards");
    await town.seen((all) => all.some((one) => one.text === "outwards"), "the message");
    await until(async () => follow(lines, "Taken from Matrix").length === 2, "the message's way out");
    assert.deepEqual(follow(lines, "Taken from Matrix"), ["Taken from Matrix", "Delivered to the network: m.room.message"]);
  });

  test("the same id tells of a message that could not be delivered, and of its next try", async () => {
    const lines = await open({ permissions: { "*": "admin" } });
    await cause(town.toy.faults.mute);
    await town.room.say("not now");
    await town.room.find({ sender: BOT, body: /did not reach/ });
    town.service.muted.clear();
    await town.room.say("!causeway retry");
    await town.seen((all) => all.some((one) => one.text === "not now"), "the message");
    const id = lines.find((line) => line.msg.startsWith("Parked:"))?.trace;
    await until(async () => lines.some((line) => line.trace === id && line.msg.startsWith("Delivered")), "it is delivered");
    assert.deepEqual(
      lines.filter((line) => line.trace === id).map((line) => line.msg.split(":")[0]),
      ["Taken from Matrix", "Parked", "Delivered to the network"],
    );
  });

  test("what people say, and why somebody was removed, stands in no line above trace", async () => {
    const lines = await open({ permissions: { "*": "admin" } });
    await town.room.say("outward secret");
    await town.toy.alice.say("inward secret");
    await town.room.find({ body: "inward secret" });
    await town.seen((all) => all.some((one) => one.text === "outward secret"), "the message");
    await cause(town.toy.faults.mute);
    await town.room.say("parked secret");
    await town.room.find({ sender: BOT, body: /did not reach/ });
    await town.room.kick("@_toy_town/u1:test.local", "a secret reason");
    await town.room.find({ sender: BOT, body: /is removed here only/ });
    await town.room.kick(BOT, "another secret reason");
    await until(async () => lines.some((line) => line.msg.includes("removed from a linked room")), "the bot is out");
    assert.deepEqual(
      lines.filter((line) => line.level > 10 && JSON.stringify(line).includes("secret")),
      [],
    );
  });

  test("at the start, a homeserver that does not know the token, and then does, is told in a sentence each", async () => {
    const unknown = { kind: "status", status: 401, errcode: "M_UNKNOWN_TOKEN", match: { path: "/register" } } as const;
    const lines = await open({ faults: [unknown] });
    const told = lines.map((line) => line.msg).filter((text) => text.startsWith("The homeserver "));
    assert.deepEqual(told, [
      "The homeserver does not know the bridge's token: add registration.yaml to its app_service_config_files and restart it.",
      "The homeserver reaches the bridge",
    ]);
  });

  test("at the start, a homeserver that is not there is told in a sentence, and waited for", async () => {
    const lines = await open({ faults: [{ kind: "connection-lost", times: 3, match: { path: "/register" } }] });
    const told = lines.filter((line) => /Is homeserver\.url in the config right\? Trying again\./.test(line.msg) && line.level === 50);
    assert.equal(told.length, 1);
    assert.ok(lines.some((line) => line.msg === "The homeserver reaches the bridge"));
  });

  test("at the start, a homeserver that looks for the bridge elsewhere is told in a sentence", async () => {
    const lines = await open();
    await town.stopBridge();
    // It listens elsewhere than the homeserver was told.
    await town.startBridge({ appservice: { address: "http://127.0.0.1", port: 0 } });
    await until(async () => lines.some((line) => line.msg.startsWith("The homeserver cannot reach the bridge at ")), "the sentence");
  });

  test("a restart by itself changes nothing that people see", async () => {
    const lines = await open();
    await town.toy.alice.say("before");
    await town.room.find({ body: "before" });
    await town.room.say("and back");
    await town.seen((all) => all.some((one) => one.text === "and back"), "the message");
    const before = [(await town.room.timeline()).length, (await town.channel()).length];
    await town.stopBridge();
    const at = lines.length;
    await town.startBridge();
    await until(async () => lines.slice(at).some((line) => line.msg === "Toy: connected"), "the bridge is back");
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.deepEqual([(await town.room.timeline()).length, (await town.channel()).length], before);
  });

  test("a status says when the bridge is out of the channel", async () => {
    await open({ permissions: { "*": "admin" } });
    await ask("!causeway status", /: connected; 0 waiting/);
    const steward = [...town.service.accounts.values()].find((account) => account.name === "Steward");
    town.service.channels.get("town/plaza")?.members.delete(steward?.id ?? "");
    await ask("!causeway status", /: connected, but the bridge is not in the channel, or cannot see it; 0 waiting/);
  });

  test("people whom the permissions block get no answer, whatever they ask", async () => {
    await open({ permissions: { "*": "user", "@ben:test.local": "block" } });
    const ben = await town.hs.user("ben");
    await town.room.invite(ben.id);
    await town.room.as(ben).join();
    for (const words of ["!causeway status", "!causeway help", "!causeway nonsense", "!causeway optout"])
      await town.room.as(ben).say(words);
    await ask("!causeway status", /0 waiting to come in/);
    const answers = (await town.room.timeline()).filter((event) => event.sender === BOT && event.type === "m.room.message");
    assert.equal(answers.length, 2, "the greeting, and the answer to ann");
  });

  test("votes of people who opted out, or are blocked, are not counted for the channel", async () => {
    await open({ permissions: { "*": "admin", "@ben:test.local": "block" } });
    const people = [town.ann];
    for (const name of ["ben", "cleo", "dora"]) {
      const user = await town.hs.user(name);
      await town.room.invite(user.id);
      await town.room.as(user).join();
      people.push(user);
    }
    const [, ben, cleo, dora] = people;
    assert.ok(ben && cleo && dora);
    await town.room.as(cleo).say("!causeway optout");
    await town.room.find({ sender: BOT, body: /nothing that you write is relayed/ });
    const poll = await town.room.send("m.poll.start", {
      "m.text": [{ body: "Lunch?" }],
      "m.poll": {
        question: { "m.text": [{ body: "Lunch?" }] },
        kind: "m.disclosed",
        max_selections: 1,
        answers: ["Soup", "Pie"].map((text) => ({ "m.id": text, "m.text": [{ body: text }] })),
      },
    });
    await town.seen((all) => all.some((one) => one.poll === true), "the poll");
    for (const voter of [ben, cleo, dora]) {
      const content = { "m.relates_to": { rel_type: "m.reference", event_id: poll }, "m.selections": ["Pie"] };
      await town.room.as(voter).send("m.poll.response", content);
    }
    await until(async () => town.service.tallies.length > 0, "a tally");
    assert.deepEqual(town.service.tallies.at(-1), [
      { text: "Soup", votes: 0 },
      { text: "Pie", votes: 1 },
    ]);
  });

  test("less than was promised to the channel's people takes an admin of the bridge; more does not", async () => {
    await open({ linked: false, permissions: { "*": "user", "@cleo:test.local": "admin" } });
    const cleo = await town.hs.user("cleo");
    await town.room.invite(cleo.id);
    await town.room.as(cleo).join();
    await town.room.as(cleo).say("!causeway link toy town plaza");
    await town.room.next({ sender: BOT, body: /now linked/ });
    await ask("!causeway readers visible", /Readers of town\/plaza: visible/);
    await ask("!causeway readers open", /takes an admin of the bridge/);
    await town.room.as(cleo).say("!causeway readers announced");
    await town.room.next({ sender: BOT, body: /Readers of town\/plaza: announced/ });
    await ask("!causeway readers loud", /Which\? For example/);
  });
});
