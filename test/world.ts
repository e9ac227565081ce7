/** A bridge between homeservers and networks that speak for real: its files, its start, its end, and both together. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { stringify } from "yaml";
import type { Json, TestHomeserver } from "./matrix-client.ts";
import { freePort } from "./real/setup.ts";
import { type Bridge, type BridgeFiles, OwnProcess, runVerb, ThisProcess } from "./world-bridge.ts";

export interface WorldOptions {
  /** Started once the registration is there; its path is given. `synapse` is a real one, which must be installed. */
  readonly startHomeserver: "fake" | "synapse" | ((registration: string) => Promise<TestHomeserver>);
  /** The networks' sections of the config, and whatever else differs from the defaults. */
  readonly config: Json;
  /** How many times faster than the wall the bridge's clock runs. Default 1. */
  readonly speed?: number;
  /** Whether everybody reaches the bridge, so that networks are given addresses on it. Default false. */
  readonly open?: boolean;
  /** The command that is run; default: the one of this folder. */
  readonly launcher?: string;
  /** Where the bridge runs: in a process of its own exactly as in production (default), or in this one, for a debugger. */
  readonly process?: "own" | "this";
  /** Where the bridge listens; any free one by default. */
  readonly port?: number;
  /** Of the bridge's process, besides its own. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface World {
  readonly hs: TestHomeserver;
  readonly bot: string;
  readonly folder: string;
  readonly port: number;
  /** Of the process that the bridge runs in, while it does. */
  readonly pid: number;
  /** Starts the bridge and waits until it is ready for work, or only until it listens: while a network is away it is not ready. */
  start(until?: "ready" | "health"): Promise<void>;
  /** Ends the process, without a goodbye unless a gentler signal is named. Resolves with the milliseconds that it took. */
  kill(signal?: NodeJS.Signals): Promise<number>;
  restart(signal?: NodeJS.Signals): Promise<void>;
  /** Bridge and homeserver end in the same instant, and start again. */
  powerCut(): Promise<void>;
  /** What the bridge has logged so far. */
  log(): Promise<string>;
  close(): Promise<void>;
}

export async function openWorld(options: WorldOptions): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), "causeway-world-"));
  const port = options.port ?? (await freePort());
  // One clock over all restarts: what was put off by the process before is due when it was.
  const clockSpeed = options.speed === undefined ? undefined : `${options.speed}@${Date.now()}`;
  const files: BridgeFiles = {
    folder,
    config: join(folder, "config.yaml"),
    log: join(folder, "bridge.log"),
    clockSpeed,
    env: options.env ?? {},
    launcher: options.launcher,
  };
  // The registration wants a config, the config the homeserver's address, the homeserver the registration.
  await writeConfig(files.config, "http://127.0.0.1:1", port, options);
  await runVerb(files, "registration");
  const hs = await startHomeserver(options.startHomeserver, join(folder, "registration.yaml"));
  await writeConfig(files.config, hs.url, port, options);
  const bridge = options.process === "this" ? new ThisProcess(files) : new OwnProcess(files);
  const kill = async (signal: NodeJS.Signals = "SIGKILL"): Promise<number> => {
    const begun = performance.now();
    await bridge.end(signal);
    return Math.round(performance.now() - begun);
  };
  const start = async (until: "ready" | "health" = "ready"): Promise<void> => {
    await bridge.start();
    await untilReady(bridge, port, files.log, until);
  };
  return {
    hs,
    bot: `@causeway:${hs.serverName}`,
    folder,
    port,
    get pid() {
      return bridge.pid();
    },
    start,
    kill,
    log: () => readFile(files.log, "utf8"),
    async restart(signal) {
      await kill(signal);
      await start();
    },
    async powerCut() {
      await Promise.all([kill(), hs.kill()]);
      await hs.restart();
      await start();
    },
    async close() {
      await kill("SIGTERM");
      await hs.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function startHomeserver(kind: WorldOptions["startHomeserver"], registration: string): Promise<TestHomeserver> {
  if (typeof kind === "function") return kind(registration);
  if (kind === "fake") return (await import("./fakes/homeserver.ts")).startHomeserver({ services: [registration] });
  return (await import("./real/synapse.ts")).startSynapse({ services: [registration] });
}

async function untilReady(bridge: Bridge, port: number, log: string, until: string): Promise<void> {
  for (const end = performance.now() + 30_000; ; ) {
    const answer = await fetch(`http://127.0.0.1:${port}/${until}`).catch(() => undefined);
    if (answer?.ok) return;
    const gone = bridge.gone();
    if (gone !== undefined || performance.now() > end) {
      throw new Error(`The bridge is not ready: ${gone ?? (answer ? await answer.text() : "no answer")}\n${await readFile(log, "utf8")}`);
    }
    await pause(20);
  }
}

async function writeConfig(file: string, url: string, port: number, { config, open = false }: WorldOptions): Promise<void> {
  const address = `http://127.0.0.1:${port}`;
  const base = {
    homeserver: { url, domain: "test.local" },
    appservice: { port, address, ...(open ? { public_url: address } : {}), ...(config["appservice"] as Json | undefined) },
    permissions: { "*": "admin" },
    logging: { level: "debug", format: "json" },
  };
  const { appservice: _appservice, ...rest } = config;
  await writeFile(file, stringify({ ...base, ...rest }));
}
