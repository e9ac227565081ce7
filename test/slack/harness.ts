/** Slack put to the proof: people on the pretended Slack, what they see there, and its faults. */
import { emojiOf } from "../../bridges/slack/emoji.ts";
import { type SlackConfig, slackConfig } from "../../bridges/slack/config.ts";
import { channelId, messageId, ownLoginId, personId } from "../../bridges/slack/ids.ts";
import { PAGE } from "../../bridges/slack/history.ts";
import { slack } from "../../bridges/slack/index.ts";
import { blocksLength } from "../../bridges/slack/to-slack.ts";
import type { SayWire } from "../../bridges/slack/wire.ts";
import type { Clock, Network } from "../../core/network.ts";
import { loginId, type RemoteChannelId, remoteChannelId, remoteThreadId, remoteUserId } from "../../core/model/ids.ts";
import type { Harness, Scene, Someone, Standing } from "../conformance/harness.ts";
import { FakeSlack } from "../fakes/slack.ts";
import type { Person } from "../fakes/slack/people.ts";
import { shownText } from "../fakes/slack/shown.ts";
import type { App, Channel, Grant, Stored, Team } from "../fakes/slack/state.ts";
import { QuickClock } from "../fakes/test-core.ts";

export type Way = "socket" | "http";

const SPEED = 20;

export interface Stage {
  readonly fake: FakeSlack;
  readonly team: Team;
  readonly app: App;
  readonly bot: Grant;
  readonly alice: Person;
  readonly bob: Person;
  readonly mira: Person;
  readonly miras: Grant;
  readonly channel: Channel;
  readonly other: Channel;
}

/** A workspace with an app in it, three people and two channels. */
export async function raise(clock: Clock): Promise<Stage> {
  const fake = await FakeSlack.start(clock);
  const team = fake.addTeam("Lantern Keepers");
  const app = fake.addApp();
  const bot = fake.install(app, team);
  const [alice, bob, mira] = ["Alice", "Bob", "mira_l"].map((name) => fake.person(team, name)) as [Person, Person, Person];
  const miras = fake.signIn(app, mira);
  const everybody = [alice, bob, mira, bot];
  return {
    fake,
    team,
    app,
    bot,
    alice,
    bob,
    mira,
    miras,
    channel: fake.channel(team, "plaza", everybody),
    other: fake.channel(team, "market", everybody),
  };
}

export function configOf({ fake, team, app, bot }: Stage, way: Way): SlackConfig {
  const events = way === "socket" ? { app_token: app.appToken } : { signing_secret: app.signingSecret };
  return slackConfig.parse({ api_url: fake.apiUrl, workspaces: { [team.id]: { bot_token: bot.token, ...events } } });
}

/** Over HTTP Slack has to be told where we listen: an admin does that once, when the app is made. */
const stages = new WeakMap<SlackConfig, Stage>();

function networkOver(way: Way): Network<SlackConfig> {
  if (way === "socket") return slack;
  return {
    ...slack,
    connect(config, login, core) {
      const stage = stages.get(config);
      const at = core.publicUrl;
      if (stage && at !== undefined)
        stage.app.urls = { events: `${at}/events`, interactivity: `${at}/interactivity`, commands: `${at}/commands` };
      return slack.connect(config, login, core);
    },
  };
}

export function slackHarness(way: Way): Harness<SlackConfig> {
  return {
    network: networkOver(way),
    variant: way === "socket" ? "over Socket Mode" : "over HTTP",
    samples: {
      people: [
        "T024BE7LD/U2147483697",
        "T024BE7LD/W012A3CDE",
        "T024BE7LD/B0QR12",
        "T024BE7LD/B0QR12.ABCDEFGHI2",
        "E12/U1",
        "T1/USLACKBOT",
      ].map(remoteUserId),
      channels: ["T024BE7LD/C024BE91L", "T024BE7LD/G012AC86C", "T024BE7LD/D024BFF1M", "E12/C1"].map(remoteChannelId),
      written: [
        [["T024BE7LD", "C024BE91L"], remoteChannelId("T024BE7LD/C024BE91L")],
        [["T024BE7LD/C024BE91L"], remoteChannelId("T024BE7LD/C024BE91L")],
        [["https://app.slack.com/client/T024BE7LD/C024BE91L"], remoteChannelId("T024BE7LD/C024BE91L")],
      ],
      nonsense: [["#general"], ["T024BE7LD"], ["T024BE7LD", "general"], ["t024be7ld/c024be91l"]],
    },
    measure: ({ wire }) => lengthOf(wire as SayWire),
    keyed: false,
    page: PAGE,
    speed: SPEED,
    open: () => openScene(way),
  };
}

function lengthOf(wire: SayWire): number {
  return wire.kind === "post" ? blocksLength(wire.blocks) : wire.comment.length;
}

