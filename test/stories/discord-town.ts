/** A bridge between a homeserver and Discord, for stories that are told from both ends. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import type { MatrixUser, TestHomeserver } from "../matrix-client.ts";
import type { MatrixRoom } from "../matrix-room.ts";
import { raise, type Stage, standing } from "../discord/harness.ts";
import { startHomeserver } from "../fakes/homeserver.ts";
import { openWorld, type World } from "../world.ts";
import { until } from "./town.ts";

export interface DiscordTown extends Stage {
  readonly world: World;
  readonly hs: TestHomeserver;
  readonly ann: MatrixUser;
  /** Linked to `channel`. */
  readonly room: MatrixRoom;
  /** What stands in a channel and its threads now, oldest first. */
  shown(channel?: string): string[];
  /** Waits until the channel shows it. */
  shows(text: string | RegExp, channel?: string): Promise<void>;
  /** Says something to the bot in a direct chat, and gives its answer. */
  ask(person: MatrixUser, words: string): Promise<string>;
  /** Power in a room that the bridge made, as its admin would give it. */
  power(room: MatrixRoom, who: string, level: number): Promise<void>;
  /** A room that the bridge makes for a channel, Ann in it. */
  madeRoom(channel: string): Promise<MatrixRoom>;
  /** Changes the config, and starts the bridge anew. */
  configure(more: object): Promise<void>;
  close(): Promise<void>;
}

export interface TownOptions {
  readonly discord?: object;
  readonly config?: object;
  readonly open?: boolean;
  readonly speed?: number;
  /** Before the bridge starts. */
  readonly prepare?: (stage: Stage) => object | void;
  /** Whether the room is linked; default true. */
  readonly linked?: boolean;
}

export async function openDiscordTown(options: TownOptions = {}): Promise<DiscordTown> {
  const stage = await raise(options.speed ?? 1);
  const more = options.prepare?.(stage) ?? {};
  const { fake } = stage;
  const world = await openWorld({
    startHomeserver: (registration) => startHomeserver({ services: [registration] }),
    open: options.open ?? false,
    ...(options.speed === undefined ? {} : { speed: options.speed }),
    config: {
      discord: { token: fake.bot.token, api_url: fake.apiUrl, cdn_url: fake.cdnUrl, ...options.discord },
      ...options.config,
      ...more,
    },
  });
  await world.start();
  const ann = await world.hs.user("ann");
  const room = await ann.createRoom({ preset: "public_chat", power_level_content_override: { users: { [world.bot]: 100 } } });
  await room.invite(world.bot);
  await room.next({ sender: world.bot, body: /I am the bridge/ });
  if (options.linked !== false) {
    await room.say(`!causeway link discord ${stage.channel}`);
    await room.next({ sender: world.bot, body: /now linked/ });
  }
  const chats = new Map<string, MatrixRoom>();
  const shown = (channel = stage.channel) => standing(fake, channel).map(({ text }) => text);
  return {
    ...stage,
    world,
    hs: world.hs,
    ann,
    room,
    shown,
    shows: (text, channel) =>
      until(
        async () => shown(channel).some((one) => (typeof text === "string" ? one === text : text.test(one))),
        `Discord shows ${text}`,
      ).catch((error: unknown) => {
        throw new Error(`${error instanceof Error ? error.message : ""}: ${JSON.stringify(shown(channel))}`);
      }),
    async ask(person, words) {
      const chat = chats.get(person.id) ?? (await direct(person, world.bot));
      chats.set(person.id, chat);
      await chat.skip();
      await chat.say(words);
      return String((await chat.next({ sender: world.bot, type: "m.room.message" })).content["body"]);
    },
    async power(room, who, level) {
      const token = /as_token: *"?([^"\s]+)/.exec(await readFile(join(world.folder, "registration.yaml"), "utf8"))?.[1];
      const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
      const path = `${world.hs.url}/_matrix/client/v3/rooms/${encodeURIComponent(room.id)}/state/m.room.power_levels/`;
      const now = (await (await fetch(path, { headers })).json()) as { users?: object };
      const answer = await fetch(path, { method: "PUT", headers, body: JSON.stringify({ ...now, users: { ...now.users, [who]: level } }) });
      if (!answer.ok) throw new Error(await answer.text());
    },
    async madeRoom(channel) {
      const file = join(world.folder, "config.yaml");
      const config = parse(await readFile(file, "utf8")) as { links?: object[] };
      const links = [...(config.links ?? []), { network: "discord", channel, invite: [ann.id] }];
      await writeFile(file, stringify({ ...config, links }));
      await world.restart();
      const alias = `#_discord_${channel}:${world.hs.serverName}`;
      const find = async () => await ann.call("GET", `/directory/room/${encodeURIComponent(alias)}`).catch(() => undefined);
      await until(async () => (await find()) !== undefined, "the room is made");
      const room = await ann.join(String((await find())?.["room_id"]));
      await room.find({ type: "uk.half-shot.bridge" });
      return room;
    },
    async configure(more) {
      const file = join(world.folder, "config.yaml");
      await writeFile(file, stringify({ ...parse(await readFile(file, "utf8")), ...more }));
      await world.restart();
    },
    async close() {
      await world.close();
      await fake.stop();
    },
  };
}

async function direct(person: MatrixUser, bot: string): Promise<MatrixRoom> {
  const chat = await person.createRoom({ preset: "trusted_private_chat", is_direct: true, invite: [bot] });
  await chat.next({ sender: bot, body: /!causeway help/ });
  return chat;
}
