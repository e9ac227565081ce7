/** What was really done, and so what has to stand on every side in the end. */
import type { Side } from "./shore.ts";

export interface Said {
  readonly number: number;
  readonly side: Side;
  readonly person: string;
  readonly pieces: number;
  /** Of the file, bytes. */
  readonly bytes: number | undefined;
  /** On its own side. */
  readonly id: string;
  version: number;
  gone: boolean;
  /** Emoji → `side person`. */
  readonly reactions: Map<string, Set<string>>;
  /** A trouble may have changed its turn: its order is not judged. */
  unordered: boolean;
}

export class Model {
  readonly said = new Map<number, Said>();
  /** What people did, all in all. */
  sent = 0;

  say(said: Pick<Said, "number" | "side" | "person" | "pieces" | "bytes" | "id">): void {
    this.sent += 1;
    this.said.set(said.number, { ...said, version: 0, gone: false, reactions: new Map(), unordered: false });
  }

  edit(number: number, version: number): void {
    this.sent += 1;
    this.#one(number).version = version;
  }

  remove(number: number): void {
    this.sent += 1;
    this.#one(number).gone = true;
  }

  react(number: number, emoji: string, by: string, on: boolean): void {
    this.sent += 1;
    const { reactions } = this.#one(number);
    const people = reactions.get(emoji) ?? new Set();
    reactions.set(emoji, people);
    people[on ? "add" : "delete"](by);
  }

  #one(number: number): Said {
    const said = this.said.get(number);
    if (!said) throw new Error(`Nobody has said ${number} yet.`);
    return said;
  }
}
