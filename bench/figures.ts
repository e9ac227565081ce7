/** What was measured: several runs of each figure, shown as least, median and most. */

export interface Figure {
  readonly part: string;
  readonly name: string;
  readonly unit: string;
  /** In words, where there is one. */
  readonly goal?: string | undefined;
  readonly runs: number[];
}

export interface Results {
  readonly machine: string;
  readonly figures: readonly Figure[];
}

export class Figures {
  readonly all: Figure[] = [];

  add(part: string, name: string, unit: string, value: number, goal?: string): void {
    const known = this.all.find((figure) => figure.part === part && figure.name === name);
    if (known) known.runs.push(value);
    else this.all.push({ part, name, unit, goal, runs: [value] });
  }
}

export function medianOf(runs: readonly number[]): number {
  const sorted = runs.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** Of sorted numbers. */
export function percentile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

/** As Markdown, so that it can stand in a document as it is. */
export function tableOf(figures: readonly Figure[]): string {
  const rows = figures.map(({ part, name, unit, goal = "", runs }) => {
    const [least, median, most] = [Math.min(...runs), medianOf(runs), Math.max(...runs)].map(shown);
    return [part, name, unit, least, median, most, goal] as string[];
  });
  return markdown(["part", "figure", "unit", "min", "median", "max", "goal"], rows);
}

/** The medians of two results side by side. */
export function comparisonOf(before: Results, after: Results): string {
  const rows = after.figures.flatMap(({ part, name, unit, runs }) => {
    const old = before.figures.find((figure) => figure.part === part && figure.name === name);
    if (!old) return [];
    const [was, is] = [medianOf(old.runs), medianOf(runs)];
    return [[part, name, unit, shown(was), shown(is), (is / was).toFixed(2)]];
  });
  return markdown(["part", "figure", "unit", "before", "after", "ratio"], rows);
}

function shown(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, column) => cell.padEnd(widths[column] as number)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}
