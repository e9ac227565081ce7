/**
 * A still of a Lottie drawing: shapes, fills, strokes and where they stand in the middle of the movement. Masks, mattes, effects, text and
 * gradients' courses are left out. What is too large or too deep is not drawn.
 *
 * https://lottie.github.io/lottie-spec/
 */
import { Readable } from "node:stream";
import { Refused } from "../../core/model/errors.ts";
import { Canvas, type Colour, outline, type Point } from "./canvas.ts";
import { writePng } from "./png.ts";

const SIDE = 160;
const DEEPEST = 8;
/** Points of all shapes together, and layers, groups and fills. */
const MOST = 20_000;
const MOST_STEPS = 2_000;
/** Straight pieces that a curve is drawn with. */
const PIECES = 8;

/** Scale, turn and move, as in SVG: a b c d e f. */
type Matrix = readonly [number, number, number, number, number, number];

type Json = { readonly [key: string]: unknown };

interface Drawing {
  readonly canvas: Canvas;
  readonly frame: number;
  readonly assets: ReadonlyMap<string, readonly Json[]>;
  points: number;
  steps: number;
}

/** A drawing may name itself within itself. */
function step(drawing: Drawing): void {
  drawing.steps += 1;
  if (drawing.steps > MOST_STEPS) throw tooLarge();
}

const tooLarge = () => new Refused("The sticker is too large to draw.");

export async function stillOf(text: string): Promise<{ stream: Readable; size: number; mimetype: string }> {
  const png = drawStill(text);
  return { stream: Readable.from([png]), size: png.length, mimetype: "image/png" };
}

export function drawStill(text: string): Buffer {
  let root: Json;
  try {
    root = object(JSON.parse(text));
  } catch {
    throw new Refused("The sticker is no drawing that the bridge can read.");
  }
  const [width, height] = [number(root["w"], 0), number(root["h"], 0)];
  if (!(width > 0) || !(height > 0)) throw new Refused("The sticker is no drawing that the bridge can read.");
  const scale = SIDE / Math.max(width, height);
  const canvas = new Canvas(Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale)));
  const assets = new Map(list(root["assets"]).map((asset) => [String(asset["id"]), list(asset["layers"])]));
  const frame = (number(root["ip"], 0) + number(root["op"], 0)) / 2;
  drawLayers({ canvas, frame, assets, points: 0, steps: 0 }, list(root["layers"]), [scale, 0, 0, scale, 0, 0], 1, 0);
  return writePng(canvas.width, canvas.height, canvas.rgba);
}

/** The first layer lies on top. */
function drawLayers(drawing: Drawing, layers: readonly Json[], base: Matrix, opacity: number, depth: number): void {
  if (depth > DEEPEST) return;
  const byIndex = new Map(layers.map((layer) => [layer["ind"], layer]));
  for (const layer of layers.toReversed()) {
    step(drawing);
    const shown = number(layer["ip"], 0) <= drawing.frame && drawing.frame < number(layer["op"], Number.POSITIVE_INFINITY);
    if (!shown || layer["hd"] === true || layer["td"] === 1) continue;
    const matrix = multiply(base, placed(drawing, layer, byIndex, 0));
    const alpha = opacity * (value(object(layer["ks"])["o"], drawing.frame, [100])[0] as number) * 0.01;
    if (layer["ty"] === 4) drawShapes(drawing, list(layer["shapes"]), matrix, alpha, depth + 1);
    if (layer["ty"] === 0) drawLayers(drawing, drawing.assets.get(String(layer["refId"])) ?? [], matrix, alpha, depth + 1);
  }
}

function placed(drawing: Drawing, layer: Json, byIndex: ReadonlyMap<unknown, Json>, depth: number): Matrix {
  const own = transform(object(layer["ks"]), drawing.frame);
  const parent = layer["parent"] === undefined ? undefined : byIndex.get(layer["parent"]);
  return parent && depth < DEEPEST ? multiply(placed(drawing, parent, byIndex, depth + 1), own) : own;
}

