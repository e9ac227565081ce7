/** Real IRC servers on this machine, each in a folder and on ports of its own, on loopback only. */
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Child, listens, untilReady } from "./setup.ts";

export interface IrcServer {
  readonly host: string;
  readonly port: number;
  /** As the server says it in ISUPPORT. */
  readonly network: string;
  /** `OPER root operpass` makes anyone an operator (InspIRCd, ngIRCd). */
  readonly oper: { readonly name: string; readonly password: string };
  readonly folder: string;
  /** Ends it at once: every connection drops. */
  kill(): Promise<void>;
  /** Kills it and starts it again on the same ports. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export const oper = { name: "root", password: "operpass" };

/** A folder for one server's files, made for it. */
export const serverFolder = (name: string): Promise<string> => mkdtemp(join(tmpdir(), `causeway-${name}-`));

/** One or more processes that are one server; ready when its port answers and `alsoReady` says so. */
export class RunningServer implements IrcServer {
  readonly host = "127.0.0.1";
  readonly port: number;
  readonly network: string;
  readonly oper = oper;
  readonly folder: string;
  readonly #spawn: () => Child[];
  readonly #alsoReady: () => Promise<boolean>;
  #children: Child[] = [];

  constructor(
    server: { port: number; network: string; folder: string },
    spawn: () => Child[],
    alsoReady: () => Promise<boolean> = async () => true,
  ) {
    this.port = server.port;
    this.network = server.network;
    this.folder = server.folder;
    this.#spawn = spawn;
    this.#alsoReady = alsoReady;
  }

  async start(): Promise<this> {
    this.#children = this.#spawn();
    const [first] = this.#children;
    if (!first) throw new Error("A server is at least one process");
    await untilReady(first, async () => (await listens(this.port)) && (await this.#alsoReady()), `The IRC server on port ${this.port}`);
    return this;
  }

  async kill(): Promise<void> {
    await Promise.all(this.#children.map((child) => child.kill()));
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#children.map((child) => child.stop()));
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Logs in under a passing nick, sends a line, and resolves with the first line that fits. For looking whether a server is ready. */
export async function askIrc(port: number, line: string, answer: RegExp, within = 5000): Promise<string> {
  const socket = connect(port, "127.0.0.1").setEncoding("utf8");
  try {
    return await new Promise<string>((resolve, reject) => {
      const timeout = setTimeout(() => reject(new Error(`No answer to ${line}`)), within);
      let rest = "";
      socket.on("error", reject);
      socket.on("close", () => reject(new Error("The server has hung up")));
      socket.on("data", (chunk: string) => {
        const lines = (rest + chunk).split(/\r?\n/);
        rest = lines.pop() ?? "";
        for (const got of lines) {
          if (got.startsWith("PING")) socket.write(`PONG${got.slice(4)}\r\n`);
          if (/^\S+ 001 /.test(got)) socket.write(`${line}\r\n`);
          if (!answer.test(got)) continue;
          clearTimeout(timeout);
          resolve(got);
        }
      });
      socket.write(`NICK ask${process.pid}${Math.trunc(Math.random() * 1000)}\r\nUSER ask 0 * :ask\r\n`);
    });
  } finally {
    socket.destroy();
  }
}
