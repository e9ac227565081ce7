/** The blocks of a text as HTML's tags open and close them, in whatever order they do. */
import { oneLine, toPlain } from "../model/plain.ts";
import { type Block, type Inline, type RichText, textLines } from "../model/richtext.ts";
import { type Format, Run } from "./html-run.ts";

/** Tags that hold blocks. `details` is shown as a quote, its summary as a bold line. */
export type ContainerTag = "blockquote" | "details" | "ul" | "ol" | "li" | "table" | "tr" | "td";

type Container =
  | { readonly tag: "blockquote" | "details" | "li" | "td" | "root"; readonly body: Block[] }
  | { readonly tag: "ul" | "ol"; readonly start?: number; readonly items: RichText[] }
  | { readonly tag: "table"; heading: boolean; readonly rows: Inline[][][] }
  | { readonly tag: "tr"; readonly cells: Inline[][] };

/** More levels are ignored: what is in them stands in the last one that counts. Together with formats well below `DEEPEST`. */
const DEEPEST_CONTAINER = 60;

export class Blocks {
  readonly #open: Container[] = [{ tag: "root", body: [] }];
  /** How many of a tag were ignored for their depth: so many closing ones are as well. */
  readonly #ignored = new Map<string, number>();
  readonly #run = new Run();
  #heading: Heading | undefined;

  text(text: string, path: readonly Format[], type: "text" | "code"): void {
    this.#run.text(text, path, type);
  }

  leaf(node: Inline, path: readonly Format[]): void {
    this.#run.leaf(node, path);
  }

  line(): void {
    this.#run.line();
  }

  /** Ends the paragraph. What follows is a heading when a level is given. */
  paragraph(heading?: Heading): void {
    const content = this.#run.take();
    if (content.length > 0) {
      this.#add(this.#heading === undefined ? { type: "paragraph", content } : { type: "heading", level: this.#heading, content });
    }
    this.#heading = heading;
  }

  block(block: Block): void {
    this.paragraph();
    this.#add(block);
  }

  open(tag: ContainerTag, start?: number): void {
    this.paragraph();
    if (tag === "li") this.#closeWithin("li", ["ul", "ol"]);
    if (tag === "tr") this.#closeWithin("tr", ["table"]);
    if (tag === "td") this.#closeWithin("td", ["tr", "table"]);
    if (tag === "li" && this.#top().tag !== "ul" && this.#top().tag !== "ol") this.open("ul");
    if (tag === "td" && this.#top().tag !== "tr") this.open("tr");
    if (tag === "tr" && this.#top().tag !== "table") this.open("table");
    if (this.#open.length > DEEPEST_CONTAINER) this.#ignored.set(tag, (this.#ignored.get(tag) ?? 0) + 1);
    else this.#open.push(containerOf(tag, start));
  }

  /** The row that is open is the table's heading, when it is the first one. */
  headingRow(): void {
    const table = this.#open.findLast((container) => container.tag === "table");
    if (table?.rows.length === 0) table.heading = true;
  }

  /** Closes the innermost such container and everything in it. Nothing, where none is open in this cell or list. */
  close(tag: ContainerTag): void {
    this.paragraph();
    const ignored = this.#ignored.get(tag) ?? 0;
    if (ignored > 0) this.#ignored.set(tag, ignored - 1);
    else this.#closeWithin(tag, tag === "li" ? ["ul", "ol"] : tag === "tr" || tag === "table" ? ["table"] : ["td"]);
  }

  finish(): RichText {
    this.paragraph();
    while (this.#open.length > 1) this.#pop();
    const [root] = this.#open;
    return root?.tag === "root" ? root.body : [];
  }

  /** Closes down to the innermost `tag`, unless one of the `walls` stands before it. */
  #closeWithin(tag: ContainerTag, walls: readonly string[]): void {
    for (let index = this.#open.length - 1; index > 0; index--) {
      const found = (this.#open[index] as Container).tag;
      if (found === tag) {
        while (this.#open.length > index) this.#pop();
        return;
      }
      if (walls.includes(found)) return;
    }
  }

  #top(): Container {
    return this.#open.at(-1) as Container;
  }

  #pop(): void {
    const container = this.#open.pop() as Container;
    switch (container.tag) {
      case "blockquote":
      case "details":
        if (container.body.length > 0) this.#add({ type: "quote", content: container.body });
        return;
      case "ul":
      case "ol":
        if (container.items.length > 0) this.#add(toList(container));
        return;
      case "li":
        return this.#addItem(container.body);
      case "table":
        if (container.rows.some((row) => row.some((cell) => cell.length > 0))) this.#add(toTable(container));
        return;
      case "tr":
        return this.#addRow(container.cells);
      case "td":
        return this.#addCell(inlineOf(container.body));
      case "root":
        throw new RangeError("The root is never popped");
    }
  }

  /** Text that stands where only items, rows or cells may goes before the list or table. */
  #add(block: Block): void {
    const place = this.#open.findLast((container) => "body" in container);
    if (place !== undefined && "body" in place) place.body.push(block);
  }

  #addItem(body: Block[]): void {
    const list = this.#top();
    if ("items" in list) list.items.push(body);
  }

  #addRow(cells: Inline[][]): void {
    const table = this.#top();
    if ("rows" in table && cells.length > 0) table.rows.push(cells);
  }

  #addCell(content: Inline[]): void {
    const row = this.#top();
    if ("cells" in row) row.cells.push(content);
  }
}

type Heading = 1 | 2 | 3 | 4 | 5 | 6;

function containerOf(tag: ContainerTag, start: number | undefined): Container {
  switch (tag) {
    case "ul":
      return { tag, items: [] };
    case "ol":
      return { tag, start: start ?? 1, items: [] };
    case "table":
      return { tag, heading: false, rows: [] };
    case "tr":
      return { tag, cells: [] };
    default:
      return { tag, body: [] };
  }
}

function toList(list: Extract<Container, { items: RichText[] }>): Block {
  return { type: "list", ...(list.start === undefined ? {} : { start: list.start }), items: list.items };
}

/** Short rows are filled up, so that every row has as many cells as the longest. */
function toTable(table: Extract<Container, { tag: "table" }>): Block {
  const columns = Math.max(...table.rows.map((row) => row.length));
  const rows = columns > WIDEST ? table.rows : table.rows.map((row) => [...row, ...Array.from({ length: columns - row.length }, () => [])]);
  return { type: "table", heading: table.heading, rows };
}

/** Beyond it rows stay as they are: one row of ten thousand cells must not make ten thousand such rows. */
const WIDEST = 50;

/** A cell holds one run of text: its blocks become lines. */
function inlineOf(body: readonly Block[]): Inline[] {
  return body.flatMap((block, index) => {
    const line: readonly Inline[] = "content" in block && block.type !== "quote" ? block.content : textLines(lines(block));
    return index === 0 ? line : [{ type: "break" } as const, ...line];
  });
}

function lines(block: Block): string {
  return toPlain([block]).trim().split("\n").map(oneLine).join("\n");
}
