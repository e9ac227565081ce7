/** The config: read, filled with its secrets, judged as a whole, every mistake told at once. */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { type ConfigFile, type Environment, type Path, type Problem, readConfigFile, toProblem } from "./config-file.ts";
import { ConfigError, nearest, toProblems, writeProblem } from "./config-problems.ts";
import { CONFIG_VERSION, type CoreConfig, coreSchema } from "./config-schema.ts";
import { isGroup, isSecret, type Shape, shapeOf, stepInto } from "./config-shape.ts";
import type { LoginId, NetworkId } from "./model/ids.ts";
import type { Network, NetworkEntry } from "./network.ts";

export { ConfigError } from "./config-problems.ts";
export type { LinkConfig } from "./config-schema.ts";

export interface Config extends CoreConfig {
  /** The file that it was read from. */
  readonly file: string;
  /** Those that have a section in the file, in the order of `bridges/index.ts`; `config` is the section as its schema made it. */
  readonly networks: ReadonlyMap<NetworkId, { readonly network: Network; readonly config: unknown }>;
  /** Sentences for whoever runs the bridge: keys that have a new name. */
  readonly warnings: readonly string[];
  /** What no log may show. */
  readonly secrets: readonly string[];
}

/**
 * Paths in it are made absolute, from the folder of the file. Only networks that have a section are loaded.
 * Rejects with `ConfigError`, which holds all that is wrong.
 */
export async function loadConfig(file: string, known: readonly NetworkEntry[], env: Environment): Promise<Config> {
  const text = readText(file);
  const read = readConfigFile(text, file, env);
  if (read.value === undefined) throw new ConfigError(file, read.problems);
  const problems = [...read.problems, ...unquoted(text)];
  const value = asSections(read.value, file);
  refuseOtherVersion(value, read, file);
  const networks = await Promise.all(known.filter((entry) => Object.hasOwn(value, entry.id)).map((entry) => entry.load()));
  const schema = schemaWith(networks, known);
  const shape = shapeOf(schema);
  const renamed = renameKeys(withoutEmpty(value, shape), shape);
  const parsed = schema.safeParse(renamed.value);
  const warnings = renamed.moved.map(({ path, to }) =>
    writeProblem(file, toProblem(path, `this is called "${to}" now; the old name goes on working for a year`, read.lineOf)),
  );
  if (!parsed.success)
    problems.push(...withoutDoubles(toProblems(parsed.error.issues, { shape, value: renamed.value, lineOf: read.lineOf }), problems));
  if (!parsed.success) problems.push(...linkProblems(salvaged(renamed.value, networks), read.lineOf));
  if (!parsed.success || problems.length > 0) throw new ConfigError(file, inOrder(problems));

  const config = toConfig(file, parsed.data, networks, { warnings, secrets: [...read.secrets, ...secretsIn(shape, renamed.value)] });
  const faults = [...linkProblems(config, read.lineOf), ...ruleProblems(config, read.lineOf)];
  if (faults.length > 0) throw new ConfigError(file, inOrder(faults));
  return config;
}

/** `room: #name` says nothing in YAML, and a link without a room would be given a new one. */
function unquoted(text: string): Problem[] {
  return text.split("\n").flatMap((line, index) => {
    const [, key = "", name] = /^\s*(?:-\s+)?(room|channel):\s+(#\S+)/.exec(line) ?? [];
    if (name === undefined) return [];
    return [{ path: [key], line: index + 1, what: `what begins with # is a comment: a name stands in quotes, as ${key}: "${name}"` }];
  });
}

/** As one reads the file. */
function inOrder(problems: readonly Problem[]): Problem[] {
  return problems.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0));
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    const what = missing
      ? "there is no such file: copy config.yaml.example to it, and write your homeserver's url and domain into it"
      : "the file cannot be read: check its owner and its mode";
    throw new ConfigError(file, [{ path: [], what }]);
  }
}

function asSections(value: unknown, file: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new ConfigError(file, [{ path: [], what: "this holds no config: copy config.yaml.example to it, and change what is yours" }]);
}

/** Before anything else: of a newer file, every new key would be called a mistake. */
function refuseOtherVersion(value: Record<string, unknown>, read: ConfigFile, file: string): void {
  const { version } = value;
  if (typeof version !== "number" || version <= CONFIG_VERSION) return;
  const what = `this file is for a newer version of Causeway, which this one (${CONFIG_VERSION}) cannot read: install the newer version`;
  throw new ConfigError(file, [toProblem(["version"], what, read.lineOf)]);
}

/** The schema of the whole file. A network that is known but not loaded may not stand there, since then it would have been. */
function schemaWith(networks: readonly Network[], known: readonly NetworkEntry[]): z.ZodType<CoreConfig & Record<string, unknown>> {
  const sections = networks.map((network) => [network.id, network.config.optional()]);
  const absent = known
    .filter((entry) => !networks.some((network) => network.id === entry.id))
    .map((entry) => [entry.id, z.undefined().optional()]);
  return coreSchema.extend(Object.fromEntries([...sections, ...absent])) as unknown as z.ZodType<CoreConfig & Record<string, unknown>>;
}

interface Renamed {
  readonly value: unknown;
  readonly moved: readonly { readonly path: Path; readonly to: string }[];
}

/**
 * A key with nothing after it: what stood under it is commented out, so a group is empty, and anything else is left out.
 */
