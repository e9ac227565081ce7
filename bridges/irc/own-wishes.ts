/** What a person wants of their own connection: another nick, a channel, words to somebody, an account, an end. */
import { Refused, TryLater } from "../../core/model/errors.ts";
import type { Clock, Core, Login } from "../../core/network.ts";
import { isNick } from "./nicks.ts";
import { linesOf } from "./batches.ts";
import { refusalIn } from "./asks.ts";
import type { Attendance } from "./attendance.ts";
import { makeCertificate } from "./certificate.ts";
import { type IrcNetworkConfig, settingsOf } from "./config.ts";
import { readable } from "./endings.ts";
import { channelId } from "./ids.ts";
import { lastParam, type Line, param } from "./line.ts";
import { wrap } from "./lines.ts";
import type { Live } from "./live.ts";
import { fitNick } from "./nicks.ts";
import type { Outbox } from "./outbox.ts";
import type { OwnAccount } from "./own-account.ts";
import { errorOf } from "./refusals.ts";
import type { Self } from "./self.ts";

export interface OwnWishesOptions {
  readonly network: string;
  readonly networkName: string;
  readonly owner: string;
  readonly config: IrcNetworkConfig;
  readonly core: Pick<Core, "readersOf">;
  readonly clock: Clock;
  readonly outbox: Outbox;
  readonly signal: AbortSignal;
  readonly account: OwnAccount;
  attendance(): Attendance;
  live(): Live;
  current(): Live | undefined;
  /** Ends the connection; it comes back when `comeBack` was called. */
  rest(words: string): void;
  comeBack(): Promise<void>;
  /** A nick that the person would rather have. */
  wished(nick: string): void;
}

type Shared = Pick<OwnWishesOptions, "network" | "networkName" | "config" | "clock" | "outbox" | "signal" | "live" | "current">;

/** Undefined for the relay bot, which wants nothing of its own. */
export function wishesOf(
  shared: Shared,
  { core, login, self }: { readonly core: Core; readonly login: Login; readonly self: Self },
  parts: { attendance(): Attendance; leave(words: string): void; wished(nick: string): void },
): OwnWishes | undefined {
  const { account } = self;
  if (!account) return undefined;
  const { attendance, leave, wished } = parts;
  const comeBack = async (): Promise<void> => await self.comeBack?.();
  return new OwnWishes({ ...shared, core, owner: login.owner ?? login.id, account, attendance, rest: leave, comeBack, wished });
}

const SERVICES_WITHIN = 8000;
const ENTER_WITHIN = 8000;
const NICK_WITHIN = 3000;

export class OwnWishes {
  readonly #options: OwnWishesOptions;

  constructor(options: OwnWishesOptions) {
    this.#options = options;
  }

