/**
 * Places in a channel's history: the server's time, and the number of the message within that millisecond. Two messages may share a
 * millisecond, and a place that cannot tell them apart would lose one of them.
 *
 *     2026-11-22T23:18:00.123Z0002
 */
import type { Cursor } from "../../core/model/events.ts";

export function writePlace(time: number, number: number): Cursor {
  return `${new Date(time).toISOString()}${String(Math.min(number, 9999)).padStart(4, "0")}`;
}

export function readPlace(cursor: Cursor): { readonly time: number; readonly number: number } | undefined {
  const [, iso = "", number = "0"] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)(\d{4})?$/.exec(cursor) ?? [];
  const time = Date.parse(iso);
  return Number.isNaN(time) ? undefined : { time, number: Number(number) };
}

/** Counts along a channel, in the order in which messages come. */
export class Places {
  #time: number;
  #number: number;

  /** Goes on behind a place. */
  constructor(after?: { readonly time: number; readonly number: number }) {
    this.#time = after?.time ?? Number.NEGATIVE_INFINITY;
    this.#number = after?.number ?? 0;
  }

  next(time: number): Cursor {
    // A server's clock may step back; places never do.
    this.#number = time > this.#time ? 0 : this.#number + 1;
    this.#time = Math.max(time, this.#time);
    return writePlace(this.#time, this.#number);
  }

  get last(): Cursor | undefined {
    return this.#time === Number.NEGATIVE_INFINITY ? undefined : writePlace(this.#time, this.#number);
  }
}
