/** The config file as it was written: values with their secrets filled in, and where each of them stands. */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type Document, isMap, isScalar, LineCounter, type Node, parseDocument } from "yaml";

export type Path = readonly (string | number)[];

/** Something in the config that a person has to change. `what` says what is wrong and what to write instead, never a value. */
export interface Problem {
  readonly path: Path;
  /** Counted from 1; absent = the file as a whole. */
  readonly line?: number;
  readonly what: string;
}

export interface ConfigFile {
  /** Plain values; `${NAME}` and `{file: …}` replaced by what they stand for. */
  readonly value: unknown;
  /** What came from the environment or from files: never to be logged. */
  readonly secrets: readonly string[];
  readonly problems: readonly Problem[];
  lineOf(path: Path): number | undefined;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** `text` is the content of `file`, whose folder is where relative paths begin. */
export function readConfigFile(text: string, file: string, env: Environment): ConfigFile {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false });
  const lineAt = (offset: number) => counter.linePos(offset).line;
  const lineOf = (path: Path) => {
    const offset = offsetOf(document, path);
    return offset === undefined ? undefined : lineAt(offset);
  };
  const notYaml = (why: string, line: number): Problem => ({
    path: [],
    line,
    what: `this is not YAML: ${why.replace(/\s+/g, " ").replace(/\.$/, "")}`,
  });
  const problems = document.errors.map((error) => notYaml(error.message, lineAt(error.pos[0])));
  const plain = problems.length === 0 ? toPlain(document) : undefined;
  if (plain && "why" in plain) problems.push(notYaml(plain.why, 1));
  if (!plain || "why" in plain) return { value: undefined, secrets: [], problems, lineOf };
  const secrets: string[] = [];
  const filled = new Filling(file, env, secrets, (path, what) => problems.push(toProblem(path, what, lineOf)));
  return { value: filled.fill(plain.value, []), secrets, problems, lineOf };
}

/** Throws for names that refer to each other a million times over. */
function toPlain(document: Document): { readonly value: unknown } | { readonly why: string } {
  try {
    return { value: document.toJS() };
  } catch (error) {
    return { why: error instanceof Error ? error.message : String(error) };
  }
}

export function toProblem(path: Path, what: string, lineOf: (path: Path) => number | undefined): Problem {
  const line = lineOf(path);
  return { path, what, ...(line !== undefined && { line }) };
}

/** Where the value, or the nearest thing around it that there is, begins. */
function offsetOf(document: Document, path: Path): number | undefined {
  for (let length = path.length; length > 0; length--) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const offset = keyOffset(parent, path[length - 1]) ?? startOf(document.getIn(path.slice(0, length), true));
    if (offset !== undefined) return offset;
  }
  return startOf(document.contents);
}

function keyOffset(parent: unknown, key: string | number | undefined): number | undefined {
  if (!isMap(parent)) return undefined;
  const pair = parent.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
  return startOf(pair?.key);
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}

/** Fills in what stands elsewhere. */
/** No config is nested deeper; an alias that names itself is. */
const DEEPEST = 64;

class Filling {
  readonly #file: string;
  readonly #env: Environment;
  readonly #secrets: string[];
  readonly #complain: (path: Path, what: string) => void;

  constructor(file: string, env: Environment, secrets: string[], complain: (path: Path, what: string) => void) {
    this.#file = file;
    this.#env = env;
    this.#secrets = secrets;
    this.#complain = complain;
  }

  fill(value: unknown, path: Path): unknown {
    if (path.length > DEEPEST) {
      this.#complain(path.slice(0, 8), "this is nested without end: an alias (`*name`) may not stand within what it names");
      return undefined;
    }
    if (typeof value === "string") return this.#fromEnvironment(value, path);
    if (Array.isArray(value)) return value.map((one, index) => this.fill(one, [...path, index]));
    if (typeof value !== "object" || value === null) return value;
    const entries = Object.entries(value);
    const [only] = entries;
    if (entries.length === 1 && only?.[0] === "file" && typeof only[1] === "string") return this.#fromFile(only[1], path);
    return Object.fromEntries(entries.map(([key, one]) => [key, this.fill(one, [...path, key])]));
  }

  /** `$${NAME}` stays as `${NAME}`. */
  #fromEnvironment(text: string, path: Path): string {
    return text.replace(/\$?\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (whole, name: string) => {
      if (whole.startsWith("$$")) return whole.slice(1);
      const found = this.#env[name];
      if (found === undefined || found === "") {
        this.#complain(path, `the environment has no ${name}: set it, or write the value here`);
        return whole;
      }
      this.#secrets.push(found);
      return found;
    });
  }

  #fromFile(name: string, path: Path): string {
    const place = resolve(dirname(this.#file), name);
    try {
      const content = readFileSync(place, "utf8").trim();
      this.#secrets.push(content);
      return content;
    } catch (error) {
      this.#complain(
        path,
        `the file ${place} cannot be read (${error instanceof Error && "code" in error ? String(error.code) : "unknown"})`,
      );
      return "";
    }
  }
}
