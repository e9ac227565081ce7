/**
 * A run of inline text as HTML gives it: leaves, each with the formats that were open around it. Formats may be closed in any order;
 * the tree is made at the end, from what neighbouring leaves share.
 */
import type { Inline } from "../model/richtext.ts";

/** What an open tag does to the text in it. The same object around several leaves = one node around them all. */
export type Format =
  | { readonly type: "bold" | "italic" | "strike" | "underline" }
  | { readonly type: "spoiler"; readonly reason?: string }
  | { readonly type: "colour"; readonly foreground?: string; readonly background?: string }
  | { readonly type: "link"; readonly url: string };

type Path = readonly Format[];

/** Text is gathered in pieces: joining them as they come would cost the square of their number. */
interface Words {
  readonly path: Path;
  readonly type: "text" | "code";
  readonly pieces: string[];
}

interface Leaf {
  readonly path: Path;
  readonly node: Inline;
}

export class Run {
  readonly #parts: (Leaf | Words)[] = [];
  /** Whether white space here would be seen: not at the beginning of a line, nor after other white space. */
  #afterSpace = true;

  /** Text as it stands in HTML: runs of white space count as one space, none at the beginning of a line. */
  text(text: string, path: Path, type: "text" | "code"): void {
    const collapsed = text.replace(/[ \t\n\r\f]+/g, " ");
    const words = collapsed.startsWith(" ") && this.#afterSpace ? collapsed.slice(1) : collapsed;
    if (words === "") return;
    this.#afterSpace = words.endsWith(" ");
    const last = this.#parts.at(-1);
    if (last !== undefined && "pieces" in last && last.type === type && samePath(last.path, path)) last.pieces.push(words);
    else this.#parts.push({ path, type, pieces: [words] });
  }

  leaf(node: Inline, path: Path): void {
    this.#parts.push({ path, node });
    this.#afterSpace = node.type === "break";
  }

  /** A new line, unless one begins here anyway. */
  line(): void {
    const last = this.#parts.at(-1);
    if (last !== undefined && !("node" in last && last.node.type === "break")) this.leaf({ type: "break" }, []);
  }

  /** The tree of what was gathered, without white space and line breaks around it; the run is empty afterwards. */
  take(): Inline[] {
    const leaves = this.#parts.splice(0).map(toLeaf);
    this.#afterSpace = true;
    return nested(trimmed(leaves), 0);
  }
}

function toLeaf(part: Leaf | Words): Leaf {
  return "node" in part ? part : { path: part.path, node: { type: part.type, text: part.pieces.join("") } };
}

/** Without the spaces before line breaks, which nobody sees, and without line breaks at both ends. */
function trimmed(leaves: readonly Leaf[]): Leaf[] {
  const kept: Leaf[] = [];
  for (let index = leaves.length - 1; index >= 0; index--) {
    const leaf = leaves[index] as Leaf;
    const atLineEnd = kept.length === 0 || kept.at(-1)?.node.type === "break";
    if (leaf.node.type === "break") {
      if (kept.length > 0) kept.push(leaf);
    } else if (leaf.node.type === "text" && atLineEnd) {
      const text = leaf.node.text.replace(/ $/, "");
      if (text !== "") kept.push({ path: leaf.path, node: { type: "text", text } });
    } else kept.push(leaf);
  }
  while (kept.at(-1)?.node.type === "break") kept.pop();
  return kept.reverse();
}

/** Recurses at most as deep as a path is long, which the parser bounds. */
function nested(leaves: readonly Leaf[], depth: number): Inline[] {
  const out: Inline[] = [];
  for (let from = 0; from < leaves.length; ) {
    const { path, node } = leaves[from] as Leaf;
    const format = path[depth];
    let to = from + 1;
    while (format !== undefined && to < leaves.length && same((leaves[to] as Leaf).path[depth], format)) to++;
    if (format === undefined) out.push(node);
    else out.push({ ...format, content: nested(leaves.slice(from, to), depth + 1) });
    from = to;
  }
  return out;
}

function samePath(one: Path, other: Path): boolean {
  return one.length === other.length && one.every((format, index) => same(format, other[index]));
}

/** Two bold words side by side are one; two links or spoilers are two. */
function same(one: Format | undefined, other: Format | undefined): boolean {
  if (one === other) return true;
  if (one?.type !== other?.type || one === undefined) return false;
  return one.type === "bold" || one.type === "italic" || one.type === "strike" || one.type === "underline";
}
