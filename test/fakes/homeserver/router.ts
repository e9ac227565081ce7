import type { IncomingMessage, ServerResponse } from "node:http";
import { Refusal } from "./refusal.ts";
import type { Json, Requester } from "./types.ts";

/** A request that found its route. */
export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** As sent, with its query. */
  readonly url: string;
  readonly query: URLSearchParams;
  readonly token: string | undefined;
  /** Aborted when the caller is gone or the server stops. */
  readonly signal: AbortSignal;
  param(name: string): string;
  /** Throws where the route asks for nobody. */
  readonly who: Requester;
  /** Empty where the route reads none. */
  readonly body: Json;
}

/** A handler answers with JSON, or with this when it has written the answer itself. */
export const answered: unique symbol = Symbol("answered");

export interface RouteOptions {
  /** `none`: no token is looked at. */
  readonly auth?: "none";
  /** `json` must be there, `maybe` may be missing, `stream` is the handler's own to read. */
  readonly body?: "json" | "maybe" | "stream";
  /** The same path by the same client is answered with what it was answered first. */
  readonly once?: boolean;
}

export interface Route extends RouteOptions {
  readonly segments: readonly string[];
  readonly run: (call: Call) => unknown;
}

export type Method = "GET" | "PUT" | "POST" | "DELETE";

/** Routes by method and number of path segments. `:name` takes any one segment. */
export class Router {
  readonly #routes = new Map<string, Route[]>();

  /** Under `/_matrix/client/v3` (and the older `r0`). */
  client(method: Method, path: string, options: RouteOptions, run: Route["run"]): void {
    this.at(method, `/_matrix/client/v3${path}`, options, run);
  }

  at(method: Method, path: string, options: RouteOptions, run: Route["run"]): void {
    const segments = path.split("/").slice(1);
    const key = `${method} ${segments.length}`;
    const routes = this.#routes.get(key) ?? [];
    routes.push({ ...options, segments, run });
    this.#routes.set(key, routes);
  }

  /** The route for a path and its parameters, decoded. */
  find(method: string, path: string): { route: Route; params: Map<string, string> } {
    const segments = path.split("/").slice(1);
    if (segments[2] === "r0") segments[2] = "v3";
    const route = this.#match(method, segments);
    if (!route) {
      const other = (["GET", "PUT", "POST", "DELETE"] as const).some((each) => this.#match(each, segments));
      throw new Refusal(other ? 405 : 404, "M_UNRECOGNIZED", "Unrecognized request");
    }
    const params = new Map<string, string>();
    for (const [index, name] of route.segments.entries()) {
      if (name.startsWith(":")) params.set(name.slice(1), decode(segments[index] ?? ""));
    }
    return { route, params };
  }

  #match(method: string, segments: readonly string[]): Route | undefined {
    return this.#routes
      .get(`${method} ${segments.length}`)
      ?.find((route) => route.segments.every((name, index) => name.startsWith(":") || name === segments[index]));
  }
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new Refusal(400, "M_UNRECOGNIZED", "The path is not UTF-8");
  }
}
