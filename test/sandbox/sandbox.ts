/** The sandbox: servers that stand in for Matrix and the networks, the bridge between them, and what happens on every side. */
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { stringify } from "yaml";
import { makeRegistration, type RegistrationWish, writeRegistration } from "../../core/matrix/registration.ts";
import { type FakeHomeserver, startHomeserver } from "../fakes/homeserver.ts";
import type { MatrixUser } from "../matrix-client.ts";
import type { MatrixRoom } from "../matrix-room.ts";
import { Mistake, toAction, type Wish } from "./act.ts";
import { BridgeProcess, type BridgeState } from "./bridge-process.ts";
import { freePort } from "./free-port.ts";
import { MatrixSide } from "./matrix-side.ts";
import { openNetworks, type OpenNetwork, TOPIC } from "./networks.ts";
import type { ChannelLog, MessageState, Side, SideId, SideState } from "./side.ts";
import { type Counts, Tally } from "./tally.ts";
import { Traffic } from "./traffic.ts";

export interface SandboxState {
  readonly sides: Readonly<Record<SideId, SideState>>;
  readonly bridge: BridgeState;
  readonly tally: Counts;
  readonly traffic: boolean;
}

/** What is new since the last one: parts that did not change are left out. */
export interface Change {
  messages: { side: SideId; channel: string; message: MessageState }[];
  topics: { side: SideId; channel: string; topic: string }[];
  bridge?: BridgeState;
  tally?: Counts;
  traffic?: boolean;
}

const DOMAIN = "sandbox.local";
const BOT = `@causeway:${DOMAIN}`;
/** Changes are told together, this many milliseconds apart. */
const TOGETHER = 40;

export class Sandbox {
  onChange: (change: Change) => void = () => undefined;
  readonly #homeserver: FakeHomeserver;
  readonly #folder: string;
  readonly #networks: readonly OpenNetwork[];
  readonly #bridge: BridgeProcess;
  readonly #sides = new Map<SideId, Side>();
  readonly #tally = new Tally();
  readonly #traffic: Traffic;
  readonly #room: string;
  readonly #ready: Promise<void>;
  #change: Change = { messages: [], topics: [] };
  #told = "";
  readonly #ticking: NodeJS.Timeout;

  static async open(): Promise<Sandbox> {
    const folder = await mkdtemp(join(tmpdir(), "causeway-sandbox-"));
    // Also when it ends in a hurry.
    process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
    const sandbox: { it?: Sandbox } = {};
    const changed =
      (side: SideId) =>
      (channel: ChannelLog, message: MessageState | undefined, isNew: boolean): void =>
        sandbox.it?.changed(side, channel, message, isNew);
    const [homeserver, networks, port] = await Promise.all([startHomeserver({ serverName: DOMAIN }), openNetworks(changed), freePort()]);
    const { room, people } = await furnish(homeserver);
    const bridge = new BridgeProcess({
      folder,
      config: join(folder, "config.yaml"),
      port,
      changed: (state) => sandbox.it?.bridgeChanged(state),
    });
    await writeFile(join(folder, "config.yaml"), writeConfig(homeserver.url, port, room, networks));
    // As `causeway registration` writes it, without the second that another process takes.
    await writeFile(join(folder, "registration.yaml"), writeRegistration(await makeRegistration(registrationOf(port, networks))));
    homeserver.addService(join(folder, "registration.yaml"));
    const matrix = new MatrixSide({ homeserver, room, people, bot: BOT, ghosts: "@_", changed: changed("matrix") });
    sandbox.it = new Sandbox(homeserver, folder, networks, bridge, matrix, room.id);
    bridge.start();
    return sandbox.it;
  }

  private constructor(
    homeserver: FakeHomeserver,
    folder: string,
    networks: readonly OpenNetwork[],
    bridge: BridgeProcess,
    matrix: Side,
    room: string,
  ) {
    this.#room = room;
    this.#homeserver = homeserver;
    this.#folder = folder;
    this.#networks = networks;
    this.#bridge = bridge;
    for (const side of [matrix, ...networks.flatMap((network) => network.side ?? [])]) this.#sides.set(side.id, side);
    this.#traffic = new Traffic([...this.#sides.values()], (wish) => this.act(wish));
    this.#ready = this.#linked();
    this.#ticking = setInterval(() => this.#tick(), TOGETHER);
  }

  state(): SandboxState {
    const sides = [this.#sides.get("matrix") as Side, ...this.#networks].map((one) => [one.id, stateOf(this.#sides.get(one.id), one)]);
    return {
      sides: Object.fromEntries(sides) as SandboxState["sides"],
      bridge: this.#bridge.state,
      tally: this.#tally.counts(),
      traffic: this.#traffic.on,
    };
  }

  /**
   * What is said before a channel is linked does not cross, so nobody speaks before; the bridge writes into the room which channels are.
   * After a while without that, people speak all the same, and the counters tell.
   */
  #linked(): Promise<void> {
    const wanted = this.#sides.size - 1;
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = (): void => {
      const links = this.#homeserver.timeline(this.#room).filter(({ type }) => type === "uk.half-shot.bridge");
      if (new Set(links.map((event) => event.state_key)).size >= wanted) resolve();
    };
    const end = this.#homeserver.hear(look);
    const late = setTimeout(resolve, 20_000).unref();
    look();
    return promise.finally(() => {
      end();
      clearTimeout(late);
    });
  }