/** Within a group a fill or stroke paints the shapes before it. */
function drawShapes(drawing: Drawing, items: readonly Json[], outer: Matrix, opacity: number, depth: number): void {
  if (depth > DEEPEST) return;
  const own = items.find((item) => item["ty"] === "tr");
  const matrix = own ? multiply(outer, transform(own, drawing.frame)) : outer;
  const alpha = opacity * (own ? (value(own["o"], drawing.frame, [100])[0] as number) * 0.01 : 1);
  const paths = items.flatMap((item) => pathOf(drawing, item, matrix) ?? []);
  for (const item of items.toReversed()) {
    step(drawing);
    if (item["ty"] === "gr") drawShapes(drawing, list(item["it"]), matrix, alpha, depth + 1);
    const colour = colourOf(item, drawing.frame, alpha);
    if (!colour) continue;
    if (item["ty"] === "fl" || item["ty"] === "gf")
      drawing.canvas.fill(
        paths.map(({ points }) => points),
        colour,
      );
    else {
      const width =
        (value(item["w"], drawing.frame, [1])[0] as number) * Math.sqrt(Math.abs(matrix[0] * matrix[3] - matrix[1] * matrix[2]));
      for (const { points, closed } of paths) drawing.canvas.fill(outline(points, closed, width), colour);
    }
  }
}

function colourOf(item: Json, frame: number, opacity: number): Colour | undefined {
  if (!["fl", "st", "gf", "gs"].includes(String(item["ty"])) || item["hd"] === true) return undefined;
  const alpha = opacity * (value(item["o"], frame, [100])[0] as number) * 0.01;
  // Of a gradient, the colour at its first stop.
  const isGradient = item["ty"] === "gf" || item["ty"] === "gs";
  const [red = 0, green = 0, blue = 0] = isGradient
    ? value(object(item["g"])["k"], frame, [0, 0, 0, 0]).slice(1)
    : value(item["c"], frame, [0, 0, 0]);
  return [red, green, blue, alpha];
}

interface Path {
  readonly points: readonly Point[];
  readonly closed: boolean;
}

function pathOf(drawing: Drawing, item: Json, matrix: Matrix): Path | undefined {
  const path =
    item["ty"] === "sh"
      ? bezier(item["ks"], drawing.frame)
      : item["ty"] === "el"
        ? ellipse(item, drawing.frame)
        : item["ty"] === "rc"
          ? rectangle(item, drawing.frame)
          : undefined;
  if (!path) return undefined;
  drawing.points += path.points.length;
  if (drawing.points > MOST) throw tooLarge();
  return { points: path.points.map((point) => applied(matrix, point)), closed: path.closed };
}

function ellipse(item: Json, frame: number): Path {
  const [x = 0, y = 0] = value(item["p"], frame, [0, 0]);
  const [width = 0, height = 0] = value(item["s"], frame, [0, 0]);
  const points = Array.from({ length: 32 }, (_, index): Point => {
    const angle = (index * Math.PI) / 16;
    return [x + (width / 2) * Math.cos(angle), y + (height / 2) * Math.sin(angle)];
  });
  return { points, closed: true };
}

function rectangle(item: Json, frame: number): Path {
  const [x = 0, y = 0] = value(item["p"], frame, [0, 0]);
  const [width = 0, height = 0] = value(item["s"], frame, [0, 0]);
  const corners = [
    [-1, -1],
    [1, -1],
    [1, 1],
    [-1, 1],
  ] as const;
  return { points: corners.map(([dx, dy]): Point => [x + (dx * width) / 2, y + (dy * height) / 2]), closed: true };
}

/** Points `v`, each with where the curve leaves it (`o`) and comes to it (`i`), relative to it. */
function bezier(property: unknown, frame: number): Path | undefined {
  const shape = shapeAt(property, frame);
  const corners = points(shape?.["v"]);
  const [into, out] = [points(shape?.["i"]), points(shape?.["o"])];
  if (!shape || corners.length < 2) return undefined;
  if (corners.length > MOST) throw tooLarge();
  const closed = shape["c"] === true;
  const line: Point[] = [];
  for (let index = 0; index + (closed ? 0 : 1) < corners.length; index++) {
    const next = (index + 1) % corners.length;
    const [from, to] = [corners[index] as Point, corners[next] as Point];
    const leaves = plus(from, out[index]);
    const comes = plus(to, into[next]);
    for (let piece = 0; piece < PIECES; piece++) line.push(between(from, leaves, comes, to, piece / PIECES));
  }
  if (!closed) line.push(corners.at(-1) as Point);
  return { points: line, closed };
}