function withoutEmpty(value: unknown, shape: Shape | undefined): unknown {
  if (Array.isArray(value)) return value.map((one) => withoutEmpty(one, shape?.items));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, one]) => {
    const within = shape && stepInto(shape, key);
    return [key, one === null && isGroup(within) ? {} : withoutEmpty(one, within)];
  });
  return Object.fromEntries(entries.filter(([, one]) => one !== null));
}

/** Keys under the names that they have now. One that stands there under both names is left, so that the schema refuses the old one. */
function renameKeys(value: unknown, shape: Shape | undefined, path: Path = []): Renamed {
  if (shape === undefined || typeof value !== "object" || value === null) return { value, moved: [] };
  const moved: { path: Path; to: string }[] = [];
  const renameWithin = (one: unknown, step: string | number, within: Shape | undefined) => {
    const inner = renameKeys(one, within, [...path, step]);
    moved.push(...inner.moved);
    return inner.value;
  };
  if (Array.isArray(value)) return { value: value.map((one, index) => renameWithin(one, index, shape.items)), moved };
  const names = Object.entries(shape.properties ?? {});
  const entries = Object.entries(value).map(([key, one]) => {
    const to = names.find(([name, property]) => property.formerly?.includes(key) && !Object.hasOwn(value, name))?.[0];
    if (to !== undefined) moved.push({ path: [...path, key], to });
    return [to ?? key, renameWithin(one, key, stepInto(shape, to ?? key))];
  });
  return { value: Object.fromEntries(entries), moved };
}

/** What the file itself holds at places that are secret. */
function secretsIn(shape: Shape | undefined, value: unknown, key?: string | number): string[] {
  if (typeof value === "string" && isSecret(shape, key)) return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, one]) => {
    const step = Array.isArray(value) ? Number(name) : name;
    return secretsIn(shape && stepInto(shape, step), one, step);
  });
}

/** A secret that is missing is not told a second time as a value of the wrong form. */
function withoutDoubles(found: readonly Problem[], told: readonly Problem[]): readonly Problem[] {
  const places = new Set(told.map(({ path }) => JSON.stringify(path)));
  return found.filter(({ path }) => !places.has(JSON.stringify(path)));
}

function toConfig(
  file: string,
  core: CoreConfig & Record<string, unknown>,
  networks: readonly Network[],
  more: Pick<Config, "warnings" | "secrets">,
): Config {
  const absolute = (path: string) => resolve(dirname(file), path);
  const { appservice, database } = core;
  const puppets = appservice.double_puppets;
  return {
    ...core,
    appservice: { ...appservice, registration: absolute(appservice.registration), double_puppets: puppets && absolute(puppets) },
    database: { ...database, path: absolute(database.path), key_file: absolute(database.key_file) },
    file,
    networks: new Map(networks.map((network) => [network.id, { network, config: core[network.id] }])),
    ...more,
  };
}

function ruleProblems(config: Config, lineOf: (path: Path) => number | undefined): Problem[] {
  const names = [...config.networks.keys()];
  return (["aliases", "groups"] as const).flatMap((key) =>
    config[key].flatMap(({ network }, index) =>
      config.networks.has(network) ? [] : [toProblem([key, index, "network"], noSection(network, names), lineOf)],
    ),
  );
}

function noSection(network: string, names: readonly string[]): string {
  const near = nearest(network, names);
  const remedy = near ? `did you mean ${near}` : names.length > 0 ? `add it, or name one of: ${names.join(", ")}` : "add it";
  return `there is no section "${network}" in this file; ${remedy}`;
}

type Linked = Pick<Config, "links" | "networks"> & { readonly broken: ReadonlySet<string> };

/** As much of a config with mistakes as its links can be judged by: those of a section that is broken itself are left for the next round. */
function salvaged(value: unknown, networks: readonly Network[]): Linked {
  const sections = value as Record<string, unknown>;
  const links = coreSchema.shape.links.safeParse(sections["links"] ?? []);
  const read = networks.map((network) => ({ network, section: network.config.safeParse(sections[network.id]) }));
  const whole = read.flatMap(({ network, section }) => (section.success ? [[network.id, { network, config: section.data }] as const] : []));
  const broken = new Set<string>(read.filter(({ section }) => !section.success).map(({ network }) => network.id));
  return { links: links.data ?? [], networks: new Map(whole), broken };
}

/** What only the networks can tell: whether a link's channel is one, and whether some login serves it. */
function linkProblems(
  { links, networks, broken }: Omit<Linked, "broken"> & Partial<Linked>,
  lineOf: (path: Path) => number | undefined,
): Problem[] {
  const taken = new Set<string>();
  return links.flatMap((link, index) => {
    const complain = (key: string, what: string) => [toProblem(["links", index, key], what, lineOf)];
    const found = networks.get(link.network);
    if (broken?.has(link.network)) return [];
    if (!found) return complain("network", noSection(link.network, [...networks.keys(), ...(broken ?? [])]));
    const { ids } = found.network;
    const channel = ids.parseChannel(link.channel.trim().split(/\s+/));
    if (channel === undefined)
      return complain("channel", `this names no channel of ${found.network.name}; write it as after \`!causeway link ${link.network}\``);
    const login = ids.loginOf(channel);
    const logins = found.network.logins(found.config).map((one): LoginId => one.id);
    if (login !== undefined && !logins.includes(login))
      return complain("channel", `the section "${link.network}" has no "${login}"; it has: ${logins.join(", ")}`);
    const key = `${link.network} ${channel}`;
    if (taken.has(key)) return complain("channel", "this channel is linked further up already; a channel goes to one room");
    taken.add(key);
    return [];
  });
}
