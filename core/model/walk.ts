/**
 * Ways through a RichText. A tree from a hostile source may be nested without end: `shallow` bounds it, and everything here that
 * rebuilds a tree expects one that went through it (`core/matrix/html.ts` gives nothing deeper).
 */
import type { Block, Inline, MentionTarget, RichText } from "./richtext.ts";

/** Levels of nesting that are kept; what lies deeper stays as plain text. Matrix advises clients to show no more than 100. */
export const DEEPEST = 100;

type Mention = Extract<Inline, { type: "mention" }>;

/** Every block in reading order, those that hold others before what they hold. Without recursion. */
export function* blocks(body: RichText): Generator<Block> {
  const waiting = [...body].reverse();
  for (let block = waiting.pop(); block !== undefined; block = waiting.pop()) {
    yield block;
    pushReversed(waiting, blocksIn(block));
  }
}

/** Every inline node in reading order, those that hold others before what they hold. Without recursion. */
export function* inlines(body: RichText): Generator<Inline> {
  for (const block of blocks(body)) yield* inlinesOf(inlineIn(block));
}

/** As `inlines`, over a run of inline nodes. */
export function* inlinesOf(content: readonly Inline[]): Generator<Inline> {
  const waiting = [...content].reverse();
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    yield node;
    if ("content" in node) pushReversed(waiting, node.content);
  }
}

function pushReversed<T>(onto: T[], items: readonly T[]): void {
  for (let index = items.length - 1; index >= 0; index--) onto.push(items[index] as T);
}

function blocksIn(block: Block): readonly Block[] {
  return block.type === "quote" ? block.content : block.type === "list" ? block.items.flat() : [];
}

function inlineIn(block: Block): readonly Inline[] {
  if (block.type === "table") return block.rows.flat(2);
  return block.type === "paragraph" || block.type === "heading" ? block.content : [];
}

/** Every mention, in reading order. */
export function mentions(body: RichText): Mention[] {
  return [...inlines(body)].filter((node) => node.type === "mention");
}

/** Replaces every mention's target and text. */
export function mapMentions(body: RichText, change: (target: MentionTarget, text: string) => Inline): RichText {
  return mapInlines(body, (node) => (node.type === "mention" ? change(node.target, node.text) : node));
}

/**
 * Replaces inline nodes, the innermost first: `change` sees a node whose content is already changed, and gives a node, several, or none.
 */
export function mapInlines(body: RichText, change: (node: Inline) => Inline | readonly Inline[]): RichText {
  return mapRuns(body, (content) => mapInline(content, change));
}

/** Replaces the runs of inline nodes that blocks hold. */
function mapRuns(body: RichText, change: (content: readonly Inline[]) => readonly Inline[]): RichText {
  return body.map((block): Block => {
    switch (block.type) {
      case "paragraph":
      case "heading":
        return { ...block, content: change(block.content) };
      case "quote":
        return { ...block, content: mapRuns(block.content, change) };
      case "list":
        return { ...block, items: block.items.map((item) => mapRuns(item, change)) };
      case "table":
        return { ...block, rows: block.rows.map((row) => row.map(change)) };
      default:
        return block;
    }
  });
}

/** As `mapInlines`, over a run of inline nodes. */
function mapInline(content: readonly Inline[], change: (node: Inline) => Inline | readonly Inline[]): Inline[] {
  return content.flatMap((node) => change("content" in node ? { ...node, content: mapInline(node.content, change) } : node));
}

/** Replaces pieces of text, but for those in links: what is put there may be one itself. */
export function mapTexts(body: RichText, change: (text: string) => readonly Inline[] | undefined): RichText {
  const inRun = (content: readonly Inline[]): readonly Inline[] =>
    content.flatMap((node) => {
      if (node.type === "text") return change(node.text) ?? node;
      return "content" in node && node.type !== "link" ? { ...node, content: inRun(node.content) } : node;
    });
  return mapRuns(body, inRun);
}

/** The same text with something before its first line. */
export function prefixed(body: RichText, before: readonly Inline[]): RichText {
  const [first, ...rest] = body;
  if (first?.type !== "paragraph") return [{ type: "paragraph", content: before }, ...body];
  return [{ ...first, content: [...before, ...first.content] }, ...rest];
}

/** The same text with at most `levels` levels of nesting; what lies deeper is plain text. A tree that is shallow already is returned as it is. */
export function shallow(body: RichText, levels = DEEPEST): RichText {
  return depthOf(body) <= levels ? body : cutBlocks(body, levels);
}

/** Levels of nesting: 1 for a block without content, 2 for a paragraph of plain text. Without recursion. */
export function depthOf(body: RichText): number {
  let depth = 0;
  let outer: readonly Block[] = body;
  let inner: readonly Inline[] = [];
  for (; outer.length > 0 || inner.length > 0; depth++) {
    inner = [...outer.flatMap(inlineIn), ...inner.flatMap((node) => ("content" in node ? node.content : []))];
    outer = outer.flatMap(blocksIn);
  }
  return depth;
}

/** `left` counts the levels from this block down; a paragraph of words needs two. */
function cutBlock(block: Block, left: number): readonly Block[] {
  switch (block.type) {
    case "paragraph":
    case "heading":
      return [{ ...block, content: cutInline(block.content, left - 1) }];
    case "table":
      return [{ ...block, rows: block.rows.map((row) => row.map((cell) => cutInline(cell, left - 1))) }];
    case "quote":
      return left <= 2 ? wordsOf(block) : [{ ...block, content: cutBlocks(block.content, left - 1) }];
    case "list":
      return left <= 2 ? wordsOf(block) : [{ ...block, items: block.items.map((item) => cutBlocks(item, left - 1)) }];
    default:
      return [block];
  }
}

function cutBlocks(body: RichText, left: number): RichText {
  return body.flatMap((block) => cutBlock(block, left));
}

function cutInline(content: readonly Inline[], left: number): readonly Inline[] {
  if (left <= 1) return leaves(content);
  return content.map((node) => ("content" in node ? { ...node, content: cutInline(node.content, left - 1) } : node));
}

/** What a block says, each inner block on a line of its own, without any formatting. */
function wordsOf(block: Block): Block[] {
  const words: Inline[] = [];
  for (const inner of blocks([block])) {
    const line: Inline[] = inner.type === "code" ? [{ type: "text", text: inner.text }] : leaves(inlineIn(inner));
    if (words.length > 0 && line.length > 0) words.push({ type: "break" });
    words.push(...line);
  }
  return [{ type: "paragraph", content: words }];
}

function leaves(content: readonly Inline[]): Inline[] {
  return [...inlinesOf(content)].filter((node) => !("content" in node));
}
