/** Kicks, bans and invitations: what operators do. Each is done again without harm. */
import { Refused, TryLater, Uncertain } from "../../core/model/errors.ts";
import { never } from "../../core/model/events.ts";
import type { RemoteUserId } from "../../core/model/ids.ts";
import type { Deed, Rule } from "../../core/model/effects.ts";
import { linesOf } from "./batches.ts";
import type { Book, BookChannel, BookPerson } from "./book.ts";
import { readChannelId, readPersonId } from "./ids.ts";
import type { Isupport } from "./isupport.ts";
import { type Line, param } from "./line.ts";
import { clipBytes } from "./lines.ts";
import { matchesMask, powerOf } from "./modes.ts";
import type { Outbox } from "./outbox.ts";
import { errorOf } from "./refusals.ts";
import type { Session } from "./session.ts";

export interface DeedsOptions {
  readonly outbox: Outbox;
  live(): { session: Session; book: Book };
  /** Who else knows the people of the channel; undefined = we do ourselves, or nobody does. */
  witness(): Book | undefined;
}

export class Deeds {
  readonly #options: DeedsOptions;
  /** Masks under which we have silenced somebody. */
  readonly #quieted = new Map<string, string>();

  constructor(options: DeedsOptions) {
    this.#options = options;
  }

  async act(deed: Deed): Promise<void> {
    // A private talk begins with its first word.
    if (deed.kind === "direct") return;
    const { session } = this.#options.live();
    const place = readChannelId(deed.channel);
    if (place?.channel === undefined) throw new Refused("That is no channel of IRC.");
    const { book, channel } = this.#known(place.channel);
    if (!channel) throw new TryLater(`The bridge is not in ${place.channel} now.`, 10_000, "channel");
    // A name that is none could mean everybody.
    if (!readPersonId(deed.person)) throw new Refused("That is nobody on IRC.");
    const person = book.byId(deed.person);
    const reason = clipBytes(`${deed.by.own ? "" : `${deed.by.name}: `}${deed.reason ?? deed.kind}`, session.isupport.reasonLength);
    switch (deed.kind) {
      case "kick":
        return this.#kick(channel.name, channel.members, person, reason);
      case "ban":
        await this.#mode(channel.name, "+b", person ? banMask(person, session.isupport, book) : nickMask(deed.person));
        return this.#kick(channel.name, channel.members, person, reason);
      case "unban":
        return this.#unban(channel.name, person, deed.person);
      case "invite":
        return this.#do(
          "INVITE",
          [person?.nick ?? nickOf(deed.person), channel.name],
          ["443"],
          channel.name,
          "The invitation was not sent",
        );
      default:
        return never(deed);
    }
  }

  /** A channel that we are in, as it is known best. */
  #known(name: string): { book: Book; channel: BookChannel | undefined } {
    const { book } = this.#options.live();
    const witness = this.#options.witness();
    const seen = book.channel(name) && witness?.channel(name);
    return witness && seen ? { book: witness, channel: seen } : { book, channel: book.channel(name) };
  }

  /** Ranks and modes, as far as the login may: each is set again without harm. */
  async rule(rule: Rule): Promise<void> {
    const { session } = this.#options.live();
    const name = readChannelId(rule.channel)?.channel;
    const { book, channel } = this.#known(name ?? "");
    if (!channel) throw new TryLater(`${name ?? "The channel"} is not entered yet.`, 10_000, "channel");
    if (rule.kind === "restrict") {
      const changes = [...changed(channel, "m", rule.moderated), ...changed(channel, "i", rule.inviteOnly)];
      if (changes.length > 0)
        await this.#do("MODE", [channel.name, changes.join("")], [], channel.name, "The channel's modes were not changed");
      return;
    }
    const person = book.byId(rule.person);
    const ranks = person && channel.members.get(book.fold(person.nick));
    if (!person || ranks === undefined) throw new Refused("They are not in the channel now: ranks on IRC are given to who is there.");
    await this.#quiet(channel.name, person, rule.level < 0);
    const wanted = rankFor(rule.level, session.isupport);
    const changes = rankChanges(ranks, wanted);
    for (let start = 0; start < changes.length; start += session.isupport.modesAtOnce) {
      const some = changes.slice(start, start + session.isupport.modesAtOnce);
      const nicks = some.map(() => person.nick);
      await this.#do("MODE", [channel.name, some.join(""), ...nicks], [], channel.name, `The rank of ${person.nick} was not changed`);
    }
  }

  /** Where the server has a list of those who may not speak. Elsewhere a power below none is none. */
  async #quiet(channel: string, person: BookPerson, on: boolean): Promise<void> {
    const { session, book } = this.#options.live();
    const isList = session.isupport.channelModes[0].includes("q") && !session.isupport.ranks.some(({ mode }) => mode === "q");
    const mask = banMask(person, session.isupport, book);
    const key = `${book.fold(channel)} ${book.fold(person.nick)}`;
    if (!isList || (!on && !this.#quieted.has(key))) return;
    await this.#do("MODE", [channel, `${on ? "+" : "-"}q`, this.#quieted.get(key) ?? mask], [], channel, `${person.nick} was not silenced`);
    if (on) this.#quieted.set(key, mask);
    else this.#quieted.delete(key);
  }

  async #kick(channel: string, members: ReadonlyMap<string, string>, person: BookPerson | undefined, reason: string): Promise<void> {
    const { book } = this.#options.live();
    // Who is not there need not be put out.
    if (!person || !members.has(book.fold(person.nick))) return;
    await this.#do("KICK", [channel, person.nick, reason], ["401", "441"], channel, `${person.nick} was not put out`);
  }

  #mode(channel: string, change: string, mask: string): Promise<void> {
    return this.#do("MODE", [channel, change, mask], [], channel, "The ban was not changed");
  }

  async #unban(channel: string, person: BookPerson | undefined, id: RemoteUserId): Promise<void> {
    const { session, book } = this.#options.live();
    const fold = (text: string): string => book.fold(text);
    const masks = (await this.#ask("MODE", [channel, "b"])).filter(({ command }) => command === "367").map((line) => param(line, 2));
    const own = person ? [nickMask(id), banMask(person, session.isupport, book)] : [nickMask(id)];
    const meant = masks.filter((mask) => own.some((one) => fold(one) === fold(mask)) || (person && matchesMask(mask, person, fold)));
    for (const mask of meant) await this.#mode(channel, "-b", mask);
  }

  async #do(command: string, params: readonly string[], fine: readonly string[], target: string, deed: string): Promise<void> {
    const lines = await this.#ask(command, params);
    const refusal = lines.find((line) => /^([45]\d\d|FAIL|263)$/.test(line.command) && !fine.includes(line.command));
    if (refusal) throw errorOf(refusal, target, deed);
  }

  async #ask(command: string, params: readonly string[]): Promise<Line[]> {
    await this.#options.outbox.turn(1, params.join(" ").length);
    const answer = await this.#options.live().session.ask({ lines: [{ command, params }] });
    if (answer.is !== "answered") throw new Uncertain("The server did not say whether it has done it.");
    return answer.items.flatMap(linesOf);
  }
}

