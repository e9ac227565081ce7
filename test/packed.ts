/** The package as `npm pack` makes it, from a copy of this folder, so that nothing is built in the folder itself. */
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readlink, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));
/** What no build needs. */
const LEFT_OUT = new Set([".git", "node_modules", "dist", "test", "bench", "docs"]);

export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end; rejects when it fails. */
export async function run(folder: string, program: string, ...words: readonly string[]): Promise<Ran> {
  return await promisify(execFile)(program, [...words], { cwd: folder, env: outside(), maxBuffer: 16 * 1024 * 1024 });
}

/** As in a terminal of somebody's who only installed it: what npm told the process that runs these tests is not passed on. */
function outside(): NodeJS.ProcessEnv {
  const mine = Object.entries(process.env).filter(([name]) => !/^npm_(?!config_(?:registry|cache|userconfig)$)/i.test(name));
  const path = (process.env["PATH"] ?? "").split(":").filter((folder) => !folder.includes("/node_modules/"));
  return { ...Object.fromEntries(mine), PATH: path.join(":") };
}

/** Packs into a new temporary folder. Resolves with the tarball's path; `remove` takes the folder away. */
export async function pack(): Promise<{ readonly tarball: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "causeway-pack-"));
  const source = join(folder, "source");
  await mkdir(source);
  for (const name of await readdir(root)) if (!LEFT_OUT.has(name)) await cp(join(root, name), join(source, name), { recursive: true });
  await symlink(join(root, "node_modules"), join(source, "node_modules"));
  const { stdout } = await run(source, "npm", "pack", "--silent", "--pack-destination", folder);
  const tarball = join(folder, stdout.trim().split("\n").at(-1) as string);
  return { tarball, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** As npm would install it into an empty folder, but for the packages that it uses: those are the ones that lie here. */
export async function installBeside(tarball: string, folder: string): Promise<void> {
  const modules = join(folder, "node_modules");
  const own = join(modules, "causeway");
  await mkdir(join(modules, ".bin"), { recursive: true });
  await mkdir(own);
  await run(folder, "tar", "-xzf", tarball, "-C", own, "--strip-components=1");
  for (const name of await readdir(join(root, "node_modules")))
    if (!name.startsWith(".")) await symlink(join(root, "node_modules", name), join(modules, name));
  await symlink("../causeway/causeway.js", join(modules, ".bin", "causeway"));
  const node = await readlink(join(root, "node_modules", ".bin", "node")).catch(() => undefined);
  if (node !== undefined) await symlink(node, join(modules, ".bin", "node"));
}
