/** What a CPU profile says in a few lines: where the time went, by function and by where it lies. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const TOP = 30;

/** Of the profiles in a folder together. Waiting is left out. */
export function topOf(folder: string): string {
  const functions = new Map<string, number>();
  const places = new Map<string, number>();
  for (const file of readdirSync(folder)) addUp(JSON.parse(readFileSync(join(folder, file), "utf8")) as Profile, functions, places);
  return `${shares(places)}\n\n${shares(functions)}`;
}

function addUp({ nodes, samples, timeDeltas }: Profile, functions: Map<string, number>, places: Map<string, number>): void {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  for (const [index, id] of samples.entries()) {
    const { functionName = "", url = "" } = frames.get(id) ?? {};
    if (functionName === "(idle)") continue;
    const time = timeDeltas[index] as number;
    const place = placeOf(url, functionName);
    add(functions, `${functionName || "(anonymous)"} ${fileOf(url)}`, time);
    add(places, place, time);
  }
}

function add(map: Map<string, number>, key: string, value: number): void {
  map.set(key, (map.get(key) ?? 0) + value);
}

/** From the package or the folder of ours on. */
export function fileOf(url: string): string {
  const inside = /\/node_modules\/((?!.*\/node_modules\/).*)$/.exec(url)?.[1] ?? /\/((?:core|bridges)\/.*)$/.exec(url)?.[1];
  return inside ?? (url.startsWith("node:") ? url : url.slice(url.lastIndexOf("/") + 1));
}

/** A package, a folder of ours, Node itself, or what has no file: native calls and the collector. */
function placeOf(url: string, name: string): string {
  if (url === "") return name === "(garbage collector)" ? name : "native";
  if (url.startsWith("node:")) return "node";
  const file = fileOf(url);
  return file.startsWith("core/") || file.startsWith("bridges/") ? file.split("/").slice(0, -1).join("/") : (file.split("/")[0] as string);
}

function shares(map: ReadonlyMap<string, number>): string {
  const all = [...map.values()].reduce((sum, time) => sum + time, 0);
  const sorted = [...map].sort(([, one], [, other]) => other - one).slice(0, TOP);
  return sorted.map(([name, time]) => `${((100 * time) / all).toFixed(1).padStart(5)} %  ${name}`).join("\n");
}
