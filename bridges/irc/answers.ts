/** Answers what is asked of IRC itself, by the login that it is asked of: see verbs.ts. */
import { Refused } from "../../core/model/errors.ts";
import { type RemoteChannelId, remoteChannelId } from "../../core/model/ids.ts";
import type { Asking } from "../../core/network.ts";
import { linesOf } from "./batches.ts";
import { refusalIn } from "./asks.ts";
import type { IrcNetworkConfig } from "./config.ts";
import { plainTopic } from "./from-channel.ts";
import { readable } from "./endings.ts";
import { channelId, isChannelName, readChannelId } from "./ids.ts";
import { lastParam, type Line, param } from "./line.ts";
import type { Live } from "./live.ts";
import { factsOf } from "./modes.ts";
import type { Outbox } from "./outbox.ts";
import { isNick } from "./nicks.ts";
import type { OwnWishes } from "./own-wishes.ts";

export interface AnswersOptions {
  readonly network: string;
  readonly networkName: string;
  readonly config: IrcNetworkConfig;
  readonly own: boolean;
  readonly outbox: Outbox;
  readonly signal: AbortSignal;
  /** Absent for the relay bot. */
  readonly wishes: OwnWishes | undefined;
  live(): Live;
  /** The connection, where there is one. */
  current(): Live | undefined;
  /** Why there is none. */
  trouble(): string | undefined;
  inside(): readonly RemoteChannelId[];
}

const MOST_LISTED = 20;
const MOST_NAMES = 200;
const LIST_WITHIN = 60_000;

export class Answers {
  readonly #options: AnswersOptions;

  constructor(options: AnswersOptions) {
    this.#options = options;
  }

  async to({ verb, words, channel }: Asking): Promise<string> {
    const { wishes } = this.#options;
    const all = words.split(/\s+/).filter(Boolean);
    switch (verb) {
      case "status":
        return this.#status();
      case "whois":
        return await this.#whois(all[0] ?? "");
      case "names":
        return await this.#names(all[0], channel);
      case "list":
        return await this.#list(all[0]);
      case "raw":
        return await this.#raw(words);
    }
    if (!wishes) throw new Refused("That is for a connection of your own, and you have none: `!causeway login irc` makes one.");
    switch (verb) {
      case "nick":
        return await wishes.nick(all[0]);
      case "join":
        return await wishes.join(nameIn(all[0], channel), all[1]);
      case "part":
        return await wishes.part(nameIn(all[0], channel));
      case "msg":
        return await wishes.say(all[0] ?? "", words.replace(/^\S+\s*/, ""));
      case "identify":
        return await wishes.identify(all);
      case "cert":
        return await wishes.certificate(all);
      case "quit":
        return await wishes.quit();
      default:
        throw new Refused(`IRC knows no "${verb}".`);
    }
  }

