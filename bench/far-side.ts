/** The process on the bridge's other sides: homeserver, IRC networks and the load, so that nothing of their cost counts as the bridge's. */
import { setTimeout as pause } from "node:timers/promises";
import { LeanHomeserver } from "./homeserver.ts";
import { LeanIrcServer, PEOPLE } from "./irc-server.ts";
import { channelOf, networkCount, type Portals, roomOf } from "./scene.ts";

/** Asked by `fork`'s channel; each is answered once, by what the function of that name returns. */
export interface Questions {
  open(networks: number): { readonly homeserver: number; readonly irc: readonly number[] };
  serve(url: string, token: string): void;
  /** How many channels the bridge is in. */
  channels(): number;
  load(load: Load): Outcome;
}

export interface Load {
  readonly direction: "in" | "out";
  readonly portals: Portals;
  readonly messages: number;
  /** Messages a second; absent = as fast as they arrive, with at most `WINDOW` under way. */
  readonly perSecond?: number;
}

export interface Outcome {
  readonly seconds: number;
  /** Milliseconds from one socket to the other, sorted. */
  readonly latencies: readonly number[];
  /** How many went together in a transaction, on average. */
  readonly together: number;
}

const WINDOW = 400;
/** So many rooms are lively at a time, and others after so many messages. */
const LIVELY = 10;
const TALK = 1_000;
const TEXT = "and so it goes on: a line as people write them, of some eighty letters in all";
const QUIET_END = 60_000;

const homeserver = new LeanHomeserver();
const irc: LeanIrcServer[] = [];

const answers: { [Name in keyof Questions]: (...given: Parameters<Questions[Name]>) => Promise<ReturnType<Questions[Name]>> } = {
  async open(networks) {
    irc.push(...Array.from({ length: networks }, () => new LeanIrcServer()));
    return { homeserver: await homeserver.listen(), irc: await Promise.all(irc.map((server) => server.listen())) };
  },
  async serve(url, token) {
    homeserver.serve(url, token);
  },
  async channels() {
    return irc.reduce((sum, server) => sum + server.channels, 0);
  },
  load: (load) => new Run(load).outcome(),
};

/** Numbers go round for ever, so that no text is said twice. */
let said = 0;

class Run {
  readonly #load: Load;
  readonly #first = said;
  readonly #begun: Float64Array;
  readonly #took: Float64Array;
  readonly #done = Promise.withResolvers<void>();
  #started = 0;
  #arrived = 0;

  constructor(load: Load) {
    this.#load = load;
    this.#begun = new Float64Array(load.messages);
    this.#took = new Float64Array(load.messages);
    said += load.messages;
  }

  async outcome(): Promise<Outcome> {
    const { direction, messages, perSecond } = this.#load;
    if (direction === "in") homeserver.sent = ({ body }) => this.#came(body);
    else for (const server of irc) server.said = (_channel, text) => this.#came(text);
    const transactions = homeserver.transactions;
    const begun = performance.now();
    if (perSecond === undefined) for (let count = 0; count < Math.min(WINDOW, messages); count += 1) this.#next();
    else await this.#steadily(perSecond);
    await Promise.race([this.#done.promise, this.#stuck()]);
    const seconds = (performance.now() - begun) / 1000;
    return { seconds, latencies: [...this.#took.sort()], together: messages / Math.max(1, homeserver.transactions - transactions) };
  }

  async #stuck(): Promise<void> {
    for (let before = -1; before !== this.#arrived; await pause(QUIET_END, undefined, { ref: false })) before = this.#arrived;
    throw new Error(`Only ${this.#arrived} of ${this.#load.messages} messages arrived.`);
  }

  async #steadily(perSecond: number): Promise<void> {
    const begun = performance.now();
    while (this.#started < this.#load.messages) {
      const due = Math.min(this.#load.messages, Math.ceil(((performance.now() - begun) / 1000) * perSecond));
      while (this.#started < due) this.#next();
      await pause(1000 / perSecond / 2);
    }
  }

  #next(): void {
    const place = this.#started++;
    if (place >= this.#load.messages) return;
    const { direction, portals } = this.#load;
    const number = this.#first + place;
    const portal = (Math.floor(number / TALK) * LIVELY + (number % LIVELY)) % portals;
    const text = `n${number} ${TEXT}`;
    const who = PEOPLE[Math.floor(number / LIVELY) % PEOPLE.length] as string;
    this.#begun[place] = performance.now();
    if (direction === "in") irc[portal % networkCount(portals)]?.say(who, channelOf(portal), text);
    else homeserver.push(roomOf(portal), `@m${who}:bench.local`, "m.room.message", `{"msgtype":"m.text","body":"${text}"}`);
  }

  #came(text: string): void {
    const place = Number(/\bn(\d+) /.exec(text)?.[1] ?? Number.NaN) - this.#first;
    // What an earlier run had left over would count for this one.
    if (!(place >= 0 && place < this.#load.messages)) return;
    if (this.#took[place] !== 0) return this.#done.reject(new Error(`Message ${place} came twice.`));
    this.#took[place] = performance.now() - (this.#begun[place] as number);
    this.#arrived += 1;
    if (this.#arrived === this.#load.messages) this.#done.resolve();
    else if (this.#load.perSecond === undefined) this.#next();
  }
}

process.on("message", ({ ask, given }: { ask: keyof Questions; given: never[] }) => {
  const answer = answers[ask] as (...given: never[]) => Promise<unknown>;
  answer(...given).then(
    (value) => process.send?.({ value }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
process.on("disconnect", () => process.exit());
