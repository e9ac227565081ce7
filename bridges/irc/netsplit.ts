/**
 * Two servers lose sight of each other and hundreds of people quit at once, to be back in a minute. For the room that is one sentence,
 * not hundreds of leaves.
 */
import type { Clock } from "../../core/network.ts";
import type { Batch } from "./batches.ts";
import { lastParam, type Line } from "./line.ts";

export interface NetsplitOptions {
  readonly clock: Clock;
  /** A sentence for each channel that somebody was in. */
  tell(channel: string, sentence: string): void;
}

/** So long after the last of them the split is told. */
const SETTLES_AFTER = 3000;
/** Whoever joins within this time after a split comes back from it. */
const BACK_WITHIN = 60 * 60_000;
const MOST_MISSING = 50_000;
/** A few names make it a split among friends. */
const NAMES_SHOWN = 5;

export class Netsplit {
  readonly #options: NetsplitOptions;
  /** Nick and channel of those who are out of sight, with the moment when. */
  readonly #missing = new Map<string, number>();
  readonly #gone = new Map<string, string[]>();
  readonly #back = new Map<string, string[]>();
  #servers = "";
  #cancel: (() => void) | undefined;

  constructor(options: NetsplitOptions) {
    this.#options = options;
  }

  /** Whether the QUIT is one of a split. `channels` are those that the person was in. */
  quits(line: Line, folded: string, channels: readonly string[], batch?: Batch): boolean {
    const servers = batch?.type === "netsplit" ? batch.params.slice(0, 2).join(" ") : splitServers(lastParam(line));
    if (servers === undefined) return false;
    this.#servers = servers;
    for (const channel of channels) {
      if (this.#missing.size < MOST_MISSING) this.#missing.set(`${folded} ${channel}`, this.#options.clock.now());
      note(this.#gone, channel, line.nick);
    }
    this.#settle();
    return true;
  }

  /** Whether the JOIN is somebody's return from a split. */
  joins(nick: string, folded: string, channel: string): boolean {
    const since = this.#missing.get(`${folded} ${channel}`);
    if (since === undefined) return false;
    this.#missing.delete(`${folded} ${channel}`);
    if (this.#options.clock.now() - since > BACK_WITHIN) return false;
    note(this.#back, channel, nick);
    this.#settle();
    return true;
  }

  end(): void {
    this.#cancel?.();
    this.#missing.clear();
    this.#gone.clear();
    this.#back.clear();
  }

  #settle(): void {
    this.#cancel?.();
    this.#cancel = this.#options.clock.timer(SETTLES_AFTER, () => {
      const between = this.#servers === "" ? "" : ` between ${this.#servers.replace(" ", " and ")}`;
      for (const [channel, nicks] of this.#gone)
        this.#options.tell(channel, `The network has split${between}: ${who(nicks)} out of sight for now.`);
      for (const [channel, nicks] of this.#back) this.#options.tell(channel, `The network has come together again: ${who(nicks)} back.`);
      this.#gone.clear();
      this.#back.clear();
      this.#forgetOld();
    });
  }

  #forgetOld(): void {
    const now = this.#options.clock.now();
    for (const [who, since] of this.#missing) if (now - since > BACK_WITHIN) this.#missing.delete(who);
  }
}

/** `irc.example.net hub.example.net`: two names with dots and nothing else, which no person's own words can be: servers put `Quit: ` before these. */
function splitServers(reason: string): string | undefined {
  const name = String.raw`[*\w-]+(?:\.[*\w-]+)+`;
  return new RegExp(`^${name} ${name}$`).test(reason) ? reason : undefined;
}

function note(lists: Map<string, string[]>, channel: string, nick: string): void {
  const list = lists.get(channel) ?? [];
  list.push(nick);
  lists.set(channel, list);
}

function who(nicks: readonly string[]): string {
  if (nicks.length > NAMES_SHOWN) return `${nicks.length} people are`;
  return nicks.length === 1 ? `${nicks[0]} is` : `${nicks.slice(0, -1).join(", ")} and ${nicks.at(-1)} are`;
}
