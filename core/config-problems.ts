/** What zod finds wrong, told to a person: where, what, and what to write instead. */
import type { z } from "zod";
import { type Path, type Problem, toProblem } from "./config-file.ts";
import { exampleLine, keysOf, type Shape, shapeAt } from "./config-shape.ts";

type Issue = z.core.$ZodIssue;

export interface Told {
  readonly shape: Shape;
  readonly value: unknown;
  lineOf(path: Path): number | undefined;
}

/** Several problems at once, so that one look at the file mends all of them. The message names file, line and path of each. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly Problem[];

  constructor(file: string, problems: readonly Problem[]) {
    super(problems.map((problem) => writeProblem(file, problem)).join("\n"));
    this.problems = problems;
  }
}

export function writeProblem(file: string, { path, line, what }: Problem): string {
  const place = line === undefined ? file : `${file}:${line}`;
  return `${place}: ${path.length === 0 ? "" : `${writePath(path)}: `}${what}.`;
}

/** `links[0].channel`, `permissions."example.org"` */
export function writePath(path: Path): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else text += `${text === "" ? "" : "."}${/^[\w-]+$/.test(step) ? step : JSON.stringify(step)}`;
  }
  return text;
}

export function toProblems(issues: readonly Issue[], told: Told, above: Path = []): Problem[] {
  return issues.flatMap((issue) => {
    const path = [...above, ...issue.path.map((step) => (typeof step === "number" ? step : String(step)))];
    if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownKey(key, path, told));
    const branch = issue.code === "invalid_union" ? nearestBranch(issue.errors, valueAt(told.value, path)) : undefined;
    if (branch !== undefined) return toProblems(branch, told, path);
    if (issue.code === "invalid_key") return issue.issues.map((one) => toProblem(path, `this key ${said(one)}`, told.lineOf));
    return [toProblem(path, describe(issue, path, told), told.lineOf)];
  });
}

function unknownKey(key: string, path: Path, { shape, lineOf }: Told): Problem {
  const known = keysOf(shapeAt(shape, path));
  const near = nearest(key, known);
  const remedy = near === undefined ? `known here: ${known.join(", ")}` : `did you mean "${near}"?`;
  return toProblem([...path, key], `there is no such key; ${remedy}`.replace(/\?$/, ""), lineOf);
}

/** The alternative that was meant: the one whose complaint lies deepest, or which the value is like. None when it is of another type altogether. */
function nearestBranch(branches: readonly (readonly Issue[])[], value: unknown): readonly Issue[] | undefined {
  const deep = branches.find((issues) => issues.some((issue) => issue.path.length > 0 || issue.code === "unrecognized_keys"));
  const alike = (issue: Issue) =>
    issue.code !== "invalid_type" && !(issue.code === "invalid_value" && typeof value !== typeof issue.values[0]);
  return deep ?? branches.find((issues) => issues.some(alike));
}

function describe(issue: Issue, path: Path, { shape, value }: Told): string {
  const here = shapeAt(shape, path);
  const example = exampleLine(here, path);
  const write = example === undefined ? "" : `; write, for example, ${example}`;
  if (valueAt(value, path) === undefined)
    return `this is missing${here?.description ? ` (${here.description.replace(/\.$/, "")})` : ""}${write}`;
  if (issue.code !== "invalid_value") return `${said(issue)}${write}`;
  const options = issue.values.map(String);
  const near = nearest(String(valueAt(value, path)), options);
  return `must be ${options.length > 1 ? "one of " : ""}${options.join(", ")}${near === undefined ? "" : `; did you mean ${near}`}`;
}

/** What is wrong with it, so that "port: …" may stand before. */
function said(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return `must be ${TYPES[issue.expected] ?? issue.expected}`;
    case "too_small":
      return issue.origin === "string" ? "must not be empty" : `must be ${issue.inclusive ? "at least" : "more than"} ${issue.minimum}`;
    case "too_big":
      return issue.origin === "string" ? `must not be longer than ${issue.maximum}` : `must be at most ${issue.maximum}`;
    case "invalid_union":
      return "is of the wrong kind";
    default:
      return issue.message.startsWith("Invalid") ? "is not written as it must be" : issue.message.replace(/\.$/, "");
  }
}

const TYPES: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list, each entry on a line that begins with a dash",
  object: "a group of keys, each on a line of its own",
  record: "a group of keys, each on a line of its own",
};

export function valueAt(value: unknown, path: Path): unknown {
  let here = value;
  for (const step of path) here = typeof here === "object" && here !== null ? (here as Record<string | number, unknown>)[step] : undefined;
  return here;
}

/** The one that differs by a slip of the fingers; undefined when none does. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const allowed = Math.max(1, Math.floor(word.length / 3));
  const ranked = known.map((one) => ({ one, far: distance(word.toLowerCase(), one.toLowerCase()) })).sort((a, b) => a.far - b.far);
  return ranked[0] && ranked[0].far <= allowed ? ranked[0].one : undefined;
}

/** Levenshtein's, with two letters swapped as one step. Of words as long as keys are; longer ones are cut. */
function distance(from: string, to: string): number {
  const [a, b] = [from.slice(0, 64), to.slice(0, 64)];
  const rows = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  for (let i = 1; i <= a.length; i++) {
    const [row, above, twoAbove] = [[i], rows[i - 1] ?? [], rows[i - 2] ?? []];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? (twoAbove[j - 2] ?? Infinity) + 1 : Infinity;
      row.push(Math.min((above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (above[j - 1] ?? 0) + same, swapped));
    }
    rows.push(row);
  }
  return rows[a.length]?.[b.length] ?? 0;
}
