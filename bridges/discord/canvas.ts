/** Fills polygons. Small, slow and without surprises: enough for a sticker's still. */

export type Point = readonly [x: number, y: number];

/** Red, green, blue and alpha, 0 to 1. */
export type Colour = readonly [number, number, number, number];

/** Lines within a line of pixels, for soft edges. */
const FINE = 4;

export class Canvas {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array;

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.rgba = new Uint8Array(width * height * 4);
  }

  /** All contours as one shape; what is wound around at all is inside. */
  fill(contours: readonly (readonly Point[])[], colour: Colour): void {
    const edges = edgesOf(contours);
    if (edges.length === 0 || colour[3] <= 0) return;
    const top = Math.max(0, Math.floor(edges.reduce((least, edge) => Math.min(least, edge.top), this.height)));
    const bottom = Math.min(this.height, Math.ceil(edges.reduce((most, edge) => Math.max(most, edge.bottom), 0)));
    for (let y = top; y < bottom; y++) {
      const covered = new Float32Array(this.width);
      for (let fine = 0; fine < FINE; fine++) this.#span(edges, y + (fine + 0.5) / FINE, covered);
      for (let x = 0; x < this.width; x++)
        if ((covered[x] as number) > 0) this.#blend(x, y, colour, Math.min(1, (covered[x] as number) / FINE));
    }
  }

  #span(edges: readonly Edge[], y: number, covered: Float32Array): void {
    const crossings = edges
      .filter((edge) => edge.top <= y && y < edge.bottom)
      .map((edge) => ({ x: edge.x + (y - edge.top) * edge.slope, turn: edge.turn }))
      .sort((a, b) => a.x - b.x);
    let winding = 0;
    for (const [index, { x, turn }] of crossings.entries()) {
      winding += turn;
      const next = crossings[index + 1];
      if (winding !== 0 && next) this.#cover(x, next.x, covered);
    }
  }

  #cover(from: number, to: number, covered: Float32Array): void {
    const [left, right] = [Math.max(0, from), Math.min(this.width, to)];
    for (let x = Math.floor(left); x < right; x++)
      covered[x] = (covered[x] as number) + Math.max(0, Math.min(right, x + 1) - Math.max(left, x));
  }

  #blend(x: number, y: number, [red, green, blue, alpha]: Colour, coverage: number): void {
    const at = (y * this.width + x) * 4;
    const above = alpha * coverage;
    const below = ((this.rgba[at + 3] as number) / 255) * (1 - above);
    const whole = above + below;
    if (whole <= 0) return;
    for (const [index, value] of [red, green, blue].entries()) {
      const before = (this.rgba[at + index] as number) / 255;
      this.rgba[at + index] = Math.round(((value * above + before * below) / whole) * 255);
    }
    this.rgba[at + 3] = Math.round(whole * 255);
  }
}

interface Edge {
  readonly top: number;
  readonly bottom: number;
  /** Where it crosses `top`. */
  readonly x: number;
  readonly slope: number;
  readonly turn: 1 | -1;
}

function edgesOf(contours: readonly (readonly Point[])[]): Edge[] {
  const edges: Edge[] = [];
  for (const points of contours) {
    for (const [index, [x1, y1]] of points.entries()) {
      const [x2, y2] = points[(index + 1) % points.length] as Point;
      if (y1 === y2 || ![x1, y1, x2, y2].every(Number.isFinite)) continue;
      const slope = (x2 - x1) / (y2 - y1);
      edges.push(y1 < y2 ? { top: y1, bottom: y2, x: x1, slope, turn: 1 } : { top: y2, bottom: y1, x: x2, slope, turn: -1 });
    }
  }
  return edges;
}

/** The line along the points as a shape: a bar for each stretch, a disc at each point. */
export function outline(points: readonly Point[], closed: boolean, width: number): Point[][] {
  const half = width / 2;
  const shapes: Point[][] = points.map(([x, y]) =>
    Array.from(
      { length: 8 },
      (_, index) => [x + half * Math.cos((index * Math.PI) / 4), y + half * Math.sin((index * Math.PI) / 4)] as const,
    ),
  );
  for (let index = 0; index + (closed ? 0 : 1) < points.length; index++) {
    const [x1, y1] = points[index] as Point;
    const [x2, y2] = points[(index + 1) % points.length] as Point;
    const length = Math.hypot(x2 - x1, y2 - y1);
    if (length === 0) continue;
    const [dx, dy] = [((y2 - y1) / length) * half, ((x1 - x2) / length) * half];
    // Wound as the discs are, so that nothing is cut out where they meet.
    shapes.push([
      [x1 + dx, y1 + dy],
      [x2 + dx, y2 + dy],
      [x2 - dx, y2 - dy],
      [x1 - dx, y1 - dy],
    ]);
  }
  return shapes;
}
