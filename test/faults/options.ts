/** `npm run faults -- --kills N --seed S --minutes M --sides slack,irc` */
import { parseArgs } from "node:util";
import { SIDES, type Side } from "./shore.ts";
import { TROUBLES, type TroubleKind } from "./troubles.ts";

export interface Options {
  readonly kills: number;
  readonly faults: number;
  readonly seed: number;
  /** No more incidents after so many minutes of the wall's. */
  readonly minutes: number;
  readonly sides: readonly Side[];
  readonly troubles: readonly TroubleKind[];
}

export function readOptions(words: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...words],
    options: {
      kills: { type: "string", default: "25" },
      faults: { type: "string" },
      seed: { type: "string", default: "1" },
      minutes: { type: "string", default: "600" },
      sides: { type: "string", default: SIDES.join() },
      only: { type: "string", default: TROUBLES.join() },
    },
  });
  const kills = whole(values.kills, "--kills");
  const sides = values.sides.split(",").map((name) => known(name, SIDES, "side"));
  return {
    kills,
    faults: whole(values.faults ?? String(Math.ceil(kills * 0.4)), "--faults"),
    seed: whole(values.seed, "--seed"),
    minutes: Number(values.minutes),
    sides: [...new Set<Side>(["matrix", ...sides])],
    troubles: values.only.split(",").map((name) => known(name, TROUBLES, "fault")),
  };
}

function known<Name extends string>(name: string, names: readonly Name[], what: string): Name {
  const found = names.find((each) => each === name);
  if (found === undefined) throw new Error(`There is no ${what} "${name}": ${names.join(", ")}.`);
  return found;
}

function whole(text: string, name: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`${name} takes a whole number, not "${text}".`);
  return Number(text);
}