function between(a: Point, b: Point, c: Point, d: Point, t: number): Point {
  const [w0, w1, w2, w3] = [(1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t ** 2, t ** 3];
  return [a[0] * w0 + b[0] * w1 + c[0] * w2 + d[0] * w3, a[1] * w0 + b[1] * w1 + c[1] * w2 + d[1] * w3];
}

function plus(point: Point, by: Point | undefined): Point {
  return [point[0] + (by?.[0] ?? 0), point[1] + (by?.[1] ?? 0)];
}

function shapeAt(property: unknown, frame: number): Json | undefined {
  const { k } = object(property);
  if (!Array.isArray(k)) return object(k);
  const frames = k as readonly Json[];
  const current = frames.findLast((one) => number(one["t"], 0) <= frame && one["s"] !== undefined) ?? frames[0];
  return list(current?.["s"])[0];
}

/** A property at a moment, straight between its key frames. */
function value(property: unknown, frame: number, otherwise: readonly number[]): readonly number[] {
  const { k } = object(property);
  if (typeof k === "number") return [k];
  if (!Array.isArray(k) || k.length === 0) return otherwise;
  if (typeof k[0] === "number") return k.map((one) => number(one, 0));
  const frames = k as readonly Json[];
  const index = Math.max(
    0,
    frames.findLastIndex((one) => number(one["t"], 0) <= frame),
  );
  const [current, next] = [frames[index], frames[index + 1]];
  const from = numbers(current?.["s"]);
  if (from.length === 0) return otherwise;
  const to = numbers(next?.["s"]).length > 0 ? numbers(next?.["s"]) : numbers(current?.["e"]);
  const length = number(next?.["t"], 0) - number(current?.["t"], 0);
  const part = current?.["h"] === 1 || !(length > 0) ? 0 : Math.max(0, Math.min(1, (frame - number(current?.["t"], 0)) / length));
  return from.map((one, at) => one + ((to[at] ?? one) - one) * part);
}

function transform(ks: Json, frame: number): Matrix {
  const [ax = 0, ay = 0] = value(ks["a"], frame, [0, 0]);
  const position =
    object(ks["p"])["s"] === true
      ? [value(object(ks["p"])["x"], frame, [0])[0], value(object(ks["p"])["y"], frame, [0])[0]]
      : value(ks["p"], frame, [0, 0]);
  const [px = 0, py = 0] = position as readonly number[];
  const [sx = 100, sy = 100] = value(ks["s"], frame, [100, 100]);
  const turn = ((value(ks["r"], frame, [0])[0] as number) * Math.PI) / 180;
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const turned: Matrix = [(cos * sx) / 100, (sin * sx) / 100, (-sin * sy) / 100, (cos * sy) / 100, px, py];
  return multiply(turned, [1, 0, 0, 1, -ax, -ay]);
}

function multiply(m: Matrix, n: Matrix): Matrix {
  return [
    m[0] * n[0] + m[2] * n[1],
    m[1] * n[0] + m[3] * n[1],
    m[0] * n[2] + m[2] * n[3],
    m[1] * n[2] + m[3] * n[3],
    m[0] * n[4] + m[2] * n[5] + m[4],
    m[1] * n[4] + m[3] * n[5] + m[5],
  ];
}

function applied(m: Matrix, [x, y]: Point): Point {
  return [m[0] * x + m[2] * y + m[4], m[1] * x + m[3] * y + m[5]];
}

function object(any: unknown): Json {
  return typeof any === "object" && any !== null ? (any as Json) : {};
}

function list(any: unknown): readonly Json[] {
  return Array.isArray(any) ? any.map(object) : [];
}

function number(any: unknown, otherwise: number): number {
  return typeof any === "number" && Number.isFinite(any) ? any : otherwise;
}

function numbers(any: unknown): readonly number[] {
  return Array.isArray(any) ? any.map((one) => number(one, 0)) : typeof any === "number" ? [any] : [];
}

function points(any: unknown): readonly Point[] {
  return Array.isArray(any) ? any.map((one): Point => [number((one as number[])?.[0], 0), number((one as number[])?.[1], 0)]) : [];
}