  /** Resolves with the message's id (absent where the network gives none) once the network has taken it. */
  async act(wish: Wish): Promise<{ readonly message?: string }> {
    const side = this.#sides.get(wish.side);
    if (!side) throw new Mistake(this.#networks.find(({ id }) => id === wish.side)?.why ?? "There is no such side.");
    await this.#ready;
    const action = toAction(side, wish);
    const others = [...this.#sides.keys()].filter((id) => id !== side.id);
    const counts = action.do === "say" || action.do === "action" || action.do === "reply";
    if (counts) this.#tally.said(action.text, others);
    try {
      const message = await side.act(action);
      return message === undefined ? {} : { message };
    } catch (error) {
      if (counts) this.#tally.unsaid(action.text, others);
      throw error;
    }
  }

  kill(ms = 1500): { readonly killed: number | undefined; readonly again: number } {
    const { pid } = this.#bridge.state;
    this.#bridge.kill(ms);
    return { killed: pid, again: ms };
  }

  traffic(on: boolean): { readonly traffic: boolean } {
    this.#traffic.set(on);
    this.#change.traffic = on;
    return { traffic: on };
  }

  open(side: SideId, reference: string): Promise<{ readonly stream: Readable; readonly type: string; readonly name: string } | undefined> {
    return this.#sides.get(side)?.open?.(reference) ?? Promise.resolve(undefined);
  }

  /** The last lines that the bridge wrote, for when it does not start. */
  get bridgeLines(): readonly string[] {
    return this.#bridge.lines;
  }

  changed(side: SideId, channel: ChannelLog, message: MessageState | undefined, isNew: boolean): void {
    if (!message) return void this.#change.topics.push({ side, channel: channel.id, topic: channel.topic });
    if (isNew && message.who.from === "bridge") this.#tally.seen(message.text, side);
    this.#change.messages.push({ side, channel: channel.id, message });
  }

  bridgeChanged(state: BridgeState): void {
    this.#change.bridge = state;
  }

  async close(): Promise<void> {
    clearInterval(this.#ticking);
    this.#traffic.set(false);
    await this.#bridge.stop();
    for (const side of this.#sides.values()) await side.stop();
    for (const network of this.#networks) await network.stop();
    await this.#homeserver.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #tick(): void {
    if (this.#bridge.state.is === "ready") this.#tally.pass(TOGETHER);
    const tally = this.#tally.counts();
    const text = JSON.stringify(tally);
    if (text !== this.#told) this.#change.tally = tally;
    this.#told = text;
    const change = this.#change;
    if (Object.keys(change).length === 2 && change.messages.length === 0 && change.topics.length === 0) return;
    this.#change = { messages: [], topics: [] };
    this.onChange(change);
  }
}

function stateOf(side: Side | undefined, { name, why }: { readonly name: string; readonly why?: string }): SideState {
  if (!side) return { name, here: false, ...(why !== undefined && { why }), channels: [], people: [], deeds: [] };
  return { name, here: true, channels: side.channels.map((channel) => channel.state()), people: side.people, deeds: side.deeds };
}

/** Two people and the room that they have made, with the bridge's bot invited. */
async function furnish(homeserver: FakeHomeserver): Promise<{ room: MatrixRoom; people: readonly MatrixUser[] }> {
  const [mira, otto] = [await homeserver.user("Mira"), await homeserver.user("Otto")];
  const room = await mira.createRoom({
    preset: "public_chat",
    name: "Lantern Society",
    topic: TOPIC,
    invite: [BOT, otto.id],
  });
  await room.as(otto).join();
  await room.setPower((levels) => ({ ...levels, users: { ...(levels["users"] as object), [BOT]: 50 } }));
  return { room, people: [mira, otto] };
}

function registrationOf(port: number, networks: readonly OpenNetwork[]): RegistrationWish {
  const here = networks.filter((network) => network.side);
  return {
    id: "causeway",
    url: `http://127.0.0.1:${port}`,
    domain: DOMAIN,
    senderLocalpart: "causeway",
    networks: here.map(({ id }) => ({ id, prefix: `_${id}_` })),
  };
}

function writeConfig(url: string, port: number, room: MatrixRoom, networks: readonly OpenNetwork[]): string {
  const here = networks.filter((network) => network.side);
  return stringify({
    version: 1,
    homeserver: { url, domain: DOMAIN },
    permissions: { "*": "relay", [DOMAIN]: "user", [room.user.id]: "admin" },
    links: here.map(({ id, link }) => ({ network: id, channel: link, room: room.id })),
    ...Object.fromEntries(here.map(({ id, config }) => [id, config])),
    appservice: { address: `http://127.0.0.1:${port}`, port, public_url: `http://127.0.0.1:${port}`, registration: "registration.yaml" },
    database: { path: "data/causeway.db", key: randomBytes(32).toString("base64") },
    logging: { level: "info", format: "json" },
  });
}
