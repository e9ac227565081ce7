/** Does what the plan says, step by step, each as soon as what it speaks of can be seen. */
import { setTimeout as pause } from "node:timers/promises";
import { readMarks } from "./marks.ts";
import { Model } from "./model.ts";
import { type Cast, type Deed, planOf, type Step, textOf } from "./plan.ts";
import type { Shore, Side } from "./shore.ts";

const LOOK_EVERY = 500;

export class Actors {
  readonly model = new Model();
  readonly shores: readonly Shore[];
  readonly #plan: Generator<Step, never>;
  readonly #done: Promise<void>[] = [];
  readonly #bySide: ReadonlyMap<Side, Shore>;
  /** Ids by side and number, and how far each side has been looked through. */
  readonly #ids = new Map<Side, Map<number, string>>();
  readonly #lookedAt = new Map<Side, number>();
  #abandoned = false;

  constructor(seed: number, shores: readonly Shore[]) {
    this.shores = shores;
    this.#bySide = new Map(shores.map((shore) => [shore.side, shore]));
    const cast: Cast[] = shores.map(({ side, people }) => ({ side, people }));
    this.#plan = planOf(seed, cast);
  }

  /** Begins the next step. */
  next(): void {
    const { value: step } = this.#plan.next();
    const done = this.#work(step);
    // Looked at by `settled`; nobody may hear of it before.
    done.catch(() => undefined);
    this.#done.push(done);
  }

  /** Resolves when every step that was begun is done; rejects when one cannot be. */
  async settled(): Promise<void> {
    await Promise.all(this.#done);
  }

  /** What still waits for something to be seen is left. */
  abandon(): void {
    this.#abandoned = true;
  }

  async #work({ side, person, deed, after }: Step): Promise<void> {
    for (const place of after) await this.#done[place];
    const shore = this.#bySide.get(side) as Shore;
    const target = await this.#target(shore, deed);
    if (target === null) return;
    await act(this.model, shore, person, deed, target);
  }

  /** The id, on that side, of what the deed speaks of; null = it is not to be seen there in time. */
  async #target(shore: Shore, deed: Deed): Promise<string | undefined | null> {
    const number = deed.kind === "say" ? (deed.replyTo ?? deed.thread) : deed.number;
    if (number === undefined) return undefined;
    const said = this.model.said.get(number);
    if (said?.side === shore.side) return said.id;
    for (;;) {
      const id = this.#look(shore, number);
      if (id !== undefined) return id;
      if (this.#abandoned) return null;
      await pause(LOOK_EVERY);
    }
  }

  #look(shore: Shore, number: number): string | undefined {
    const known = this.#ids.get(shore.side) ?? new Map<number, string>();
    this.#ids.set(shore.side, known);
    const found = known.get(number);
    const now = performance.now();
    // Whoever waits looks together with the others: the networks live in this process too, and need their time.
    if (found !== undefined || now - (this.#lookedAt.get(shore.side) ?? -Infinity) < LOOK_EVERY) return found;
    this.#lookedAt.set(shore.side, now);
    for (const { id, text, files, correction } of shore.standing()) {
      const mark = correction ? undefined : readMarks(text, ...files.map(({ name }) => name))[0];
      if (mark && mark.piece === 0 && !known.has(mark.number)) known.set(mark.number, id);
    }
    return known.get(number);
  }
}

async function act(model: Model, shore: Shore, person: string, deed: Deed, target: string | undefined): Promise<void> {
  const { side } = shore;
  switch (deed.kind) {
    case "say": {
      const { number, pieces, bytes } = deed;
      const text = textOf(number, 0, pieces);
      const file = bytes === undefined ? {} : { file: { name: `w${number}v0p0.txt`, bytes: Buffer.alloc(bytes, "x") } };
      const relation = deed.replyTo !== undefined ? { replyTo: target } : deed.thread !== undefined ? { thread: target } : {};
      const id = await shore.say(person, { text, ...relation, ...file });
      return model.say({ number, side, person, pieces, bytes, id });
    }
    case "edit":
      await shore.edit?.(person, target as string, textOf(deed.number, deed.version, deed.pieces));
      return model.edit(deed.number, deed.version);
    case "remove":
      await shore.remove?.(person, target as string);
      return model.remove(deed.number);
    case "react":
    case "unreact":
      await shore.react?.(person, target as string, deed.emoji, deed.kind === "react");
      return model.react(deed.number, deed.emoji, `${side} ${person}`, deed.kind === "react");
  }
}
