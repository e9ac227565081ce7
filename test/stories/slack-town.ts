/** A bridge in this process between the fake homeserver and the pretended Slack: one room, one channel, people on both sides. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { createClock } from "../../core/clock.ts";
import type { Config } from "../../core/config.ts";
import { coreSchema } from "../../core/config-schema.ts";
import { type Running, start } from "../../core/main.ts";
import { makeDoublePuppetRegistration, makeRegistration, writeRegistration } from "../../core/matrix/registration.ts";
import { networkId } from "../../core/model/ids.ts";
import type { Network } from "../../core/network.ts";
import type { LinkSettings } from "../../core/store/store.ts";
import { slackConfig } from "../../bridges/slack/config.ts";
import { slack } from "../../bridges/slack/index.ts";
import { startHomeserver, type FakeHomeserver } from "../fakes/homeserver.ts";
import type { Person } from "../fakes/slack/people.ts";
import type { Channel, Stored, Team } from "../fakes/slack/state.ts";
import { shownText } from "../fakes/slack/shown.ts";
import type { MatrixUser } from "../matrix-client.ts";
import type { MatrixRoom, RoomEvent } from "../matrix-room.ts";
import { freePort } from "../real/setup.ts";
import { raise, type Stage, standingIn, type Way } from "../slack/harness.ts";
import { until } from "./town.ts";

export const BOT = "@causeway:test.local";
const SPEED = 20;

export interface SlackTownOptions {
  readonly way?: Way;
  readonly settings?: LinkSettings;
  /** Whether the homeserver and the bridge know the second registration. */
  readonly doublePuppets?: boolean;
  /** No token in the config: the app is installed by the browser. */
  readonly installedByBrowser?: boolean;
  /** Whether the admins have a room of their own. */
  readonly adminRoom?: boolean;
  /** Further keys of the workspace in the config. */
  readonly workspace?: Readonly<Record<string, unknown>>;
  /** Called before the bridge starts: another workspace, other rights. Returns further workspaces of the config. */
  readonly prepare?: (stage: Stage) => Readonly<Record<string, Readonly<Record<string, unknown>>>> | void;
  /** Sections of the config that differ from the defaults. */
  readonly config?: Readonly<Record<string, unknown>>;
}

export interface SlackTown extends Stage {
  readonly hs: FakeHomeserver;
  /** A Matrix person with power in the room. */
  readonly ann: MatrixUser;
  readonly room: MatrixRoom;
  /** The admins' room; the same as `room` where there is none. */
  readonly admins: MatrixRoom;
  readonly address: string;
  /** Her chat with the bot; made when it is first asked for. */
  chat(user?: MatrixUser): Promise<MatrixRoom>;
  /** What the bot answers to a command in a chat with it. */
  asks(chat: MatrixRoom, words: string, answer: RegExp): Promise<RoomEvent>;
  /** Links another room to another channel, with whoever has power there. */
  link(user: MatrixUser, team: Team, channel: Channel): Promise<MatrixRoom>;
  /** The first message of the channel whose text is this. */
  shows(text: string | RegExp, channel?: Channel): Promise<Stored>;
  /** Nothing of the sort comes: another message has come since. */
  readonly texts: (channel?: Channel) => string[];
  ghost(person: Person, team?: Team): string;
  signIn(user: MatrixUser, person: Person): Promise<MatrixRoom>;
  /** Alice installs the app by her browser. */
  install(): Promise<void>;
  stopBridge(): Promise<void>;
  startBridge(): Promise<void>;
  close(): Promise<void>;
}

