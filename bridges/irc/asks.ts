/**
 * What the server answers to a line of ours. Where it offers `labeled-response`, an answer carries our label. Elsewhere each line is
 * followed by a PING: a server works through our lines in order, so what it says to us between two PONGs answers the line between the two
 * PINGs. No answer is waited for without a limit.
 */
import type { Clock } from "../../core/network.ts";
import { type Item, isBatch, linesOf } from "./batches.ts";
import { lastParam, type Line, type Tags, writeLine } from "./line.ts";

/** The lines of the answer; a server that has nothing to say answers with none. */
export type Answer = { readonly is: "answered"; readonly items: readonly Item[] } | { readonly is: "silence" | "lost" };

export interface Question {
  /** Complete lines, each with its tags; the label goes on the first. */
  readonly lines: readonly { readonly command: string; readonly params: readonly string[]; readonly tags?: Tags }[];
  /** How long the answer may take. Default 20 seconds. */
  readonly limit?: number;
  /** Handed out with whatever answers it. */
  readonly mark?: string;
}

export interface AskOptions {
  readonly clock: Clock;
  send(lines: readonly string[]): void;
  labels(): boolean;
  /** An answer that came after its limit. */
  late(mark: string, items: readonly Item[]): void;
}

interface Open {
  readonly name: string;
  readonly mark: string | undefined;
  readonly items: Item[];
  readonly resolve: (answer: Answer) => void;
  readonly cancel: () => void;
  silent: boolean;
}

const LONGEST_WAIT = 20_000;
/** Answers longer than this are cut: a list of channels has its own way. */
const MOST_ITEMS = 20_000;
/** Labels that a server never answers are forgotten some day. */
const MOST_LABELS = 200;

export class Asks {
  readonly #options: AskOptions;
  readonly #labelled = new Map<string, Open>();
  /** In the order in which their lines went out. */
  readonly #fenced: Open[] = [];
  #count = 0;

  constructor(options: AskOptions) {
    this.#options = options;
  }

  /** A question without a label is open. */
  get isFenced(): boolean {
    return this.#fenced.length > 0;
  }

  ask({ lines, limit = LONGEST_WAIT, mark }: Question): Promise<Answer> {
    const labels = this.#options.labels();
    const name = `c${(++this.#count).toString(36)}`;
    const { promise, resolve } = Promise.withResolvers<Answer>();
    const cancel = this.#options.clock.timer(limit, () => this.#silence(name));
    const open: Open = { name, mark, items: [], resolve, cancel, silent: false };
    if (labels) this.#labelled.set(name, open);
    else this.#fenced.push(open);
    const texts = lines.map(({ command, params, tags = {} }, index) =>
      writeLine(command, params, labels && index === 0 ? { ...tags, label: name } : tags),
    );
    this.#options.send(labels ? texts : [...texts, `PING :${name}`]);
    return promise;
  }

  /** Returns the mark of the question that the item answers, or may answer. */
  take(item: Item): string | undefined {
    const label = isBatch(item) ? item.opening.tags["label"] : item.tags["label"];
    const labelled = label === undefined ? undefined : this.#labelled.get(label);
    if (labelled) {
      this.#labelled.delete(labelled.name);
      this.#answer(labelled, [item]);
      return labelled.mark;
    }
    if (!isBatch(item) && item.command === "PONG") this.#pong(lastParam(item));
    const [first] = this.#fenced;
    if (first && first.items.length < MOST_ITEMS) first.items.push(item);
    return first?.mark;
  }

  /** The connection is gone: nothing will be answered any more. */
  end(): void {
    for (const open of [...this.#labelled.values(), ...this.#fenced]) {
      open.cancel();
      open.resolve({ is: "lost" });
    }
    this.#labelled.clear();
    this.#fenced.length = 0;
  }

  #pong(token: string): void {
    const index = this.#fenced.findIndex((open) => open.name === token);
    // A PONG that never came cannot come any more once a later one is there.
    for (const open of this.#fenced.splice(0, index + 1)) this.#answer(open, open.items);
  }

  #silence(name: string): void {
    const open = this.#labelled.get(name) ?? this.#fenced.find((fenced) => fenced.name === name);
    if (!open) return;
    // It stays where it stands: it may be answered yet, and what follows a fence must not be taken for the answer to a later line.
    open.silent = true;
    open.resolve({ is: "silence" });
    if (this.#labelled.size > MOST_LABELS) this.#labelled.delete(this.#labelled.keys().next().value as string);
  }

  #answer(open: Open, items: readonly Item[]): void {
    open.cancel();
    if (!open.silent) open.resolve({ is: "answered", items });
    else if (open.mark !== undefined) this.#options.late(open.mark, items);
  }
}

/** The first line of the answer that says no: an error numeric, "try again", or a standard reply (https://ircv3.net/specs/extensions/standard-replies). */
export function refusalIn(answer: Answer): Line | undefined {
  if (answer.is !== "answered") return undefined;
  return answer.items.flatMap(linesOf).find((line) => /^([45]\d\d|263|FAIL)$/.test(line.command));
}
