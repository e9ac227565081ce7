/** The bridge as in production, in a process of its own, between the far side and a store that is filled beforehand. */
import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { readRegistration } from "../core/matrix/registration.ts";
import type { Questions } from "./far-side.ts";
import { fillStore } from "./fill.ts";
import { networkCount, type Portals } from "./scene.ts";

export interface StageOptions {
  readonly portals: Portals;
  readonly ghosts?: number;
  /** That have crossed before. */
  readonly messages?: number;
  /** Writes the bridge's CPU profile into this folder when it stops. */
  readonly profileInto?: string | undefined;
}

export interface Stage {
  ask<Name extends keyof Questions>(ask: Name, ...given: Parameters<Questions[Name]>): Promise<ReturnType<Questions[Name]>>;
  /** Milliseconds from the start of the process until it is ready. */
  start(): Promise<number>;
  stop(): Promise<void>;
  /** Waits until the bridge has nothing to do any more. */
  settle(): Promise<void>;
  usage(): Usage;
  /** Where the far side's homeserver listens. */
  readonly homeserver: string;
  /** Of the bridge, while it runs. */
  readonly pid: number;
  close(): Promise<void>;
}

/** Since the process began, but for `resident`. */
export interface Usage {
  /** Milliseconds, user and system. */
  readonly cpu: number;
  /** Transactions that are on disk. */
  readonly commits: number;
  /** Megabytes. */
  readonly resident: number;
}

const LAUNCHER = fileURLToPath(new URL("../causeway.js", import.meta.url));
/** `sysconf(_SC_CLK_TCK)` is 100 on every Linux that Node runs on. */
const MS_PER_TICK = 10;
/** For trying what flags of Node's bring: `CAUSEWAY_BENCH_FLAGS="--single-threaded-gc"`. */
const FLAGS = process.env["CAUSEWAY_BENCH_FLAGS"]?.split(" ") ?? [];
const READY_WITHIN = 180_000;

const living = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of living) child.kill("SIGKILL");
});

export async function openStage({ portals, ghosts = 0, messages = 0, profileInto }: StageOptions): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), "causeway-bench-"));
  const port = await freePort();
  const far = new FarSide();
  const { homeserver, irc } = await far.ask("open", networkCount(portals));
  const url = `http://127.0.0.1:${homeserver}`;
  const config = join(folder, "config.yaml");
  await writeFile(config, stringify(configFor(url, port, irc)));
  await once(launch(folder, ["registration", "-c", config]), "exit");
  const file = join(folder, "registration.yaml");
  await far.ask("serve", `http://127.0.0.1:${port}`, readRegistration(await readFile(file, "utf8"), file).hs_token);
  await fillStore({ folder, portals, ghosts, messages });
  const flags = [...FLAGS, ...(profileInto === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profileInto}`])];
  let bridge: ChildProcess | undefined;
  const usage = () => usageOf(bridge?.pid as number, join(folder, "causeway.db-shm"));
  const stop = async (): Promise<void> => {
    if (!bridge) return;
    const ended = once(bridge, "exit");
    bridge.kill("SIGTERM");
    await ended;
    bridge = undefined;
  };
  return {
    ask: (ask, ...given) => far.ask(ask, ...given),
    homeserver: url,
    get pid() {
      return bridge?.pid as number;
    },
    usage,
    stop,
    async start() {
      const begun = performance.now();
      bridge = launch(folder, ["start", "-c", config], flags);
      await untilReady(bridge, port, join(folder, "bridge.log"));
      return performance.now() - begun;
    },
    async settle() {
      while ((await far.ask("channels")) < portals) await pause(100);
      for (let before = usage().cpu, quiet = 0; quiet < 2; ) {
        await pause(500);
        const { cpu } = usage();
        quiet = cpu - before <= 2 * MS_PER_TICK ? quiet + 1 : 0;
        before = cpu;
      }
    },
    async close() {
      await stop();
      far.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function configFor(url: string, port: number, irc: readonly number[]) {
  // The most that the config takes, so that the wire is not what is measured.
  const flood = { burst: 1000, per_second: 1000, most_per_second: 1000, learn: false };
  const network = (port: number) => ({ servers: [{ host: "127.0.0.1", port, tls: false }], nick: "causeway", flood });
  return {
    homeserver: { url, domain: "bench.local" },
    appservice: { port, address: `http://127.0.0.1:${port}` },
    database: { path: "causeway.db", key_file: "causeway.key" },
    permissions: { "*": "admin" },
    irc: { networks: Object.fromEntries(irc.map((port, index) => [`n${index}`, network(port)])) },
  };
}

function launch(folder: string, words: readonly string[], flags: readonly string[] = []): ChildProcess {
  const log = openSync(join(folder, "bridge.log"), "a");
  const child = spawn(process.execPath, [...flags, LAUNCHER, ...words], { cwd: folder, stdio: ["ignore", log, log] });
  closeSync(log);
  living.add(child);
  child.once("exit", () => living.delete(child));
  return child;
}

async function untilReady(bridge: ChildProcess, port: number, log: string): Promise<void> {
  for (const end = Date.now() + READY_WITHIN; ; ) {
    const answer = await fetch(`http://127.0.0.1:${port}/ready`).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.ok) return;
    if (bridge.exitCode !== null || Date.now() > end) throw new Error(`The bridge is not ready.\n${await readFile(log, "utf8")}`);
    await pause(10);
  }
}

/** Of any process, and of a store while a bridge has it open. */
export function usageOf(pid: number, walIndex: string): Usage {
  // The command's name, in brackets, may hold spaces.
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1")
    .replace(/^.*\) /s, "")
    .split(" ");
  const resident = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
  // "iChange" of the WAL index's header (https://sqlite.org/walformat.html): one more with each transaction.
  const commits = readFileSync(walIndex).readUInt32LE(8);
  return { cpu: (Number(stat[11]) + Number(stat[12])) * MS_PER_TICK, commits, resident: Number(resident) / 1024 };
}

class FarSide {
  readonly #child = fork(fileURLToPath(new URL("far-side.ts", import.meta.url)));

  async ask<Name extends keyof Questions>(ask: Name, ...given: Parameters<Questions[Name]>): Promise<ReturnType<Questions[Name]>> {
    this.#child.send({ ask, given });
    const [answer] = (await once(this.#child, "message")) as [{ value?: unknown; error?: string }];
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.value as ReturnType<Questions[Name]>;
  }

  close(): void {
    this.#child.disconnect();
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}
