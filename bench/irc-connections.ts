/**
 * 6: what people's own IRC connections cost: in a process with nothing but the adapter, one listener and 10, 100, 500 of them in one busy
 * channel. This file is that process too. The server beside it (in the bench's own process) greets, lets in, and tells everybody what is
 * said, with tags as InspIRCd has them.
 */
import { type ChildProcess, fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { createClock } from "../core/clock.ts";
import { remoteChannelId } from "../core/model/ids.ts";
import type { Connection, Core, Login } from "../core/network.ts";
import { irc } from "../bridges/irc/index.ts";
import type { Wishes } from "./parts.ts";

const HERE = fileURLToPath(import.meta.url);
const CHANNEL = "#busy";
const HOST = "irc.bench.local";
const CAPS = "message-tags server-time echo-message labeled-response batch account-tag multi-prefix extended-join away-notify";

/** One client of the server. */
class Client {
  nick = "*";
  readonly #socket: Socket;
  readonly #server: Crowd;
  #rest = "";

  constructor(socket: Socket, server: Crowd) {
    this.#socket = socket;
    this.#server = server;
    socket.setEncoding("utf8");
    socket.setNoDelay(true);
    socket.on("error", () => undefined);
    socket.on("data", (data: string) => this.#take(data));
    socket.on("close", () => server.members.delete(this));
  }

  write(text: string): void {
    this.#socket.write(text);
  }

  #take(data: string): void {
    const lines = (this.#rest + data).split("\r\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#line(line);
  }

  #line(text: string): void {
    const [, tags = "", command = "", rest = ""] = /^(?:@(\S+) )?(\S+) ?(.*)$/.exec(text) ?? [];
    const label = /(?:^|;)label=([^;]+)/.exec(tags)?.[1];
    const lines = this.#answers(command, rest);
    const [only, ...more] = lines;
    if (label === undefined) return lines.length > 0 ? this.write(lines.map((line) => `${line}\r\n`).join("")) : undefined;
    if (only === undefined) return this.write(`@label=${label} :${HOST} ACK\r\n`);
    if (more.length === 0) return this.write(`@label=${label}${only.startsWith("@") ? `;${only.slice(1)}` : ` ${only}`}\r\n`);
    const within = lines.map((line) => `@batch=b${line.startsWith("@") ? `;${line.slice(1)}` : ` ${line}`}\r\n`).join("");
    this.write(`@label=${label} :${HOST} BATCH +b labeled-response\r\n${within}:${HOST} BATCH -b\r\n`);
  }

  #answers(command: string, rest: string): string[] {
    const [first = ""] = rest.split(" ", 1);
    const numeric = (code: string, words: string): string => `:${HOST} ${code} ${this.nick} ${words}`;
    switch (command) {
      case "CAP":
        if (rest.startsWith("LS")) return [`:${HOST} CAP * LS :${CAPS}`];
        return rest.startsWith("REQ") ? [`:${HOST} CAP * ACK ${rest.slice(4)}`] : this.#welcome(numeric);
      case "NICK":
        this.nick = first;
        return [];
      case "JOIN": {
        this.#server.members.add(this);
        const names = this.#server.people.slice(0, 60).join(" ");
        return [`:${this.nick}!u@h JOIN ${first} * :somebody`, numeric("353", `= ${first} :${names}`), numeric("366", `${first} :End`)];
      }
      case "TAGMSG":
        return [`@msgid=t1;time=${new Date().toISOString()} :${this.nick}!u@h TAGMSG ${first}`];
      case "MODE":
        return [numeric("324", `${first} +nt`)];
      case "PING":
        return [`:${HOST} PONG ${HOST} ${rest}`];
      default:
        return [];
    }
  }

  #welcome(numeric: (code: string, words: string) => string): string[] {
    const support = "CHANTYPES=# PREFIX=(ov)@+ NICKLEN=30 CASEMAPPING=ascii CHANMODES=b,k,l,imnpst :are supported";
    return [numeric("001", ":hi"), numeric("004", `${HOST} bench i o`), numeric("005", support), numeric("422", ":none")];
  }
}

class Crowd {
  readonly members = new Set<Client>();
  /** In the channel besides the bridge's. */
  readonly people = Array.from({ length: 200 }, (_, number) => `person${number}`);
  readonly #server = createServer((socket) => new Client(socket, this));
  #ids = 0;

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", 4096, resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  say(text: string): void {
    const nick = this.people[this.#ids % this.people.length] as string;
    const line = `@time=${new Date().toISOString()};msgid=${(++this.#ids).toString(36)};account=${nick} :${nick}!u@h PRIVMSG ${CHANNEL} :${text}\r\n`;
    for (const member of this.members) member.write(line);
  }

