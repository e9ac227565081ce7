/** A bridge in this process between the fake homeserver and the toy network: one room, one channel, people on both sides. */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Logger, pino } from "pino";
import type { Config } from "../../core/config.ts";
import { coreSchema } from "../../core/config-schema.ts";
import type { LinkSettings } from "../../core/store/store.ts";
import { createClock } from "../../core/clock.ts";
import { type Running, start } from "../../core/main.ts";
import { makeRegistration } from "../../core/matrix/registration.ts";
import { networkId } from "../../core/model/ids.ts";
import type { Network } from "../../core/network.ts";
import type { Scene, Standing } from "../conformance/harness.ts";
import { type FakeHomeserver, startHomeserver } from "../fakes/homeserver.ts";
import type { Fault } from "../fakes/homeserver/faults.ts";
import { toyNetwork } from "../fakes/toy-network.ts";
import { openScene } from "../fakes/toy-network-scene.ts";
import { ToyService } from "../fakes/toy-network-service.ts";
import type { MatrixUser } from "../matrix-client.ts";
import type { MatrixRoom } from "../matrix-room.ts";

export const BOT = "@causeway:test.local";
const SPEED = 20;
const OWN_WORDS = /^(?:This channel is bridged to Matrix|Reading along in Matrix|No longer reading along): /;

export interface Town {
  readonly hs: FakeHomeserver;
  readonly toy: Scene;
  /** The network itself, for what no person on it can do. */
  readonly service: ToyService;
  /** A Matrix person with power in the room. */
  readonly ann: MatrixUser;
  readonly room: MatrixRoom;
  /** Waits until the channel's people see what is asked for. */
  seen(look: (standing: readonly Standing[]) => boolean, what: string): Promise<void>;
  /** What the channel's people see, relayed people under their own names. */
  channel(): Promise<Standing[]>;
  texts(): Promise<string[]>;
  /** What the bridge itself says in the channel: it stands in no other list. */
  told(): Promise<string[]>;
  /** The status of what the service answers to a question of the homeserver's, by its path after `/_matrix/app/v1`. */
  asked(path: string): Promise<number>;
  /** What the service answers to a transaction of somebody who says to be the homeserver. `body` goes as it is. */
  pushed(body: string | Uint8Array, as?: { readonly token?: string; readonly txn?: string }): Promise<{ status: number; errcode?: string }>;
  /** Where the bridge listens, and what the homeserver says to be let in. */
  readonly door: { readonly port: number; readonly hsToken: string };
  stopBridge(): Promise<void>;
  /** `more`: settings of the config that are others from now on. */
  startBridge(more?: TownOptions["config"]): Promise<void>;
  close(): Promise<void>;
}

export interface TownOptions {
  /** Of the link; what is not said in the channel by someone would only be in the way of most stories, so readers are `open`. */
  readonly settings?: LinkSettings;
  /** False = nothing is linked yet. */
  readonly linked?: boolean;
  readonly permissions?: Config["permissions"];
  readonly roomVersion?: string;
  /** Sections of the config that differ from the defaults, as in the file. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Troubles of the homeserver's from the start on. */
  readonly faults?: readonly Fault[];
  /** Times faster than on the wall; for stories of long waits. */
  readonly speed?: number;
  /** Hears each line of the bridge's log, at every level. */
  readonly log?: (line: Record<string, unknown>) => void;
  /** Called before the bridge starts. */
  readonly prepare?: (service: ToyService) => void;
}

