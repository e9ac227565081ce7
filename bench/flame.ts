/** A flame graph of CPU profiles as one SVG: width is time, what lies above was called by what lies below. Waiting is left out. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileOf, type Profile } from "./profile.ts";

interface Frame {
  readonly name: string;
  time: number;
  readonly calls: Map<string, Frame>;
}

const WIDTH = 1600;
const ROW = 15;
const LETTER = 6.2;
/** Narrower ones are not drawn, pixels. */
const NARROWEST = 1.5;
const IDLE = new Set(["(idle)", "(root)", "(program)"]);
const COLOURS = { ours: "#7fb3d5", node: "#b5c7a3", others: "#e0b984", native: "#c9a0a0" } as const;

/** Of the profiles in a folder together. */
export function flameOf(folder: string): string {
  const root: Frame = { name: "all", time: 0, calls: new Map() };
  for (const file of readdirSync(folder)) addUp(JSON.parse(readFileSync(join(folder, file), "utf8")) as Profile, root);
  const boxes: string[] = [];
  const rows = draw(root, root, { x: 0, row: 0 }, boxes);
  const height = (rows + 1) * ROW;
  const style = `<style>text{font:10px monospace}rect{stroke:#fff;stroke-width:.4}</style>`;
  // The first row is at the bottom.
  const turned = boxes.map((box) => box.replaceAll(/y="(\d+)"/g, (_all, y) => `y="${height - Number(y) - ROW}"`));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}">${style}${turned.join("\n")}</svg>\n`;
}

function addUp({ nodes, samples, timeDeltas }: Profile, root: Frame): void {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const callers = new Map(nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node.id] as const)));
  for (const [index, sampled] of samples.entries()) {
    const path: string[] = [];
    for (let id: number | undefined = sampled; id !== undefined; id = callers.get(id)) {
      const { functionName, url } = byId.get(id)?.callFrame ?? { functionName: "", url: "" };
      path.push(`${functionName || "(anonymous)"} ${fileOf(url)}`.trim());
    }
    if (IDLE.has(path[0] as string)) continue;
    add(root, path.reverse().slice(1), timeDeltas[index] as number);
  }
}

function add(root: Frame, path: readonly string[], time: number): void {
  let frame = root;
  frame.time += time;
  for (const name of path) {
    const next = frame.calls.get(name) ?? { name, time: 0, calls: new Map<string, Frame>() };
    frame.calls.set(name, next);
    next.time += time;
    frame = next;
  }
}

/** Returns the highest row that was drawn. */
function draw(root: Frame, frame: Frame, { x, row }: { x: number; row: number }, boxes: string[]): number {
  const width = (frame.time / root.time) * WIDTH;
  if (width < NARROWEST) return row;
  boxes.push(boxOf(frame, { x, row, width, share: frame.time / root.time }));
  let [left, highest] = [x, row];
  for (const call of [...frame.calls.values()].sort((one, other) => other.time - one.time)) {
    highest = Math.max(highest, draw(root, call, { x: left, row: row + 1 }, boxes));
    left += (call.time / root.time) * WIDTH;
  }
  return highest;
}

function boxOf({ name }: Frame, { x, row, width, share }: { x: number; row: number; width: number; share: number }): string {
  const letters = Math.floor(width / LETTER);
  const label = letters > 3 ? `<text x="${(x + 2).toFixed(1)}" y="${row * ROW}" dy="11">${escaped(name.slice(0, letters))}</text>` : "";
  const box = `<rect x="${x.toFixed(1)}" y="${row * ROW}" width="${width.toFixed(1)}" height="${ROW}" fill="${colourOf(name)}"/>`;
  return `<g><title>${escaped(name)} ${(share * 100).toFixed(1)} %</title>${box}${label}</g>`;
}

function colourOf(name: string): string {
  const file = name.slice(name.lastIndexOf(" ") + 1);
  if (/^(?:core|bridges)\//.test(file)) return COLOURS.ours;
  if (file.startsWith("node:")) return COLOURS.node;
  return file.includes("/") ? COLOURS.others : COLOURS.native;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
