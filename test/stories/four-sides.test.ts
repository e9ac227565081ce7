/** One room linked to Slack, Discord and IRC at once: what begins on one side is seen on the other three. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createClock } from "../../core/clock.ts";
import type { Standing } from "../conformance/harness.ts";
import { raise as raiseDiscord, type Stage as DiscordStage, standing } from "../discord/harness.ts";
import { startHomeserver } from "../fakes/homeserver.ts";
import { FakeIrc, inspircd } from "../fakes/irc.ts";
import { IrcPerson } from "../irc-person.ts";
import type { MatrixUser } from "../matrix-client.ts";
import type { MatrixRoom, RoomEvent } from "../matrix-room.ts";
import { raise as raiseSlack, type Stage as SlackStage, standingIn } from "../slack/harness.ts";
import { openWorld, type World } from "../world.ts";
import { until } from "./town.ts";

describe("Four sides", () => {
  let world: World;
  let irc: FakeIrc;
  let dave: IrcPerson;
  let slack: SlackStage;
  let discord: DiscordStage;
  let ann: MatrixUser;
  let room: MatrixRoom;
  const home = "#four";

  before(async () => {
    irc = await FakeIrc.start({ profile: inspircd });
    slack = await raiseSlack(createClock({ speed: 1, since: Date.now() }));
    discord = await raiseDiscord(1);
    dave = await (await IrcPerson.connect({ host: "127.0.0.1", port: irc.port }, "dave")).join(home);
    world = await openWorld({
      startHomeserver: (registration) => startHomeserver({ services: [registration] }),
      config: {
        irc: {
          networks: {
            one: {
              servers: [{ host: "127.0.0.1", port: irc.port, tls: false }],
              flood: { burst: 50, per_second: 30, most_per_second: 60 },
            },
          },
        },
        slack: {
          api_url: slack.fake.apiUrl,
          workspaces: { [slack.team.id]: { bot_token: slack.bot.token, app_token: slack.app.appToken } },
        },
        discord: { token: discord.fake.bot.token, api_url: discord.fake.apiUrl, cdn_url: discord.fake.cdnUrl },
      },
    });
    await world.start();
    ann = await world.hs.user("ann");
    room = await ann.createRoom({ preset: "public_chat", power_level_content_override: { users: { [world.bot]: 50 } } });
    await room.invite(world.bot);
    await room.next({ sender: world.bot, body: /I am the bridge/ });
    for (const channel of [`irc one ${home}`, `slack ${slack.team.id} ${slack.channel.id}`, `discord ${discord.channel}`]) {
      await room.say(`!causeway link ${channel}`);
      const answer = await room.next({ sender: world.bot, body: /Linked|linked/ });
      assert.match(String(answer.content["body"]), /now linked/);
    }
  });
  after(async () => {
    dave?.quit();
    await world?.close();
    await irc?.stop();
    await slack?.fake.close();
    await discord?.fake.stop();
  });

  const onSlack = () => standingIn(slack, slack.channel).map((message) => ({ ...message, text: message.text.trim() }));
  const onDiscord = () => standing(discord.fake, discord.channel);
  const slackShows = (text: string | RegExp) =>
    until(async () => onSlack().some((message) => matches(message.text, text)), `Slack shows ${text}`).catch(withEnd(onSlack));
  const discordShows = (text: string | RegExp) =>
    until(async () => onDiscord().some((message) => matches(message.text, text)), `Discord shows ${text}`).catch(withEnd(onDiscord));

  test("what is written in the room stands on all three", async () => {
    await room.say("from the room");
    await dave.hear(home, "<ann> from the room");
    await slackShows("from the room");
    await discordShows("from the room");
  });

  test("what is said on each network is seen by everybody else, once", async () => {
    dave.say(home, "from IRC");
    slack.alice.say(slack.channel, "from Slack");
    discord.alice.say(discord.channel, "from Discord");
    for (const text of ["from IRC", "from Slack", "from Discord"]) await room.find({ body: text });
    await dave.hear(home, /^<Alice> from Slack$/);
    await dave.hear(home, /^<Alice> from Discord$/);
    await slackShows("from IRC");
    await slackShows("from Discord");
    await discordShows("from IRC");
    await discordShows("from Slack");
    await room.say("the end");
    await dave.hear(home, "<ann> the end");
    await slackShows("the end");
    await discordShows("the end");
    for (const text of ["from IRC", "from Slack", "from Discord"]) {
      assert.equal((await room.timeline()).filter((event) => event.content["body"] === text).length, 1);
      assert.equal(onSlack().filter((message) => message.text === text).length, 1, `${text} once on Slack`);
      assert.equal(onDiscord().filter((message) => message.text === text).length, 1, `${text} once on Discord`);
    }
  });

  test("an edit, a reaction and a deletion reach the networks that have them", async () => {
    const mine = await room.say("to be changed");
    await slackShows("to be changed");
    await discordShows("to be changed");
    await room.edit(mine, "has been changed");
    await slackShows("has been changed");
    await discordShows("has been changed");
    await room.react(mine, "👍");
    await until(
      async () => onSlack().some((message) => message.text === "has been changed" && message.reactions?.length === 1),
      "the reaction on Slack",
    );
    await until(
      async () => onDiscord().some((message) => message.text === "has been changed" && (message.reactions?.length ?? 0) === 1),
      "the reaction on Discord",
    );
    await room.redact(mine);
    await until(async () => !onSlack().some((message) => message.text === "has been changed"), "deleted on Slack");
    await until(async () => !onDiscord().some((message) => message.text === "has been changed"), "deleted on Discord");
  });

  const slackAt = async (text: string | RegExp) => {
    await slackShows(text);
    return onSlack().findLast((message) => matches(message.text, text)) as Standing;
  };
  const discordAt = async (text: string | RegExp) => {
    await discordShows(text);
    return onDiscord().findLast((message) => matches(message.text, text)) as Standing;
  };
  const idOf = ({ id }: Standing) => String(id);

  test("a chain of answers goes through all four, each on what it answers", async () => {
    const question = await room.say("who brings the lamp?");
    const asked = { slack: await slackAt("who brings the lamp?"), discord: await discordAt("who brings the lamp?") };
    await dave.hear(home, "<ann> who brings the lamp?");
    slack.alice.say(slack.channel, "I do, says Slack", { thread: idOf(asked.slack), broadcast: true });
    const first = await room.find({ body: "I do, says Slack" });
    assert.equal(answered(first), question);
    assert.match((await discordAt(/I do, says Slack$/)).text, /ann/, "the quote names whom it answers");
    await dave.hear(home, /^<Alice> (?:.*ann.*)?I do, says Slack/);
    discord.alice.say(discord.channel, "and I the oil, says Discord", { reply: idOf(await discordAt(/I do, says Slack$/)) });
    const second = await room.find({ body: "and I the oil, says Discord" });
    assert.equal(answered(second), first.event_id);
    assert.equal((await slackAt("and I the oil, says Discord")).thread, idOf(asked.slack), "in the thread of what it answers");
    await dave.hear(home, /and I the oil, says Discord/);
    await room.reply(second, "and I the matches, says Matrix");
    assert.equal((await slackAt("and I the matches, says Matrix")).thread, idOf(asked.slack));
    assert.match((await discordAt(/and I the matches, says Matrix$/)).text, /↩.*and I the oil, says Discord/);
    await dave.hear(home, /and I the matches, says Matrix/);
    dave.say(home, "ann: good, says IRC");
    const last = await room.find({ body: /good, says IRC/ });
    assert.ok(last);
    await slackShows(/good, says IRC/);
    await discordShows(/good, says IRC/);
  });

  test("an edit that begins on Slack, on Discord or in the room is seen on the other three", async () => {
    const there = slack.alice.say(slack.channel, "teh lamp from Slack");
    await room.find({ body: "teh lamp from Slack" });
    await discordShows("teh lamp from Slack");
    await dave.hear(home, "<Alice> teh lamp from Slack");
    slack.alice.edit(slack.channel, there.ts, "the lamp from Slack, trimmed");
    await room.find({ body: "the lamp from Slack, trimmed" });
    await discordShows("the lamp from Slack, trimmed");
    await dave.hear(home, /trimmed/);
    const other = discord.alice.say(discord.channel, "teh oil from Discord");
    await room.find({ body: "teh oil from Discord" });
    await slackShows("teh oil from Discord");
    await dave.hear(home, "<Alice> teh oil from Discord");
    discord.alice.edit(discord.channel, other, "the oil from Discord, refilled");
    await room.find({ body: "the oil from Discord, refilled" });
    await slackShows("the oil from Discord, refilled");
    await dave.hear(home, /refilled/);
    const mine = await room.say("teh matches from Matrix");
    await slackShows("teh matches from Matrix");
    await discordShows("teh matches from Matrix");
    await dave.hear(home, "<ann> teh matches from Matrix");
    await room.edit(mine, "the matches from Matrix, dried");
    await slackShows("the matches from Matrix, dried");
    await discordShows("the matches from Matrix, dried");
    await dave.hear(home, /dried/);
  });

  test("a reaction that begins on any side that has them stands on all of those", async () => {
    const mine = await room.say("react to this");
    const [there, other] = [await slackAt("react to this"), await discordAt("react to this")];
    slack.alice.react(slack.channel, idOf(there), "🎉");
    await room.find((event) => event.type === "m.reaction" && keyOf(event) === "🎉" && target(event) === mine);
    await until(async () => reactions(onDiscord(), other).includes("🎉"), "Slack's on Discord");
    discord.alice.react(discord.channel, idOf(other), "👀");
    await room.find((event) => event.type === "m.reaction" && keyOf(event) === "👀" && target(event) === mine);
    await until(async () => reactions(onSlack(), there).includes("👀"), "Discord's on Slack");
    await room.react(mine, "🔥");
    await until(async () => reactions(onSlack(), there).includes("🔥"), "Matrix's on Slack");
    await until(async () => reactions(onDiscord(), other).includes("🔥"), "Matrix's on Discord");
    slack.alice.react(slack.channel, idOf(there), "🎉", false);
    await until(async () => !reactions(onDiscord(), other).includes("🎉"), "taken back on Discord");
  });

  test("a deletion that begins on Slack or Discord is one everywhere that has them", async () => {
    const there = slack.alice.say(slack.channel, "a slip on Slack");
    const first = await room.find({ body: "a slip on Slack" });
    await discordShows("a slip on Slack");
    slack.alice.delete(slack.channel, there.ts);
    await until(async () => !onDiscord().some(({ text }) => text === "a slip on Slack"), "gone on Discord");
    await until(async () => (await room.event(first.event_id)).content["body"] === undefined, "gone in the room");
    const other = discord.alice.say(discord.channel, "a slip on Discord");
    await room.find({ body: "a slip on Discord" });
    await slackShows("a slip on Discord");
    discord.alice.delete(discord.channel, other);
    await until(async () => !onSlack().some(({ text }) => text === "a slip on Discord"), "gone on Slack");
  });

  test("a file from Discord is a file in the room and on Slack, and the other way round", async () => {
    await room.sendFile(Buffer.from("the plans"), { name: "plans.txt", type: "text/plain" });
    await until(
      async () => onDiscord().some((message) => message.files?.some((file) => file.name === "plans.txt")),
      "the file on Discord",
    ).catch(withEnd(onDiscord));
    await until(async () => onSlack().some((message) => JSON.stringify(message).includes("plans.txt")), "the file on Slack").catch(
      withEnd(onSlack),
    );
  });
});

function answered(event: RoomEvent): string | undefined {
  return (event.content["m.relates_to"] as { "m.in_reply_to"?: { event_id: string } } | undefined)?.["m.in_reply_to"]?.event_id;
}

function keyOf(event: RoomEvent): string | undefined {
  return (event.content["m.relates_to"] as { key?: string } | undefined)?.key;
}

function target(event: RoomEvent): string | undefined {
  return (event.content["m.relates_to"] as { event_id?: string } | undefined)?.event_id;
}

function reactions(all: readonly Standing[], of: Standing): readonly string[] {
  return (all.find(({ id }) => id === of.id)?.reactions ?? []).map(({ emoji }) => emoji);
}

function matches(text: string, wanted: string | RegExp): boolean {
  return typeof wanted === "string" ? text === wanted : wanted.test(text);
}

function withEnd(look: () => readonly object[]): (error: Error) => never {
  return (error) => {
    throw new Error(`${error.message}; there is ${JSON.stringify(look().slice(-3)).slice(0, 1500)}`);
  };
}