  close(): void {
    this.#server.close();
  }
}

export async function ircConnections({ figures, runs, quick }: Wishes): Promise<void> {
  for (let run = 0; run < (quick ? 1 : runs); run += 1) {
    for (const many of [10, 100, 500]) {
      const crowd = new Crowd();
      const side = fork(HERE, [String(await crowd.listen())], {
        execArgv: ["--expose-gc", "--max-semi-space-size=2"],
        env: { ...process.env, CAUSEWAY_BENCH_SIDE: "1" },
      });
      try {
        await measure(side, crowd, many, quick ? 500 : 2_000, figures);
      } finally {
        side.kill();
        crowd.close();
      }
    }
  }
}

async function measure(side: ChildProcess, crowd: Crowd, many: number, messages: number, figures: Wishes["figures"]): Promise<void> {
  const part = "irc-connections";
  await asked(side, { connections: 0 });
  const before = residentOf(side);
  await asked(side, { connections: many });
  figures.add(part, `${many}: resident a connection`, "KB", (residentOf(side) - before) / many, "≤ 30");
  const idle = cpuOf(side);
  await pause(2_000);
  figures.add(part, `${many}: CPU a connection that hears nothing`, "µs/s", ((cpuOf(side) - idle) * 1000) / 2 / many);
  const began = cpuOf(side);
  for (let said = 0; said < messages; said += 1) {
    crowd.say("The quick brown fox jumps over the lazy dog, and says so.");
    if (said % 20 === 19) await pause(10);
  }
  // Whatever is on its way has been read when this is answered.
  await asked(side, { heard: messages });
  figures.add(part, `${many}: CPU a message that all hear`, "ms", (cpuOf(side) - began) / messages);
}

async function asked(side: ChildProcess, wish: Readonly<Record<string, number>>): Promise<void> {
  const answer = new Promise<void>((resolve, reject) => {
    side.once("message", () => resolve());
    side.once("exit", (code) => reject(new Error(`The measured process ended with ${code}.`)));
  });
  side.send(wish);
  await answer;
}

/** KB. */
function residentOf({ pid }: ChildProcess): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

/** Milliseconds of a processor, of all threads; a tick is ten. */
function cpuOf({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** The measured process: the adapter, and a core that keeps nothing. */
function side(port: number): void {
  const clock = createClock({ speed: 1, since: Date.now() });
  const log = pino({ level: "silent" });
  const config = irc.config.parse({
    networks: {
      bench: {
        servers: [{ host: "127.0.0.1", port, tls: false }],
        nick: "listener",
        own: { enabled: true, per_minute: 600, most: 1000 },
      },
    },
  });
  // The pace is what the operator sets; here only the cost counts.
  for (const network of Object.values(config.networks)) network.own.per_minute = 100_000;
  const channel = remoteChannelId(`bench/${CHANNEL}`);
  let heard = 0;
  const open = async (login: Login, links: readonly (typeof channel)[]): Promise<Connection> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const core: Core = {
      receive: async (events) => {
        for (const event of Array.isArray(events) ? events : [events]) if (event.kind === "message") heard += 1;
      },
      state: (state) => {
        if (state.is === "connected") resolve();
      },
      keep: { get: async () => undefined, set: async () => undefined },
      links: () => links,
      route: () => undefined,
      publicUrl: undefined,
      clock,
      log,
      signal: new AbortController().signal,
    };
    const connection = irc.connect(config, login, core);
    await promise;
    return connection;
  };
  const connections: Connection[] = [];
  const settle = async (): Promise<void> => {
    for (let round = 0; round < 3; round += 1) {
      await pause(300);
      globalThis.gc?.();
    }
  };
  process.on("message", (wish: { connections?: number; heard?: number }) => {
    void (async () => {
      if (wish.connections === 0) connections.push(await open(irc.logins(config)[0] as Login, [channel]));
      for (let number = 0; number < (wish.connections ?? 0); number += 1) {
        const made = irc.ownLogin?.(config, `@person${number}:example.org`, { channel });
        if (!made) throw new Error("There are no own connections.");
        const connection = await open(made.login, []);
        await connection.ask?.({ verb: "join", words: CHANNEL, by: made.login.owner ?? "" });
        connections.push(connection);
      }
      while (heard < (wish.heard ?? 0)) await pause(5);
      if (wish.connections !== undefined) await settle();
      process.send?.("done");
    })();
  });
}

if (process.env["CAUSEWAY_BENCH_SIDE"] === "1" && process.argv[1] === HERE) side(Number(process.argv[2]));
