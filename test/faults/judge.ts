/** Every side of one room against what was done. */
import { type Mark, readMarks } from "./marks.ts";
import type { Model, Said } from "./model.ts";
import type { Shore, Side, Standing } from "./shore.ts";

export const FAILINGS = ["lost", "doubled", "out of order", "wrong", "stuck"] as const;
export type Failing = (typeof FAILINGS)[number];

export interface Finding {
  readonly failing: Failing;
  readonly what: string;
}

interface Seen {
  readonly standing: Standing;
  readonly marks: readonly Mark[];
}

/** Where each message stands on a side, in the order of that side. */
interface View {
  readonly shore: Shore;
  readonly seen: readonly Seen[];
  readonly byNumber: ReadonlyMap<number, readonly Seen[]>;
}

export function judge(model: Model, shores: readonly Shore[]): Finding[] {
  const views = shores.map(viewOf);
  const findings = views.flatMap((view) => [...model.said.values()].flatMap((said) => judgeOne(view, said)));
  const room = views.find(({ shore }) => shore.side === "matrix") as View;
  const links = views.filter((view) => view !== room);
  return [...findings, ...links.flatMap((link) => [...orderIn(model, link, room), ...orderOut(model, room, link)])];
}

function viewOf(shore: Shore): View {
  const seen = shore
    .standing()
    .map((standing) => ({ standing, marks: readMarks(standing.text, ...standing.files.map(({ name }) => name)) }));
  const byNumber = new Map<number, Seen[]>();
  for (const each of seen) {
    const number = each.marks[0]?.number;
    if (number !== undefined) byNumber.set(number, [...(byNumber.get(number) ?? []), each]);
  }
  return { shore, seen, byNumber };
}

function judgeOne(view: View, said: Said): Finding[] {
  const { side } = view.shore;
  const where = `${said.number} by ${said.person} (${said.side}) on ${side}`;
  const all = view.byNumber.get(said.number) ?? [];
  const copies = all.filter(({ standing }) => !standing.correction);
  // What was deleted before it was told anywhere else need not be there; what is there must go.
  if (said.gone) return copies.length > 0 ? [{ failing: "wrong", what: `${where} was deleted and stands` }] : [];
  const marks = copies.flatMap((copy) => copy.marks);
  const pieces = Array.from({ length: said.pieces }, (_, piece) => marks.filter((mark) => mark.piece === piece));
  const findings: Finding[] = pieces.flatMap((found, piece): Finding[] => {
    if (found.length === 0) return [{ failing: "lost", what: `${where}, piece ${piece} of ${said.pieces}` }];
    return found.length > 1 ? [{ failing: "doubled", what: `${where}, piece ${piece}, ${found.length} times` }] : [];
  });
  if (findings.some(({ failing }) => failing === "lost")) return findings;
  return [...findings, ...wrongText(where, all, said), ...wrongFile(where, copies, said), ...wrongReactions(view, where, copies, said)];
}

function wrongText(where: string, all: readonly Seen[], said: Said): Finding[] {
  const versions = all.flatMap(({ marks }) => marks.map(({ version }) => version));
  const corrected = all.some(({ standing }) => standing.correction);
  const right = corrected ? Math.max(...versions) === said.version : versions.every((version) => version === said.version);
  return right ? [] : [{ failing: "wrong", what: `${where} is version ${versions.join()} instead of ${said.version}` }];
}

function wrongFile(where: string, copies: readonly Seen[], { bytes }: Said): Finding[] {
  const files = copies.flatMap(({ standing }) => standing.files);
  if (bytes === undefined || files.every(({ size }) => size === bytes)) return [];
  return [{ failing: "wrong", what: `${where}: the file has ${files.map(({ size }) => size).join()} bytes instead of ${bytes}` }];
}

function wrongReactions({ shore }: View, where: string, copies: readonly Seen[], said: Said): Finding[] {
  const found = copies.find(({ marks }) => marks.some(({ piece }) => piece === 0))?.standing.reactions;
  if (!found) return [];
  const emoji = new Set([...found.keys(), ...said.reactions.keys()]);
  return [...emoji].flatMap((each) => {
    const wanted = reactionsOn(shore.side, said.reactions.get(each) ?? new Set());
    const there = found.get(each) ?? 0;
    return there === wanted ? [] : [{ failing: "wrong" as const, what: `${where} has ${each} ${there} times instead of ${wanted}` }];
  });
}

/** In the room everybody reacts for themselves; on a network the bot does once for all who are not there. */
function reactionsOn(side: Side, by: ReadonlySet<string>): number {
  if (side === "matrix") return by.size;
  const native = [...by].filter((one) => one.startsWith(`${side} `)).length;
  return native + (native < by.size ? 1 : 0);
}

/** What the people of a network said, as the room has it. */
function orderIn(model: Model, link: View, room: View): Finding[] {
  const numbers = numbersIn(model, link, (said) => said.side === link.shore.side);
  return outOfOrder(
    numbers,
    numbersIn(model, room, (said) => said.side === link.shore.side),
    `${link.shore.side} → room`,
  );
}

/** What the room has from elsewhere, as the network has it. */
function orderOut(model: Model, room: View, link: View): Finding[] {
  const isRelayed = (said: Said): boolean => said.side !== link.shore.side;
  return outOfOrder(numbersIn(model, room, isRelayed), numbersIn(model, link, isRelayed), `room → ${link.shore.side}`);
}

function numbersIn(model: Model, { seen }: View, wanted: (said: Said) => boolean): number[] {
  const numbers = seen.flatMap(({ marks: [mark], standing }) => (mark && !standing.correction ? [mark.number] : []));
  return [...new Set(numbers)].filter((number) => {
    const said = model.said.get(number);
    return said !== undefined && !said.gone && !said.unordered && wanted(said);
  });
}

/** The fewest messages that would have to move: those outside of the longest stretch that is in order. */
export function outOfOrder(wanted: readonly number[], found: readonly number[], way: string): Finding[] {
  const place = new Map(wanted.map((number, index) => [number, index]));
  const there = found.filter((number) => place.has(number));
  const kept = longestRising(there.map((number) => place.get(number) as number));
  return there.flatMap((number, index) =>
    kept.has(index)
      ? []
      : [{ failing: "out of order" as const, what: `${number}, ${way}: ${around(wanted, number)} became ${around(there, number)}` }],
  );
}

function around(numbers: readonly number[], number: number): string {
  const place = numbers.indexOf(number);
  return numbers.slice(Math.max(0, place - 3), place + 4).join(" ");
}

/** Indexes of a longest rising subsequence. */
function longestRising(values: readonly number[]): Set<number> {
  const tails: number[] = [];
  const before: (number | undefined)[] = [];
  for (const [index, value] of values.entries()) {
    let low = 0;
    for (let high = tails.length; low < high; ) {
      const middle = (low + high) >> 1;
      if ((values[tails[middle] as number] as number) < value) low = middle + 1;
      else high = middle;
    }
    before[index] = tails[low - 1];
    tails[low] = index;
  }
  const kept = new Set<number>();
  for (let index = tails.at(-1); index !== undefined; index = before[index]) kept.add(index);
  return kept;
}
