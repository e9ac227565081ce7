/** The channels that we are to be in: entered, come back to, and reported on in one sentence each time that something changes. */
import type { Logger } from "pino";
import { Refused, TryLater } from "../../core/model/errors.ts";
import type { RemoteChannelId } from "../../core/model/ids.ts";
import type { Clock } from "../../core/network.ts";
import { linesOf } from "./batches.ts";
import { foldAscii } from "./casemap.ts";
import { readable } from "./endings.ts";
import type { Line } from "./line.ts";
import type { Outbox } from "./outbox.ts";
import { type Barrier, barrierOf } from "./refusals.ts";
import type { Session } from "./session.ts";

export interface AttendanceOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly outbox: Outbox;
  key(channel: string): string | undefined;
  /** We are in, for the first time on this connection or again; `since` is when we last were, where we have been thrown out. */
  entered(id: RemoteChannelId, name: string, since: number | undefined): void;
  /** A sentence for the channel's room. */
  tell(id: RemoteChannelId, sentence: string): void;
  renamed(id: RemoteChannelId, name: string): void;
  /** As far as the server's lines have told. */
  isMember(channel: string): boolean;
  /** Of a person's own connection they are told as "you". */
  readonly own: boolean;
  /** There is no way in, ever. */
  gone(id: RemoteChannelId, why: string): void;
}

interface Place {
  readonly id: RemoteChannelId;
  /** As the server has it now; channels can be renamed. */
  name: string;
  state: "out" | "entering" | "in";
  why: string | undefined;
  tries: number;
  /** When we were thrown out. */
  since: number | undefined;
  /** When we came in. */
  entered: number;
  cancel: (() => void) | undefined;
  readonly waiting: Set<(error: Error | undefined) => void>;
}

const LONGEST_PAUSE = 30 * 60_000;
const AFTER_KICK = 30_000;
const ENTER_WITHIN = 20_000;
const DOOR_WITHIN = 2000;
/** Names in one JOIN. */
const MOST_AT_ONCE = 10;

export class Attendance {
  readonly #options: AttendanceOptions;
  readonly #places = new Map<RemoteChannelId, Place>();
  readonly #keys = new Map<string, string>();
  #session: Session | undefined;
  #abort = new AbortController();
  #queue: Place[] = [];
  #flushing = false;

  constructor(options: AttendanceOptions) {
    this.#options = options;
  }

  wants(id: RemoteChannelId): boolean {
    return this.#places.has(id);
  }

