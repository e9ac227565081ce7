/** Journeys between a room and IRC channels: the same on the fakes and on real servers. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { IrcPerson } from "../irc-person.ts";
import type { MatrixUser, TestHomeserver } from "../matrix-client.ts";
import type { MatrixRoom } from "../matrix-room.ts";
import { openWorld, type World } from "../world.ts";

export interface IrcPlace {
  readonly host: string;
  readonly port: number;
  stop(): Promise<void>;
}

export interface IrcStoryOptions {
  startHomeserver(registration: string): Promise<TestHomeserver>;
  startIrc(): Promise<IrcPlace>;
  /** A second network, for one room that joins both. */
  startOther(): Promise<IrcPlace>;
  readonly speed?: number;
}

const FAST = { burst: 50, per_second: 30, most_per_second: 60 };
const ircNetwork = ({ host, port }: IrcPlace) => ({ servers: [{ host, port, tls: false }], nick: "causeway", flood: FAST });

export function ircStories(name: string, options: IrcStoryOptions): void {
  describe(name, () => {
    let world: World;
    let irc: IrcPlace;
    let other: IrcPlace;
    let dave: IrcPerson;
    let ann: MatrixUser;
    let room: MatrixRoom;
    const home = "#causeway";

    before(async () => {
      [irc, other] = await Promise.all([options.startIrc(), options.startOther()]);
      // Who is first in a channel runs it: the people of the network, not the bridge.
      dave = await (await IrcPerson.connect(irc, "dave")).join(home);
      world = await openWorld({
        startHomeserver: options.startHomeserver,
        config: { irc: { networks: { one: ircNetwork(irc), two: ircNetwork(other) } } },
        ...(options.speed === undefined ? {} : { speed: options.speed }),
      });
      await world.start();
      ann = await world.hs.user("ann");
      room = await linkedRoom(`irc one ${home}`);
    });
    after(async () => {
      dave?.quit();
      await world?.close();
      await irc?.stop();
      await other?.stop();
    });

    async function linkedRoom(...channels: string[]): Promise<MatrixRoom> {
      const made = await ann.createRoom({ preset: "public_chat", power_level_content_override: { users: { [world.bot]: 50 } } });
      await made.invite(world.bot);
      await made.next({ sender: world.bot, body: /I am the bridge/ });
      for (const channel of channels) {
        await made.say(`!causeway link ${channel}`);
        const answer = await made.next({ sender: world.bot, type: "m.room.message" });
        assert.match(String(answer.content["body"]), /now linked/);
      }
      return made;
    }

    test("what is typed on IRC stands in the room under the ghost of who said it", async () => {
      dave.say(home, "hello from IRC");
      const event = await room.next({ body: "hello from IRC" });
      assert.equal(event.sender, `@_irc_one_dave:${world.hs.serverName}`);
      assert.equal((await room.state("m.room.member", event.sender))["displayname"], "dave");
    });

    test("what is written in the room stands on IRC behind the name of who wrote it", async () => {
      await room.say("hello from Matrix");
      assert.equal((await dave.hear(home, "<ann> hello from Matrix")).nick, "causeway");
    });

    test("formatting crosses both ways", async () => {
      await room.html("bold, italic and code", "<strong>bold</strong>, <em>italic</em> and <code>code</code>");
      const line = await dave.hear(home, /bold.*italic.*code/);
      assert.match(line.text, /\x02bold\x02.*\x1ditalic\x1d.*\x11code\x11/);
      dave.say(home, "\x02bold\x02 and \x0304red\x03");
      const event = await room.next({ body: /bold and red/ });
      assert.match(String(event.content["formatted_body"]), /<strong>bold<\/strong>.*data-mx-color="#ff0000"/);
    });

    test("actions and notices stay what they are", async () => {
      dave.action(home, "waves");
      assert.equal((await room.next({ body: "waves" })).content["msgtype"], "m.emote");
      dave.send(`NOTICE ${home} :all is well`);
      assert.equal((await room.next({ body: "all is well" })).content["msgtype"], "m.notice");
      await room.emote("waves back");
      await dave.hear(home, /ann waves back/);
    });

    test("a nick at a word's edge becomes a mention, and a pill becomes a nick", async () => {
      await room.html("dave: are you there?", '<a href="https://matrix.to/#/@_irc_one_dave:test.local">dave</a>: are you there?');
      await dave.hear(home, "<ann> dave: are you there?");
    });

    test("a reply says what it answers", async () => {
      dave.say(home, "who brings the cake?");
      const question = await room.next({ body: "who brings the cake?" });
      await room.reply(question, "I do");
      await dave.hear(home, /<ann> .*I do/);
    });

    test("an edit becomes a line that says what changed", async () => {
      const event = await room.say("the train leaves at nine");
      await dave.hear(home, "<ann> the train leaves at nine");
      await room.edit(event, "the train leaves at ten");
      const line = await dave.hear(home, /nine.*ten/);
      assert.ok(line.text.startsWith("<ann> "));
    });

    test("a long text crosses in lines that the server takes, and nothing of it is lost", async () => {
      const words = Array.from({ length: 150 }, (_, number) => `wörd${number}`).join(" ");
      await room.say(words);
      await dave.hear(home, /wörd149/);
      const lines = dave.said(home, "causeway").filter((line) => line.includes("wörd"));
      const said = lines.map((line) => line.replace("<ann> ", "")).join(" ");
      assert.equal(said.replaceAll(/ +/g, " "), words);
    });

    test("a line break injects no command", async () => {
      await room.say("one\r\nQUIT :gone\nJOIN #elsewhere");
      await dave.hear(home, "<ann> JOIN #elsewhere");
      await room.say("still here");
      await dave.hear(home, "<ann> still here");
    });

    test("a topic set on IRC is shown in the room, and the other way round", async () => {
      dave.send(`TOPIC ${home} :All about cake`);
      await room.next((event) => event.type === "m.room.topic" && event.content["topic"] === "All about cake");
      dave.send(`MODE ${home} -t`);
      dave.send("PING after-mode");
      await dave.wait((line) => line.command === "PONG" && line.text === "after-mode", "the channel lets everybody set the topic");
      await room.setState("m.room.topic", { topic: "All about tea" });
      await dave.wait((line) => line.command === "TOPIC" && line.text === "All about tea", "the topic");
    });

    test("someone who takes another nick goes on under the ghost of that nick", async () => {
      const eve = await (await IrcPerson.connect(irc, "eve")).join(home);
      eve.say(home, "I am eve");
      await room.next({ body: "I am eve" });
      eve.send("NICK eva");
      await eve.wait((line) => line.command === "NICK" && line.text === "eva", "the nick changes");
      eve.say(home, "now eva");
      const event = await room.next({ body: "now eva" });
      assert.equal(event.sender, `@_irc_one_eva:${world.hs.serverName}`);
      eve.quit();
    });

    test("one room joins two networks: what is said on one is heard on the other", async () => {
      const joint = await linkedRoom("irc one #joint", "irc two #joint");
      const [here, there] = await Promise.all([IrcPerson.connect(irc, "hedy"), IrcPerson.connect(other, "tess")]);
      await Promise.all([here.join("#joint"), there.join("#joint")]);
      here.say("#joint", "from one");
      await there.hear("#joint", "<hedy> from one");
      there.say("#joint", "from two");
      await here.hear("#joint", "<tess> from two");
      await joint.say("from the room");
      await Promise.all([here.hear("#joint", "<ann> from the room"), there.hear("#joint", "<ann> from the room")]);
      assert.deepEqual(here.said("#joint"), ["<tess> from two", "<ann> from the room"]);
      assert.deepEqual(there.said("#joint"), ["<hedy> from one", "<ann> from the room"]);
      here.quit();
      there.quit();
    });

    test("an upgraded room is followed, and nothing is said twice", async () => {
      const old = await linkedRoom("irc one #moving");
      const hedy = await (await IrcPerson.connect(irc, "hedi")).join("#moving");
      hedy.say("#moving", "in the old room");
      await old.next({ body: "in the old room" });
      const next = await old.upgrade("11");
      await next.invite(world.bot).catch(() => undefined);
      await next.find((event) => event.type === "m.room.member" && event.state_key === world.bot && event.content["membership"] === "join");
      await new Promise((resolve) => setTimeout(resolve, 500));
      hedy.say("#moving", "in the new room");
      await next.next({ body: "in the new room" });
      await next.say("answered");
      await hedy.hear("#moving", "<ann> answered");
      hedy.quit();
    });

    test("a poll stands on IRC as text with numbers, `!vote` counts in the room, and its end is told", async () => {
      const poll = {
        kind: "org.matrix.msc3381.poll.disclosed",
        max_selections: 1,
        question: { "org.matrix.msc1767.text": "Lunch?" },
        answers: [
          { id: "s", "org.matrix.msc1767.text": "Soup" },
          { id: "p", "org.matrix.msc1767.text": "Pie" },
        ],
      };
      const start = await room.send("org.matrix.msc3381.poll.start", { "org.matrix.msc3381.poll.start": poll });
      await dave.hear(home, /2\. Pie/);
      await dave.hear(home, /!vote/);
      dave.say(home, "!vote 3");
      await dave.hear("dave", /Which answer\?/);
      dave.say(home, "!vote 2");
      await dave.hear("dave", /Your vote counts: Pie/);
      const vote = await room.find({ type: "org.matrix.msc3381.poll.response" });
      assert.equal(vote.sender, `@_irc_one_dave:${world.hs.serverName}`);
      assert.deepEqual((vote.content["org.matrix.msc3381.poll.response"] as { answers: unknown }).answers, ["p"]);
      await room.send("org.matrix.msc3381.poll.end", {
        "m.relates_to": { rel_type: "m.reference", event_id: start },
        "org.matrix.msc3381.poll.end": {},
        body: "over",
      });
      await dave.hear(home, /The poll has ended\. Soup: 0, Pie: 1/);
    });

    test("kicked out, the bot says so and comes back; what was said meanwhile crosses, or is said to be missed", async () => {
      await linkedRoom("irc one #strict");
      const op = await IrcPerson.connect(irc, "oona");
      await op.join("#strict");
      // The bridge was first in this channel; someone with power is needed, so the operator takes a channel of their own.
      await op.join("#ops");
      const ours = await linkedRoom("irc one #ops");
      op.send("KICK #ops causeway :out");
      await op.wait((line) => line.command === "KICK" && line.params.includes("causeway"), "the kick");
      await ours.say("kept for the channel");
      op.say("#ops", "while it was out");
      await op.wait(
        (line) => line.command === "JOIN" && line.nick === "causeway" && op.heard.indexOf(line) > lastKick(op),
        "the bot comes back",
        60_000,
      );
      await op.hear("#ops", "<ann> kept for the channel");
      await ours.find({ body: /^while it was out$|did not reach the bridge/ });
      op.say("#ops", "welcome back");
      await ours.next({ body: "welcome back" });
      op.quit();
    });

    test("a stop on SIGTERM is quick, and a start goes on where it was", async () => {
      const ms = await world.kill("SIGTERM");
      assert.ok(ms < 5_000, `stopped within five seconds (${ms} ms)`);
      await room.say("while you were away");
      await world.start();
      await dave.hear(home, "<ann> while you were away");
    });
  });
}

function lastKick(person: IrcPerson): number {
  return person.heard.findLastIndex((line) => line.command === "KICK");
}
