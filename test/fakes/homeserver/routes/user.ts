/** What concerns the person who asks: sync, filters, typing, receipts, presence, account data. */
import type { Ephemeral } from "../ephemeral.ts";
import { forbidden, notFound, Refusal } from "../refusal.ts";
import type { Call, Router } from "../router.ts";
import type { Server } from "../server.ts";
import { sync } from "../sync.ts";
import { roomOf } from "./rooms.ts";

export function userRoutes(router: Router, server: Server, ephemeral: Ephemeral): void {
  router.client("GET", "/sync", {}, ({ who, query, signal }) => {
    // Synapse answers so since https://github.com/matrix-org/matrix-spec/issues/1144: a service is pushed to; its other users may sync.
    if (who.service?.sender === who.user) throw new Refusal(500, "M_UNKNOWN", "Internal server error: a service's sender cannot use /sync");
    return sync(server, ephemeral, who, query, signal);
  });
  router.client("POST", "/user/:user/filter", { body: "json" }, (call) => {
    const { filters } = server.accounts.of(requireSelf(call));
    filters.push(call.body);
    return { filter_id: String(filters.length - 1) };
  });
  router.client("GET", "/user/:user/filter/:filter", {}, (call) => {
    const filter = server.accounts.of(requireSelf(call)).filters[Number(call.param("filter"))];
    if (!filter) throw notFound("No such filter");
    return filter;
  });
  router.client("PUT", "/rooms/:room/typing/:user", { body: "json" }, (call) => {
    ephemeral.typing(roomOf(server, call), call.who, call.param("user"), call.body);
    return {};
  });
  router.client("POST", "/rooms/:room/receipt/:type/:event", { body: "maybe" }, (call) => {
    ephemeral.receipt(roomOf(server, call), call.who, call.param("type"), call.param("event"), call.body);
    return {};
  });
  router.client("POST", "/rooms/:room/read_markers", { body: "maybe" }, (call) => {
    for (const type of ["m.fully_read", "m.read", "m.read.private"]) {
      const event = call.body[type];
      if (typeof event === "string") ephemeral.receipt(roomOf(server, call), call.who, type, event, {});
    }
    return {};
  });
  router.client("PUT", "/presence/:user/status", { body: "json" }, (call) => {
    ephemeral.presence(call.who, call.param("user"), call.body);
    return {};
  });
  router.client("GET", "/presence/:user/status", {}, (call) => ephemeral.presenceOf(call.param("user")));
  dataRoutes(router, ephemeral);
}

function requireSelf(call: Call): string {
  if (call.param("user") !== call.who.user) throw forbidden("Cannot act for another user");
  return call.who.user;
}

function dataRoutes(router: Router, ephemeral: Ephemeral): void {
  for (const place of ["", "/rooms/:room"]) {
    const path = `/user/:user${place}/account_data/:type`;
    router.client("PUT", path, { body: "json" }, (call) => {
      ephemeral.setData(requireSelf(call), call.param("room"), call.param("type"), call.body);
      return {};
    });
    router.client("GET", path, {}, (call) => ephemeral.data(requireSelf(call), call.param("room"), call.param("type")));
  }
}
