/** Chance that comes out the same each time: a seed in a failing test's name is all it takes to see it again. */
export interface Chance {
  /** From 0 (included) to `below` (not included), whole. */
  whole(below: number): number;
  pick<T>(from: readonly T[]): T;
  /** True once in `times`. */
  once(times: number): boolean;
  /** `count` results of `make`, at most. */
  some<T>(most: number, make: () => T): T[];
}

/** The mulberry32 generator. */
export function chanceOf(seed: number): Chance {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const whole = (below: number): number => Math.floor(next() * below);
  return {
    whole,
    pick: (from) => from[whole(from.length)] as (typeof from)[number],
    once: (times) => whole(times) === 0,
    some: (most, make) => Array.from({ length: whole(most + 1) }, make),
  };
}
