import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "node:test";

/**
 * Who may import whom. The first rule whose `of` begins a file's path counts; `may` says where its imports may lie, besides its own
 * folder. Types count as much as values: a type that is known is a thought that is shared.
 */
const RULES: readonly { readonly of: string; readonly may: readonly string[] }[] = [
  { of: "core/model/", may: [] },
  { of: "core/capabilities.ts", may: ["core/model/"] },
  { of: "core/network.ts", may: ["core/model/", "core/capabilities.ts"] },
  { of: "core/matrix/", may: ["core/model/", "core/network.ts", "core/capabilities.ts"] },
  { of: "core/store/", may: ["core/model/"] },
  { of: "core/http/", may: ["core/model/", "core/network.ts", "core/matrix/", "core/store/store.ts", "core/lru.ts"] },
  { of: "core/visibility.ts", may: ["core/model/"] },
  { of: "core/permissions.ts", may: ["core/model/"] },
  { of: "core/lane.ts", may: ["core/model/", "core/network.ts", "core/store/store.ts", "core/matrix/failure.ts"] },
  { of: "core/cli.ts", may: ["core/", "bridges/index.ts"] },
  { of: "core/", may: ["core/"] },
  { of: "bridges/index.ts", may: ["core/network.ts", "core/model/", "bridges/irc/", "bridges/slack/", "bridges/discord/"] },
  { of: "bridges/", may: ["core/model/", "core/network.ts", "core/capabilities.ts"] },
];

/** Packages that belong to one place. All others (zod, pino, Node's own) may be imported anywhere but in `core/model/`. */
const PLACES: Readonly<Record<string, readonly string[]>> = {
  "better-sqlite3": ["core/store/"],
  parse5: ["core/matrix/"],
  express: ["core/http/", "core/matrix/appservice.ts"],
  "prom-client": ["core/http/"],
  "matrix-appservice": ["core/matrix/"],
  "matrix-appservice-bridge": ["core/matrix/"],
  sharp: ["core/http/", "core/media"],
  "discord.js": ["bridges/discord/"],
  "@discordjs": ["bridges/discord/"],
  "discord-api-types": ["bridges/discord/"],
  "@slack": ["bridges/slack/"],
  "irc-framework": ["bridges/irc/"],
};

const root = fileURLToPath(new URL("..", import.meta.url));
const files = globSync(["core/**/*.ts", "bridges/**/*.ts"], { cwd: root }).filter((file) => !file.endsWith(".d.ts"));
const sources = new Map(files.map((file) => [file, readFileSync(join(root, file), "utf8")]));

/** What a file imports, in any way: paths within the project, and names of packages. */
function importsOf(file: string): string[] {
  const code = (sources.get(file) ?? "").replace(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, "");
  const names = [...code.matchAll(/(?:^|[\s;}])(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((match) => match[1] ?? "");
  return names.map((name) => (name.startsWith(".") ? normalize(join(dirname(file), name)) : name));
}

const withinProject = (name: string) => name.startsWith("core/") || name.startsWith("bridges/") || name.startsWith("test/");

/** A network's files are its own; of `core/` only the files directly in it are one place. */
function placeOf(file: string): string {
  const [top = "", folder = "", more] = file.split("/");
  return more === undefined ? `${top}/` : `${top}/${folder}/`;
}

function mayImport(file: string, name: string): boolean {
  const rule = RULES.find(({ of }) => file.startsWith(of));
  const ownFolder = placeOf(file) !== "core/" && placeOf(file) !== "bridges/" && name.startsWith(placeOf(file));
  return ownFolder || (rule?.may ?? []).some((place) => name.startsWith(place));
}

test("the files were found", () => {
  assert.ok(files.length > 50 && importsOf("core/cli-command.ts").includes("core/config.ts"));
});

test("each file imports only what its place in the house may know", () => {
  const wrong = files.flatMap((file) =>
    importsOf(file)
      .filter((name) => withinProject(name) && !mayImport(file, name))
      .map((name) => `${file} → ${name}`),
  );
  assert.deepEqual(wrong, []);
});

test("the bridge meets the networks in one place: the command line hands it the list", () => {
  const meeting = files.filter((file) => file.startsWith("core/") && importsOf(file).some((name) => name.startsWith("bridges/")));
  assert.deepEqual(meeting, files.includes("core/cli.ts") ? ["core/cli.ts"] : []);
});

test("each library is imported in the one place that wraps it, and the model imports none", () => {
  const wrong = files.flatMap((file) =>
    importsOf(file)
      .filter((name) => !withinProject(name) && !mayUse(file, name))
      .map((name) => `${file} → ${name}`),
  );
  assert.deepEqual(wrong, []);
});

function mayUse(file: string, name: string): boolean {
  if (file.startsWith("core/model/")) return false;
  const owner = Object.keys(PLACES).find((one) => name === one || name.startsWith(`${one}/`));
  return owner === undefined || (PLACES[owner] ?? []).some((place) => file.startsWith(place));
}

test("no file imports itself in a circle", () => {
  assert.deepEqual(circles(), []);
});

/** Every circle that a walk from each file finds, once. */
function circles(): string[] {
  const found = new Set<string>();
  const done = new Set<string>();
  const walk = (file: string, way: readonly string[]): void => {
    const at = way.indexOf(file);
    if (at >= 0) found.add([...way.slice(at), file].join(" → "));
    if (at >= 0 || done.has(file)) return;
    for (const name of importsOf(file)) if (sources.has(name)) walk(name, [...way, file]);
    done.add(file);
  };
  for (const file of files) walk(file, []);
  return [...found];
}

test("no file is there only to hand on what others export", () => {
  const barrels = files.filter((file) => {
    const code = (sources.get(file) ?? "").replace(/\/\*[^]*?\*\/|\/\/.*$/gm, "").trim();
    return /^export \* from/m.test(code) || (code !== "" && code.replace(/export (?:type )?\{[^}]*\} from "[^"]+";?/g, "").trim() === "");
  });
  assert.deepEqual(barrels, []);
});
