/** The life of the bot's login, and the channels and people that it sees. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { slackConfig } from "../../bridges/slack/config.ts";
import { channelId, SLACK } from "../../bridges/slack/ids.ts";
import { slack } from "../../bridges/slack/index.ts";
import { LoggedOut, Refused } from "../../core/model/errors.ts";
import { loginId } from "../../core/model/ids.ts";
import { QuickClock, TestCore } from "../fakes/test-core.ts";
import { raise } from "./harness.ts";
import { ANNA, bothWays, eventually, listed, live, personId } from "./stage.ts";

bothWays("a token that is taken back ends the login with what to do", async (alive) => {
  alive.stage.fake.revoke(alive.stage.bot);
  assert.match((await alive.state("logged-out")).why ?? "", /revoked on Slack\. .*install the app again/);
  await assert.rejects(alive.say("too late"), LoggedOut);
});

bothWays("an app that is removed from the workspace ends the login with what to do", async (alive) => {
  alive.stage.fake.uninstall(alive.stage.bot);
  assert.match((await alive.state("logged-out")).why ?? "", /removed from the workspace/);
});

test("a token that nobody told us of is noticed by its next use, or within half a minute", async (t) => {
  const alive = await live(t, { speed: 400 });
  alive.stage.bot.revoked = true;
  await alive.state("logged-out");
});

test("a token of another workspace is told by that workspace's name", async (t) => {
  const stage = await raise(new QuickClock(20));
  const config = slackConfig.parse({
    api_url: stage.fake.apiUrl,
    workspaces: { T0WRONG: { bot_token: stage.bot.token, app_token: stage.app.appToken } },
  });
  const core = await TestCore.open({ network: SLACK, login: loginId("T0WRONG") });
  const [login] = slack.logins(config);
  const connection = slack.connect(config, login as never, core);
  t.after(async () => {
    await connection.close();
    await core.close();
    await stage.fake.close();
  });
  const told = await core.until(() => core.states.find(({ is }) => is === "logged-out"), "told");
  assert.ok("why" in told && told.why.includes(`${stage.team.id} (Lantern Keepers), not to T0WRONG`));
});

test("Slack is away at the start: it is told, tried again, and works in the end", async (t) => {
  const alive = await live(t, { wait: false, before: ({ fake }) => fake.down() });
  await alive.state("disconnected");
  alive.stage.fake.up();
  await alive.connected();
  await alive.settled();
});

test("a channel that the bot was put out of unseen is told of; let in again, it goes on", async (t) => {
  const alive = await live(t, { before: ({ channel }) => void (channel.private = true) });
  const { stage } = alive;
  stage.fake.expel(stage.bot, stage.channel, false);
  stage.fake.sockets.cut();
  const gone = await alive.event("channel-gone");
  assert.match(gone.why, /invite/);
  stage.fake.readmit(stage.bot, stage.channel);
  await alive.event("channel-changed", ({ facts }) => facts.archived === false);
  await alive.connected(3);
  assert.equal(alive.count("channel-gone"), 1, "it is told once");
});

test("a channel that the bot is put out of before everybody's eyes is told of at once", async (t) => {
  const alive = await live(t);
  alive.stage.fake.expel(alive.stage.bot, alive.stage.channel);
  assert.match((await alive.event("channel-gone")).why, /invite/);
});

test("two workspaces, each with its own app: each hears its own", async (t) => {
  const one = await live(t);
  const other = await live(t);
  one.stage.alice.say(one.stage.channel, "in the first");
  other.stage.alice.say(other.stage.channel, "in the second");
  await one.said("in the first");
  await other.said("in the second");
  assert.ok(!JSON.stringify(one.core.events).includes("in the second"));
});

test("two workspaces with one app over one socket: each hears its own", async (t) => {
  const stage = await raise(new QuickClock(20));
  const { fake, app, team, bot, channel } = stage;
  const second = fake.addTeam("Oil & Sons");
  const olga = fake.person(second, "olga");
  const theirBot = fake.install(app, second);
  const theirs = fake.channel(second, "oil", [olga, theirBot]);
  const config = slackConfig.parse({
    api_url: fake.apiUrl,
    app: { app_token: app.appToken },
    workspaces: { [team.id]: { bot_token: bot.token }, [second.id]: { bot_token: theirBot.token } },
  });
  const places = [channelId(team.id, channel.id), channelId(second.id, theirs.id)];
  const lives = await Promise.all(
    slack.logins(config).map(async (login) => {
      const core = await TestCore.open({ network: SLACK, login: login.id, links: places });
      return { core, connection: slack.connect(config, login, core) };
    }),
  );
  t.after(async () => {
    for (const { core, connection } of lives) {
      await connection.close();
      await core.close();
      assert.deepEqual(core.breaches, []);
    }
    await fake.close();
  });
  for (const { core } of lives) await core.until(() => core.states.some(({ is }) => is === "connected"), "connected");
  assert.equal(fake.sockets.count(app), 1);
  stage.alice.say(channel, "in the first");
  olga.say(theirs, "in the second");
  for (const [index, { core }] of lives.entries()) {
    const [event] = await core.until(() => core.events.length > 0 && core.events, "an event");
    assert.equal(event?.channel, places[index]);
  }
  assert.deepEqual(
    lives.map(({ core }) => core.events.length),
    [1, 1],
  );
  await lives[0]?.connection.close();
  olga.say(theirs, "still there");
  await lives[1]?.core.until(() => lives[1]?.core.events.length === 2, "the other login goes on");
});

test("a public channel is entered when it is linked, and left when the link ends; a private one is asked for", async (t) => {
  const alive = await live(t);
  const { stage, connection } = alive;
  const open = stage.fake.channel(stage.team, "open", [stage.alice]);
  const closed = stage.fake.channel(stage.team, "closed", [stage.alice], true);
  const id = channelId(stage.team.id, open.id);
  await connection.join(id);
  await connection.join(id);
  assert.ok(open.members.has(stage.bot.user.id));
  await connection.leave(id);
  await connection.leave(id);
  assert.ok(!open.members.has(stage.bot.user.id));
  await assert.rejects(connection.join(channelId(stage.team.id, closed.id)), { name: Refused.name, message: /\/invite/ });
  closed.members.add(stage.bot.user.id);
  await connection.leave(channelId(stage.team.id, closed.id));
  assert.ok(closed.members.has(stage.bot.user.id), "nobody would let us back");
});

test("a channel is described as it is", async (t) => {
  const alive = await live(t);
  const { stage, connection, place } = alive;
  stage.channel.topic = "Oil &amp; lamps for <@" + stage.alice.user.id + ">";
  const seen = await connection.channel(place);
  assert.deepEqual([seen?.name, seen?.kind, seen?.visibility, seen?.archived], ["plaza", "channel", "public", false]);
  assert.match(seen?.topic ?? "", /^Oil & lamps for @?/);
  assert.deepEqual(
    seen?.spaces.map(({ id }) => id),
    [stage.team.id],
  );
  stage.channel.topic = "";
  stage.channel.purpose = "Where we meet";
  assert.equal((await connection.channel(place))?.topic, "Where we meet");
  stage.channel.private = true;
  assert.equal((await connection.channel(place))?.visibility, "private");
  assert.equal(await connection.channel(channelId(stage.team.id, "C0NOWHERE")), undefined);
  assert.equal(await connection.channel(channelId("T0OTHER", stage.channel.id)), undefined);
});

test("all channels that the bot may see are listed, page by page", async (t) => {
  const alive = await live(t);
  const { stage, connection } = alive;
  for (let index = 0; index < 450; index++) stage.fake.channel(stage.team, `hall-${index}`, []);
  stage.fake.channel(stage.team, "hidden", [stage.alice], true);
  const seen = await listed(connection.channels());
  assert.equal(seen.length, 452);
  assert.ok(!seen.some(({ name }) => name === "hidden"));
});

test("a workspace of thousands is never listed at the start; a channel's people are, when somebody asks", async (t) => {
  const alive = await live(t, {
    before: ({ fake, team, channel }) => {
      for (let index = 0; index < 3000; index++) {
        const { user } = fake.person(team, `keeper ${index}`);
        if (index % 10 === 0) channel.members.add(user.id);
      }
    },
  });
  const { fake } = alive.stage;
  assert.equal(fake.faults.count("users.list"), 0);
  const { people, complete } = await alive.connection.members(alive.place);
  assert.ok(complete);
  assert.equal(people.length, 304);
  assert.ok(
    people.some(({ ours }) => ours),
    "the bot among them, as ours",
  );
});

test("a person is found by name, id and mention; of two with one name neither", async (t) => {
  const alive = await live(t);
  const { stage, connection } = alive;
  const { id } = stage.alice.user;
  for (const text of ["Alice", "@alice", " ALICE ", id, `<@${id}>`, `<@${id}|alice>`])
    assert.equal((await connection.resolve(text))?.id, personId(stage.team.id, id), text);
  assert.equal(await connection.resolve("Nobody"), undefined);
  stage.fake.person(stage.team, "Alice");
  assert.equal(await connection.resolve("Alice"), undefined);
  stage.fake.person(stage.team, "Gone").user.deleted = true;
  assert.equal(await connection.resolve("Gone"), undefined);
});

test("the bot invites whom it is asked to, and removes nobody", async (t) => {
  const alive = await live(t);
  const { stage, connection, place: channel } = alive;
  const carol = stage.fake.person(stage.team, "carol");
  const person = personId(stage.team.id, carol.user.id);
  await connection.act({ kind: "invite", channel, person, by: ANNA });
  await connection.act({ kind: "invite", channel, person, by: ANNA });
  assert.ok(stage.channel.members.has(carol.user.id));
  await assert.rejects(connection.act({ kind: "kick", channel, person, by: ANNA }), Refused);
  await assert.rejects(connection.act({ kind: "ban", channel, person, by: ANNA }), Refused);
  await assert.rejects(connection.act({ kind: "direct", person }), Refused);
});

test("what the app may not do is known before it is tried", async (t) => {
  const alive = await live(t, {
    before: ({ bot }) => {
      for (const scope of ["reactions:write", "emoji:read", "usergroups:read"]) bot.scopes.delete(scope);
    },
  });
  assert.equal(alive.connection.capabilities(alive.place).react, "refused");
  await alive.settled();
  await eventually(() => alive.core.logged.some((line) => line.includes("usergroups:read")), "the log names what is missing");
});

test("a token of before, revoked after the app was installed again, ends nothing", async (t) => {
  const alive = await live(t);
  const { fake, bot } = alive.stage;
  const tokens = { oauth: [], bot: [bot.user.id] };
  fake.delivery.tellApp(bot.app, bot.team, { type: "tokens_revoked", tokens, event_ts: fake.state.newTs() });
  fake.delivery.tellApp(bot.app, bot.team, { type: "app_uninstalled", event_ts: fake.state.newTs() });
  await alive.settled();
  await alive.settled();
  assert.ok(alive.core.states.every(({ is }) => is !== "logged-out"));
});

test("a token that is good for a whole organisation is told the workspace wherever Slack wants to know", async (t) => {
  const stage = await raise(new QuickClock(20));
  const everywhere = stage.fake.installEverywhere(stage.app, stage.team);
  stage.channel.members.add(everywhere.user.id);
  const { app, team, channel } = stage;
  const config = slackConfig.parse({
    api_url: stage.fake.apiUrl,
    workspaces: { [team.id]: { bot_token: everywhere.token, app_token: app.appToken } },
  });
  const core = await TestCore.open({ network: SLACK, login: loginId(team.id), links: [channelId(team.id, channel.id)] });
  const connection = slack.connect(config, slack.logins(config)[0] as never, core);
  t.after(async () => {
    await connection.close();
    await core.close();
    await stage.fake.close();
  });
  await core.until(() => core.states.some(({ is }) => is === "connected"), "connected");
  assert.deepEqual((await listed(connection.channels())).map(({ name }) => name).sort(), ["market", "plaza"]);
  assert.ok(await connection.resolve("Alice"));
  stage.alice.say(channel, "heard");
  await core.until(() => core.events.some(({ kind }) => kind === "message"), "heard");
});

test("where the config wants it, it is asked who of those who spoke is there", async (t) => {
  const alive = await live(t, { speed: 600, workspace: { presences: true } });
  const { stage } = alive;
  stage.alice.user.active = true;
  stage.alice.say(stage.channel, "here I am");
  const told = await alive.event("presence", ({ people }) => people.some(({ is }) => is === "here"));
  assert.deepEqual(told.people[0], { person: personId(stage.team.id, stage.alice.user.id), is: "here" });
  stage.alice.user.active = false;
  await alive.event("presence", ({ people }) => people.some(({ is }) => is === "away"));
});

test("no token is ever logged", async (t) => {
  const alive = await live(t);
  const { bot, app, fake } = alive.stage;
  fake.faults.plan("chat.postMessage", { kind: "lose-request" });
  await alive.say("one").catch(() => undefined);
  fake.sockets.cut();
  await alive.connected(2);
  fake.revoke(bot);
  await alive.state("logged-out");
  const logged = alive.core.logged.join("\n");
  for (const secret of [bot.token, app.appToken, app.signingSecret]) assert.ok(!logged.includes(secret));
});
