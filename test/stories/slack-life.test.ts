/** What happens to a workspace's app and its channels: downtimes, tokens, installations, privacy, other programs. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { BOT_SCOPES } from "../../bridges/slack/scopes.ts";
import type { Person } from "../fakes/slack/people.ts";
import type { Channel, Grant, Team } from "../fakes/slack/state.ts";
import type { MatrixRoom } from "../matrix-room.ts";
import { BOT, openSlackTown, relation, type SlackTown } from "./slack-town.ts";
import { until } from "./town.ts";

async function bodies(room: MatrixRoom, pattern: RegExp): Promise<string[]> {
  const all = (await room.timeline()).filter((event) => event.type === "m.room.message" && event.sender !== BOT);
  return all.map((event) => String(event.content["body"])).filter((body) => pattern.test(body));
}

async function chatter(town: SlackTown, count: number, meanwhile: (index: number) => void): Promise<void> {
  for (let index = 0; index < count; index++) {
    town.alice.say(town.channel, `lamp ${String(index).padStart(3, "0")}`);
    meanwhile(index);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

const lamps = (count: number) => Array.from({ length: count }, (_, index) => `lamp ${String(index).padStart(3, "0")}`);

describe("Slack's lines under load", () => {
  test("connections are renewed under load: everything comes, and once", async (t) => {
    const town = await openSlackTown();
    t.after(() => town.close());
    await chatter(town, 90, (index) => {
      if (index === 20 || index === 60) town.fake.sockets.refresh(index === 20 ? "warning" : "refresh_requested", 10_000);
    });
    for (const text of lamps(90)) await town.room.find({ body: text });
    // What found no open line comes a second later: what was said after it has gone by then.
    assert.deepEqual((await bodies(town.room, /^lamp/)).sort(), lamps(90));
  });

  test("a connection breaks under load: what Slack sends again and what is fetched from the history makes the whole, once", async (t) => {
    const town = await openSlackTown();
    t.after(() => town.close());
    await chatter(town, 90, (index) => {
      if (index === 40) town.fake.sockets.cut();
    });
    for (const text of lamps(90)) await town.room.find({ body: text });
    assert.deepEqual((await bodies(town.room, /^lamp/)).sort(), lamps(90));
  });

  test("over HTTP, what was not answered comes again and is shown once", async (t) => {
    const town = await openSlackTown({ way: "http" });
    t.after(() => town.close());
    await chatter(town, 40, (index) => {
      if (index % 5 === 0) town.fake.delivery.repeat();
    });
    await town.room.find({ body: "lamp 039" });
    await town.fake.delivery.settled();
    // What comes again overtakes what waits in line: over HTTP Slack promises no order.
    assert.deepEqual((await bodies(town.room, /^lamp/)).sort(), lamps(40));
  });

  test("Slack limits and fails what we send: everything arrives, once and in order", async (t) => {
    const town = await openSlackTown();
    t.after(() => town.close());
    for (const fault of [
      { kind: "limit", seconds: 2 },
      { kind: "lose-reply" },
      { kind: "status", status: 503 },
      { kind: "lose-request" },
      { kind: "error", code: "internal_error" },
    ] as const)
      town.fake.faults.plan("chat.postMessage", fault);
    for (const text of lamps(12)) await town.room.say(text);
    await town.shows("lamp 011");
    assert.deepEqual(
      town.texts().filter((text) => text.startsWith("lamp")),
      lamps(12),
    );
  });
});

for (const way of ["socket", "http"] as const)
  test(`the bridge was away: what was said, answered, edited, deleted and reacted to meanwhile is there afterwards (${way})`, async (t) => {
    const town = await openSlackTown({ way });
    t.after(() => town.close());
    const before = town.alice.say(town.channel, "before");
    const gone = town.alice.say(town.channel, "to be deleted");
    const changed = town.alice.say(town.channel, "to be edited");
    const root = await town.room.find({ body: "before" });
    await town.room.find({ body: "to be edited" });
    await town.stopBridge();
    const said = town.bob.say(town.channel, "while you were away");
    town.bob.say(town.channel, "in an old thread", { thread: before.ts });
    town.alice.edit(town.channel, changed.ts, "edited meanwhile");
    town.alice.delete(town.channel, gone.ts);
    town.bob.react(town.channel, before.ts, "🎉");
    await town.room.say("said meanwhile on Matrix");
    await town.startBridge();
    town.alice.say(town.channel, "live again");
    const late = await town.room.find({ body: "while you were away" });
    assert.equal(Math.floor(late.origin_server_ts / 1000), Math.floor(Number(said.ts)));
    assert.equal(relation(await town.room.find({ body: "in an old thread" })).event_id, root.event_id);
    await town.room.find({ body: "edited meanwhile" });
    await town.room.find({ type: "m.room.redaction" });
    await town.room.find({ type: "m.reaction", sender: town.ghost(town.bob) });
    await town.shows("said meanwhile on Matrix");
    await town.room.find({ body: "live again" });
    for (const text of ["while you were away", "in an old thread", "live again"])
      assert.equal((await bodies(town.room, new RegExp(`^${text}$`))).length, 1, text);
  });

describe("Two workspaces", () => {
  let town: SlackTown;
  let second: Team;
  let olga: Person;
  let theirs: Channel;
  let oil: MatrixRoom;
  before(async () => {
    town = await openSlackTown({
      prepare({ fake }) {
        const app = fake.addApp("Causeway at Oil & Sons");
        second = fake.addTeam("Oil & Sons");
        olga = fake.person(second, "Olga");
        const bot = fake.install(app, second);
        theirs = fake.channel(second, "oil", [olga, bot]);
        return { [second.id]: { bot_token: bot.token, app_token: app.appToken } };
      },
    });
    oil = await town.link(town.ann, second, theirs);
  });
  after(() => town.close());

  test("each has its own rooms and ghosts; nothing of one is seen in the other", async () => {
    olga.say(theirs, "in the second");
    town.alice.say(town.channel, "in the first");
    assert.equal((await oil.next({ body: "in the second" })).sender, town.ghost(olga, second));
    assert.equal((await town.room.next({ body: "in the first" })).sender, town.ghost(town.alice));
    await oil.say("to the second");
    await town.shows("to the second", theirs);
    await town.room.say("to the first");
    await town.shows("to the first");
    assert.ok(!town.texts().includes("to the second"));
    assert.equal((await bodies(town.room, /second/)).length, 0);
  });

  test("one of them is away: the other goes on", async () => {
    const bot = [...town.fake.state.grants.values()].find(({ team, bot: of }) => team === second && of !== undefined) as Grant;
    bot.revoked = true;
    await oil.say("waits");
    await town.room.say("does not wait");
    await town.shows("does not wait");
    assert.ok(!town.texts(theirs).includes("waits"));
    bot.revoked = false;
  });

  test("a signed-in person of one workspace is relayed in the other", async () => {
    await town.signIn(town.ann, town.mira);
    await town.room.say("as myself here");
    assert.equal((await town.shows("as myself here")).user, town.mira.user.id);
  });
});

describe("Tokens and installations", () => {
  for (const order of ["tokens_revoked first", "app_uninstalled first"] as const)
    test(`the app is removed and installed again, ${order}: it is told, what waits is kept, and all links go on`, async (t) => {
      const town = await openSlackTown({ installedByBrowser: true });
      t.after(() => town.close());
      town.alice.say(town.channel, "before");
      await town.room.next({ body: "before" });
      const standing = [...town.fake.state.grants.values()].filter(({ bot, revoked }) => bot !== undefined && !revoked);
      for (const grant of standing) grant.revoked = true;
      const at = town.fake.state.newTs();
      const events = [
        { type: "tokens_revoked", tokens: { oauth: [], bot: [town.bot.user.id] }, event_ts: at },
        { type: "app_uninstalled", event_ts: at },
      ];
      for (const event of order === "tokens_revoked first" ? events : events.toReversed())
        town.fake.delivery.tellApp(town.app, town.team, event);
      await until(async () => {
        const answer = await town.asks(town.room, "!causeway status", /^slack/);
        return /is logged out: (?:This token has been revoked|The app was removed)/.test(String(answer.content["body"]));
      }, "it is told");
      await town.room.say("kept meanwhile");
      town.alice.say(town.channel, "said meanwhile");
      await town.install();
      await town.shows("kept meanwhile");
      await town.room.find({ body: "said meanwhile" });
      town.alice.say(town.channel, "and live");
      await town.room.find({ body: "and live" });
    });

  test("whoever installed the app signs out: the app goes on", async (t) => {
    const town = await openSlackTown();
    t.after(() => town.close());
    await town.signIn(town.ann, town.mira);
    const chat = await town.chat();
    await town.asks(chat, "!causeway logout slack", /^Signed out/);
    const tokens = { oauth: [town.mira.user.id], bot: [] };
    town.fake.delivery.tellApp(town.app, town.team, { type: "tokens_revoked", tokens, event_ts: town.fake.state.newTs() });
    await town.room.say("the app speaks");
    assert.equal((await town.shows("the app speaks")).username, "ann");
    town.alice.say(town.channel, "and hears");
    await town.room.next({ body: "and hears" });
  });

  test("a logged-out app, and a second program with its token, are told to the admins", async (t) => {
    const town = await openSlackTown({ adminRoom: true, prepare: ({ fake }) => void (fake.sockets.strangers = 1) });
    t.after(() => town.close());
    await town.admins.find({ sender: BOT, body: /Another program is connected with this Slack app's token/ });
    await town.room.find({ sender: BOT, body: /Another program is connected with this Slack app's token/ });
    town.fake.revoke(town.bot);
    await town.admins.find({ sender: BOT, body: /is logged out, and nothing crosses there: ./ });
    await town.room.find({ sender: BOT, body: /^Nothing crosses any more: ./ });
  });

  test("without the permission for names, the name stands before the text, and the channel hears once what to add", async (t) => {
    const scopes = BOT_SCOPES.map(({ name }) => name).filter((name) => name !== "chat:write.customize");
    const town = await openSlackTown({
      prepare({ bot }) {
        bot.scopes.clear();
        for (const scope of scopes) bot.scopes.add(scope);
      },
    });
    t.after(() => town.close());
    await town.room.find({ sender: BOT, body: /lacks the permission "chat:write\.customize".*install the app again/s });
    await town.room.say("who says so?");
    await town.shows("ann: who says so?");
  });
});

describe("What becomes of a channel", () => {
  let town: SlackTown;
  before(async () => {
    town = await openSlackTown();
  });
  after(() => town.close());

  test("the bot is put out of a private channel unseen: it is found, told, and what is written waits until it is let in again", async () => {
    const cellar = town.fake.channel(town.team, "cellar", [town.alice, town.bot], true);
    const room = await town.link(town.ann, town.team, cellar);
    town.alice.say(cellar, "down here");
    await room.next({ body: "down here" });
    town.fake.expel(town.bot, cellar, false);
    await room.say("still there?");
    const told = await room.next({ sender: BOT, body: /\/invite/ });
    assert.match(String(told.content["body"]), /not in the channel/);
    town.alice.say(cellar, "said meanwhile");
    town.fake.readmit(town.bot, cellar);
    await town.shows("still there?", cellar);
    await room.find({ body: "said meanwhile" });
  });

  test("still out after a restart, it is not told again; let in again while the bridge is away, it goes on", async () => {
    const attic = town.fake.channel(town.team, "attic", [town.alice, town.bot], true);
    const room = await town.link(town.ann, town.team, attic);
    town.fake.expel(town.bot, attic, false);
    await room.say("waiting up here");
    await room.next({ sender: BOT, body: /\/invite/ });
    await town.stopBridge();
    await town.startBridge();
    await town.room.say("started");
    await town.shows("started");
    await town.stopBridge();
    town.fake.readmit(town.bot, attic);
    town.alice.say(attic, "come in");
    await town.startBridge();
    await town.shows("waiting up here", attic);
    await room.find({ body: "come in" });
    const told = (await room.timeline()).filter(({ sender, content }) => sender === BOT && /\/invite/.test(String(content["body"])));
    assert.ok(told.length <= 2, "what waits, and that the channel is out of reach");
  });

  test("a channel turns private: its room is closed before anything more crosses; public again, it stays as it is", async () => {
    const hall = town.fake.channel(town.team, "hall", [town.alice, town.bot]);
    const room = await town.ann.createRoom({ preset: "public_chat", power_level_content_override: { users: { [BOT]: 100 } } });
    await room.invite(BOT);
    await room.next({ sender: BOT, body: /^I am the bridge/ });
    await town.asks(room, `!causeway link slack ${town.team.id} ${hall.id}`, /now linked/);
    town.alice.say(hall, "everybody may read this");
    await room.next({ body: "everybody may read this" });
    town.alice.makePrivate(hall);
    town.alice.say(hall, "members only");
    const rule = await room.next({ type: "m.room.join_rules" });
    assert.equal(rule.content["join_rule"], "invite");
    const secret = await room.next({ body: "members only" });
    const order = (await room.timeline()).map(({ event_id }) => event_id);
    assert.ok(order.indexOf(rule.event_id) < order.indexOf(secret.event_id));
    town.alice.makePrivate(hall, false);
    town.alice.say(hall, "public again");
    await room.next({ body: "public again" });
    assert.equal((await room.state("m.room.join_rules"))["join_rule"], "invite", "opening a room is nobody's by accident");
  });

  test("a private channel never comes into a room that anybody may enter", async () => {
    const vault = town.fake.channel(town.team, "vault", [town.alice, town.bot], true);
    const room = await town.ann.createRoom({ preset: "public_chat" });
    await room.invite(BOT);
    await room.next({ sender: BOT, body: /^I am the bridge/ });
    await room.say(`!causeway link slack ${town.team.id} ${vault.id}`);
    await room.next({ sender: BOT });
    town.alice.say(vault, "the combination");
    town.alice.say(town.channel, "something else");
    await town.room.find({ body: "something else" });
    assert.equal((await bodies(room, /combination/)).length, 0);
  });

  test("archived, it is told, and what is written then is answered in a sentence; unarchived, it goes on", async () => {
    const shed = town.fake.channel(town.team, "shed", [town.alice, town.bot]);
    const room = await town.link(town.ann, town.team, shed);
    town.alice.archive(shed);
    await room.next({ sender: BOT, body: /archived/ });
    await room.say("anyone?");
    await room.next({ sender: BOT, body: /the channel is archived/ });
    town.alice.archive(shed, false);
    await room.say("open again");
    await town.shows("open again", shed);
  });

  test("a channel gets another id: it goes on under the new one", async () => {
    const quay = town.fake.channel(town.team, "quay", [town.alice, town.bot]);
    const room = await town.link(town.ann, town.team, quay);
    town.fake.changeId(town.team, quay);
    town.alice.say(quay, "shared with others now");
    await room.next({ body: "shared with others now" });
    await room.say("good");
    await town.shows("good", quay);
  });
});
