/** A Matrix person on IRC under a nick of their own. */
import { createHash } from "node:crypto";
import type { RemoteChannelId } from "../../core/model/ids.ts";
import type { Core, Login, OwnLogin, OwnLoginPlace } from "../../core/network.ts";
import { foldAscii } from "./casemap.ts";
import { type IrcConfig, type IrcNetworkConfig, settingsOf } from "./config.ts";
import type { Gate } from "./gate.ts";
import { nickId, ownLoginId, readChannelId } from "./ids.ts";
import { sentence } from "./life.ts";
import type { Live } from "./live.ts";
import { fillTemplate, fitNick, fitRealName, fitUser } from "./nicks.ts";
import { OwnAccount, type OwnSecrets } from "./own-account.ts";
import type { SaslCredentials } from "./sasl.ts";
import { bar, type Introduction, type Self } from "./self.ts";
import { isForListeners } from "./skim.ts";

export interface OwnOptions {
  readonly config: IrcNetworkConfig;
  readonly login: Login;
  readonly core: Core;
  readonly gate: Gate;
}

const LONGEST_NICK = 64;

export function ownSelf({ config, login, core, gate }: OwnOptions): Self {
  const account = new OwnAccount(login, core.keep);
  let place: symbol | undefined;
  let isUrgent = false;
  // As of the beginning of the session: asked for each line, it would cost more than it saves.
  let isDeaf = false;
  let back = Promise.withResolvers<void>();
  const idle = new Idle(core, config.own.away_after_minutes * 60_000, config.own.quit_after_hours * 3_600_000);
  return {
    own: true,
    account,
    get nickserv() {
      const { nickserv, account: name } = account.secrets;
      return nickserv === undefined ? undefined : { nick: "NickServ", account: name, password: nickserv };
    },
    perform: [],
    ended: (ending) => bar(gate, ending),
    turn: async (signal) => {
      if (!config.own.enabled) await refuse(core, signal, NOT_ALLOWED);
      await account.load();
      while (account.hasLeft) await away(core, signal, back);
      while (place === undefined) {
        place = gate.enter();
        if (place === undefined) await full(core, signal);
      }
      await gate.turn(core.clock, signal, () => isUrgent);
      if (gate.barred !== undefined)
        await refuse(core, signal, `${sentence(gate.barred)} Nobody from here is tried until that is settled.`);
      while (account.hasLeft) await away(core, signal, back);
      isUrgent = false;
    },
    hurry: () => {
      isUrgent = true;
    },
    comeBack: async () => {
      if (!account.hasLeft) return;
      await account.setLeft(false);
      core.state({ is: "connecting" });
      back.resolve();
      back = Promise.withResolvers();
    },
    identity: async () => introduction(config, login, account.secrets),
    isDeaf: () => (isDeaf = !listens(core)),
    skip: (bytes, start, end, nick, asking) => isDeaf && isForListeners(bytes, start, end, nick, asking),
    settled: (live, rest, inside) => idle.settled(live, rest, inside),
    spoke: () => idle.spoke(),
    close: () => {
      idle.end();
      gate.leave(place);
    },
  };
}

async function away(core: Core, signal: AbortSignal, { promise }: PromiseWithResolvers<void>): Promise<void> {
  core.state({
    is: "logged-out",
    why: "You have left by `!irc quit`; what you write is relayed. `!irc join #CHANNEL` or `!irc nick` bring you back.",
  });
  const ended = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
  await Promise.race([promise, ended]);
}

/** Whoever speaks in a channel has a connection of their own, where the config wants it so. */
export function ownLoginFor(config: IrcConfig, owner: string, where: OwnLoginPlace): OwnLogin | undefined {
  const place = "channel" in where ? readChannelId(where.channel) : undefined;
  const network = "part" in where ? where.part : place?.network;
  const settings = network === undefined ? undefined : config.networks[network];
  if (network === undefined || !settings?.own.enabled || settings.own.for !== "speakers") return undefined;
  if (place && (place.channel === undefined || settingsOf(settings, place.channel).own === false)) return undefined;
  const nick = ownNick(settings, owner);
  const login: Login = { id: ownLoginId(network, owner), name: `${settings.name ?? network} as ${nick}`, owner, secrets: {} };
  return { login, person: { id: nickId(network, foldAscii(nick)), name: nick, avatar: null, ours: true } };
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

function credentials({ mechanism, account = "", password = "", certificate, unused }: OwnSecrets): SaslCredentials | undefined {
  if (certificate && !unused) return { mechanism: "EXTERNAL", account, password: "" };
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
  readonly #core: Core;
  /** Milliseconds; 0 = never. */
  readonly #awayAfter: number;
  readonly #quitAfter: number;
  #live: Live | undefined;
  #rest: (words: string) => void = () => undefined;
  #inside: () => readonly RemoteChannelId[] = () => [];
  #away = false;
  #cancel: (() => void)[] = [];

  constructor(core: Core, awayAfter: number, quitAfter: number) {
    this.#core = core;
    this.#awayAfter = awayAfter;
    this.#quitAfter = quitAfter;
  }

  settled(live: Live, rest: (words: string) => void, inside: () => readonly RemoteChannelId[]): void {
    this.#live = live;
    this.#rest = rest;
    this.#inside = inside;
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
    const { clock } = this.#core;
    for (const cancel of this.#cancel.splice(0)) cancel();
    if (!this.#live) return;
    if (this.#awayAfter > 0) this.#cancel.push(clock.timer(this.#awayAfter, () => this.#leave()));
    if (this.#quitAfter > 0) this.#cancel.push(clock.timer(this.#quitAfter, () => void this.#quit()));
  }

  #leave(): void {
    this.#away = true;
    this.#live?.session.tell("AWAY", ["Has not spoken for a while"]);
  }

  /** Whoever is seen in a channel that lets nobody read unseen goes on being seen there as long as they read along. */
  async #quit(): Promise<void> {
    const live = this.#live;
    for (const channel of this.#inside()) {
      const readers = await this.#core.readersOf?.(channel).catch(() => "visible" as const);
      if (readers === "visible") {
        if (live === this.#live && live) this.#cancel.push(this.#core.clock.timer(this.#quitAfter, () => void this.#quit()));
        return;
      }
    }
    if (live === this.#live) this.#rest("Has not spoken for a long while");
  }
}
