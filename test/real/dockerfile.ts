/**
 * A Dockerfile carried out by hand, for machines without a Docker engine: each stage is a folder that stands for its file system, and what
 * its lines do is done there. Absolute paths in a `RUN` are those of the stage; its base image is this machine.
 */
import { cp, mkdir, readdir, readFile } from "node:fs/promises";
import { join, matchesGlob, resolve } from "node:path";
import { run } from "../packed.ts";

export interface Stage {
  /** The folder that is its `/`. */
  readonly root: string;
  readonly base: string;
  workdir: string;
  readonly env: Record<string, string>;
  user: string;
  readonly volumes: string[];
  readonly ports: string[];
  entrypoint: string[];
  cmd: string[];
  healthcheck: string[];
}

/** Joined where a line goes on, without comments. */
function linesOf(text: string): string[] {
  return text
    .replace(/\\\n/g, " ")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

/** The last stage. `context` is what lies beside the Dockerfile, of which `.dockerignore` leaves things out. */
export async function buildByHand(context: string, folder: string): Promise<Stage> {
  const stages = new Map<string, Stage>();
  let stage: Stage | undefined;
  for (const line of linesOf(await readFile(join(context, "Dockerfile"), "utf8"))) {
    const [instruction = "", rest = ""] = /^(\w+)\s+(.*)$/.exec(line)?.slice(1) ?? [];
    if (instruction === "FROM") {
      const [base = "", , name = `stage-${stages.size}`] = rest.split(/\s+/);
      stage = newStage(join(folder, name), base);
      await mkdir(stage.root, { recursive: true });
      stages.set(name, stage);
    } else if (stage) await carryOut(stage, instruction, rest, context, stages);
    else throw new Error(`Before the first FROM: ${line}`);
  }
  if (!stage) throw new Error("The Dockerfile builds nothing.");
  return stage;
}

function newStage(root: string, base: string): Stage {
  return { root, base, workdir: "/", env: {}, user: "root", volumes: [], ports: [], entrypoint: [], cmd: [], healthcheck: [] };
}

async function carryOut(
  stage: Stage,
  instruction: string,
  rest: string,
  context: string,
  stages: ReadonlyMap<string, Stage>,
): Promise<void> {
  switch (instruction) {
    case "WORKDIR":
      stage.workdir = resolve(stage.workdir, rest);
      return void (await mkdir(inside(stage, "."), { recursive: true }));
    case "ENV":
      return void Object.assign(stage.env, Object.fromEntries([rest.split("=", 2)]));
    case "USER":
      stage.user = rest;
      return;
    case "VOLUME":
      return void stage.volumes.push(rest);
    case "EXPOSE":
      return void stage.ports.push(rest);
    case "ENTRYPOINT":
      stage.entrypoint = JSON.parse(rest) as string[];
      return;
    case "CMD":
      stage.cmd = JSON.parse(rest) as string[];
      return;
    case "HEALTHCHECK":
      stage.healthcheck = JSON.parse(/CMD\s+(\[.*\])$/.exec(rest)?.[1] ?? "[]") as string[];
      return;
    case "COPY":
      return await copy(stage, rest, context, stages);
    case "RUN":
      return void (await run(inside(stage, "."), "sh", "-e", "-c", atHome(stage, rest)));
    default:
      throw new Error(`An instruction that is not known here: ${instruction}`);
  }
}

/** Where a path of the stage lies on this machine. */
export function inside(stage: Stage, path: string): string {
  return join(stage.root, resolve(stage.workdir, path));
}

/** The stage's own folders at the top, wherever a command names one. The image's user is no user of this machine: it is known by its number. */
function atHome(stage: Stage, command: string): string {
  return command.replaceAll(/(?<=\s)\/(?=\w)/g, `${stage.root}/`).replaceAll("node:node", "1000:1000");
}

async function copy(stage: Stage, rest: string, context: string, stages: ReadonlyMap<string, Stage>): Promise<void> {
  const words = rest.split(/\s+/);
  const from = words[0]?.startsWith("--from=") ? words.shift()?.slice("--from=".length) : undefined;
  const source = from === undefined ? context : (stages.get(from)?.root ?? join(context, from));
  const ignored = from === undefined ? await ignoredIn(context) : [];
  const target = words.pop() ?? ".";
  const isFolder = target.endsWith("/") || target === "." || words.length > 1;
  for (const word of words) {
    const path = join(source, word);
    const to =
      word === "."
        ? inside(stage, target)
        : isFolder
          ? join(inside(stage, target), word.split("/").at(-1) as string)
          : inside(stage, target);
    if (word !== ".") await cp(path, to, { recursive: true, verbatimSymlinks: true });
    else
      for (const name of await readdir(path))
        if (!ignored.some((pattern) => matchesGlob(name, pattern)))
          await cp(join(path, name), join(to, name), { recursive: true, verbatimSymlinks: true });
  }
}

async function ignoredIn(context: string): Promise<string[]> {
  return linesOf(await readFile(join(context, ".dockerignore"), "utf8"));
}