/** The rank that comes nearest to a power without going beyond it; undefined = none. */
function rankFor(level: number, isupport: Isupport): string | undefined {
  const ranks = isupport.ranks.map(({ mode }) => ({ mode, power: powerOf(mode) }));
  // Founders are made by services, not by us.
  const fit = ranks.filter(({ mode, power }) => power > 0 && power <= Math.min(level, 99) && "aohv".includes(mode));
  return fit.toSorted((one, other) => other.power - one.power)[0]?.mode;
}

/** Founders and the network's staff are left alone. */
function rankChanges(ranks: string, wanted: string | undefined): string[] {
  const given = [..."aohv"].filter((mode) => ranks.includes(mode) && mode !== wanted).map((mode) => `-${mode}`);
  return [...(wanted === undefined || ranks.includes(wanted) ? [] : [`+${wanted}`]), ...given];
}

function changed(channel: BookChannel, mode: string, wanted: boolean | undefined): string[] {
  if (wanted === undefined || channel.modes.has(mode) === wanted) return [];
  return [`${wanted ? "+" : "-"}${mode}`];
}

const nickOf = (id: RemoteUserId): string => {
  const person = readPersonId(id);
  return person?.nick ?? person?.account ?? "";
};

const nickMask = (id: RemoteUserId): string => `${nickOf(id)}!*@*`;

/**
 * By account where the server has such bans (https://ircv3.net/specs/extensions/account-extban), else by host. A host that others share,
 * a web client's or a bouncer's, would put them out too: then by nick.
 */
function banMask(person: BookPerson, isupport: Isupport, book: Book): string {
  const [byAccount] = (isupport.get("ACCOUNTEXTBAN") ?? "").split(",").filter((name) => /^\w{1,16}$/.test(name));
  const prefix = (isupport.get("EXTBAN") ?? "").split(",")[0] ?? "";
  if (person.account && byAccount) return `${prefix}${byAccount}:${person.account}`;
  const shared = [...book.people.values()].filter(({ host }) => host === person.host).length > 1;
  return person.host === "" || shared ? `${person.nick}!*@*` : `*!*@${person.host}`;
}
