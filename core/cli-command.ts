/** The verbs of the command line, and each failure as a sentence. Everything heavy is imported by the verb that needs it. */
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { Complaint, type Shell, type Verb } from "./cli-verb.ts";
import { ConfigError, loadConfig } from "./config.ts";
import { RegistrationMistakes } from "./matrix/registration.ts";
import { Refused, StoreFull } from "./model/errors.ts";
import type { NetworkEntry, NetworkVerb } from "./network.ts";
import { StoreUnusable } from "./store/errors.ts";
import { versionOf } from "./version.ts";

const VERBS: Readonly<Record<string, { readonly help: string; load(): Promise<Verb> }>> = {
  start: { help: "run the bridge", load: async () => (await import("./cli-start.ts")).startBridge },
  registration: {
    help: "write the registration file that the homeserver reads",
    load: async () => (await import("./cli-registration.ts")).writeRegistrationFile,
  },
  "check-config": { help: "read the config and say what is wrong with it", load: async () => (await import("./cli-check.ts")).checkConfig },
  backup: { help: "copy the database, while the bridge runs or not", load: async () => (await import("./cli-backup.ts")).backUp },
  "rotate-key": {
    help: "seal the logins with a new key; stop the bridge first",
    load: async () => (await import("./cli-backup.ts")).replaceKey,
  },
};

/** Returns the exit code: 0 well, 1 it failed, 2 it was not understood. */
export async function runCommand(words: readonly string[], shell: Shell): Promise<number> {
  const read = readWords(words);
  if (typeof read === "string") {
    shell.complain(`${read} See \`causeway --help\`.`);
    return 2;
  }
  const { values, positionals } = read;
  const [name, ...rest] = positionals;
  if (values.version) shell.out(versionOf());
  else if (values.help || name === undefined) shell.out(await writeHelp(shell));
  if (values.version || values.help) return 0;
  if (name === undefined) return 2;
  const wishes = { config: values.config, force: values.force, doublePuppets: values["double-puppets"], to: values.to };
  const run = await findVerb(name, rest, shell);
  if (run === undefined) return 2;
  return await guarded(() => run(wishes, shell), shell);
}

type Read = ReturnType<typeof parseWords>;

/** What was asked for; a sentence when it cannot be understood. */
function readWords(words: readonly string[]): Read | string {
  try {
    return parseWords(words);
  } catch (error) {
    return error instanceof Error ? `${error.message.split(". ")[0]}.`.replace(/\.\.$/, ".") : "That was not understood.";
  }
}

function parseWords(words: readonly string[]) {
  return parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      config: { type: "string", short: "c", default: "config.yaml" },
      force: { type: "boolean", default: false },
      "double-puppets": { type: "boolean", default: false },
      to: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
      version: { type: "boolean", short: "v", default: false },
    },
  });
}

async function findVerb(name: string, rest: readonly string[], shell: Shell): Promise<Verb | undefined> {
  const network = shell.networks.find((entry) => entry.id === name);
  const own = network && (await verbsOf(network)).find((verb) => verb.name === rest[0]);
  if (network && own) return networkVerb(network, own, rest.slice(1));
  const verb = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
  if (verb && rest.length === 0) return await verb.load();
  shell.complain(`There is no \`causeway ${[name, ...rest].join(" ")}\`. See \`causeway --help\`.`);
  return undefined;
}

function networkVerb({ id }: NetworkEntry, verb: NetworkVerb, words: readonly string[]): Verb {
  return async (wishes, { env, networks, out }) => {
    const config = existsSync(wishes.config) ? await loadConfig(wishes.config, networks, env) : undefined;
    await verb.run(config?.networks.get(id)?.config, words, out);
  };
}

async function verbsOf(entry: NetworkEntry): Promise<readonly NetworkVerb[]> {
  return (await entry.verbs?.()) ?? [];
}

async function writeHelp({ networks }: Shell): Promise<string> {
  const own = await Promise.all(
    networks.map(async (entry) => (await verbsOf(entry)).map((verb) => [`${entry.id} ${verb.name}`, verb.help])),
  );
  const verbs = [...Object.entries(VERBS).map(([name, { help }]) => [name, help]), ...own.flat()];
  const width = Math.max(...verbs.map(([name = ""]) => name.length));
  return [
    "Causeway bridges Slack, Discord and IRC into Matrix rooms.",
    "",
    "Usage: causeway VERB [--config FILE]",
    "",
    ...verbs.map(([name = "", help]) => `  ${name.padEnd(width)}  ${help}`),
    "",
    "  -c, --config FILE   the config file; config.yaml unless said otherwise",
    "  --force             registration, backup: write over the file that is there",
    "  --double-puppets    registration: write the second file, which lets the bridge speak as people who link an account",
    "  --to FILE           backup: the file to write",
    "  -h, --help          this page",
    "  -v, --version       the version",
  ].join("\n");
}

const EXPECTED = [Complaint, ConfigError, RegistrationMistakes, StoreUnusable, StoreFull, Refused];

/** What the system says no to, by its code. */
const SYSTEM_SENTENCES: Readonly<Record<string, string>> = {
  EADDRINUSE: "Another program listens already where the config wants the bridge to (appservice.bind, appservice.port).",
  EADDRNOTAVAIL: "This machine has no such address as the config wants the bridge to listen on (appservice.bind).",
  EACCES: "The system does not allow it: a port below 1024, or a file that belongs to somebody else.",
};

/** Expected failures as their sentence; anything else is a defect of ours, and shows where it happened. */
async function guarded(run: () => Promise<void>, shell: Shell): Promise<number> {
  try {
    await run();
    return 0;
  } catch (error) {
    shell.complain(toSentence(error));
    return 1;
  }
}

function toSentence(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (EXPECTED.some((kind) => error instanceof kind)) return error.message;
  const code = "code" in error ? String(error.code) : "";
  return SYSTEM_SENTENCES[code] ?? error.stack ?? error.message;
}
