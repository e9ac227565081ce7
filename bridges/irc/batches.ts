/** Batches put together (https://ircv3.net/specs/extensions/batch): lines that the server sends as one, handed on when the last is there. */
import { type Line, param } from "./line.ts";

export interface Batch {
  readonly type: string;
  readonly params: readonly string[];
  /** The line that opened it: its tags (msgid, time, label) and sender are those of the whole. */
  readonly opening: Line;
  readonly items: readonly Item[];
}

export type Item = Line | Batch;

export function isBatch(item: Item): item is Batch {
  return "items" in item;
}

/** The lines of a batch and of those within it, in order. Without recursion. */
export function linesOf(item: Item): Line[] {
  const lines: Line[] = [];
  const waiting: Item[] = [item];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    if (isBatch(next)) waiting.push(...[...next.items].reverse());
    else lines.push(next);
  }
  return lines;
}

const MOST_OPEN = 32;
const MOST_ITEMS = 20_000;

export class Batches {
  readonly #open = new Map<
    string,
    { readonly type: string; readonly params: readonly string[]; readonly opening: Line; readonly items: Item[] }
  >();

  /** What is whole now: the line itself when it belongs to no batch, a batch that has just ended, or nothing. */
  take(line: Line): Item | undefined {
    if (line.command === "BATCH") return this.#mark(line);
    const around = line.tags["batch"];
    // A batch that was never opened, or let go of, hides nothing.
    return this.#into(around, line);
  }

  #mark(line: Line): Item | undefined {
    const sign = param(line, 0)[0];
    const name = param(line, 0).slice(1);
    if (sign === "+" && name !== "") {
      if (this.#open.size >= MOST_OPEN) this.#open.delete(this.#open.keys().next().value as string);
      this.#open.set(name, { type: param(line, 1).toLowerCase(), params: line.params.slice(2), opening: line, items: [] });
      return undefined;
    }
    const batch = this.#open.get(name);
    if (sign !== "-" || !batch) return undefined;
    this.#open.delete(name);
    return this.#into(batch.opening.tags["batch"], batch);
  }

  #into(around: string | undefined, item: Item): Item | undefined {
    const outer = around === undefined ? undefined : this.#open.get(around);
    if (!outer) return item;
    if (outer.items.length < MOST_ITEMS) outer.items.push(item);
    return undefined;
  }
}
