/** The machine that the bridge runs on, as far as it can be made to misbehave; and the time that all sides share, which runs fast. */
import { renameSync, writeFileSync } from "node:fs";

export interface Machine {
  /** Time is the wall's, `offset` later, and `factor` times as fast since `since`. Milliseconds. */
  readonly offset: number;
  readonly factor: number;
  readonly since: number;
  /** How far the bridge's own clock is off. */
  readonly wrong: number;
  /** The disk takes nothing more. */
  readonly full: boolean;
}

const wall = Date.now.bind(Date);
const later = globalThis.setTimeout;

export function timeOf({ offset, factor, since }: Machine): number {
  return Math.round(wall() + offset + (wall() - since) * (factor - 1));
}

/** From now on this process lives in the machine's time: what it waits for comes sooner, and the time of day runs ahead. */
export function liveIn(machine: () => Machine, mine: (machine: Machine) => number): void {
  Date.now = () => mine(machine());
  const sooner = (run: (...words: unknown[]) => void, ms?: number, ...words: unknown[]) =>
    later(run, (ms ?? 0) / machine().factor, ...words);
  globalThis.setTimeout = Object.assign(sooner, later) as unknown as typeof setTimeout;
}

export class MachineFile {
  readonly path: string;
  readonly #usual: number;
  #now: Machine;

  constructor(path: string, factor: number) {
    this.path = path;
    this.#usual = factor;
    this.#now = { offset: 0, factor, since: wall(), wrong: 0, full: false };
    this.#write({});
    liveIn(() => this.#now, timeOf);
  }

  #write(change: Partial<Machine>): void {
    this.#now = { ...this.#now, ...change };
    writeFileSync(`${this.path}.new`, JSON.stringify(this.#now));
    renameSync(`${this.path}.new`, this.path);
  }

  #pace(factor: number): void {
    const now = wall();
    this.#write({ factor, since: now, offset: timeOf(this.#now) - now });
  }

  /** The bridge's clock is so many milliseconds off; 0 = right again. */
  misset(ms: number): void {
    this.#write({ wrong: ms });
  }

  /** Time passes so many times faster than usual. */
  hurry(times: number): void {
    this.#pace(this.#usual * times);
  }

  calm(): void {
    this.#pace(this.#usual);
  }

  fill(full: boolean): void {
    this.#write({ full });
  }
}
