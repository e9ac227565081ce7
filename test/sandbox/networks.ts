/** The networks of the sandbox, in the order of the page. One that the bridge does not speak keeps its place. */
import { networks as spoken } from "../../bridges/index.ts";
import { createClock } from "../../core/clock.ts";
import { FakeDiscord } from "../fakes/discord.ts";
import { ergo, FakeIrc } from "../fakes/irc.ts";
import { FakeSlack } from "../fakes/slack.ts";
import { DiscordSide } from "./discord-side.ts";
import { IrcSide } from "./irc-side.ts";
import type { ChannelLog, Side, SideId } from "./side.ts";
import { SlackSide } from "./slack-side.ts";

export type Changed = (side: SideId) => ConstructorParameters<typeof ChannelLog>[2];

export interface OpenNetwork {
  readonly id: SideId;
  readonly name: string;
  /** Absent = not here; `why` says so in a sentence. */
  readonly side?: Side;
  readonly why?: string;
  /** Its section of the bridge's config. */
  readonly config?: unknown;
  /** Its channel, as in the config's `links`. */
  readonly link?: string;
  stop(): Promise<void>;
}

/** Of the room and of every channel. */
export const TOPIC = "Everyone who keeps a light on";

export async function openNetworks(changed: Changed): Promise<readonly OpenNetwork[]> {
  const open = [
    { id: "irc", name: "IRC", start: openIrc },
    { id: "slack", name: "Slack", start: openSlack },
    { id: "discord", name: "Discord", start: openDiscord },
  ] as const;
  return Promise.all(
    open.map(async ({ id, name, start }) =>
      spoken.some((one) => one.id === id)
        ? start(changed(id))
        : { id, name, why: `The bridge does not speak ${name} yet.`, stop: async () => undefined },
    ),
  );
}

async function openIrc(changed: ReturnType<Changed>): Promise<OpenNetwork> {
  const server = await FakeIrc.start({ profile: ergo });
  const channel = "#lanterns";
  server.channel(channel).topic = TOPIC;
  const side = await IrcSide.open({ port: server.port, channel, people: ["anna", "ben"], bridge: "causeway", changed });
  return {
    id: "irc",
    name: "IRC",
    side,
    link: `lantern ${channel}`,
    config: {
      networks: {
        lantern: {
          name: "LanternNet",
          servers: [{ host: "127.0.0.1", port: server.port, tls: false }],
          // A network of one's own sets no pace that the bridge would have to keep.
          flood: { burst: 30, per_second: 20, most_per_second: 50 },
        },
      },
    },
    stop: () => server.stop(),
  };
}

async function openSlack(changed: ReturnType<Changed>): Promise<OpenNetwork> {
  const fake = await FakeSlack.start(createClock({ speed: 1, since: Date.now() }));
  const team = fake.addTeam("Lantern Keepers");
  const app = fake.addApp();
  const bot = fake.install(app, team);
  const people = ["Sana", "Theo"].map((name) => fake.person(team, name));
  const channel = fake.channel(team, "lanterns", [...people, bot]);
  channel.topic = TOPIC;
  return {
    id: "slack",
    name: "Slack",
    side: new SlackSide({ fake, team, channel, people, bot, changed }),
    link: `${team.id} ${channel.id}`,
    config: { api_url: fake.apiUrl, workspaces: { [team.id]: { bot_token: bot.token, app_token: app.appToken } } },
    stop: () => fake.close(),
  };
}

/** Times faster than on the wall the seconds of its rate limits pass: a demonstration would wait for them most of the time. */
const DISCORD_SPEED = 10;

async function openDiscord(changed: ReturnType<Changed>): Promise<OpenNetwork> {
  const fake = await FakeDiscord.start({ speed: DISCORD_SPEED });
  const guild = fake.guild("Lantern Keepers");
  const channel = fake.channel(guild, "lanterns", { topic: TOPIC });
  const people = ["Dora", "Emil"].map((name) => fake.person(name, guild));
  return {
    id: "discord",
    name: "Discord",
    side: new DiscordSide({ fake, guild, channel, people, changed }),
    link: channel,
    config: { token: fake.bot.token, api_url: fake.apiUrl, cdn_url: fake.cdnUrl },
    stop: () => fake.stop(),
  };
}
