import type { Clock } from "./network.ts";

/** The longest delay that a timer of Node's takes, milliseconds. */
const LONGEST_DELAY = 2 ** 31 - 1;

export interface ClockOptions {
  /** How many times faster than real time passes. */
  readonly speed: number;
  /** Where the clocks of several processes agree; milliseconds since 1970. */
  readonly since: number;
}

/**
 * `CAUSEWAY_CLOCK_SPEED=60` makes an hour pass in a minute, for tests and for trying things out: `now` runs ahead with it, so that what
 * was put off by an hour is due in a minute. `60@1763856000000` also says from when on, so that a process that is started anew goes on
 * where the one before it stood.
 */
export function readClockSpeed(text: string | undefined, now: number): ClockOptions {
  const match = /^(\d+(?:\.\d+)?)(?:@(\d+))?$/.exec(text ?? "1");
  const speed = Number(match?.[1]);
  if (!match || !(speed > 0)) throw new RangeError(`CAUSEWAY_CLOCK_SPEED must be a number above 0, such as 60; it is "${text}".`);
  return { speed, since: match[2] === undefined ? now : Number(match[2]) };
}

export function createClock({ speed, since }: ClockOptions): Clock {
  const now = () => (speed === 1 ? Date.now() : Math.round(since + (Date.now() - since) * speed));
  const timer = (ms: number, run: () => void): (() => void) => {
    const real = Math.max(0, ms) / speed;
    let handle = setTimeout(
      function wait(left: number) {
        if (left <= 0) run();
        else handle = setTimeout(wait, Math.min(left, LONGEST_DELAY), left - LONGEST_DELAY);
      },
      Math.min(real, LONGEST_DELAY),
      real - LONGEST_DELAY,
    );
    return () => clearTimeout(handle);
  };
  return {
    now,
    timer,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const cancel = timer(ms, () => {
          signal?.removeEventListener("abort", abort);
          resolve();
        });
        const abort = () => {
          cancel();
          reject(signal?.reason);
        };
        signal?.addEventListener("abort", abort, { once: true });
      }),
  };
}
