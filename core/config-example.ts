/** The example files, written from the schemas: prose after `# `, settings that may be left out after `#`. */
import { stringify } from "yaml";
import { registrationWish } from "./cli-registration.ts";
import { coreSchema } from "./config-schema.ts";
import { isSecret, type Shape, shapeOf } from "./config-shape.ts";
import { makeRegistration, writeRegistration } from "./matrix/registration.ts";
import type { Network } from "./network.ts";

const WIDTH = 120;

const HEAD = `# Causeway's config. What stands ready for use must be yours; a line that begins with # and a word shows what holds when it is left out,
# or an example. Any value can come from the environment, as \${NAME}, or from a file beside this one, as {file: path}.
`;

/** Content by name of file. */
export async function exampleFiles(networks: readonly Network[]): Promise<Readonly<Record<string, string>>> {
  return { "config.yaml.example": writeConfigExample(networks), "registration.yaml.example": await writeRegistrationExample(networks) };
}

const REGISTRATION_HEAD = `# What the homeserver must know of the bridge. \`causeway registration\` writes one with random tokens, for your config;
# this is what it looks like. The homeserver reads the same file.
`;

async function writeRegistrationExample(networks: readonly Network[]): Promise<string> {
  const core = coreSchema.parse({ homeserver: { url: "http://localhost:8008", domain: "example.org" } });
  const made = await makeRegistration(registrationWish({ ...core, networks: new Map() }, networks));
  const tokens = { as_token: "random, known to the bridge and the homeserver only", hs_token: "random, another one" };
  return `${REGISTRATION_HEAD}\n${writeRegistration({ ...made, ...tokens })}`;
}

export function writeConfigExample(networks: readonly Network[]): string {
  const { properties = {}, required } = shapeOf(coreSchema);
  const sections: [string, string[]][] = Object.entries(properties).map(([key, shape]) => [key, writeKey(key, shape, required, [key])]);
  const own = networks.map((network): [string, string[]] => [network.id, writeNetwork(network)]);
  const before = sections.findIndex(([key]) => key === "links");
  sections.splice(before, 0, ...own);
  return `${HEAD}\n${sections.map(([, lines]) => `${lines.join("\n")}\n`).join("\n")}`;
}

/** Commented out as a whole: a network is connected to when its section is there. */
function writeNetwork({ id, name, config }: Network): string[] {
  const shape = shapeOf(config);
  return [...prose(shape.description ?? `${name}.`), ...commentOut([`${id}:`, ...indent(writeKeys(shape, [id]))])];
}

function writeKeys(shape: Shape, path: readonly string[]): string[] {
  return Object.entries(shape.properties ?? {}).flatMap(([key, one]) => writeKey(key, one, shape.required, [...path, key]));
}

/** Prose, then the setting: as it must be written, or commented out. */
function writeKey(key: string, shape: Shape, required: readonly string[] | undefined, path: readonly string[]): string[] {
  const text = prose(proseOf(shape));
  const lines = writeSetting(key, shape, path);
  const optional = !(required?.includes(key) ?? false) && shape.live !== true && !isGiven(shape);
  return [...text, ...(optional ? commentOut(lines) : lines)];
}

/** A group that is there anyway, all of its settings by default: its name may stand ready for use. */
function isGiven(shape: Shape): boolean {
  return shape.properties !== undefined && shape.example === undefined && shape.default !== undefined;
}

function writeSetting(key: string, shape: Shape, path: readonly string[]): string[] {
  if (shape.example === undefined) {
    if (shape.properties) return [`${key}:`, ...indent(writeKeys(shape, path))];
    const entry = typeof shape.additionalProperties === "object" ? shape.additionalProperties : undefined;
    if (entry?.properties && shape.exampleKey !== undefined) {
      return [`${key}:`, ...indent([`${shape.exampleKey}:`, ...indent(writeKeys(entry, [...path, shape.exampleKey]))])];
    }
    if (shape.items?.properties) return [`${key}:`, ...indent(listEntry(writeKeys(shape.items, path)))];
  }
  return stringify({ [key]: valueFor(shape, path) }, { lineWidth: 0, nullStr: "" })
    .trimEnd()
    .split("\n")
    .map((line) => line.trimEnd());
}

/** What to show: the example, what holds by default, a place for a secret, else nothing. */
function valueFor(shape: Shape, path: readonly string[]): unknown {
  const shown = shape.example ?? shape.default ?? shape.const ?? shape.enum?.[0];
  if (shown !== undefined) return shown;
  return isSecret(shape, path.at(-1)) ? `\${${path.join("_").toUpperCase()}}` : null;
}

/** A dash before the first setting; prose before it goes above the dash. */
function listEntry(lines: readonly string[]): string[] {
  const first = lines.findIndex((line) => !line.startsWith("#"));
  return lines.map((line, index) => (index === first ? `- ${line}` : index < first ? line : `  ${line}`));
}

function proseOf({ description, enum: options }: Shape): string {
  const text = description ?? "";
  if (options === undefined || options.every((option) => text.includes(String(option)))) return text;
  return `${text} ${options.join(" | ")}`.trim();
}

function prose(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ").filter(Boolean)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= WIDTH) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`# ${word}`);
  }
  return lines;
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

function commentOut(lines: readonly string[]): string[] {
  return lines.map((line) => `#${line}`);
}
