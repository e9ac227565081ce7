/** Real servers as child processes: free ports, temporary folders, an end that leaves nothing behind. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { access, chown, constants, readdir } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

/** A port that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** The full path of a program, also where only root's PATH would find it. */
export async function findProgram(name: string, alsoIn: readonly string[] = []): Promise<string | undefined> {
  const folders = [...alsoIn, ...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
  for (const folder of folders) {
    const path = join(folder, name);
    if (
      await access(path, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  return undefined;
}

/** Where everything is kept that takes long to fetch: `${CAUSEWAY_CACHE:-~/.cache/causeway}`. */
export const cacheFolder = (): string => process.env["CAUSEWAY_CACHE"] ?? join(homedir(), ".cache", "causeway");

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Some servers refuse to run as root: then they run as this user, whose the folder becomes. Nothing to do for anyone else. */
export async function giveTo(user: string, folder: string): Promise<Partial<Owner>> {
  if (process.getuid?.() !== 0) return {};
  const [uid, gid] = await Promise.all(["-u", "-g"].map(async (what) => Number(await runProgram("id", [what, user], "/"))));
  if (uid === undefined || gid === undefined) return {};
  for (const entry of await readdir(folder, { recursive: true })) await chown(join(folder, entry), uid, gid);
  await chown(folder, uid, gid);
  return { uid, gid };
}

export interface Child {
  readonly process: ChildProcess;
  /** The last of what it wrote. */
  readonly output: () => string;
  /** Asks it to end, insists after three seconds. */
  stop(): Promise<void>;
  kill(): Promise<void>;
}

const living = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of living) child.kill("SIGKILL");
});

export function startChild(
  program: string,
  args: readonly string[],
  options: { cwd: string; env?: NodeJS.ProcessEnv } & Partial<Owner>,
): Child {
  const child = spawn(program, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  living.add(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-4000);
    });
  }
  child.on("error", (error) => {
    output += String(error);
  });
  const ended = once(child, "close").catch(() => undefined);
  void ended.then(() => living.delete(child));
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    child.kill(signal);
    const insist = setTimeout(() => child.kill("SIGKILL"), 3000);
    await ended;
    clearTimeout(insist);
  };
  return { process: child, output: () => output, stop: () => end("SIGTERM"), kill: () => end("SIGKILL") };
}

/** Runs a program to its end; rejects with its output when it fails. */
export async function runProgram(program: string, args: readonly string[], cwd: string): Promise<string> {
  const child = startChild(program, args, { cwd });
  const [code] = (await once(child.process, "close")) as [number | null];
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${child.output()}`);
  return child.output();
}

/** Tries until `attempt` succeeds, the child has died, or the time is over. */
export async function untilReady(child: Child, attempt: () => Promise<boolean>, what: string, within = 20_000): Promise<void> {
  for (const end = Date.now() + within; ; ) {
    if (await attempt().catch(() => false)) return;
    if (child.process.exitCode !== null || child.process.signalCode !== null) throw new Error(`${what} has ended: ${child.output()}`);
    if (Date.now() > end) throw new Error(`${what} is not ready after ${within} ms: ${child.output()}`);
    await pause(20);
  }
}

/** Whether somebody listens there. */
export async function listens(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } finally {
    socket.destroy();
  }
}
