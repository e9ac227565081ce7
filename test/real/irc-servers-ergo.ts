/** Ergo: the modern one. chathistory, multiline, message-redaction, read-marker, SASL with SCRAM. Debian has it from trixie on. */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { type IrcServer, RunningServer, serverFolder } from "./irc-servers.ts";
import { cacheFolder, findProgram, freePort, runProgram, startChild } from "./setup.ts";

export interface ErgoOptions {
  readonly port?: number;
  readonly network?: string;
  /** Five lines at once, then two a second, as it comes. */
  readonly tight?: boolean;
}

type Section = Record<string, unknown>;

const home = (): string => join(cacheFolder(), "ergo");
const program = (): Promise<string | undefined> => findProgram("ergochat", [join(home(), "usr", "bin")]);

/** A sentence on how to have it; absent = it is there. */
export async function ergoMissing(): Promise<string | undefined> {
  const there = (await program()) !== undefined;
  return there ? undefined : `No Ergo in ${home()}: \`npm run test:real -- --install\` unpacks Debian's package there (4 MB).`;
}

/** Unpacks Debian trixie's package from the configured mirror beside the system. */
export async function installErgo(): Promise<void> {
  await mkdir(join(home(), "lists", "partial"), { recursive: true });
  await mkdir(join(home(), "cache", "archives", "partial"), { recursive: true });
  await writeFile(
    join(home(), "trixie.list"),
    `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${await mirror()} trixie main\n`,
  );
  const settings = ["Dir::Etc::sourcelist=trixie.list", "Dir::Etc::sourceparts=-", "Dir::State::lists=lists", "Dir::Cache=cache"];
  const options = settings.flatMap((setting) => ["-o", setting.replace(/=(trixie|lists|cache)/, `=${home()}/$1`)]);
  await runProgram("apt-get", [...options, "update"], home());
  await runProgram("apt-get", [...options, "download", "ergochat/trixie"], home());
  const packed = (await readdir(home())).find((name) => /^ergochat_.*\.deb$/.test(name));
  if (packed === undefined) throw new Error("apt-get has brought no ergochat package");
  await runProgram("dpkg", ["-x", packed, "."], home());
}

async function mirror(): Promise<string> {
  const folder = "/etc/apt/sources.list.d";
  const names = await readdir(folder).catch(() => []);
  const files = ["/etc/apt/sources.list", ...names.map((name) => join(folder, name))];
  const texts = await Promise.all(files.map((file) => readFile(file, "utf8").catch(() => "")));
  const [found] = texts.join("\n").match(/https?:\/\/\S*\/debian\/?(?=\s)/) ?? [];
  if (found === undefined) throw new Error("No Debian mirror in the apt sources");
  return found;
}

export async function startErgo(options: ErgoOptions = {}): Promise<IrcServer> {
  const ergo = await program();
  if (ergo === undefined) throw new Error(await ergoMissing());
  const folder = await serverFolder("ergo");
  const port = options.port ?? (await freePort());
  const network = options.network ?? "ErgoNet";
  const example = ergo.startsWith(home()) ? home() : "/";
  const text = await readFile(join(example, "usr/share/doc/ergochat/examples/default.yaml"), "utf8");
  const config = join(folder, "ergo.yaml");
  await writeFile(config, stringify(toConfig(parse(text) as Section, { folder, port, network, tight: options.tight ?? false })));
  await runProgram(ergo, ["initdb", "--conf", config], folder);
  const spawn = () => [startChild(ergo, ["run", "--conf", config], { cwd: folder })];
  return new RunningServer({ port, network, folder }, spawn).start();
}

function toConfig(
  given: Section,
  { folder, port, network, tight }: { folder: string; port: number; network: string; tight: boolean },
): Section {
  const part = (section: Section, name: string): Section => (section[name] ?? {}) as Section;
  const server = part(given, "server");
  const accounts = part(given, "accounts");
  const history = part(given, "history");
  const free = { ...part(accounts, "login-throttling"), enabled: false };
  const { "unix-bind-mode": _, ...kept } = server;
  return {
    ...given,
    network: { name: network },
    server: {
      ...kept,
      name: "ergo.test.local",
      listeners: { [`127.0.0.1:${port}`]: null },
      motd: null,
      "ip-limits": { ...part(server, "ip-limits"), count: false, throttle: false, "cidr-len-ipv4": 32, "cidr-len-ipv6": 64 },
      "ip-cloaking": { ...part(server, "ip-cloaking"), enabled: false },
    },
    accounts: {
      ...accounts,
      "login-throttling": free,
      registration: {
        ...part(accounts, "registration"),
        throttling: { ...part(part(accounts, "registration"), "throttling"), enabled: false },
      },
    },
    history: { ...history, retention: { ...part(history, "retention"), "allow-individual-delete": true } },
    fakelag: { ...part(given, "fakelag"), enabled: tight },
    languages: { enabled: false },
    datastore: { ...part(given, "datastore"), path: join(folder, "ircd.db"), autoupgrade: true },
    "lock-file": join(folder, "ircd.lock"),
  };
}
