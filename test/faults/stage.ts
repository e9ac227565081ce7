/** Two rooms with four sides each: one by way of Slack's Socket Mode, the other by its HTTP; and the bridge in a process of its own. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createClock } from "../../core/clock.ts";
import { FakeDiscord } from "../fakes/discord.ts";
import { clockAt } from "../fakes/homeserver/clock.ts";
import { type FakeHomeserver, startHomeserver } from "../fakes/homeserver.ts";
import { ergo, FakeIrc } from "../fakes/irc.ts";
import type { MatrixRoom } from "../matrix-room.ts";
import { freePort } from "../real/setup.ts";
import { openWorld, type World } from "../world.ts";
import { discordShore, discordTrouble } from "./discord-shore.ts";
import { ircShore, ircTrouble } from "./irc-shore.ts";
import { MachineFile } from "./machine.ts";
import { Gate, matrixShore, matrixTrouble } from "./matrix-shore.ts";
import type { Shore, Side, Trouble } from "./shore.ts";
import { slackShore, slackTrouble, type Workspace, workspace } from "./slack-shore.ts";

/** How many times faster than the wall time runs, for the bridge and for the networks. */
export const SPEED = 10;

export interface Stage {
  readonly world: World;
  readonly hs: FakeHomeserver;
  readonly gate: Gate;
  readonly machine: MachineFile;
  readonly slack: FakeSlack;
  readonly workspaces: readonly Workspace[];
  readonly discord: FakeDiscord;
  readonly irc: FakeIrc;
  /** Of each room, its sides. */
  readonly rooms: readonly (readonly Shore[])[];
  readonly troubles: ReadonlyMap<Side, Trouble>;
  /** While it is so, nobody says anything. */
  readonly silence: { now: boolean };
  close(): Promise<void>;
}

type FakeSlack = Workspace["fake"];

export function databaseOf({ folder }: Pick<World, "folder">): string {
  return join(folder, "data", "causeway.db");
}

const CHANNELS = ["#four", "#also"] as const;

export async function openStage(sides: readonly Side[]): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), "causeway-faults-"));
  const machine = new MachineFile(join(folder, "machine.json"), SPEED);
  const { FakeSlack: Slack } = await import("../fakes/slack.ts");
  const slack = await Slack.start(createClock({ speed: 1, since: Date.now() }));
  const workspaces = ["Lanterns", "Harbour"].map((name) => workspace(slack, name));
  const discord = await FakeDiscord.start({ speed: SPEED });
  // The storm of restarts is not what limits are for: they are a trouble of their own.
  slack.limits.enforced = false;
  const irc = await FakeIrc.start({ profile: ergo });
  const port = await freePort();
  let hs!: FakeHomeserver;
  const world = await openWorld({
    startHomeserver: async (registration) => {
      hs = await startHomeserver({ services: [registration], clock: clockAt() });
      return hs;
    },
    config: configOf({ slack, workspaces, discord, irc, port }),
    port,
    env: {
      CAUSEWAY_FAULTS_MACHINE: machine.path,
      NODE_OPTIONS: `${process.env["NODE_OPTIONS"] ?? ""} --import=${fileURLToPath(new URL("preload.ts", import.meta.url))}`,
    },
  });
  for (const [index, { team, app }] of workspaces.entries()) {
    if (index === 0) continue;
    const at = `http://127.0.0.1:${world.port}/_causeway/slack/${team.id}`;
    app.urls = { events: `${at}/events`, interactivity: `${at}/interactivity`, commands: `${at}/commands` };
  }
  const gate = new Gate();
  await world.start();
  const base = { world, hs, gate, machine, slack, workspaces, discord, irc };
  const rooms: Shore[][] = [];
  for (const index of CHANNELS.keys()) rooms.push(await openRoom(base, index, sides));
  return {
    ...base,
    rooms,
    silence: { now: false },
    troubles: new Map<Side, Trouble>(
      (
        [
          ["matrix", matrixTrouble(hs)],
          ["slack", slackTrouble(slack)],
          ["discord", discordTrouble(discord)],
          ["irc", ircTrouble(irc)],
        ] as const
      ).filter(([side]) => sides.includes(side)),
    ),
    async close() {
      await world.close();
      await Promise.all([slack.close(), discord.stop(), irc.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function configOf({ slack, workspaces, discord, irc, port }: Pick<Stage, "slack" | "workspaces" | "discord" | "irc"> & { port: number }) {
  const flood = { burst: 500, per_second: 300, most_per_second: 500 };
  const teams = workspaces.map(({ team, bot, app }, index) => [
    team.id,
    { bot_token: bot.token, ...(index === 0 ? { app_token: app.appToken } : { signing_secret: app.signingSecret }) },
  ]);
  return {
    appservice: { public_url: `http://127.0.0.1:${port}` },
    irc: { networks: { one: { servers: [{ host: "127.0.0.1", port: irc.port, tls: false }], flood, relay: { max_lines: 100 } } } },
    slack: { api_url: slack.apiUrl, workspaces: Object.fromEntries(teams) as object },
    discord: { token: discord.bot.token, api_url: discord.apiUrl, cdn_url: discord.cdnUrl },
  };
}

async function openRoom(
  stage: Omit<Stage, "rooms" | "troubles" | "close" | "silence">,
  index: number,
  sides: readonly Side[],
): Promise<Shore[]> {
  const { world, hs, gate, discord, irc } = stage;
  const ann = await hs.user("ann");
  const room = await ann.createRoom({ preset: "public_chat", power_level_content_override: { users: { [world.bot]: 50 } } });
  const ben = await room.as(await hs.user("ben")).join();
  await room.invite(world.bot);
  await room.next({ sender: world.bot, body: /I am the bridge/ });
  const guild = discord.guild(`Keepers ${index}`);
  const channel = discord.channel(guild, "plaza");
  const place = stage.workspaces[index] as Workspace;
  const channelName = CHANNELS[index] as string;
  const onDiscord = new Map(["Dana", "Dirk"].map((name) => [name, discord.person(name, guild)]));
  const onIrc = new Map(["ida", "igor"].map((name) => [`${name}${index}`, irc.person(`${name}${index}`).join(channelName)]));
  const people = new Map<string, MatrixRoom>([
    ["ann", room],
    ["ben", ben],
  ]);
  const all: readonly (readonly [Shore, string])[] = [
    [slackShore(place), `slack ${place.team.id} ${place.channel.id}`],
    [discordShore(discord, channel, onDiscord), `discord ${channel}`],
    [ircShore(irc, channelName, onIrc), `irc one ${channelName}`],
  ];
  const linked = all.filter(([shore]) => sides.includes(shore.side));
  discord.gateway.greetGuild(guild);
  for (const [, words] of linked) {
    await room.say(`!causeway link ${words}`);
    const { content } = await room.next({ sender: world.bot, body: /linked/i });
    if (!/now linked/.test(String(content["body"]))) throw new Error(String(content["body"]));
  }
  return [matrixShore({ hs, gate, rooms: people, bot: world.bot }), ...linked.map(([shore]) => shore)];
}
