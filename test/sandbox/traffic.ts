/** People who go on talking by themselves, so that there is something to lose when the bridge is killed. */
import type { Wish } from "./act.ts";
import type { Side } from "./side.ts";

/** Between two messages, milliseconds. */
const PACE = 900;

const LINES: readonly ((number: number) => string)[] = [
  (number) => `Lantern ${number} is lit`,
  (number) => `I can see lantern ${number} from here`,
  (number) => `Number ${number} has burnt all night`,
  (number) => `Who trims the wick of number ${number}?`,
  (number) => `Boat ${number} is past the pier`,
  (number) => `**Careful:** fog over mooring ${number}`,
  (number) => `Log book, page ${number}: all quiet`,
];

export class Traffic {
  readonly #sides: readonly Side[];
  readonly #act: (wish: Wish) => Promise<unknown>;
  #timer: NodeJS.Timeout | undefined;
  #number = 0;

  constructor(sides: readonly Side[], act: (wish: Wish) => Promise<unknown>) {
    this.#sides = sides;
    this.#act = act;
  }

  get on(): boolean {
    return this.#timer !== undefined;
  }

  set(on: boolean): void {
    clearInterval(this.#timer);
    this.#timer = on ? setInterval(() => this.#speak(), PACE) : undefined;
  }

  /** Each side in turn, each person on it in turn. */
  #speak(): void {
    const number = ++this.#number;
    const side = this.#sides[number % this.#sides.length] as Side;
    const as = side.people[Math.floor(number / this.#sides.length) % side.people.length];
    const line = LINES[number % LINES.length] as (number: number) => string;
    // One who cannot speak now is no reason for the others to fall silent; what was not taken is not counted.
    void this.#act({ side: side.id, do: "say", text: line(number), ...(as && { as: as.name }) }).catch(() => undefined);
  }
}
