/** The Docker files, without a Docker engine: the image's steps done by hand in a fresh folder, and Compose's file against its schema. */
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { checkCompose, composeSchemaMissing } from "./compose-schema.ts";
import { buildByHand, inside, type Stage } from "./dockerfile.ts";
import { freePort } from "./setup.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const composeFile = join(root, "docker-compose.yml");
/** The user that images of Node's call "node". */
const NODE_USER = 1000;
const missing = await composeSchemaMissing();

describe("the image, by hand", () => {
  let folder: string;
  let image: Stage;
  let port: number;
  const started = new Set<ChildProcess>();

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "causeway-image-"));
    await chmod(folder, 0o755);
    image = await buildByHand(root, folder);
    port = await freePort();
    const config = { homeserver: { url: "http://127.0.0.1:1", domain: "example.org" }, appservice: { port } };
    await writeFile(inside(image, "/data/config.yaml"), JSON.stringify(config));
  });
  after(async () => {
    for (const child of started) child.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  });

  /** As `docker run IMAGE WORDS`: by the entrypoint, in the working directory, as the image's user where we may. */
  function start(words: readonly string[]): ChildProcess {
    const [program, ...more] = [...image.entrypoint, ...words].map((word) => (word.startsWith("/") ? inside(image, word) : word));
    assert.equal(program, "node");
    const who = process.getuid?.() === 0 ? { uid: NODE_USER, gid: NODE_USER } : {};
    const env = { ...image.env, PATH: process.env["PATH"] };
    const child = spawn(process.execPath, more, { cwd: inside(image, "."), env, ...who, stdio: ["ignore", "inherit", "inherit"] });
    started.add(child);
    return child;
  }

  async function ended(child: ChildProcess): Promise<number> {
    return ((await once(child, "exit")) as [number])[0];
  }

  test("it holds what runs and nothing else, on the Node that is needed, and its user is not root", async () => {
    assert.match(image.base, /^node:24-/);
    assert.equal(image.user, "node");
    assert.equal((await stat(inside(image, "/data"))).uid, process.getuid?.() === 0 ? NODE_USER : process.getuid?.());
    const names = await readdir(inside(image, "."));
    assert.deepEqual(names.toSorted(), ["LICENSE", "causeway.js", "dist", "node_modules", "package.json", "scripts", "vendor"]);
    const { devDependencies } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as {
      devDependencies: Record<string, string>;
    };
    const packages = await readdir(inside(image, "node_modules"));
    for (const name of ["typescript", "oxlint", "playwright-core", "emulate"]) {
      assert.ok(name in devDependencies && !packages.includes(name), `${name} is only for those who work on it`);
    }
  });

  test("it writes a registration, starts, is healthy by its own check, and ends when it is told to", async () => {
    assert.equal(await ended(start(["registration"])), 0);
    const bridge = start(image.cmd);
    const check = image.healthcheck.map((word) => word.replaceAll("9993", String(port)));
    assert.equal(check[0], "node");
    const isHealthy = async (): Promise<boolean> => (await ended(spawn(process.execPath, check.slice(1)))) === 0;
    for (let tries = 0; !(await isHealthy()); tries += 1) {
      assert.ok(tries < 50 && bridge.exitCode === null, "it never became healthy");
      await pause(100);
    }
    bridge.kill("SIGTERM");
    assert.equal(await ended(bridge), 0);
    assert.equal(await isHealthy(), false);
  });

  test("its database lies in the volume, readable by its user alone", async () => {
    assert.deepEqual(image.volumes, ["/data"]);
    const key = (await readdir(inside(image, "/data"), { recursive: true })).find((file) => file.endsWith(".key"));
    assert.ok(key !== undefined);
    assert.equal((await stat(join(inside(image, "/data"), key))).mode & 0o077, 0);
  });
});

describe("Compose's file", () => {
  test("fits the schema of the Compose specification", { skip: missing ?? false }, async () => {
    await checkCompose(composeFile);
    const folder = await mkdtemp(join(tmpdir(), "causeway-compose-"));
    const broken = join(folder, "docker-compose.yml");
    await writeFile(broken, (await readFile(composeFile, "utf8")).replace("restart:", "restrat:"));
    await assert.rejects(checkCompose(broken), /restrat/);
    await rm(folder, { recursive: true, force: true });
  });

  test("sets a homeserver and the bridge side by side, with data in volumes and one file for settings", async () => {
    const { services, volumes } = parse(await readFile(composeFile, "utf8")) as {
      services: Record<string, { env_file: string; volumes: string[]; build?: string; ports?: string[] }>;
      volumes: Record<string, unknown>;
    };
    assert.deepEqual(Object.keys(services), ["synapse", "causeway"]);
    for (const service of Object.values(services)) {
      assert.equal(service.env_file, ".env");
      const data = service.volumes.find((volume) => volume.endsWith(":/data"))?.split(":")[0];
      assert.ok(data !== undefined && data in volumes, "its data lie in a named volume");
      for (const port of service.ports ?? []) assert.match(port, /^127\.0\.0\.1:/);
    }
    assert.equal(services["causeway"]?.build, ".");
  });
});
