/** What is said in a room, and what is known of it. */
import { type Memberships, readAction } from "../membership.ts";
import { invalidParam, notFound, unknownError } from "../refusal.ts";
import type { Call, Router } from "../router.ts";
import { redact, send } from "../send.ts";
import type { Server } from "../server.ts";
import { context, messages, oneEvent, relations, threads } from "../timeline.ts";
import type { Author, Draft, Json } from "../types.ts";
import { stateSeenBy } from "../visible.ts";
import { toFullEvent } from "../wire.ts";
import { roomOf } from "./rooms.ts";

export function eventRoutes(router: Router, server: Server, memberships: Memberships): void {
  sendRoutes(router, server);
  stateRoutes(router, server, memberships);
  router.client("GET", "/rooms/:room/messages", {}, (call) => messages(server, roomOf(server, call), call.who, call.query));
  router.client("GET", "/rooms/:room/event/:event", {}, (call) => {
    const room = server.rooms.get(call.param("room"));
    if (!room) throw notFound("Event not found.");
    return oneEvent(server, room, call.who, call.param("event"));
  });
  router.client("GET", "/rooms/:room/context/:event", {}, (call) =>
    context(server, roomOf(server, call), call.who, call.param("event"), call.query),
  );
  const v1 = "/_matrix/client/v1/rooms/:room";
  const related = (call: Call, more: { relType?: string; type?: string }): Json =>
    relations(server, roomOf(server, call), call.who, { event: call.param("event"), ...more }, call.query);
  router.at("GET", `${v1}/relations/:event`, {}, (call) => related(call, {}));
  router.at("GET", `${v1}/relations/:event/:rel`, {}, (call) => related(call, { relType: call.param("rel") }));
  router.at("GET", `${v1}/relations/:event/:rel/:type`, {}, (call) =>
    related(call, { relType: call.param("rel"), type: call.param("type") }),
  );
  router.at("GET", `${v1}/threads`, {}, (call) => threads(server, roomOf(server, call), call.who, call.query));
}

/** Application services may say when something happened. */
function timeOf(call: Call): { origin_server_ts?: number } {
  const text = call.query.get("ts");
  if (text === null || !call.who.service) return {};
  if (!/^-?\d+$/.test(text)) throw invalidParam("Query parameter b'ts' must be an integer");
  return { origin_server_ts: Number(text) };
}

function sendRoutes(router: Router, server: Server): void {
  const say = (call: Call, once: boolean): Json => {
    const room = roomOf(server, call);
    const type = call.param("type");
    const author = once ? authorOf(call) : undefined;
    const before = author?.lasting ? room.sentBefore(author.session, author.txn) : undefined;
    if (before) return { event_id: before.event_id };
    const draft: Draft = { type, sender: call.who.user, content: call.body, ...timeOf(call), ...(author ? { author } : {}) };
    if (type === "m.room.member") throw unknownError("'m.room.member' must be state events");
    if (type !== "m.room.redaction") return { event_id: send(server, room, draft).event_id };
    const target = call.body["redacts"];
    if (typeof target !== "string") throw unknownError("A redaction names what it redacts");
    return { event_id: redact(server, room, draft, target).event_id };
  };
  router.client("PUT", "/rooms/:room/send/:type/:txn", { body: "json", once: true }, (call) => say(call, true));
  router.client("POST", "/rooms/:room/send/:type", { body: "json" }, (call) => say(call, false));
  router.client("PUT", "/rooms/:room/redact/:event/:txn", { body: "json", once: true }, (call) => {
    const room = roomOf(server, call);
    const author = authorOf(call);
    const before = author.lasting ? room.sentBefore(author.session, author.txn) : undefined;
    const content = server.keepsRedactionKeys ? call.body : pickReason(call.body);
    const draft: Draft = { type: "m.room.redaction", sender: call.who.user, content, author };
    return { event_id: (before ?? redact(server, room, draft, call.param("event"))).event_id };
  });
}

const pickReason = ({ reason }: Json): Json => (reason === undefined ? {} : { reason });

const authorOf = (call: Call): Author => ({ session: call.who.session, txn: call.param("txn"), lasting: call.who.device !== undefined });

function stateRoutes(router: Router, server: Server, memberships: Memberships): void {
  const put = (call: Call): Json => {
    const room = roomOf(server, call);
    const [type, key] = [call.param("type"), call.param("key")];
    const time = timeOf(call);
    if (type === "m.room.member") {
      const event = memberships.change(room, call.who.user, key, readAction(call.body["membership"]), call.body, time.origin_server_ts);
      return { event_id: event.event_id };
    }
    return { event_id: send(server, room, { type, sender: call.who.user, state_key: key, content: call.body, ...time }).event_id };
  };
  const get = (call: Call): Json => {
    const room = roomOf(server, call);
    const [type, key] = [call.param("type"), call.param("key")];
    const event = stateSeenBy(room, call.who.user).find((each) => each.type === type && each.state_key === key);
    if (!event) throw notFound("Event not found.");
    return call.query.get("format") === "event" ? toFullEvent(room, event, server.clock.now()) : event.content;
  };
  for (const path of ["/rooms/:room/state/:type", "/rooms/:room/state/:type/:key"]) {
    router.client("PUT", path, { body: "json" }, put);
    router.client("GET", path, {}, get);
  }
  router.client("GET", "/rooms/:room/state", {}, (call) => {
    const room = roomOf(server, call);
    const now = server.clock.now();
    return stateSeenBy(room, call.who.user).map((event) => toFullEvent(room, event, now));
  });
}
