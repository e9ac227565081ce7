import { ApiError } from "./errors.ts";
import type { Asked } from "./request.ts";

type Params<Path extends string> = Path extends `${infer Head}/${infer Tail}`
  ? Params<Head> & Params<Tail>
  : Path extends `:${infer Name}`
    ? Record<Name, string>
    : unknown;

/** What it returns is the answer's JSON; undefined = 204. */
type Serve<Path extends string> = (asked: Asked, params: Params<Path>) => unknown;

interface Route {
  readonly method: string;
  readonly pattern: RegExp;
  readonly path: string;
  readonly serve: (asked: Asked, params: Record<string, string>) => unknown;
}

export class Router {
  readonly #routes: Route[] = [];

  on<Path extends string>(method: string, path: Path, serve: Serve<Path>): void {
    const pattern = new RegExp(`^${path.replaceAll(/:(\w+)/g, "(?<$1>[^/]+)")}$`);
    this.#routes.push({ method, pattern, path, serve: serve as Route["serve"] });
  }

  /** The first that matches, in the order in which they were set. */
  find(method: string, path: string): { route: string; run: (asked: Asked) => unknown } {
    const fitting = this.#routes.filter(({ pattern }) => pattern.test(path));
    const route = fitting.find((one) => one.method === method);
    if (!route) throw fitting.length > 0 ? new ApiError(405, 0, "405: Method Not Allowed") : new ApiError(404, 0, "404: Not Found");
    const params = { ...route.pattern.exec(path)?.groups };
    return { route: `${method} ${route.path}`, run: (asked) => route.serve(asked, params) };
  }
}
