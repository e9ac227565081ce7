/** What a schema says of itself, read from its JSON Schema: for errors that help, for keys that were renamed, and for the example file. */
import { type ZodType, z } from "zod";
import type { Path } from "./config-file.ts";

export interface Shape {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  /** Of a record: any key may stand there. */
  readonly additionalProperties?: boolean | Shape;
  readonly items?: Shape;
  readonly anyOf?: readonly Shape[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  /** What to write there, in the example file and in errors. */
  readonly example?: unknown;
  /** Of a record whose keys people choose: one of them. */
  readonly exampleKey?: string;
  /** Earlier names of this key: they go on working, with a warning. */
  readonly formerly?: readonly string[];
  readonly secret?: boolean;
  /** Stands in the example file ready for use, although it might be left out. */
  readonly live?: boolean;
}

export function shapeOf(schema: ZodType): Shape {
  return z.toJSONSchema(schema, { io: "input", unrepresentable: "any", reused: "inline" }) as Shape;
}

/** The part of a shape that a path leads to; undefined where nothing of the kind may stand. */
export function shapeAt(shape: Shape | undefined, path: Path): Shape | undefined {
  let here = shape;
  for (const step of path) here = here && stepInto(here, step);
  return here;
}

export function stepInto(shape: Shape, step: string | number): Shape | undefined {
  const own = Object.hasOwn(shape.properties ?? {}, step) ? shape.properties?.[step] : undefined;
  const any = typeof shape.additionalProperties === "object" ? shape.additionalProperties : undefined;
  const direct = own ?? any ?? (typeof step === "number" ? shape.items : undefined);
  if (direct !== undefined) return direct;
  for (const option of shape.anyOf ?? []) {
    const found = stepInto(option, step);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Whether its value is nobody's business: by its schema, or by its name. */
export function isSecret(shape: Shape | undefined, key: string | number | undefined): boolean {
  return shape?.secret ?? /(?:token|secret|password|key)$/.test(String(key));
}

/** Whether keys stand under it. */
export function isGroup(shape: Shape | undefined): boolean {
  return shape?.properties !== undefined || typeof shape?.additionalProperties === "object";
}

/** The keys that may stand there, of every alternative. */
export function keysOf(shape: Shape | undefined): readonly string[] {
  if (shape === undefined) return [];
  return [...Object.keys(shape.properties ?? {}), ...(shape.anyOf ?? []).flatMap(keysOf)];
}

/** A line to write for it, `port: 9993`; undefined when the schema gives nothing to show. */
export function exampleLine(shape: Shape | undefined, path: Path): string | undefined {
  const value = shape?.example ?? shape?.default;
  if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") return undefined;
  const key = path.at(-1);
  return typeof key === "string" ? `${key}: ${value}` : `${value}`;
}
