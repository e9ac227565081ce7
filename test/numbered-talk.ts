/** Load for tests that end a bridge at random instants: numbered words, so that what was lost, doubled or put out of order shows. */
import { setTimeout as pause } from "node:timers/promises";

/** Says `n 1`, `n 2` … each so many milliseconds until it is told to stop. Resolves with what was said. */
export async function talk(signal: AbortSignal, every: number, say: (text: string) => Promise<void> | void): Promise<string[]> {
  const said: string[] = [];
  for (let number = 1; !signal.aborted; number += 1) {
    await say(`n ${number}`);
    said.push(`n ${number}`);
    await pause(every);
  }
  return said;
}

/** The words themselves; of anything else, nothing. */
export function numbered(body: unknown): string[] {
  return typeof body === "string" && /^n \d+$/.test(body) ? [body] : [];
}
