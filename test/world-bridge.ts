/** The bridge as a story runs it: a process of its own exactly as in production, or, to look into it, a part of this one. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { destination } from "pino";

const LAUNCHER = fileURLToPath(new URL("../causeway.js", import.meta.url));

export interface BridgeFiles {
  readonly folder: string;
  readonly config: string;
  readonly log: string;
  /** `CAUSEWAY_CLOCK_SPEED`; absent = real time. */
  readonly clockSpeed: string | undefined;
  /** Of its process, besides this one's. */
  readonly env: Readonly<Record<string, string>>;
  /** Absent = the one of this folder. */
  readonly launcher: string | undefined;
}

export interface Bridge {
  start(): Promise<void>;
  /** Resolves when it is gone. */
  end(signal: NodeJS.Signals): Promise<void>;
  /** Why it is not running, when it should. */
  gone(): string | undefined;
  /** -1 while it does not run. */
  pid(): number;
}

const living = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of living) child.kill("SIGKILL");
});

/** Runs one of the command's verbs to its end. */
export async function runVerb(files: BridgeFiles, ...words: string[]): Promise<void> {
  const [code] = (await once(launch(files, words), "exit")) as [number | null];
  if (code !== 0) throw new Error(`causeway ${words.join(" ")} ended with ${String(code)}\n${await readFile(files.log, "utf8")}`);
}

function launch(files: BridgeFiles, words: readonly string[]): ChildProcess {
  // Straight into the file: what it says in its last instant is not lost on the way through us.
  const log = openSync(files.log, "a");
  const speed = files.clockSpeed === undefined ? {} : { CAUSEWAY_CLOCK_SPEED: files.clockSpeed };
  const child = spawn(process.execPath, [files.launcher ?? LAUNCHER, ...words, "-c", files.config], {
    cwd: files.folder,
    env: { ...process.env, ...speed, ...files.env },
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  living.add(child);
  child.once("exit", () => living.delete(child));
  return child;
}

export class OwnProcess implements Bridge {
  readonly #files: BridgeFiles;
  #child: ChildProcess | undefined;

  constructor(files: BridgeFiles) {
    this.#files = files;
  }

  async start(): Promise<void> {
    this.#child = launch(this.#files, ["start"]);
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, "exit");
    child.kill(signal);
    await exit;
  }

  pid(): number {
    return this.#child?.pid ?? -1;
  }

  gone(): string | undefined {
    const { exitCode, signalCode } = this.#child ?? { exitCode: null, signalCode: null };
    return exitCode === null && signalCode === null ? undefined : `it ended with ${String(exitCode ?? signalCode)}`;
  }
}

/** Cannot be killed, only stopped. */
export class ThisProcess implements Bridge {
  readonly #files: BridgeFiles;
  #stop: (() => Promise<void>) | undefined;

  constructor(files: BridgeFiles) {
    this.#files = files;
  }

  async start(): Promise<void> {
    const [{ loadConfig }, { loadRegistration }, { createClock, readClockSpeed }, { createLog }, { start }, { networks }] =
      await Promise.all([
        import("../core/config.ts"),
        import("../core/cli-registration.ts"),
        import("../core/clock.ts"),
        import("../core/log.ts"),
        import("../core/main.ts"),
        import("../bridges/index.ts"),
      ]);
    const config = await loadConfig(this.#files.config, networks, process.env);
    const to = destination({ dest: this.#files.log, append: true, sync: true });
    const { log } = createLog({ level: "debug", format: "json", to });
    const running = await start(config, loadRegistration(config), createClock(readClockSpeed(this.#files.clockSpeed, Date.now())), log);
    this.#stop = async () => {
      await running.stop();
      to.end();
    };
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (signal === "SIGKILL" && this.#stop) throw new Error("A bridge in this process cannot be killed: give it one of its own.");
    await this.#stop?.();
    this.#stop = undefined;
  }

  gone(): string | undefined {
    return undefined;
  }

  pid(): number {
    return process.pid;
  }
}