  /** The wanted channel that goes by this name on the server. */
  idOf(name: string, fold: (text: string) => string): RemoteChannelId | undefined {
    const folded = fold(name);
    for (const place of this.#places.values()) if (fold(place.name) === folded) return place.id;
    return undefined;
  }

  /** The server has given the channel another name. It is found by both from now on. */
  renamed(from: string, to: string, fold: (text: string) => string): void {
    const place = this.#find(from, fold);
    if (!place || to === "") return;
    place.name = to;
    this.#options.renamed(place.id, to);
  }

  /** Former and present names of channels. */
  renames(): (readonly [from: string, to: string])[] {
    return [...this.#places.values()]
      .map(({ id, name }) => [id.slice(id.indexOf("/") + 1), name] as const)
      .filter(([from, to]) => from !== foldAscii(to));
  }

  names(): string[] {
    return [...this.#places.values()].map((place) => place.name);
  }

  inside(): RemoteChannelId[] {
    return [...this.#places.values()].filter((place) => place.state === "in").map((place) => place.id);
  }

  /** Why a message to the channel has to wait; undefined = it need not. */
  obstacle(id: RemoteChannelId): TryLater | undefined {
    const place = this.#places.get(id);
    if (!place || place.state === "in") return undefined;
    return new TryLater(
      place.why ?? `${this.#options.own ? "You are" : "The bridge is"} on the way into ${place.name}.`,
      place.why ? 60_000 : 3000,
      "channel",
    );
  }

  /** Why we are kept out, where we are. */
  barrier(id: RemoteChannelId): string | undefined {
    const place = this.#places.get(id);
    return place?.state === "out" ? place.why : undefined;
  }

  /** A connection is ready. Resolves when it is clear for each channel whether we are in. */
  async begin(session: Session): Promise<void> {
    this.#session = session;
    await Promise.all([...this.#places.values()].map((place) => this.join(place.id, place.name).catch(() => undefined)));
  }

  /** The connection is gone; the next one enters the channels again. */
  end(): void {
    this.#session = undefined;
    this.#abort.abort(new Error("The connection is gone."));
    this.#abort = new AbortController();
    this.#queue = [];
    for (const place of this.#places.values()) {
      place.cancel?.();
      Object.assign(place, { state: "out", cancel: undefined, tries: 0, since: undefined });
      settle(place, undefined);
    }
  }

  /** Resolves when we are in, or when there is no connection to be in with; rejects with why we are kept out. */
  async join(id: RemoteChannelId, name: string): Promise<void> {
    const place = this.#places.get(id) ?? newPlace(id, name);
    this.#places.set(id, place);
    if (!this.#session || place.state === "in") return;
    const entered = new Promise<void>((resolve, reject) => {
      place.waiting.add((error) => (error ? reject(error) : resolve()));
    });
    if (place.state === "out") this.#enter(place);
    await entered;
  }

  /** For a first word: it waits so long for the door; then it is core's to keep. */
  async enterSoon(id: RemoteChannelId, name: string): Promise<void> {
    if (this.wants(id)) return;
    const patience = new AbortController();
    const late = this.#options.clock.sleep(DOOR_WITHIN, patience.signal).then(
      () => {
        throw new TryLater(`You are on your way into ${name}.`, DOOR_WITHIN, "item");
      },
      () => undefined,
    );
    await Promise.race([this.join(id, name), late]).finally(() => patience.abort());
  }

  /** The key that somebody gave for a channel. */
  keyed(name: string, key: string | undefined): void {
    if (key) this.#keys.set(foldAscii(name), key);
  }

  #keyOf(name: string): string | undefined {
    return this.#keys.get(foldAscii(name)) ?? this.#options.key(name);
  }

  async leave(id: RemoteChannelId, words = "This channel is no longer bridged"): Promise<void> {
    const place = this.#places.get(id);
    this.#places.delete(id);
    place?.cancel?.();
    if (!place || !this.#session || place.state === "out") return;
    await this.#ask("PART", place.name, words);
  }

  /** The server says that we are in. */
  isIn(name: string, fold: (text: string) => string): void {
    const place = this.#find(name, fold);
    if (place && place.state !== "in") this.#comeIn(place);
  }

  #comeIn(place: Place): void {
    const { clock, tell, entered, own } = this.#options;
    const back = place.why !== undefined;
    const { since } = place;
    place.cancel?.();
    Object.assign(place, { state: "in", why: undefined, cancel: undefined, since: undefined, entered: clock.now() });
    if (back) tell(place.id, `${own ? "You are" : "The bridge is"} back in ${place.name}.`);
    entered(place.id, place.name, since);
    settle(place, undefined);
  }

  /** We are out: kicked when there is somebody who did it, else parted, by services or by the server. */
  isOut(name: string, fold: (text: string) => string, by?: { readonly nick: string; readonly reason: string }): void {
    const place = this.#find(name, fold);
    if (!place) return;
    const now = this.#options.clock.now();
    // Having been in for an hour counts as being welcome.
    if (place.state === "in" && now - place.entered > 60 * 60_000) place.tries = 0;
    const pause = Math.min(AFTER_KICK * 2 ** place.tries, LONGEST_PAUSE);
    const { own } = this.#options;
    const why = by
      ? `${readable(by.nick)} has thrown ${own ? "you" : "the bridge"} out of ${place.name} (${readable(by.reason)}).`
      : `${own ? "You are" : "The bridge is"} out of ${place.name}.`;
    Object.assign(place, { state: "out", why, since: now, tries: place.tries + 1 });
    this.#options.tell(
      place.id,
      `${why} ${own ? "Your next word there is relayed until the way is clear; it is tried again" : "It tries to come back"} in ${said(pause)}.`,
    );
    this.#again(place, pause);
  }

  /** Somebody invites us, or there is reason to think that the door is open: not later, now. */
  knock(name: string, fold: (text: string) => string): boolean {
    const place = this.#find(name, fold);
    if (!place) return false;
    if (place.state === "out" || place.state === "entering") this.#enter(place);
    return true;
  }

  /** Our book and the server disagree: whatever we thought, we are not in. */
  doubt(id: RemoteChannelId): void {
    const place = this.#places.get(id);
    if (place?.state !== "in") return;
    Object.assign(place, { state: "out", since: this.#options.clock.now() });
    this.#enter(place);
  }

  #find(name: string, fold: (text: string) => string): Place | undefined {
    const id = this.idOf(name, fold);
    return id === undefined ? undefined : this.#places.get(id);
  }

  #enter(place: Place): void {
    place.cancel?.();
    place.cancel = undefined;
    place.state = "entering";
    if (!this.#queue.includes(place)) this.#queue.push(place);
    if (!this.#flushing) void this.#flush();
  }

  /** Several channels in one line, in the order in which they were asked for; those without a key after those with one. */
  async #flush(): Promise<void> {
    this.#flushing = true;
    // Whoever asks for several channels in one go gets them in one line.
    await Promise.resolve();
    while (this.#queue.length > 0 && this.#session) {
      const places = this.#queue
        .splice(0, Math.min(MOST_AT_ONCE, this.#session.isupport.targetsAtMost("JOIN")))
        .filter((place) => place.state === "entering" && this.#places.get(place.id) === place);
      const keyed = places.filter((place) => this.#keyOf(place.name) !== undefined);
      const sorted = [...keyed, ...places.filter((place) => !keyed.includes(place))];
      if (sorted.length > 0)
        await this.#request(sorted, keyed).catch((error: unknown) => this.#options.log.debug({ err: error }, "A channel was not entered"));
    }
    this.#flushing = false;
  }

  async #request(places: readonly Place[], keyed: readonly Place[]): Promise<void> {
    const names = places.map((place) => place.name).join(",");
    const keys = keyed.map((place) => this.#keyOf(place.name) ?? "").join(",");
    const lines = await this.#ask("JOIN", names, ...(keys === "" ? [] : [keys]));
    for (const place of places) this.#entered(place, lines);
  }

  /** What became of it: the server's JOIN has come by now, or a reason. */
  #entered(place: Place, lines: readonly Line[]): void {
    if (place.state !== "entering" || this.#places.get(place.id) !== place) return;
    const fold = (text: string): string => this.#session?.fold(text) ?? text;
    const { own } = this.#options;
    const about = lines.filter((line) => line.params.some((word) => fold(word) === fold(place.name)));
    const barrier = about.map((line) => barrierOf(line, place.name, own)).find((found) => found !== undefined);
    if (barrier) this.#keptOut(place, barrier);
    // A server does not answer to who is in already.
    else if (this.#options.isMember(place.name)) {
      place.since = undefined;
      this.#comeIn(place);
    } else if (this.#session) place.cancel = this.#options.clock.timer(ENTER_WITHIN, () => this.#keptOut(place, slow(place.name, own)));
  }

  #keptOut(place: Place, { why, again }: Barrier): void {
    if (place.state !== "entering") return;
    const news = place.why !== why;
    Object.assign(place, { state: "out", why });
    if (again === undefined) {
      this.#options.gone(place.id, why);
      return settle(place, new Refused(why));
    }
    const pause = Math.min(Math.min(again, 30_000) * 2 ** place.tries, Math.max(again, LONGEST_PAUSE));
    place.tries += 1;
    if (news) this.#options.tell(place.id, `${why} It is tried again from time to time.`);
    this.#again(place, pause);
    settle(place, new Refused(why));
  }

  #again(place: Place, pause: number): void {
    place.cancel?.();
    place.cancel = this.#options.clock.timer(pause, () => {
      if (this.#session && this.#places.get(place.id) === place && place.state === "out") this.#enter(place);
    });
  }

  async #ask(command: string, ...params: string[]): Promise<Line[]> {
    const session = this.#session;
    if (!session) return [];
    await this.#options.outbox.sureTurn(1, params.join(" ").length, this.#abort.signal);
    const answer = await session.askLine(command, ...params);
    return answer.is === "answered" ? answer.items.flatMap(linesOf) : [];
  }
}

const slow = (name: string, own: boolean): Barrier => ({
  why: `${name} did not let ${own ? "you" : "the bridge"} in, and the server does not say why.`,
  again: 60_000,
});

function newPlace(id: RemoteChannelId, name: string): Place {
  return { id, name, state: "out", why: undefined, tries: 0, since: undefined, entered: 0, cancel: undefined, waiting: new Set() };
}

function settle(place: Place, error: Error | undefined): void {
  for (const done of place.waiting) done(error);
  place.waiting.clear();
}

function said(ms: number): string {
  return ms < 90_000 ? `${Math.round(ms / 1000)} seconds` : `${Math.round(ms / 60_000)} minutes`;
}
