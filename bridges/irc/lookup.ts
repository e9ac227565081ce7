/** People and channels, looked up: in the book where they stand there, else by asking the server. */
import type { RemoteChannelId, RemoteUserId } from "../../core/model/ids.ts";
import type { Person } from "../../core/model/message.ts";
import type { Channel } from "../../core/network.ts";
import { linesOf } from "./batches.ts";
import type { Book, BookChannel } from "./book.ts";
import { plainTopic } from "./from-channel.ts";
import type { History } from "./history.ts";
import { channelId, readChannelId, readPersonId } from "./ids.ts";
import { lastParam, type Line, param } from "./line.ts";
import { factsOf, powerOf, readModes } from "./modes.ts";
import type { Outbox } from "./outbox.ts";
import type { Session } from "./session.ts";
import { writePlace } from "./places.ts";
import { personOf, type View } from "./view.ts";

export interface LookupOptions {
  readonly network: string;
  /** As people call the network. */
  readonly networkName: string;
  readonly outbox: Outbox;
  readonly history: History;
  readonly signal: AbortSignal;
  live(): { session: Session; book: Book };
  view(): View;
}

const LIST_WITHIN = 60_000;
/** Nothing has been said yet: all that comes is later than this. */
const BEGINNING = writePlace(0, 0);

export class Lookup {
  readonly #options: LookupOptions;

  constructor(options: LookupOptions) {
    this.#options = options;
  }

  async person(id: RemoteUserId): Promise<Person | undefined> {
    const wanted = readPersonId(id);
    if (!wanted || wanted.network !== this.#options.network) return undefined;
    const { book } = this.#options.live();
    const known = book.byId(id);
    if (known) return personOf(known, this.#options.view());
    // Nobody can be asked after an account; its name is what we have.
    if (wanted.account !== undefined) return { id, name: wanted.account, avatar: null };
    const found = await this.#whois(wanted.nick);
    return found?.id === id ? found : undefined;
  }

  async resolve(text: string): Promise<Person | undefined> {
    const nick = text.trim().replace(/^@/, "");
    if (!/^[^\s\p{Cc}:,!@*?#&+][^\s\p{Cc},!@*?]{0,63}$/u.test(nick)) return undefined;
    const { book } = this.#options.live();
    const known = book.person(nick);
    return known ? personOf(known, this.#options.view()) : this.#whois(nick);
  }

  members(id: RemoteChannelId): { people: readonly Person[]; complete: boolean } {
    const { book } = this.#options.live();
    const channel = this.#inBook(id, book);
    if (!channel) return { people: [], complete: false };
    const view = this.#options.view();
    const people = new Map<RemoteUserId, Person>();
    for (const folded of channel.members.keys()) {
      const known = book.people.get(folded);
      if (!known) continue;
      const person = personOf(known, view);
      if (!people.has(person.id)) people.set(person.id, person);
    }
    return { people: [...people.values()], complete: channel.counted };
  }

  async channel(id: RemoteChannelId): Promise<Channel | undefined> {
    const place = readChannelId(id);
    if (!place || place.network !== this.#options.network) return undefined;
    if (place.channel === undefined) return this.#direct(id, place.nick);
    const { book, session } = this.#options.live();
    const known = this.#inBook(id, book);
    if (!known) return this.#askAfter(id, place.channel);
    const latest = this.#options.history.isThere() ? await this.#options.history.latest(id) : undefined;
    const view = this.#options.view();
    const levels = [...known.members].flatMap(([folded, ranks]) => {
      const person = book.people.get(folded);
      return person && powerOf(ranks) > 0 && !view.isOurs(person.nick) ? [[book.idOf(person), powerOf(ranks)] as const] : [];
    });
    return {
      ...this.#frame(id, known.name),
      ...(known.topic === undefined ? {} : { topic: plainTopic(known.topic) }),
      ...factsOf(known.modes, session.version),
      powers: { partial: !known.counted, levels: Object.fromEntries(levels) },
      ...(this.#options.history.isThere() ? { latest: latest ?? BEGINNING } : {}),
    };
  }

  async *channels(): AsyncIterable<Channel> {
    const { session, book } = this.#options.live();
    for (const channel of book.channels.values()) {
      yield {
        ...this.#frame(this.#options.view().channelId(channel.name), channel.name),
        ...(channel.topic === undefined ? {} : { topic: plainTopic(channel.topic) }),
        ...factsOf(channel.modes, session.version),
      };
    }
    await this.#options.outbox.sureTurn(1, 10, this.#options.signal);
    const answer = await session.ask({ lines: [{ command: "LIST", params: [] }], limit: LIST_WITHIN });
    if (answer.is !== "answered") return;
    for (const line of answer.items.flatMap(linesOf)) {
      const name = param(line, 1);
      if (line.command !== "322" || book.channel(name) || readChannelId(channelId(this.#options.network, name)) === undefined) continue;
      yield { ...this.#frame(channelId(this.#options.network, name), name), topic: plainTopic(lastParam(line)), visibility: "public" };
    }
  }

  #inBook(id: RemoteChannelId, book: Book): BookChannel | undefined {
    const place = readChannelId(id);
    return place?.channel === undefined || place.network !== this.#options.network ? undefined : book.channel(place.channel);
  }

  #frame(id: RemoteChannelId, name: string): Pick<Channel, "id" | "name" | "kind" | "spaces"> {
    return { id, name, kind: "channel", spaces: [{ id: this.#options.network, name: this.#options.networkName }] };
  }

  async #direct(id: RemoteChannelId, nick: string): Promise<Channel | undefined> {
    const person = this.#options.live().book.person(nick)?.nick ?? (await this.#whois(nick))?.name;
    return person === undefined ? undefined : { ...this.#frame(id, person), kind: "direct", visibility: "private" };
  }

  /** A channel that we are not in: the server tells its modes unless it is secret. */
  async #askAfter(id: RemoteChannelId, name: string): Promise<Channel | undefined> {
    const { session } = this.#options.live();
    const line = (await this.#ask("MODE", name)).find(({ command }) => command === "324");
    if (!line) return undefined;
    const modes = readModes(session.isupport, param(line, 2), line.params.slice(3)).filter(
      (change) => change.on && !change.rank && !change.list,
    );
    const facts = factsOf(new Map(modes.map(({ mode, parameter = "" }) => [mode, parameter])), session.version);
    return { ...this.#frame(id, param(line, 1)), ...facts, inside: false };
  }

  async #whois(nick: string): Promise<Person | undefined> {
    const lines = await this.#ask("WHOIS", nick);
    const user = lines.find(({ command }) => command === "311");
    if (!user) return undefined;
    const account = lines.find(({ command }) => command === "330");
    const bot = lines.some(({ command }) => command === "335");
    return personOf({ nick: param(user, 1), account: account ? param(account, 2) : null, bot }, this.#options.view());
  }

  async #ask(command: string, ...params: string[]): Promise<Line[]> {
    await this.#options.outbox.sureTurn(1, 20, this.#options.signal).catch(() => undefined);
    const answer = await this.#options.live().session.askLine(command, ...params);
    return answer.is === "answered" ? answer.items.flatMap(linesOf) : [];
  }
}
