/**
 * A real Synapse on this machine, listening on loopback only, with SQLite in a temporary folder. It lives in a virtual environment in
 * `${CAUSEWAY_CACHE:-~/.cache/causeway}/synapse`, which `installSynapse` makes.
 */
import { access, copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { request } from "undici";
import { type Json, MatrixUser, type TestHomeserver } from "../matrix-client.ts";
import { cacheFolder, type Child, findProgram, freePort, runProgram, startChild, untilReady } from "./setup.ts";

const environment = (): string => join(cacheFolder(), "synapse");
const python = (): string => join(environment(), "bin", "python");

/** A sentence on how to have it; absent = it is there. */
export async function synapseMissing(): Promise<string | undefined> {
  const there = await access(join(environment(), "bin", "synapse_homeserver")).then(
    () => true,
    () => false,
  );
  return there
    ? undefined
    : `No Synapse in ${environment()}: \`npm run test:real -- --install\` puts it there (240 MB, needs Python 3.10 or newer).`;
}

/** Makes the virtual environment. Needs Python's `venv` and a package index. */
export async function installSynapse(): Promise<void> {
  const system = await findProgram("python3");
  if (system === undefined) throw new Error("Synapse needs Python 3.10 or newer: there is no python3");
  await mkdir(cacheFolder(), { recursive: true });
  await runProgram(system, ["-m", "venv", environment()], cacheFolder());
  await runProgram(join(environment(), "bin", "pip"), ["install", "--quiet", "matrix-synapse"], cacheFolder());
}

export interface SynapseOptions {
  readonly serverName?: string;
  /** Absent = any free one. */
  readonly port?: number;
  /** Registrations as objects, or paths of their files. They are read at the start only. */
  readonly services?: readonly (Json | string)[];
}

export interface Synapse extends TestHomeserver {
  readonly folder: string;
}

export async function startSynapse(options: SynapseOptions = {}): Promise<Synapse> {
  const missing = await synapseMissing();
  if (missing !== undefined) throw new Error(missing);
  const folder = await mkdtemp(join(tmpdir(), "causeway-synapse-"));
  const port = options.port ?? (await freePort());
  const serverName = options.serverName ?? "test.local";
  const services = options.services ?? [];
  const files = services.map((_, index) => `registration-${index}.yaml`);
  await writeFile(join(folder, "homeserver.yaml"), stringify(toConfig(serverName, port, files)));
  await writeFile(join(folder, "log.yaml"), stringify(logConfig));
  for (const [index, service] of services.entries()) {
    const file = join(folder, `registration-${index}.yaml`);
    if (typeof service === "string") await copyFile(service, file);
    else await writeFile(file, stringify(service));
  }
  await runProgram(python(), ["-m", "synapse.app.homeserver", "-c", "homeserver.yaml", "--generate-keys"], folder);
  const synapse = new RunningSynapse(folder, `http://127.0.0.1:${port}`, serverName);
  await synapse.start();
  return synapse;
}

class RunningSynapse implements Synapse {
  readonly folder: string;
  readonly url: string;
  readonly serverName: string;
  readonly #users = new Map<string, Promise<MatrixUser>>();
  #child: Child | undefined;

  constructor(folder: string, url: string, serverName: string) {
    this.folder = folder;
    this.url = url;
    this.serverName = serverName;
  }

  async start(): Promise<void> {
    const child = startChild(python(), ["-m", "synapse.app.homeserver", "-c", "homeserver.yaml"], { cwd: this.folder });
    this.#child = child;
    await untilReady(child, async () => (await request(`${this.url}/health`)).statusCode === 200, "Synapse", 60_000);
  }

  user(name: string): Promise<MatrixUser> {
    const known = this.#users.get(name);
    if (known) return known;
    const user = MatrixUser.register(this.url, name);
    this.#users.set(name, user);
    return user;
  }

  async kill(): Promise<void> {
    await this.#child?.kill();
    this.#child = undefined;
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  async stop(): Promise<void> {
    for (const user of this.#users.values()) void user.then((each) => each.close());
    await this.#child?.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

const unlimited = { per_second: 10_000, burst_count: 10_000 };

function toConfig(serverName: string, port: number, registrations: readonly string[]): Json {
  return {
    server_name: serverName,
    pid_file: "homeserver.pid",
    public_baseurl: `http://127.0.0.1:${port}/`,
    listeners: [
      {
        bind_addresses: ["127.0.0.1"],
        port,
        tls: false,
        type: "http",
        x_forwarded: false,
        resources: [{ names: ["client"], compress: false }],
      },
    ],
    database: { name: "sqlite3", args: { database: "homeserver.db" } },
    log_config: "log.yaml",
    media_store_path: "media_store",
    registration_shared_secret: "shared secret of a test",
    enable_registration: true,
    enable_registration_without_verification: true,
    report_stats: false,
    macaroon_secret_key: "macaroon key of a test",
    form_secret: "form secret of a test",
    signing_key_path: "signing.key",
    trusted_key_servers: [],
    suppress_key_server_warning: true,
    federation_domain_whitelist: [],
    enable_authenticated_media: true,
    max_upload_size: "120M",
    url_preview_enabled: false,
    push: { enabled: false },
    app_service_config_files: registrations,
    room_list_publication_rules: [{ action: "allow" }],
    rc_message: unlimited,
    rc_registration: unlimited,
    rc_login: { address: unlimited, account: unlimited, failed_attempts: unlimited },
    rc_joins: { local: unlimited, remote: unlimited },
    rc_joins_per_room: unlimited,
    rc_invites: { per_room: unlimited, per_user: unlimited, per_issuer: unlimited },
    rc_room_creation: unlimited,
    rc_media_create: unlimited,
    rc_presence: { per_user: unlimited },
  };
}

const logConfig = {
  version: 1,
  formatters: { line: { format: "%(asctime)s %(levelname)s %(name)s - %(message)s" } },
  handlers: { file: { class: "logging.FileHandler", filename: "homeserver.log", formatter: "line" } },
  root: { level: "WARNING", handlers: ["file"] },
  disable_existing_loggers: false,
};
