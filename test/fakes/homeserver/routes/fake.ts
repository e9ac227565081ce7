/**
 * What no homeserver has: troubles on demand, for tests whose homeserver is another process.
 *
 *     POST   /_fake/faults     {"kind": "status", "status": 429, "retry_after_ms": 500, "times": 3, "match": {"path": "/send/"}} → {id, hits, …}
 *     GET    /_fake/faults     those that are waiting, and how often each has struck
 *     DELETE /_fake/faults/ID  it strikes no more, and lets go what it holds; without ID: all of them
 *     POST   /_fake/restart    all connections end, what was only in memory is forgotten, and it is there again
 *
 * The kinds are those of faults.ts.
 */
import { badJson, notFound } from "../refusal.ts";
import type { ActiveFault, Faults } from "../faults.ts";
import type { Router } from "../router.ts";
import type { Json } from "../types.ts";

export function fakeRoutes(router: Router, faults: Faults, restart: () => void): void {
  const out = ({ id, fault, hits }: ActiveFault): Json => ({ id, hits, ...fault });
  router.at("GET", "/_fake/faults", { auth: "none" }, () => ({ faults: faults.all.map(out) }));
  router.at("POST", "/_fake/faults", { auth: "none", body: "json" }, ({ body }) => {
    if (typeof body["kind"] !== "string") throw badJson("A fault has a kind");
    return out(faults.addJson(body));
  });
  router.at("DELETE", "/_fake/faults", { auth: "none" }, () => {
    faults.clear();
    return {};
  });
  router.at("DELETE", "/_fake/faults/:id", { auth: "none" }, (call) => {
    const fault = faults.get(call.param("id"));
    if (!fault) throw notFound("No such fault, or it is over");
    fault.release();
    return {};
  });
  router.at("POST", "/_fake/restart", { auth: "none", body: "maybe" }, () => {
    // After the answer, so that it is not lost with the other connections.
    setImmediate(restart);
    return {};
  });
}
