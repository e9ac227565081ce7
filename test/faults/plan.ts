/** What people do in one room during a run, decided before it begins: the same seed, the same deeds. */
import { type Chance, chanceOf } from "../core/seeded.ts";
import { writeMark } from "./marks.ts";
import type { Side } from "./shore.ts";

export type Deed =
  | {
      readonly kind: "say";
      readonly number: number;
      readonly pieces: number;
      readonly replyTo?: number;
      readonly thread?: number;
      readonly bytes?: number;
    }
  | { readonly kind: "edit"; readonly number: number; readonly version: number; readonly pieces: number }
  | { readonly kind: "remove"; readonly number: number }
  | { readonly kind: "react" | "unreact"; readonly number: number; readonly emoji: string };

export interface Step {
  readonly side: Side;
  readonly person: string;
  readonly deed: Deed;
  /** Steps, by their place in the plan, that have to be done before it. */
  readonly after: readonly number[];
}

interface Known {
  readonly number: number;
  readonly side: Side;
  readonly person: string;
  readonly pieces: number;
  readonly plain: boolean;
  /** A file, or a message in a thread or with a reference, begins no thread. */
  readonly file: boolean;
  version: number;
  readonly reactions: Set<string>;
  readonly steps: number[];
}

export interface Cast {
  readonly side: Side;
  readonly people: readonly string[];
}

const EMOJI = ["👍", "🎉", "🚀", "👀"] as const;
const WORDS = "river lantern copper meadow harbour violet amber thistle orchard granite willow ember falcon juniper marble cedar".split(
  " ",
);
/** Only what was said lately is spoken about. */
const RECENT = 25;

/** Goes on for as long as it is asked. Numbers begin at `first`. */
export function* planOf(seed: number, cast: readonly Cast[]): Generator<Step, never> {
  const chance = chanceOf(seed);
  const known: Known[] = [];
  let numbers = 0;
  for (let place = 0; ; place += 1) {
    const { side, people } = chance.pick(cast);
    const person = chance.pick(people);
    const step = nextStep({ chance, known, side, person, place, number: () => numbers++ });
    while (known.length > RECENT) known.shift();
    yield step;
  }
}

interface Moment {
  readonly chance: Chance;
  readonly known: Known[];
  readonly side: Side;
  readonly person: string;
  readonly place: number;
  number(): number;
}

function nextStep(moment: Moment): Step {
  const { chance, known, side, person } = moment;
  const mine = known.filter((one) => one.side === side && one.person === person);
  const roll = chance.whole(100);
  if (roll < 10 && side !== "irc" && mine.some(({ file }) => !file)) return edited(moment, chance.pick(mine.filter(({ file }) => !file)));
  if (roll < 15 && mine.length > 1) return removed(moment, chance.pick(mine));
  if (roll < 33 && known.length > 0) return reacted(moment, chance.pick(known));
  return said(moment, roll);
}

function said(moment: Moment, roll: number): Step {
  const { chance, known, side, person, place } = moment;
  const number = moment.number();
  const targets = known.filter(({ plain }) => plain);
  const target = targets.length > 0 ? chance.pick(targets) : undefined;
  const what =
    roll < 46 && target
      ? "reply"
      : roll < 52 && target && side !== "irc"
        ? "thread"
        : roll < 57 && side !== "irc"
          ? "file"
          : roll < 65
            ? "long"
            : "plain";
  const relation = what === "reply" ? { replyTo: (target as Known).number } : what === "thread" ? { thread: (target as Known).number } : {};
  // Nobody can say more at once on Discord.
  const pieces = what === "long" ? 3 + (side === "discord" ? 0 : chance.whole(4)) : 1;
  const after = what === "reply" || what === "thread" ? [(target as Known).steps[0] as number] : [];
  const bytes = what === "file" ? { bytes: 20 + number } : {};
  if (after.length > 0) (target as Known).steps.push(place);
  known.push({
    number,
    side,
    person,
    pieces,
    plain: what === "plain",
    file: what === "file",
    version: 0,
    reactions: new Set(),
    steps: [place],
  });
  return { side, person, deed: { kind: "say", number, pieces, ...relation, ...bytes }, after };
}

function edited({ place, side, person }: Moment, target: Known): Step {
  target.version += 1;
  const after = [target.steps.at(-1) as number];
  target.steps.push(place);
  return { side, person, deed: { kind: "edit", number: target.number, version: target.version, pieces: target.pieces }, after };
}

function removed({ known, side, person }: Moment, target: Known): Step {
  known.splice(known.indexOf(target), 1);
  return { side, person, deed: { kind: "remove", number: target.number }, after: [...target.steps] };
}

function reacted({ chance, place, side, person }: Moment, target: Known): Step {
  const emoji = chance.pick(EMOJI);
  const key = `${side} ${person} ${emoji}`;
  const kind = target.reactions.delete(key) ? "unreact" : "react";
  if (kind === "react") target.reactions.add(key);
  const after = [target.steps.at(-1) as number];
  target.steps.push(place);
  return { side, person, deed: { kind, number: target.number, emoji }, after };
}

/** The words of a message; those of its pieces stand on lines of their own, each long enough for one message not to hold all of them. */
export function textOf(number: number, version: number, pieces: number): string {
  const chance = chanceOf(number * 31 + version);
  const words = (count: number): string => Array.from({ length: count }, () => chance.pick(WORDS)).join(" ");
  const length = pieces === 1 ? 4 + chance.whole(8) : 82;
  return Array.from({ length: pieces }, (_, piece) => `${words(length)} ${writeMark({ number, version, piece })}`).join("\n");
}