export async function openSlackTown(options: SlackTownOptions = {}): Promise<SlackTown> {
  const { way = "socket" } = options;
  const folder = await mkdtemp(join(tmpdir(), "causeway-slack-town-"));
  const clock = createClock({ speed: SPEED, since: Date.now() });
  const stage = await raise(clock);
  const { fake, team, app, bot, channel } = stage;
  const more = options.prepare?.(stage) ?? {};
  const wish = {
    id: "causeway",
    url: null,
    domain: "test.local",
    senderLocalpart: "causeway",
    networks: [{ id: "slack", prefix: "_slack_" }],
  };
  const registration = await makeRegistration(wish);
  const puppets = await makeDoublePuppetRegistration({ id: "causeway", domain: "test.local" });
  const puppetFile = join(folder, "puppets.yaml");
  await writeFile(puppetFile, writeRegistration(puppets));
  const hs = await startHomeserver({ clock, services: options.doublePuppets ? [{ ...puppets }] : [] });
  const ann = await hs.user("ann");
  const room = await ann.createRoom({ preset: "private_chat", power_level_content_override: { users: { [BOT]: 50 } } });
  const admins = options.adminRoom ? await ann.createRoom({ preset: "private_chat" }) : room;
  const port = await freePort();
  const address = `http://127.0.0.1:${port}`;
  const at = `${address}/_causeway/slack/${team.id}`;
  const events = way === "socket" ? { app_token: app.appToken } : { signing_secret: app.signingSecret };
  if (way === "http") app.urls = { events: `${at}/events`, interactivity: `${at}/interactivity`, commands: `${at}/commands` };
  const workspace = {
    ...(options.installedByBrowser ? {} : { bot_token: bot.token }),
    ...events,
    client_id: app.clientId,
    client_secret: app.clientSecret,
    ...options.workspace,
  };
  const section = slackConfig.parse({ api_url: fake.apiUrl, workspaces: { [team.id]: workspace, ...more } });
  const link = { network: "slack", channel: `${team.id} ${channel.id}`, room: room.id, readers: "open", ...options.settings };
  const core = coreSchema.parse({
    homeserver: { url: hs.url, domain: "test.local" },
    appservice: { address, port, public_url: address, ...(options.doublePuppets ? { double_puppets: puppetFile } : {}) },
    database: { path: join(folder, "causeway.db"), key_file: join(folder, "causeway.key") },
    permissions: { "*": "admin" },
    links: [link],
    ...(options.adminRoom ? { admin_room: admins.id } : {}),
    ...options.config,
  });
  const networks = new Map([[networkId("slack"), { network: slack as Network, config: section }]]);
  const config: Config = { ...core, file: "", networks, warnings: [], secrets: [] };
  let running: Running | undefined;
  const startBridge = async () => {
    running = await start(config, registration, clock, pino({ level: process.env["TOWN_LOG"] ?? "silent" }));
  };
  const stopBridge = async () => {
    await running?.stop();
    running = undefined;
  };
  await startBridge();
  hs.addService({ ...registration, url: address });
  if (options.adminRoom) await admins.invite(BOT);
  await room.invite(BOT);
  await room.find({ sender: BOT, body: /^I am the bridge/ });
  const install = async () => {
    fake.browser = stage.alice;
    const begun = await fetch(`${at}/install`, { redirect: "manual" });
    const cookie = begun.headers.get("set-cookie")?.split(";")[0] ?? "";
    const page = await fetch(fake.authorize(new URL(begun.headers.get("location") ?? "")), { headers: { cookie } });
    if (page.status !== 200) throw new Error(await page.text());
  };
  if (options.installedByBrowser) await install();
  await until(
    async () => (await room.state("uk.half-shot.bridge", `io.causeway.slack/${team.id}/${channel.id}`)) !== undefined,
    "the link",
  );
  const chats = new Map<MatrixUser, MatrixRoom>();
  const chat = async (user = ann) => {
    const known = chats.get(user);
    if (known) return known;
    const made = await user.createRoom({ preset: "trusted_private_chat", is_direct: true, invite: [BOT] });
    await made.next({ sender: BOT, body: /!causeway link/ });
    chats.set(user, made);
    return made;
  };
  const asks = async (where: MatrixRoom, words: string, answer: RegExp) => {
    await where.say(words);
    return await where.next({ sender: BOT, body: answer });
  };
  const texts = (where = channel) => standingIn(stage, where).map((message) => message.text.trim());
  return {
    ...stage,
    hs,
    ann,
    room,
    admins,
    install,
    address,
    chat,
    asks,
    texts,
    startBridge,
    stopBridge,
    ghost: (person, of = team) => `@_slack_${of.id}_${person.user.id}:test.local`.toLowerCase(),
    async link(user, of, where) {
      const made = await user.createRoom({ preset: "private_chat", power_level_content_override: { users: { [BOT]: 50 } } });
      await made.invite(BOT);
      await made.next({ sender: BOT, body: /^I am the bridge/ });
      await asks(made, `!causeway link slack ${of.id} ${where.id}`, /now linked/);
      return made;
    },
    async shows(text, where = channel) {
      const look = () =>
        where.messages.find((message) => {
          const shown = shownText(message).text.trim();
          return typeof text === "string" ? shown === text : text.test(shown);
        });
      await until(async () => look() !== undefined, `Slack shows ${text}`).catch((error: Error) => {
        throw new Error(`${error.message}; it shows ${JSON.stringify(texts(where).slice(-5))}`);
      });
      return look() as Stored;
    },
    async signIn(user, person) {
      fake.browser = person;
      const where = await chat(user);
      const asked = await asks(where, "!causeway login slack slack", /oauth\/v2\/authorize/);
      const url = String(asked.content["body"]).split("\n").at(-1) as string;
      await fetch(url);
      await where.next({ sender: BOT, body: /^Signed in on Slack/ });
      return where;
    },
    async close() {
      await stopBridge();
      await fake.close();
      await hs.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export function relation(event: RoomEvent): {
  rel_type?: string;
  event_id?: string;
  is_falling_back?: boolean;
  "m.in_reply_to"?: { event_id: string };
} {
  return (event.content["m.relates_to"] ?? {}) as never;
}
