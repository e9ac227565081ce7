import type { Clock } from "../../../core/network.ts";

/** The real time, or `speed` times faster. Timers do not keep the process alive. */
export function clockAt(speed = 1): Clock {
  const started = Date.now();
  const timer = (ms: number, run: () => void): (() => void) => {
    const timeout = setTimeout(run, ms / speed).unref();
    return () => clearTimeout(timeout);
  };
  return {
    now: () => Math.round(started + (Date.now() - started) * speed),
    timer,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const cancel = timer(ms, () => {
          signal?.removeEventListener("abort", abort);
          resolve();
        });
        const abort = (): void => {
          cancel();
          reject(signal?.reason as Error);
        };
        signal?.addEventListener("abort", abort, { once: true });
      }),
  };
}
