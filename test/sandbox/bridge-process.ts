/** The bridge, started as in production: `causeway.js start -c FILE`, a process of its own that can be killed at any moment. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export interface BridgeState {
  /** `starting` until it says that it is of use. */
  readonly is: "starting" | "ready" | "down";
  readonly pid?: number;
  readonly kills: number;
  /** What stands in the way while it is starting, as the bridge itself says it. */
  readonly why?: string;
  /** How long the last start took until it was ready, milliseconds. */
  readonly startedIn?: number;
}

const entrance = fileURLToPath(new URL("../../causeway.js", import.meta.url));
/** How often it is asked whether it is ready, milliseconds. */
const ASK = 100;
const LINES = 200;

export interface BridgeOptions {
  readonly folder: string;
  readonly config: string;
  readonly port: number;
  readonly changed: (state: BridgeState) => void;
}

export class BridgeProcess {
  /** The last lines that it wrote. */
  readonly lines: string[] = [];
  readonly #options: BridgeOptions;
  #state: BridgeState = { is: "down", kills: 0 };
  #child: ChildProcess | undefined;
  #stopping = false;
  #again: NodeJS.Timeout | undefined;
  /** Whatever ends us, the bridge is not left behind. */
  readonly #orphaned = (): void => void this.#child?.kill("SIGKILL");

  constructor(options: BridgeOptions) {
    this.#options = options;
    process.once("exit", this.#orphaned);
  }

  get state(): BridgeState {
    return this.#state;
  }

  start(): void {
    const child = this.#spawn();
    this.#child = child;
    this.#tell({ is: "starting", ...(child.pid !== undefined && { pid: child.pid }), kills: this.#state.kills });
    void this.#watch(child, performance.now());
    child.once("exit", (code, signal) => this.#ended(child, code, signal));
  }

  /** SIGKILL now, and a new start after `ms`. */
  kill(ms: number): void {
    this.#child?.kill("SIGKILL");
    this.#tell({ is: "down", kills: this.#state.kills + 1 });
    clearTimeout(this.#again);
    this.#again = setTimeout(() => this.start(), ms);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    process.off("exit", this.#orphaned);
    clearTimeout(this.#again);
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), 5000);
    await once(child, "exit");
    clearTimeout(late);
  }

  #spawn(): ChildProcess {
    const { folder, config } = this.#options;
    const child = spawn(process.execPath, [entrance, "start", "-c", config], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.lines.push(...text.split("\n").filter(Boolean));
        this.lines.splice(0, this.lines.length - LINES);
      });
    }
    return child;
  }

  async #watch(child: ChildProcess, began: number): Promise<void> {
    while (this.#child === child && child.exitCode === null && child.signalCode === null && !this.#stopping) {
      const { ready, why } = await this.#ask();
      if (this.#child !== child || this.#state.is === "down") return;
      const { pid = 0 } = child;
      const { kills, startedIn } = this.#state;
      if (ready && this.#state.is !== "ready") this.#tell({ is: "ready", pid, kills, startedIn: Math.round(performance.now() - began) });
      else if (!ready && this.#state.why !== why)
        this.#tell({ is: "starting", pid, kills, why, ...(startedIn !== undefined && { startedIn }) });
      await new Promise((resolve) => setTimeout(resolve, this.#state.is === "ready" ? ASK * 10 : ASK));
    }
  }

  async #ask(): Promise<{ ready: boolean; why: string }> {
    try {
      const answer = await fetch(`http://127.0.0.1:${this.#options.port}/ready`, { signal: AbortSignal.timeout(2000) });
      return { ready: answer.ok, why: answer.ok ? "" : (await answer.text()).slice(0, 300) };
    } catch {
      return { ready: false, why: "It is starting." };
    }
  }

  #ended(child: ChildProcess, code: number | null, signal: string | null): void {
    if (this.#child !== child || this.#stopping) return;
    this.#child = undefined;
    if (this.#state.is === "down") return;
    this.#tell({ is: "down", kills: this.#state.kills, why: `It ended by itself (${signal ?? code}): ${this.#lastWords()}` });
    this.#again = setTimeout(() => this.start(), 1000);
  }

  /** What it said of its end: an error as Node prints it, else its last line. */
  #lastWords(): string {
    const error = this.lines.findLast((line) => /^(?:\w*Error\b|fatal\b)/i.test(line));
    return (error ?? this.lines.at(-1) ?? "it said nothing.").slice(0, 300);
  }

  #tell(state: BridgeState): void {
    this.#state = state;
    this.#options.changed(state);
  }
}