export async function openTown(options: TownOptions = {}): Promise<Town> {
  const folder = await mkdtemp(join(tmpdir(), "causeway-town-"));
  const service = new ToyService();
  const toy = openScene(service);
  options.prepare?.(service);
  const registration = await makeRegistration({
    id: "causeway",
    url: null,
    domain: "test.local",
    senderLocalpart: "causeway",
    networks: [{ id: "toy", prefix: "_toy_" }],
  });
  const clock = createClock({ speed: options.speed ?? SPEED, since: Date.now() });
  const hs = await startHomeserver({ clock });
  const ann = await hs.user("ann");
  const room = await ann.createRoom({
    preset: "private_chat",
    power_level_content_override: { users: { [BOT]: 50 } },
    ...(options.roomVersion ? { room_version: options.roomVersion } : {}),
  });
  const links =
    options.linked === false ? [] : [{ network: "toy", channel: "town plaza", room: room.id, readers: "open", ...options.settings }];
  let running: Running | undefined;
  let port = 0;
  const startBridge = async (more: TownOptions["config"] = {}) => {
    const { config: own, permissions = { "*": "user" } } = options;
    const config = configFor(folder, hs, toy, port, { permissions, links, ...own, ...more });
    running = await start(config, registration, clock, logOf(options.log));
    if (port === 0) hs.addService({ ...registration, url: `http://127.0.0.1:${running.port}` });
    port = running.port;
  };
  const stopBridge = async () => {
    await running?.stop();
    running = undefined;
  };
  for (const fault of options.faults ?? []) hs.faults.add(fault);
  await startBridge();
  await room.invite(BOT);
  // The bot greets whoever invited it, some time after it came in: said later, it would pass for the answer to something else.
  await room.find({ sender: BOT, body: /^I am the bridge/ });
  if (options.linked !== false) {
    await until(
      async () => (await room.state("uk.half-shot.bridge", "io.causeway.toy/town/plaza").catch(() => undefined)) !== undefined,
      "the link",
    );
  }
  // The toy network shows relayed people by their name before the text.
  const channel = async () =>
    (await toy.standing(toy.channel)).flatMap((message) => {
      if (OWN_WORDS.test(message.text)) return [];
      const [, name, text] = /^(\w+): ([\s\S]*)$/.exec(message.text) ?? [];
      return [message.name === "Steward" && name !== undefined && text !== undefined ? { ...message, name, text } : message];
    });
  return {
    hs,
    toy,
    service,
    ann,
    room,
    startBridge,
    stopBridge,
    channel,
    get door() {
      return { port, hsToken: registration.hs_token };
    },
    async asked(path) {
      const headers = { authorization: `Bearer ${registration.hs_token}` };
      return (await fetch(`http://127.0.0.1:${port}/_matrix/app/v1${path}`, { headers })).status;
    },
    async pushed(body, { token = registration.hs_token, txn = randomUUID() } = {}) {
      const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
      const url = `http://127.0.0.1:${port}/_matrix/app/v1/transactions/${txn}`;
      const response = await fetch(url, { method: "PUT", headers, body: body as NonNullable<RequestInit["body"]> });
      return { status: response.status, ...((await response.json()) as { errcode?: string }) };
    },
    texts: async () => (await channel()).map((message) => message.text),
    told: async () => (await toy.standing(toy.channel)).map((message) => message.text).filter((text) => OWN_WORDS.test(text)),
    async seen(look, what) {
      await until(async () => look(await channel()), what).catch(async (error: Error) => {
        throw new Error(`${error.message}; the channel shows ${JSON.stringify((await channel()).slice(-5))}`);
      });
    },
    async close() {
      await stopBridge();
      await toy.close();
      await hs.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function logOf(hear: TownOptions["log"]): Logger {
  if (!hear) return pino({ level: process.env["TOWN_LOG"] ?? "silent" });
  return pino({ level: "trace" }, { write: (line: string) => hear(JSON.parse(line) as Record<string, unknown>) });
}

function configFor(folder: string, hs: FakeHomeserver, toy: Scene, port: number, sections: Readonly<Record<string, unknown>>): Config {
  const core = coreSchema.parse({
    homeserver: { url: hs.url, domain: "test.local" },
    appservice: { address: "http://127.0.0.1", port },
    database: { path: join(folder, "causeway.db"), key_file: join(folder, "causeway.key") },
    ...sections,
  });
  const networks = new Map([[networkId("toy"), { network: toyNetwork as Network, config: toy.config }]]);
  return { ...core, file: "", networks, warnings: [], secrets: [] };
}

export async function until(look: () => Promise<boolean>, what: string, within = 5_000): Promise<void> {
  const end = Date.now() + within;
  // A look while something restarts is a look that saw nothing.
  while (!(await look().catch(() => false))) {
    if (Date.now() > end) throw new Error(`Waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
