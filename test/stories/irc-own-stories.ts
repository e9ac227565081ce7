/** Matrix people on IRC as themselves: the same on the fakes and on real servers. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { IrcPerson } from "../irc-person.ts";
import type { MatrixUser, TestHomeserver } from "../matrix-client.ts";
import type { MatrixRoom } from "../matrix-room.ts";
import { openWorld, type World } from "../world.ts";
import type { IrcPlace } from "./irc-stories.ts";

export interface IrcOwnStoryOptions {
  startHomeserver(registration: string): Promise<TestHomeserver>;
  startIrc(): Promise<IrcPlace>;
  readonly speed?: number;
}

const WITHIN = 15_000;
const FAST = { burst: 50, per_second: 30, most_per_second: 60 };
const home = "#causeway";

export function ircOwnStories(name: string, options: IrcOwnStoryOptions): void {
  describe(name, () => {
    let world: World;
    let irc: IrcPlace;
    let dave: IrcPerson;
    let ann: MatrixUser;
    let room: MatrixRoom;
    let chat: MatrixRoom;

    before(async () => {
      irc = await options.startIrc();
      dave = await (await IrcPerson.connect(irc, "dave")).join(home);
      const network = {
        servers: [{ host: irc.host, port: irc.port, tls: false }],
        nick: "causeway",
        flood: FAST,
        own: { enabled: true, per_minute: 600 },
        channels: { "#relayed": { own: false } },
      };
      world = await openWorld({
        startHomeserver: options.startHomeserver,
        config: { irc: { networks: { one: network } } },
        ...(options.speed === undefined ? {} : { speed: options.speed }),
      });
      await world.start();
      ann = await world.hs.user("ann");
      room = await linked(home);
      chat = await ann.createRoom({ preset: "trusted_private_chat", is_direct: true, invite: [world.bot] });
      await chat.next({ sender: world.bot, body: /causeway help/ });
    });
    after(async () => {
      dave?.quit();
      await world?.close();
      await irc?.stop();
    });

    async function linked(channel: string): Promise<MatrixRoom> {
      const made = await ann.createRoom({ preset: "public_chat", power_level_content_override: { users: { [world.bot]: 50 } } });
      await made.invite(world.bot);
      await made.next({ sender: world.bot, body: /I am the bridge/ });
      await made.say(`!causeway link irc one ${channel}`);
      const answer = await made.next({ sender: world.bot, type: "m.room.message" });
      assert.match(String(answer.content["body"]), /now linked/);
      return made;
    }

    const own = async (text: string, channel = home) =>
      await dave.wait((line) => line.command === "PRIVMSG" && line.params[0] === channel && line.text === text, text, WITHIN);
    const asked = async (where: MatrixRoom, words: string): Promise<string> => {
      await where.say(words);
      return String((await where.next({ sender: world.bot, type: "m.room.message" }, WITHIN)).content["body"]);
    };

    test("whoever speaks in the room is on IRC under a nick of their own, and their words keep their order", async () => {
      await room.say("the first");
      await room.say("the second");
      await room.say("the third");
      assert.equal((await own("the first")).nick, "ann[m]");
      await own("the third");
      assert.deepEqual(dave.said(home, "ann[m]"), ["the first", "the second", "the third"]);
    });

    test("who asks in the room is answered there, and the channel hears nothing of it", async () => {
      assert.match(await asked(room, "!irc whois dave"), /^dave is \S+@\S+: dave/);
      assert.match(await asked(room, "!irc names"), /in #causeway: .*dave/);
      assert.match(await asked(room, "!irc status"), /You are connected to one as ann\[m\].*in #causeway/);
      assert.match(await asked(room, "!irc list"), /#causeway \(3\)/);
      assert.match(await asked(room, "!irc help"), /!irc whois NICK: who somebody is/);
      assert.match(await asked(room, "!irc dance"), /There is no command "dance"/);
      await room.say("after the questions");
      await own("after the questions");
      assert.ok(!dave.said(home).some((text) => text.startsWith("!irc")), "questions are not relayed");
    });

    test("another nick is taken by asking, and stays over a restart", async () => {
      assert.match(await asked(room, "!irc nick annika"), /You are annika/);
      await room.say("under another nick");
      assert.equal((await own("under another nick")).nick, "annika");
      await world.restart();
      await room.say("after the restart");
      assert.equal((await own("after the restart")).nick, "annika");
    });

    test("a password said where others read it is taken back and not used", async () => {
      const said = await room.say("!irc identify ann hunter2");
      const answer = await room.next({ sender: world.bot, type: "m.room.message" });
      assert.match(String(answer.content["body"]), /direct chat/);
      await room.find({ type: "m.room.redaction" });
      assert.ok(said);
      assert.ok(!dave.heard.some(({ text }) => text.includes("hunter2")));
    });

    test("private words from IRC become a room, and the answer goes back", async () => {
      dave.say("annika", "psst, ann");
      const direct = await ann.invited(undefined, WITHIN);
      await direct.join();
      const event = await direct.next({ body: "psst, ann" });
      assert.equal(event.sender, `@_irc_one_dave:${world.hs.serverName}`);
      await direct.say("I hear you");
      assert.equal((await dave.hear("dave", "I hear you", WITHIN)).nick, "annika");
    });

    test("a ghost that is invited to a direct chat comes, and is the person over there", async () => {
      const erin = await (await IrcPerson.connect(irc, "erin")).join(home);
      const ghost = `@_irc_one_erin:${world.hs.serverName}`;
      const talk = await ann.createRoom({ preset: "trusted_private_chat", is_direct: true, invite: [ghost] });
      await talk.find({ sender: ghost, type: "m.room.member" });
      await talk.say("hello erin");
      assert.equal((await erin.hear("erin", "hello erin", WITHIN)).nick, "annika");
      erin.say("annika", "hello ann");
      assert.equal((await talk.find({ body: "hello ann" })).sender, ghost);
      erin.quit();
    });

    test("`!irc msg` begins a private talk", async () => {
      assert.match(await asked(chat, "!irc one msg dave from the chat"), /Said to dave/);
      assert.equal((await dave.hear("dave", "from the chat")).nick, "annika");
    });

    test("a line of the protocol is for admins, and its answer is shown", async () => {
      assert.match(await asked(chat, "!irc one raw WHOIS dave"), /311 dave/);
    });

    test("a ban over there is told to the person alone, and nothing of theirs is slipped past it by the relay", async () => {
      dave.send(`MODE ${home} +b annika!*@*`, `KICK ${home} annika :enough`);
      await dave.wait((line) => line.command === "KICK" && line.params.includes("annika"), "the kick");
      await room.say("may I speak?");
      const told = await chat.next({ sender: world.bot, body: /What you wrote did not reach IRC|has banned you/ }, WITHIN);
      assert.ok(told);
      assert.ok(!dave.said(home).some((text) => text.includes("may I speak?")));
      dave.send(`MODE ${home} -b annika!*@*`, `INVITE annika ${home}`);
      await dave.wait(
        (line) => line.command === "JOIN" && line.nick === "annika" && dave.heard.lastIndexOf(line) > lastKick(dave),
        "she is back",
        WITHIN,
      );
      await room.say("back again");
      await own("back again");
    });

    test("with rank on both sides, kicks and ranks go out under the person's own name, and do not come back", async () => {
      dave.send(`MODE ${home} +o annika`);
      const otto = await (await IrcPerson.connect(irc, "otto")).join(home);
      otto.say(home, "here I am");
      const ghost = `@_irc_one_otto:${world.hs.serverName}`;
      await room.find({ sender: ghost, body: "here I am" });
      await room.setPower((levels) => ({ ...levels, users: { ...(levels["users"] as object), [ghost]: 50 } }));
      await dave.wait(
        (line) =>
          line.command === "MODE" && (line.params[1] ?? "").startsWith("+o") && line.params.includes("otto") && line.nick === "annika",
        "otto is an operator",
        WITHIN,
      );
      await room.kick(ghost, "too loud");
      const kick = await dave.wait((line) => line.command === "KICK" && line.params.includes("otto"), "otto is kicked", WITHIN);
      assert.equal(kick.nick, "annika");
      assert.match(kick.text, /too loud/);
      otto.quit();
    });

    test("where a channel has nobody of their own, everybody is relayed", async () => {
      await dave.join("#relayed");
      const relayed = await linked("#relayed");
      await relayed.say("by the bot");
      assert.equal((await dave.hear("#relayed", "<ann> by the bot")).nick, "causeway");
    });

    test("who leaves the room leaves the channel", async () => {
      await room.leave();
      await dave.wait((line) => line.command === "PART" && line.nick === "annika" && line.params[0] === home, "she leaves", WITHIN);
    });

    test("`!irc quit` ends the connection for good, and `!irc nick` brings it back", async () => {
      await chat.say("!irc one quit");
      await chat.next({ sender: world.bot, body: /^You have left/ }, WITHIN);
      await dave
        .wait((line) => line.command === "401" || line.command === "318" || line.command === "QUIT", "she is gone")
        .catch(() => undefined);
      await chat.say("!irc one status");
      await chat.next({ sender: world.bot, body: /not connected.*quit/s }, WITHIN);
      await chat.say("!irc one nick");
      await chat.next({ sender: world.bot, body: /You are annika/ }, WITHIN);
    });
  });
}

function lastKick(person: IrcPerson): number {
  return person.heard.findLastIndex((line) => line.command === "KICK");
}
