/** The bridge as a process of its own, started exactly as in production, between homeservers and networks that speak for real. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createWriteStream } from "node:fs";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import type { Json, TestHomeserver } from "./matrix-client.ts";

const LAUNCHER = fileURLToPath(new URL("../causeway.js", import.meta.url));

export interface WorldOptions {
  /** Started once the registration is there; its path is given. */
  startHomeserver(registration: string): Promise<TestHomeserver>;
  /** The networks' sections of the config, and whatever else differs from the defaults. */
  readonly config: Json;
  /** How many times faster than the wall the bridge's clock runs. Default 1. */
  readonly speed?: number;
}

export interface World {
  readonly hs: TestHomeserver;
  readonly bot: string;
  readonly folder: string;
  readonly port: number;
  /** Starts the bridge and waits until it is ready for work. */
  start(): Promise<void>;
  /** Ends the process, without a goodbye unless a gentler signal is named. Resolves with the milliseconds that it took. */
  kill(signal?: NodeJS.Signals): Promise<number>;
  /** What the bridge has logged so far. */
  log(): Promise<string>;
  close(): Promise<void>;
}

export async function openWorld(options: WorldOptions): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), "causeway-world-"));
  const port = await freePort();
  const configFile = join(folder, "config.yaml");
  const logFile = join(folder, "bridge.log");
  // The registration wants a config, the config the homeserver's address, the homeserver the registration.
  await writeConfig(configFile, "http://127.0.0.1:1", port, options.config);
  await run(["registration", "-c", configFile], folder);
  const hs = await options.startHomeserver(join(folder, "registration.yaml"));
  await writeConfig(configFile, hs.url, port, options.config);
  let child: ChildProcess | undefined;
  const since = Date.now();

  const kill = async (signal: NodeJS.Signals = "SIGKILL"): Promise<number> => {
    const begun = Date.now();
    const ended = child;
    child = undefined;
    if (ended && ended.exitCode === null && ended.signalCode === null) {
      const gone = new Promise((resolve) => ended.once("exit", resolve));
      ended.kill(signal);
      await gone;
    }
    return Date.now() - begun;
  };
  return {
    hs,
    bot: `@causeway:${hs.serverName}`,
    folder,
    port,
    kill,
    log: () => readFile(logFile, "utf8"),
    async start() {
      // One clock over all restarts: what was put off by the process before is due when it was.
      const speed = options.speed === undefined ? {} : { CAUSEWAY_CLOCK_SPEED: `${options.speed}@${since}` };
      child = spawn(process.execPath, [LAUNCHER, "start", "-c", configFile], {
        cwd: folder,
        env: { ...process.env, ...speed },
        stdio: ["ignore", "pipe", "pipe"],
      });
      const log = createWriteStream(logFile, { flags: "a" });
      child.stdout?.pipe(log, { end: false });
      child.stderr?.pipe(log, { end: false });
      await ready(port, child, logFile);
    },
    async close() {
      await kill("SIGTERM");
      await hs.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function ready(port: number, child: ChildProcess, logFile: string): Promise<void> {
  const end = Date.now() + 30_000;
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}/ready`).catch(() => undefined);
    if (answer?.ok) return;
    if (child.exitCode !== null || Date.now() > end) {
      throw new Error(`The bridge is not ready: ${answer ? await answer.text() : "no answer"}\n${await readFile(logFile, "utf8")}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function writeConfig(file: string, url: string, port: number, config: Json): Promise<void> {
  const base = {
    homeserver: { url, domain: "test.local" },
    appservice: { port, address: `http://127.0.0.1:${port}`, ...(config["appservice"] as Json | undefined) },
    permissions: { "*": "admin" },
    logging: { level: "debug", format: "json" },
  };
  const { appservice: _appservice, ...rest } = config;
  await writeFile(file, stringify({ ...base, ...rest }));
}

async function run(words: readonly string[], cwd: string): Promise<void> {
  const child = spawn(process.execPath, [LAUNCHER, ...words], { cwd, stdio: ["ignore", "ignore", "inherit"] });
  const code = await new Promise((resolve) => child.once("exit", resolve));
  if (code !== 0) throw new Error(`causeway ${words.join(" ")} ended with ${String(code)}`);
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
