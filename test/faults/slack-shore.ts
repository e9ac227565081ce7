/** A channel of the pretended Slack. */
import type { FakeSlack } from "../fakes/slack.ts";
import type { Person } from "../fakes/slack/people.ts";
import type { App, Channel, Grant, Team } from "../fakes/slack/state.ts";
import { standingIn } from "../slack/harness.ts";
import type { Shore, Trouble } from "./shore.ts";

export interface Workspace {
  readonly fake: FakeSlack;
  readonly team: Team;
  readonly app: App;
  readonly bot: Grant;
  readonly people: ReadonlyMap<string, Person>;
  readonly channel: Channel;
}

export function workspace(fake: FakeSlack, name: string): Workspace {
  const team = fake.addTeam(name);
  const app = fake.addApp();
  const bot = fake.install(app, team);
  const people = new Map(["Sally", "Sven"].map((each) => [each, fake.person(team, each)]));
  return { fake, team, app, bot, people, channel: fake.channel(team, "plaza", [...people.values(), bot]) };
}

export function slackShore(place: Workspace): Shore {
  const { channel, people, fake, team } = place;
  const person = (name: string): Person => people.get(name) as Person;
  const nameOf = new Map([...people].map(([name, each]) => [each.user.id, name]));
  return {
    side: "slack",
    people: [...people.keys()],
    async say(name, { text, replyTo, thread, file }) {
      if (file) return person(name).upload(channel, { name: file.name, mimetype: "text/plain", bytes: file.bytes }).ts;
      const said = thread !== undefined ? { thread } : replyTo !== undefined ? { thread: replyTo, broadcast: true } : {};
      return person(name).say(channel, text, said).ts;
    },
    edit: async (name, id, text) => person(name).edit(channel, id, text),
    remove: async (name, id) => person(name).delete(channel, id),
    react: async (name, id, emoji, on) => person(name).react(channel, id, emoji, on),
    standing() {
      const stored = new Map(channel.messages.map((message) => [message.ts, message]));
      return standingIn({ fake, team } as Parameters<typeof standingIn>[0], channel).map(({ id, text, files, reactions }) => ({
        id: id ?? "",
        by: nameOf.get(stored.get(id ?? "")?.user ?? ""),
        text,
        files: files ?? [],
        reactions: countsOf((reactions ?? []).map(({ emoji }) => emoji)),
      }));
    },
  };
}

export function countsOf(emoji: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  // Whether it asks for its coloured form makes no other emoji of it.
  for (const each of emoji.map((one) => one.replaceAll("\u{fe0f}", ""))) counts.set(each, (counts.get(each) ?? 0) + 1);
  return counts;
}

const EFFECTS = new Set([
  "chat.postMessage",
  "chat.update",
  "chat.delete",
  "reactions.add",
  "reactions.remove",
  "files.completeUploadExternal",
]);

export function slackTrouble(fake: FakeSlack): Trouble {
  return {
    trap(held) {
      const trap = { methods: EFFECTS, held };
      fake.faults.trap = trap;
      return () => {
        if (fake.faults.trap === trap) fake.faults.trap = undefined;
      };
    },
    down: () => fake.down(),
    up: () => fake.up(),
  };
}