  #status(): string {
    const { networkName, own, current, trouble, inside } = this.#options;
    const who = own ? "You are" : "The bridge is";
    const live = current();
    if (!live?.settled) return `${who} not connected to ${networkName}: ${trouble() ?? "it is on its way."}`;
    const { nick, user, host, account } = live.book.me;
    const as = host === "" ? nick : `${nick} (${user}@${host})`;
    const names = inside().map((id) => live.book.channel(readChannelId(id)?.channel ?? "")?.name ?? readChannelId(id)?.channel ?? id);
    // Which secret channels the bot is in is nobody's business.
    const channels = own ? (names.length > 0 ? `, in ${names.join(", ")}` : ", in no channel yet") : `, in ${names.length} channels`;
    return `${who} connected to ${networkName} as ${as}, ${account === undefined ? "not signed in" : `signed in as ${account}`}${channels}.`;
  }

  async #whois(nick: string): Promise<string> {
    const wanted = nick.replace(/^@/, "");
    if (!isNick(wanted)) throw new Refused("Of whom? For example: !irc whois dave");
    const lines = await this.#ask("WHOIS", wanted);
    const user = lines.find(({ command }) => command === "311");
    if (!user) return `There is nobody called ${readable(wanted)} on ${this.#options.networkName} now.`;
    const said = (command: string, tell: (line: Line) => string): string[] => {
      const line = lines.find((one) => one.command === command);
      return line ? [tell(line)] : [];
    };
    return [
      `${readable(param(user, 1))} is ${readable(param(user, 2))}@${readable(param(user, 3))}: ${readable(lastParam(user))}`,
      ...said("330", (line) => `signed in as ${readable(param(line, 2))}`),
      ...said("307", () => "signed in under this nick"),
      ...said("301", (line) => `away: ${readable(lastParam(line))}`),
      ...said("317", (line) => `silent for ${duration(Number(param(line, 2)))}`),
      ...said("312", (line) => `on ${readable(param(line, 2))}`),
      ...said("313", () => "of the network's staff"),
      ...said("335", () => "a bot"),
      ...said("671", () => "by an encrypted connection"),
    ].join("\n");
  }

  async #names(name: string | undefined, channel: RemoteChannelId | undefined): Promise<string> {
    const { network, live } = this.#options;
    const wanted = nameIn(name, channel);
    const id = channelId(network, wanted);
    const { book, session } = live();
    const known = book.channel(wanted);
    if (known?.counted) {
      const facts = factsOf(known.modes, session.version);
      const isHere = channel !== undefined && book.fold(readChannelId(channel)?.channel ?? "") === book.fold(wanted);
      if (!isHere && !this.#options.own && (facts.unlisted || facts.visibility === "private"))
        throw new Refused(`Who is in ${wanted} is said in its own room alone.`);
      const signs = session.isupport.ranks;
      const people = [...known.members].map(([folded, ranks]) => {
        const sign = signs.find(({ mode }) => ranks.includes(mode))?.sign ?? "";
        return `${sign}${book.people.get(folded)?.nick ?? folded}`;
      });
      return listed(known.name, people);
    }
    const lines = await this.#ask("NAMES", readChannelId(id)?.channel ?? wanted);
    const people = lines.filter(({ command }) => command === "353").flatMap((line) => lastParam(line).split(" ").filter(Boolean));
    return listed(
      wanted,
      people.map((entry) => entry.replace(/!.*$/, "")),
    );
  }

  async #list(word: string | undefined): Promise<string> {
    const { session, book } = this.#options.live();
    const { outbox, signal } = this.#options;
    await outbox.idleTurn(1, 20, signal);
    const answer = await session.ask({ lines: [{ command: "LIST", params: [] }], limit: LIST_WITHIN });
    if (answer.is !== "answered") throw new Refused("The server did not give its list in time.");
    const channels = answer.items
      .flatMap(linesOf)
      .filter(({ command }) => command === "322")
      .map((line) => ({
        name: readable(param(line, 1)),
        people: Number(param(line, 2)) || 0,
        topic: plainTopic(lastParam(line)).trim(),
      }))
      .filter(({ name, topic }) => word === undefined || `${name} ${topic}`.toLowerCase().includes(word.toLowerCase()))
      // To us the server also tells the secret channels that we are in.
      .filter(({ name }) => !isHidden(book.channel(name)?.modes, session.version))
      .toSorted((one, other) => other.people - one.people);
    if (channels.length === 0)
      return word === undefined ? "The server lists no channels." : `No channel with "${word}" in its name or topic.`;
    const lines = channels
      .slice(0, MOST_LISTED)
      .map(({ name, people, topic }) => `${name} (${people})${topic === "" ? "" : `: ${topic.slice(0, 120).toWellFormed()}`}`);
    const more = channels.length - lines.length;
    return [...lines, ...(more > 0 ? [`… and ${more} more: name a word to look for`] : [])].join("\n");
  }

  async #raw(text: string): Promise<string> {
    const [, command = "", rest = ""] = /^(\S+)\s*(.*)$/.exec(text) ?? [];
    if (!/^[A-Za-z]{2,20}$|^\d{3}$/.test(command)) throw new Refused("Which line? For example: !irc raw LUSERS");
    if (/^(QUIT|CAP|AUTHENTICATE|PASS)$/i.test(command)) throw new Refused(`${command.toUpperCase()} is the bridge's own affair.`);
    const [, middle = "", tail] = /^((?:(?!:)\S+\s*)*)(?::(.*))?$/.exec(rest) ?? [];
    const params = [...middle.split(/\s+/).filter(Boolean), ...(tail === undefined ? [] : [tail])];
    const lines = await this.#ask(command.toUpperCase(), ...params);
    const said = lines.map((line) => readable([line.command, ...line.params.slice(/^\d/.test(line.command) ? 1 : 0)].join(" ")));
    if (said.length === 0) return "Sent; the server says nothing to it.";
    return [...said.slice(0, MOST_LISTED), ...(said.length > MOST_LISTED ? [`… and ${said.length - MOST_LISTED} more lines`] : [])].join(
      "\n",
    );
  }

  async #ask(command: string, ...params: readonly string[]): Promise<Line[]> {
    const { session } = this.#options.live();
    const { outbox, signal } = this.#options;
    await outbox.sureTurn(1, params.join(" ").length, signal);
    const answer = await session.askLine(command, ...params);
    if (answer.is !== "answered") throw new Refused("The server did not answer in time.");
    const refusal = refusalIn(answer);
    const lines = answer.items.flatMap(linesOf);
    if (refusal && lines.every((line) => line === refusal)) {
      // Nobody of that name is an answer too.
      if (refusal.command === "401" || command !== "WHOIS") return command === "WHOIS" ? [] : [refusal];
    }
    return lines;
  }
}

function isHidden(modes: ReadonlyMap<string, string> | undefined, version: string): boolean {
  if (!modes) return false;
  const facts = factsOf(modes, version);
  return facts.unlisted || facts.visibility === "private";
}

function nameIn(name: string | undefined, channel: RemoteChannelId | undefined): string {
  const wanted = name ?? (channel === undefined ? undefined : readChannelId(remoteChannelId(channel))?.channel);
  if (wanted === undefined || !isChannelName(wanted)) throw new Refused("Which channel? For example: #causeway");
  return wanted;
}

function listed(name: string, people: readonly string[]): string {
  if (people.length === 0) return `Nobody is seen in ${readable(name)}.`;
  const shown = people.toSorted((one, other) => one.localeCompare(other)).slice(0, MOST_NAMES);
  const more = people.length - shown.length;
  return `${people.length} in ${readable(name)}: ${shown.map(readable).join(", ")}${more > 0 ? ` … and ${more} more` : ""}`;
}

function duration(seconds: number): string {
  if (!(seconds >= 60)) return `${Math.max(0, Math.round(seconds || 0))} seconds`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} minutes` : `${Math.round(seconds / 3600)} hours`;
}
