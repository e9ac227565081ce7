/** What no homeserver has: troubles on demand, for tests whose bridge or whose homeserver is another process. */
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