async function openScene(way: Way): Promise<Scene<SlackConfig>> {
  const stage = await raise(new QuickClock(SPEED));
  const { fake, team, bot, mira, miras } = stage;
  const config = configOf(stage, way);
  stages.set(config, stage);
  const [channel, other] = [channelId(team.id, stage.channel.id), channelId(team.id, stage.other.id)];
  const find = (id: RemoteChannelId): Channel => team.channels.get(id.split("/")[1] as string) as Channel;
  return {
    config,
    login: { id: loginId(team.id), name: "Lantern Keepers", secrets: { token: bot.token } },
    own: { id: ownLoginId(team.id, mira.user.id), name: "mira_l", owner: "@mira:example.org", secrets: { token: miras.token } },
    channel,
    other,
    alice: someone(stage, stage.alice, find, channel),
    bob: someone(stage, stage.bob, find, channel),
    secrets: [bot.token, miras.token, stage.app.appToken, stage.app.signingSecret],
    standing: async (id) =>
      find(id)
        .messages.filter(isSeen)
        .map((message) => standing(stage, message)),
    shown: async (id) => ({ topic: find(id).topic, name: find(id).name }),
    answers: async () => [...fake.answers.map(({ text }) => String(text)), ...fake.ephemerals.map(({ text }) => text)],
    faults: faults(stage, way),
    close: () => fake.close(),
  };
}

/** What people see in a channel, oldest first. */
export function standingIn(stage: Stage, channel: Channel): Standing[] {
  return channel.messages.filter(isSeen).map((message) => standing(stage, message));
}

function isSeen({ subtype }: Stored): boolean {
  return !["tombstone", "channel_join", "channel_leave", "channel_topic", "channel_name"].includes(subtype ?? "");
}

function someone(stage: Stage, person: Person, find: (id: RemoteChannelId) => Channel, home: RemoteChannelId): Someone {
  const { team, fake, app } = stage;
  const here = find(home);
  return {
    id: personId(team.id, person.user.id),
    name: person.user.profile.display_name,
    say: async (text, { channel = home, replyTo, threadOf } = {}) => {
      // An answer to a message is what Slack calls a reply that is also sent to the channel.
      const said =
        replyTo === undefined ? { ...(threadOf === undefined ? {} : { thread: threadOf }) } : { thread: replyTo, broadcast: true };
      return messageId(person.say(find(channel), text, said).ts);
    },
    edit: async (id, text) => person.edit(here, id, text),
    delete: async (id) => person.delete(here, id),
    react: async (id, emoji) => person.react(here, id, emoji),
    unreact: async (id, emoji) => person.react(here, id, emoji, false),
    upload: async (file, text = "") => messageId(person.upload(here, file, text).ts),
    pin: async (id) => person.pin(here, id),
    topic: async (text) => person.topic(here, text),
    rename: async (name) => person.rename(name),
    leave: async () => person.leave(here),
    join: async () => person.join(here),
    command: async (words) => fake.slash(app, person, here, words),
  };
}

function standing({ team, fake }: Stage, message: Stored): Standing {
  const { text, everyone, users } = shownText(message);
  const emojiIn = (name: string) => emojiOf(name) ?? `:${name}:`;
  return {
    id: messageId(message.ts),
    name: message.username ?? team.users.get(message.user ?? "")?.profile.display_name ?? "",
    text,
    edited: message.edited !== undefined,
    // Slack has no replies but threads.
    ...(message.thread_ts === undefined || message.thread_ts === message.ts
      ? {}
      : { replyTo: messageId(message.thread_ts), thread: remoteThreadId(message.thread_ts) }),
    files: (message.files ?? []).map(({ name, size }) => ({ name, size })),
    reactions: message.reactions.flatMap(({ name, users: by }) => by.map((user) => ({ emoji: emojiIn(name), by: user }))),
    pinned: message.pinned,
    poll: JSON.stringify(message.blocks ?? []).includes("causeway_poll:"),
    rangEveryone: everyone,
    rang: users.filter((user) => fake.state.teams.get(team.id)?.users.has(user)).map((user) => personId(team.id, user)),
  };
}

function faults({ fake, channel, bot }: Stage, way: Way): Scene["faults"] {
  return {
    loseReply: async () => fake.faults.plan("chat.postMessage", { kind: "lose-reply" }),
    loseSend: async () => fake.faults.plan("chat.postMessage", { kind: "lose-request" }),
    cut: way === "socket" ? async () => fake.sockets.cut() : { never: "Over HTTP there is no connection that could break." },
    down: async () => fake.down(),
    up: async () => fake.up(),
    forget: async () => {},
    limit: async (seconds) => fake.faults.plan("chat.postMessage", { kind: "limit", seconds }, channel.id),
    slow: async (ms) => void (fake.faults.slowness = ms),
    hang: async () => fake.hang(),
    revoke: async () => fake.revoke(bot),
    redeliver: async () => fake.delivery.repeat(),
    mute: async () => void channel.onlyPosters.add("U0NOBODY"),
  };
}
