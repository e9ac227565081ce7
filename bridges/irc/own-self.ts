/** A Matrix person on IRC under a nick of their own. */
import { createHash } from "node:crypto";
import type { Clock, Core, Login } from "../../core/network.ts";
import type { IrcNetworkConfig } from "./config.ts";
import type { Gate } from "./gate.ts";
import { readChannelId } from "./ids.ts";
import { sentence } from "./life.ts";
import type { Live } from "./live.ts";
import { fillTemplate, fitNick, fitRealName, fitUser } from "./nicks.ts";
import type { SaslCredentials, SaslMechanism } from "./sasl.ts";
import { bar, type Introduction, type Self } from "./self.ts";
import { isForListeners } from "./skim.ts";

/** What a sign-in leaves behind. All of it is text; all of it is sealed by core. */
export interface OwnSecrets {
  readonly nick?: string;
  readonly account?: string;
  readonly password?: string;
  readonly mechanism?: SaslMechanism;
  /** PEM. */
  readonly certificate?: string;
  readonly key?: string;
  /** For networks without SASL. */
  readonly nickserv?: string;
}

export interface OwnOptions {
  readonly config: IrcNetworkConfig;
  readonly login: Login;
  readonly core: Core;
  readonly gate: Gate;
}

const LONGEST_NICK = 64;

export function ownSelf({ config, login, core, gate }: OwnOptions): Self {
  const secrets = readSecrets(login);
  let place: symbol | undefined;
  // As of the beginning of the session: asked for each line, it would cost more than it saves.
  let isDeaf = false;
  const idle = new Idle(core.clock, config.own.away_after_minutes * 60_000, config.own.quit_after_hours * 3_600_000);
  return {
    own: true,
    nickserv: secrets.nickserv === undefined ? undefined : { nick: "NickServ", account: secrets.account, password: secrets.nickserv },
    perform: [],
    ended: (ending) => bar(gate, ending),
    turn: async (signal) => {
      if (!config.own.enabled) await refuse(core, signal, NOT_ALLOWED);
      while (place === undefined) {
        place = gate.enter();
        if (place === undefined) await full(core, signal);
      }
      await gate.turn(core.clock, signal);
      if (gate.barred !== undefined)
        await refuse(core, signal, `${sentence(gate.barred)} Nobody from here is tried until that is settled.`);
    },
    identity: async () => introduction(config, login, secrets),
    isDeaf: () => (isDeaf = !listens(core)),
    skip: (bytes, start, end, nick) => isDeaf && isForListeners(bytes, start, end, nick),
    settled: (live, rest) => idle.settled(live, rest),
    spoke: () => idle.spoke(),
    close: () => {
      idle.end();
      gate.leave(place);
    },
  };
}

const LOOK_AGAIN = 60_000;

async function full(core: Core, signal: AbortSignal): Promise<void> {
  core.state({ is: "disconnected", why: "As many people as the config allows have a connection of their own to this network now." });
  await core.clock.sleep(LOOK_AGAIN, signal);
}

/** It was allowed when they signed in. */
const NOT_ALLOWED = "The config does not let people have connections of their own to this network (any more).";

/** Never resolves. */
async function refuse(core: Core, signal: AbortSignal, why: string): Promise<never> {
  core.state({ is: "logged-out", why });
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/** Whether core counts on this connection to hear a channel, not only its owner's private talks. */
function listens(core: Core): boolean {
  return core.links().some((id) => readChannelId(id)?.channel !== undefined);
}

function readSecrets(login: Login): OwnSecrets {
  const texts = Object.entries(login.secrets).filter(([, value]) => typeof value === "string" && value !== "");
  return Object.fromEntries(texts) as OwnSecrets;
}

function introduction(config: IrcNetworkConfig, login: Login, secrets: OwnSecrets): Introduction {
  const address = ownAddress(config.own.ipv6_prefix, login.owner ?? login.id);
  const { certificate, key } = secrets;
  const { webirc } = config.own;
  return {
    identity: {
      nick: ownNick(config, login.owner ?? "", secrets.nick),
      user: fitUser(fillTemplate(config.own.user, personOf(login.owner ?? ""))),
      realName: fitRealName(fillTemplate(config.own.real_name, personOf(login.owner ?? ""))),
      password: config.password,
      sasl: credentials(secrets),
      webirc: webirc && address ? { password: webirc.password, gateway: webirc.gateway, host: address, address } : undefined,
    },
    client: certificate && key ? { certificate, key } : undefined,
    localAddress: webirc ? undefined : address,
  };
}

export function ownNick(config: IrcNetworkConfig, mxid: string, wish?: string): string {
  return fitNick(wish || fillTemplate(config.own.nick, personOf(mxid)), LONGEST_NICK);
}

/** Of a person nothing but the address is known when they connect. */
function personOf(mxid: string): { mxid: string; name: string } {
  return { mxid, name: /^@([^:]*)/.exec(mxid)?.[1] || "guest" };
}

function credentials({ mechanism, account = "", password = "", certificate }: OwnSecrets): SaslCredentials | undefined {
  if (certificate) return { mechanism: "EXTERNAL", account, password: "" };
  return password === "" ? undefined : { mechanism: mechanism ?? "PLAIN", account, password };
}

/** An address for a person in the range that is set: always the same one. */
export function ownAddress(prefix: string | undefined, person: string): string | undefined {
  if (prefix === undefined) return undefined;
  const [network = "", bits = "64"] = prefix.split("/");
  const groups = expand(network);
  const kept = Number(bits) / 16;
  const hash = createHash("sha256").update(person).digest();
  return groups.map((group, index) => (index < kept ? group : hash.readUInt16BE(2 * index).toString(16))).join(":");
}

function expand(address: string): string[] {
  const [left = "", right] = address.split("::");
  const [head, tail] = [left.split(":").filter(Boolean), (right ?? "").split(":").filter(Boolean)];
  const middle = right === undefined ? [] : Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => "0");
  return [...head, ...middle, ...tail];
}

/** Marks the person as away when they have said nothing for a while, and as back when they do; lets the connection go after long silence. */
class Idle {
  readonly #clock: Clock;
  /** Milliseconds; 0 = never. */
  readonly #awayAfter: number;
  readonly #quitAfter: number;
  #live: Live | undefined;
  #rest: (words: string) => void = () => undefined;
  #away = false;
  #cancel: (() => void)[] = [];

  constructor(clock: Clock, awayAfter: number, quitAfter: number) {
    this.#clock = clock;
    this.#awayAfter = awayAfter;
    this.#quitAfter = quitAfter;
  }

  settled(live: Live, rest: (words: string) => void): void {
    this.#live = live;
    this.#rest = rest;
    this.#away = false;
    this.#watch();
  }

  spoke(): void {
    if (this.#away) this.#live?.session.tell("AWAY", []);
    this.#away = false;
    this.#watch();
  }

  end(): void {
    for (const cancel of this.#cancel.splice(0)) cancel();
    this.#live = undefined;
  }

  #watch(): void {
    for (const cancel of this.#cancel.splice(0)) cancel();
    if (!this.#live) return;
    if (this.#awayAfter > 0) this.#cancel.push(this.#clock.timer(this.#awayAfter, () => this.#leave()));
    if (this.#quitAfter > 0) this.#cancel.push(this.#clock.timer(this.#quitAfter, () => this.#rest("Has not spoken for a long while")));
  }

  #leave(): void {
    this.#away = true;
    this.#live?.session.tell("AWAY", ["Has not spoken for a while"]);
  }
}
