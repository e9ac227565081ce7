/** The tree of one stretch of inline tokens. Openers wait on stacks, and a closer takes the nearest one that fits. */
import type { Inline } from "../../core/model/richtext.ts";
import type { Token } from "./lexer.ts";

/** A spoiler may reach over several blocks: whether one is open goes along from one stretch to the next. */
export interface Spoiling {
  open: boolean;
}

/** More levels than anybody writes; what would lie deeper stays as its signs. */
const DEEPEST = 30;

type Run = Extract<Token, { t: "run" }>;

type Item = { readonly node: Inline; readonly depth: number } | { readonly opener: Opener; readonly sign: string; count: number };

type Opener = "*" | "_" | "~" | "spoiler" | "bracket";

interface Build {
  readonly items: Item[];
  /** Places in `items` where each kind was opened, ascending. */
  readonly open: Record<Opener, number[]>;
  /** Those of them with two signs or more. */
  readonly double: Record<"*" | "_", number[]>;
}

/** Every spoiler sign among the tokens has its partner, here or in another stretch of the same message. */
export function inlineTree(tokens: readonly Token[], spoiling: Spoiling): Inline[] {
  const build: Build = { items: [], open: { "*": [], _: [], "~": [], spoiler: [], bracket: [] }, double: { "*": [], _: [] } };
  if (spoiling.open) begin(build, "spoiler", "", 1);
  for (const token of tokens) take(build, token, spoiling);
  if (spoiling.open) wrap(build, build.open.spoiler.pop() as number, (content) => ({ type: "spoiler", content }), true);
  return merged(build.items);
}

function take(build: Build, token: Token, spoiling: Spoiling): void {
  switch (token.t) {
    case "text":
      return text(build, token.text);
    case "newline":
      return void build.items.push({ node: { type: "break" }, depth: 1 });
    case "fence":
      return void build.items.push({ node: { type: "code", text: token.text }, depth: 1 });
    case "node":
      return void build.items.push({ node: token.node, depth: 1 });
    case "run":
      return run(build, token);
    case "spoiler":
      return spoiler(build, spoiling);
    case "bracket":
      return begin(build, "bracket", "[", 1);
    case "address":
      return link(build, token.url, token.raw);
    case "mark":
      return;
  }
}

function text(build: Build, value: string): void {
  build.items.push({ node: { type: "text", text: value }, depth: 1 });
}

function begin(build: Build, opener: Opener, sign: string, count: number): void {
  const at = build.items.push({ opener, sign, count }) - 1;
  build.open[opener].push(at);
  if ((opener === "*" || opener === "_") && count >= 2) build.double[opener].push(at);
}

function spoiler(build: Build, spoiling: Spoiling): void {
  const at = build.open.spoiler.pop();
  if (at === undefined) begin(build, "spoiler", "", 1);
  else wrap(build, at, (content) => ({ type: "spoiler", content }), true);
  spoiling.open = at === undefined;
}

/** What was opened after it, and closed nowhere, is text. Links do not nest. */
function link(build: Build, url: string, raw: string): void {
  const at = nearest(build, build.open.bracket);
  if (at === undefined) return text(build, raw);
  build.open.bracket.pop();
  wrap(
    build,
    at,
    (content) => ({ type: "link", url, content: content.length > 0 ? withoutLinks(content) : [{ type: "text", text: url }] }),
    true,
  );
}

function withoutLinks(content: readonly Inline[]): Inline[] {
  return content.flatMap((node) => (node.type === "link" ? node.content : [node]));
}

function run(build: Build, { sign, count, opens, closes }: Run): void {
  let left = count;
  while (closes && left > 0) {
    const used = sign === "~" ? closeStrike(build) : closeRun(build, sign, left);
    if (used === 0) break;
    left -= used;
  }
  if (left === 0) return;
  if (opens) begin(build, sign, sign.repeat(left), left);
  else text(build, sign.repeat(left));
}

/** Formatting does not reach over the edge of a spoiler: what is hidden stays hidden. */
function nearest(build: Build, places: readonly number[]): number | undefined {
  const at = places.at(-1);
  return at !== undefined && at > (build.open.spoiler.at(-1) ?? -1) ? at : undefined;
}

function closeStrike(build: Build): number {
  const at = nearest(build, build.open["~"]);
  if (at !== undefined) build.open["~"].pop();
  return at !== undefined && wrap(build, at, (content) => ({ type: "strike", content }), true) ? 2 : 0;
}

/** How many of the signs were used: two for bold or underline, one for italic. */
function closeRun(build: Build, sign: "*" | "_", left: number): number {
  const top = nearest(build, build.open[sign]);
  if (top === undefined) return 0;
  const waiting = (build.items[top] as Extract<Item, { opener: Opener }>).count;
  if (left === 1 && waiting === 2) return 0;
  if (left >= 2 && waiting < 2 && left !== 3) {
    const double = nearest(build, build.double[sign]);
    return double === undefined ? 0 : closeAt(build, sign, double, 2);
  }
  return closeAt(build, sign, top, left >= 2 && waiting >= 2 ? 2 : 1);
}

function closeAt(build: Build, sign: "*" | "_", at: number, count: 1 | 2): number {
  const opener = build.items[at] as Extract<Item, { opener: Opener }>;
  const type = count === 1 ? "italic" : sign === "*" ? "bold" : "underline";
  const whole = opener.count === count;
  if (whole) build.open[sign].splice(build.open[sign].lastIndexOf(at), 1);
  if (!wrap(build, at, (content) => ({ type, content }), whole)) return 0;
  opener.count -= count;
  if (opener.count < 2 && build.double[sign].at(-1) === at) build.double[sign].pop();
  return count;
}

/** Makes one node of everything after `at`; `whole` = the opener itself is used up. False = nothing stands between, or too much. */
function wrap(build: Build, at: number, make: (content: Inline[]) => Inline, whole: boolean): boolean {
  const inside = build.items.splice(at + 1);
  forgetAfter(build, at);
  const depth = 1 + inside.reduce((deepest, item) => Math.max(deepest, "node" in item ? item.depth : 1), 0);
  const content = merged(inside);
  const { opener } = build.items[at] as Extract<Item, { opener: Opener }>;
  if ((content.length === 0 && opener !== "bracket") || depth > DEEPEST) {
    build.items.push(...inside);
    return false;
  }
  if (whole) build.items.pop();
  build.items.push({ node: make(content), depth });
  return true;
}

function forgetAfter(build: Build, at: number): void {
  for (const places of [...Object.values(build.open), ...Object.values(build.double)]) {
    while ((places.at(-1) ?? -1) > at) places.pop();
  }
}

/** Openers that were never closed are their signs; neighbouring texts are one. */
function merged(items: readonly Item[]): Inline[] {
  const out: Inline[] = [];
  let words = "";
  const flush = (): void => {
    if (words !== "") out.push({ type: "text", text: words });
    words = "";
  };
  for (const item of items) {
    if ("opener" in item) words += item.opener === "*" || item.opener === "_" ? item.opener.repeat(item.count) : item.sign;
    else if (item.node.type === "text") words += item.node.text;
    else {
      flush();
      out.push(item.node);
    }
  }
  flush();
  return out;
}