  async nick(wish: string | undefined): Promise<string> {
    const { account, networkName } = this.#options;
    if (wish === undefined) {
      await this.#options.comeBack();
      return `You are ${this.#options.live().book.me.nick} on ${networkName}.`;
    }
    const nick = fitNick(wish, this.#options.current()?.session.isupport.nickLength ?? 64);
    await account.learn({ nick });
    await this.#options.comeBack();
    this.#options.wished(nick);
    const { book, hearing } = this.#options.live();
    if (book.me.nick === nick) return `You are ${nick} on ${networkName}.`;
    const renamed = hearing.watch((line) => line.command === "NICK" && param(line, 0) === nick);
    const refusal = (await this.#ask("NICK", nick)).find(isRefusal);
    // Some servers confirm before they do it.
    if (!refusal && book.me.nick !== nick)
      await Promise.race([renamed.line, this.#options.clock.sleep(NICK_WITHIN, this.#options.signal).catch(() => undefined)]);
    renamed.stop();
    if (refusal)
      throw new Refused(`${nick} is not to be had: the server says "${readable(lastParam(refusal))}". You remain ${book.me.nick}.`);
    return `You are ${book.me.nick} on ${networkName} from now on${nick === wish ? "" : ` (${wish} in letters that IRC takes)`}.`;
  }

  async join(name: string, key: string | undefined): Promise<string> {
    const { config, network, account, core } = this.#options;
    const attendance = this.#options.attendance();
    if (settingsOf(config, name).own === false)
      throw new Refused(`Nobody has a connection of their own in ${name}: everybody is relayed there.`);
    await this.#options.comeBack();
    const { session } = this.#options.live();
    if (attendance.names().length >= this.#most(session.isupport.channelsAtMost(name)))
      throw new Refused("You are in as many channels as you may be: `!irc part` leaves one.");
    const id = channelId(network, name);
    attendance.keyed(name, key);
    await this.#within(attendance.join(id, name), ENTER_WITHIN, `${name} has not let you in yet; it is tried on.`);
    await account.setChannel(name, key ?? "");
    const isLinked = (await core.readersOf?.(id)) !== undefined;
    return isLinked
      ? `You are in ${name}.`
      : `You are in ${name}. It is bridged to no room: \`!causeway link irc ${network} ${name}\` in one does that.`;
  }

  #most(server: number): number {
    return Math.min(this.#options.config.own.channels, server);
  }

  async part(name: string): Promise<string> {
    const { network, account } = this.#options;
    const attendance = this.#options.attendance();
    const id = channelId(network, name);
    const was = attendance.wants(id);
    await account.setChannel(name, undefined);
    await attendance.leave(id, "Left");
    return was ? `You have left ${name}; your next word there brings you back.` : `You are not in ${name}.`;
  }

  async say(nick: string, text: string): Promise<string> {
    if (!isNick(nick) || text === "") throw new Refused("To whom, and what? For example: !irc msg dave hello");
    await this.#options.comeBack();
    const { book } = this.#options.live();
    // Within 0x01 bytes it would be an order to somebody's client.
    const clean = text.replaceAll("\u0001", "");
    for (const line of wrap([{ text: clean, look: {} }], { limit: 350 })) {
      const refusal = (await this.#ask("PRIVMSG", nick, line)).find(isRefusal);
      if (refusal) throw errorOf(refusal, nick, "The message was not sent");
    }
    return `Said to ${book.person(nick)?.nick ?? nick}.`;
  }

  /** Now by services, and by SASL at the next connection where the server has it. Kept only when services agree. */
  async identify(words: readonly string[]): Promise<string> {
    const { account } = this.#options;
    const [first = "", second] = words;
    if (first === "" || words.length > 2) throw new Refused("Which password? For example: !irc identify ACCOUNT PASSWORD");
    await this.#options.comeBack();
    const { session, book } = this.#options.live();
    const [name, password] = second === undefined ? [account.secrets.account ?? book.me.nick, first] : [first, second];
    const answer = await this.#askServices(`IDENTIFY ${second === undefined ? "" : `${name} `}${password}`);
    if (!answer.isSignedIn) throw new Refused(`Services have not signed you in: ${answer.said}`);
    const offered = (session.caps.offered.get("sasl") ?? "").toUpperCase();
    const hasSasl = session.caps.offered.has("sasl");
    const mechanism = offered.includes("SCRAM-SHA-256") ? ("SCRAM-SHA-256" as const) : ("PLAIN" as const);
    if (hasSasl) await account.learn({ account: name, password, mechanism, nickserv: undefined });
    else await account.learn({ account: second === undefined ? undefined : name, nickserv: password, password: undefined });
    return `You are signed in${session.account === undefined ? "" : ` as ${session.account}`}. The password is kept sealed, and used whenever you connect.`;
  }

  async certificate([word, name]: readonly string[]): Promise<string> {
    const { account, owner, clock } = this.#options;
    const { secrets } = account;
    if (word?.toLowerCase() === "drop") {
      await account.learn({ certificate: undefined, key: undefined, unused: undefined });
      return "The certificate is gone, from your next connection on.";
    }
    if (word?.toLowerCase() === "use") {
      if (!secrets.certificate) throw new Refused("There is no certificate yet: `!irc cert` makes one.");
      const as = name ?? secrets.account ?? this.#options.current()?.book.me.account;
      await account.learn({ unused: undefined, ...(as === undefined ? {} : { account: as }) });
      return "From your next connection on you are signed in by your certificate.";
    }
    const made = makeCertificate(owner, clock.now());
    await account.learn({ certificate: made.certificate, key: made.key, unused: "yes" });
    const known = await this.#tellServices(made.sha512, made.sha256);
    if (known) {
      const as = this.#options.current()?.session.account;
      await account.learn({ unused: undefined, ...(as === undefined ? {} : { account: as }) });
      return "Services know your new certificate: from your next connection on it signs you in.";
    }
    return [
      "A certificate is made. Tell services that it is yours, signed in to your account:",
      `!irc msg NickServ CERT ADD ${made.sha512}`,
      `or, where that is refused: !irc msg NickServ CERT ADD ${made.sha256}`,
      "then say: !irc cert use ACCOUNT",
    ].join("\n");
  }

  /** Only who is signed in may do that. False = they have to do it themselves. */
  async #tellServices(...fingerprints: readonly string[]): Promise<boolean> {
    if (this.#options.current()?.session.account === undefined) return false;
    for (const fingerprint of fingerprints) {
      const { said } = await this.#askServices(`CERT ADD ${fingerprint}`);
      if (/\b(added|success)/i.test(said) && !/\b(not|invalid|unknown|fail|denied)\b/i.test(said)) return true;
    }
    return false;
  }

  async quit(): Promise<string> {
    const { account, networkName } = this.#options;
    await account.setLeft(true);
    this.#options.rest("Has left");
    return `You have left ${networkName}. What you write is relayed; \`!irc join #CHANNEL\` or \`!irc nick\` bring you back.`;
  }

  async #askServices(words: string): Promise<{ said: string; isSignedIn: boolean }> {
    const { session, book, hearing } = this.#options.live();
    const { clock, signal, outbox } = this.#options;
    const services = book.fold("NickServ");
    const said: string[] = [];
    let isSignedIn = false;
    const answered = hearing.watch((line) => {
      if (line.command === "NOTICE" && book.fold(line.nick) === services) said.push(readable(lastParam(line)));
      isSignedIn ||= line.command === "900" || (line.command === "MODE" && book.isMe(param(line, 0)) && /^\+\S*r/.test(param(line, 1)));
      isSignedIn ||= /you are now (identified|logged in|recognized)|password accepted/i.test(said.at(-1) ?? "");
      return isSignedIn || said.length > 0 || line.command === "401";
    });
    await outbox.sureTurn(1, words.length, signal);
    session.tell("PRIVMSG", ["NickServ", words]);
    await Promise.race([answered.line, clock.sleep(SERVICES_WITHIN, signal).catch(() => undefined)]);
    // Some say first that they have it, and then what came of it.
    if (!isSignedIn && said.length > 0) await clock.sleep(300, signal).catch(() => undefined);
    answered.stop();
    return { said: said.join(" ") || "they do not answer.", isSignedIn };
  }

  async #ask(command: string, ...params: readonly string[]): Promise<Line[]> {
    const { outbox, signal } = this.#options;
    const { session } = this.#options.live();
    await outbox.sureTurn(1, params.join(" ").length, signal);
    const answer = await session.askLine(command, ...params);
    if (answer.is !== "answered") throw new Refused("The server did not answer in time.");
    const refusal = refusalIn(answer);
    return refusal ? [refusal] : answer.items.flatMap(linesOf);
  }

  async #within(work: Promise<void>, ms: number, otherwise: string): Promise<void> {
    const done = new AbortController();
    const late = this.#options.clock.sleep(ms, done.signal).then(
      () => {
        throw new TryLater(otherwise, 1000, "item");
      },
      () => undefined,
    );
    await Promise.race([work, late]).finally(() => done.abort());
  }
}

const isRefusal = ({ command }: Line): boolean => /^([45]\d\d|263|FAIL)$/.test(command);
