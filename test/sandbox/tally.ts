/**
 * Counts what was said on one side and has to stand on every other, once. A message is known again by its words: letters and digits only,
 * so that formatting, a name before it or a quotation above it make no difference. What is long enough to be split is not counted.
 */
export interface Counts {
  /** Copies that have to stand on other sides. */
  readonly sent: number;
  readonly delivered: number;
  /** Still on the way. */
  readonly waiting: number;
  /** Have not come though the bridge was up for a while since. */
  readonly lost: number;
  /** Stand more than once. */
  readonly doubled: number;
}

/** Copies expected and seen of one text, per side. */
interface Line {
  readonly expected: Map<string, number>;
  readonly seen: Map<string, number>;
  /** How long the bridge has been up since it was last said, milliseconds. */
  up: number;
}

const LONGEST = 300;
/** After so long with the bridge up, what has not come is lost, milliseconds. */
const PATIENCE = 20_000;

export class Tally {
  readonly #lines = new Map<string, Line>();

  /** Said by a person on `side`; `others` are the sides where it has to arrive. */
  said(text: string, others: readonly string[]): void {
    const key = keyOf(text);
    if (key === "" || text.length > LONGEST || text.includes("\n")) return;
    const line = this.#lines.get(key) ?? { expected: new Map(), seen: new Map(), up: 0 };
    line.up = 0;
    this.#lines.set(key, line);
    for (const side of others) line.expected.set(side, (line.expected.get(side) ?? 0) + 1);
  }

  /** It was not taken after all. */
  unsaid(text: string, others: readonly string[]): void {
    const line = this.#lines.get(keyOf(text));
    for (const side of others) line?.expected.set(side, (line.expected.get(side) ?? 1) - 1);
  }

  /** Stands on `side` by the bridge's hand. */
  seen(text: string, side: string): void {
    const words = keyOf(text);
    let best: string | undefined;
    for (const key of this.#lines.keys()) if (words.endsWith(key) && key.length > (best?.length ?? 0)) best = key;
    const line = best === undefined ? undefined : this.#lines.get(best);
    line?.seen.set(side, (line.seen.get(side) ?? 0) + 1);
  }

  /** The bridge has been up for so long since the last call. */
  pass(ms: number): void {
    for (const line of this.#lines.values()) line.up += ms;
  }

  counts(): Counts {
    const sum = { sent: 0, delivered: 0, waiting: 0, lost: 0, doubled: 0 };
    for (const { expected, seen, up } of this.#lines.values())
      for (const [side, wanted] of expected) {
        const there = seen.get(side) ?? 0;
        sum.sent += wanted;
        sum.delivered += Math.min(there, wanted);
        sum.doubled += Math.max(0, there - wanted);
        sum[up > PATIENCE ? "lost" : "waiting"] += Math.max(0, wanted - there);
      }
    return sum;
  }
}

function keyOf(text: string): string {
  return text
    .normalize("NFKC")
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]/gu, "");
}
