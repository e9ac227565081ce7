/** Slack on a real Synapse: people under their own Matrix name, by the second registration and by a token, both ways. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createClock } from "../../core/clock.ts";
import { ask } from "../matrix-client.ts";
import type { MatrixUser } from "../matrix-client.ts";
import type { MatrixRoom } from "../matrix-room.ts";
import { raise, type Stage, standingIn } from "../slack/harness.ts";
import { until } from "../stories/town.ts";
import { openWorld, type World } from "../world.ts";
import { runVerb } from "../world-bridge.ts";
import { startSynapse } from "./synapse.ts";

const WITHIN = 20_000;

/** Synapse, knowing the bridge and the registration by which it acts as everybody. */
async function synapse(registration: string) {
  const folder = dirname(registration);
  const files = {
    folder,
    config: join(folder, "config.yaml"),
    log: join(folder, "verbs.log"),
    clockSpeed: undefined,
    env: {},
    launcher: undefined,
  };
  await runVerb(files, "registration", "--double-puppets");
  return await startSynapse({ services: [registration, join(folder, "puppets.yaml")] });
}

for (const way of ["by the second registration", "by a token of their own"] as const)
  describe(`Double puppets on a real Synapse, ${way}`, () => {
    let slack: Stage;
    let world: World;
    let ann: MatrixUser;
    let room: MatrixRoom;
    let chat: MatrixRoom;
    const texts = () => standingIn(slack, slack.channel).map(({ text }) => text.trim());
    const answer = async (words: string, pattern: RegExp) => {
      await chat.say(words);
      return await chat.next({ sender: world.bot, body: pattern }, WITHIN);
    };

    before(async () => {
      slack = await raise(createClock({ speed: 1, since: Date.now() }));
      const byRegistration = way === "by the second registration";
      world = await openWorld({
        startHomeserver: byRegistration ? synapse : "synapse",
        config: {
          ...(byRegistration ? { appservice: { double_puppets: "puppets.yaml" } } : {}),
          slack: {
            api_url: slack.fake.apiUrl,
            workspaces: { [slack.team.id]: { bot_token: slack.bot.token, app_token: slack.app.appToken } },
          },
        },
      });
      await world.start();
      ann = await world.hs.user("ann");
      room = await ann.createRoom({ preset: "private_chat", power_level_content_override: { users: { [world.bot]: 50 } } });
      await room.invite(world.bot);
      await room.next({ sender: world.bot, body: /I am the bridge/ }, WITHIN);
      await room.say(`!causeway link slack ${slack.team.id} ${slack.channel.id}`);
      await room.next({ sender: world.bot, body: /now linked/ }, WITHIN);
      chat = await ann.createRoom({ preset: "trusted_private_chat", is_direct: true, invite: [world.bot] });
      await chat.next({ sender: world.bot, body: /!causeway link/ }, WITHIN);
      await answer("!causeway login slack token", /Token\?$/);
      await chat.say(slack.miras.token);
      await chat.next({ sender: world.bot, body: /^Signed in on Slack/ }, WITHIN);
      if (byRegistration) return;
      await answer("!causeway login matrix", /Access token\?$/);
      const identifier = { type: "m.id.user", user: ann.id };
      const body = { type: "m.login.password", identifier, password: "ann has a password" };
      const session = await ask(world.hs.url, "POST", "/_matrix/client/v3/login", { body });
      await chat.say(String(session["access_token"]));
      await chat.next({ sender: world.bot, body: /under your own name from now on/ }, WITHIN);
    });
    after(async () => {
      await world?.close();
      await slack?.fake.close();
    });

    test("what they write, edit, react and delete on Slack itself is theirs in the room, once, and does not go back", async () => {
      const message = slack.mira.say(slack.channel, "from my phone");
      const event = await room.next({ body: "from my phone" }, WITHIN);
      assert.equal(event.sender, ann.id);
      slack.mira.edit(slack.channel, message.ts, "from my other phone");
      const edit = await room.next({ body: "from my other phone" }, WITHIN);
      assert.equal(edit.sender, ann.id);
      const theirs = slack.alice.say(slack.channel, "like this");
      await room.next({ body: "like this" }, WITHIN);
      slack.mira.react(slack.channel, theirs.ts, "🎉");
      assert.equal((await room.next({ type: "m.reaction" }, WITHIN)).sender, ann.id);
      slack.mira.delete(slack.channel, message.ts);
      assert.equal((await room.next({ type: "m.room.redaction" }, WITHIN)).sender, ann.id);
      await room.say("the end");
      await until(async () => texts().includes("the end"), "the end", WITHIN);
      assert.deepEqual(
        texts().filter((text) => text.startsWith("from my")),
        [],
      );
      assert.equal(slack.channel.messages.filter(({ user }) => user === slack.mira.user.id).length, 1, "the end alone");
    });

    test("what they write on Matrix is theirs on Slack, and comes back to nobody", async () => {
      const id = await room.say("typed on Matrix");
      await until(async () => texts().includes("typed on Matrix"), "the message", WITHIN);
      const there = slack.channel.messages.find(({ text }) => text === "typed on Matrix");
      assert.equal(there?.user, slack.mira.user.id);
      slack.bob.say(slack.channel, "in its thread", { thread: String(there?.ts) });
      const reply = await room.next({ body: "in its thread" }, WITHIN);
      assert.equal((reply.content["m.relates_to"] as { event_id?: string }).event_id, id);
      assert.equal((await room.timeline()).filter((event) => event.content["body"] === "typed on Matrix").length, 1);
    });

    test("killed and started again, they are still themselves", async () => {
      await world.restart();
      slack.mira.say(slack.channel, "after the kill");
      assert.equal((await room.next({ body: "after the kill" }, WITHIN)).sender, ann.id);
      await room.say("and back");
      await until(async () => texts().includes("and back"), "and back", WITHIN);
    });
  });
