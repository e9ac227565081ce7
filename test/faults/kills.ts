/** The bridge's process ends: at any instant, or at the one that a side chooses, between a deed's effect and its answer. */
import { setTimeout as pause } from "node:timers/promises";
import type { Chance } from "../core/seeded.ts";
import type { Side } from "./shore.ts";
import type { Stage } from "./stage.ts";

/** `power`: bridge and homeserver in the same instant. */
export type KillKind = "SIGKILL" | "SIGTERM" | "power";

export interface KillPlan {
  readonly kind: KillKind;
  /** The side that chooses the instant; undefined = nobody does. */
  readonly chosenBy: Side | undefined;
  /** Milliseconds before it, on the wall. */
  readonly wait: number;
}

/** Nothing has been sent there for so long: the instant is any. */
const PATIENCE = 2_500;

export function planKill(chance: Chance, sides: readonly Side[]): KillPlan {
  const kinds: readonly KillKind[] = ["SIGKILL", "SIGKILL", "SIGKILL", "SIGTERM", "power"];
  const chosenBy = chance.once(5) ? undefined : chance.pick(sides);
  return { kind: chance.pick(kinds), chosenBy, wait: 30 + chance.whole(500) };
}

/** Resolves with whether it was between a deed's effect and its answer, once the bridge is dead. */
export async function kill(stage: Stage, { kind, chosenBy, wait }: KillPlan): Promise<boolean> {
  await pause(wait);
  if (kind === "power") await stage.gate.close();
  const trouble = chosenBy && stage.troubles.get(chosenBy);
  const held = Promise.withResolvers<boolean>();
  const release = trouble?.trap(() => held.resolve(true));
  const within = new AbortController();
  const between = trouble ? await Promise.race([held.promise, pause(PATIENCE, false, { signal: within.signal })]) : false;
  within.abort();
  await Promise.all([stage.world.kill(kind === "SIGTERM" ? "SIGTERM" : "SIGKILL"), ...(kind === "power" ? [stage.hs.kill()] : [])]);
  release?.();
  if (kind === "power") {
    await stage.hs.restart();
    stage.gate.open();
  }
  return between;
}
