/** What application services ask the homeserver, and what the homeserver asks them. */
import { forbidden, notFound, Refusal } from "../refusal.ts";
import type { Pusher } from "../pusher.ts";
import type { Call, Router } from "../router.ts";
import type { Server } from "../server.ts";
import { ownsAlias } from "../services.ts";
import type { Json } from "../types.ts";
import type { AskService } from "./rooms.ts";

export function serviceRoutes(router: Router, server: Server, pusherOf: (id: string) => Pusher): void {
  router.at("POST", "/_matrix/client/v1/appservice/:id/ping", { body: "json" }, (call) => ping(call, pusherOf));
  const pushers = (): Pusher[] => server.services.all.map(({ id }) => pusherOf(id));
  router.client("GET", "/thirdparty/protocols", {}, async () => {
    const found: Json = {};
    for (const pusher of pushers()) {
      for (const protocol of pusher.service.protocols) {
        const answer = await pusher.call("GET", `/thirdparty/protocol/${encodeURIComponent(protocol)}`);
        if (answer?.status === 200) found[protocol] = answer.body;
      }
    }
    return found;
  });
  for (const kind of ["location", "user"]) {
    router.client("GET", `/thirdparty/${kind}/:protocol`, {}, async (call) => {
      const asked = pushers().filter(({ service }) => service.protocols.includes(call.param("protocol")));
      const query = new URLSearchParams([...call.query].filter(([name]) => name !== "user_id" && name !== "access_token"));
      const answers = await Promise.all(
        asked.map((pusher) => pusher.call("GET", `/thirdparty/${kind}/${encodeURIComponent(call.param("protocol"))}?${query.toString()}`)),
      );
      return answers.flatMap((answer) => (answer?.status === 200 && Array.isArray(answer.body) ? answer.body : []));
    });
  }
  router.client("GET", "/thirdparty/protocol/:protocol", {}, async (call) => {
    for (const pusher of pushers().filter(({ service }) => service.protocols.includes(call.param("protocol")))) {
      const answer = await pusher.call("GET", `/thirdparty/protocol/${encodeURIComponent(call.param("protocol"))}`);
      if (answer?.status === 200) return answer.body;
    }
    throw notFound("Unknown protocol");
  });
}

async function ping(call: Call, pusherOf: (id: string) => Pusher): Promise<Json> {
  const { service } = call.who;
  if (!service) throw forbidden("Only application services can use the /appservice/ping endpoint");
  if (service.id !== call.param("id")) throw forbidden("Mismatching application service ID in path");
  if (service.url === undefined) throw new Refusal(400, "M_URL_NOT_SET", "The application service does not have a URL set");
  const pusher = pusherOf(service.id);
  const start = performance.now();
  const answer = await pusher.call("POST", "/ping", { transaction_id: call.body["transaction_id"] ?? null });
  if (!answer) throw new Refusal(502, "M_CONNECTION_FAILED", "The application service could not be reached");
  if (answer.status < 200 || answer.status > 299) {
    throw new Refusal(502, "M_BAD_STATUS", `HTTP ${answer.status}`, { status: answer.status, body: JSON.stringify(answer.body ?? null) });
  }
  pusher.retryNow();
  return { duration_ms: Math.round(performance.now() - start) };
}

/** An alias that nobody knows: the service that owns it may make the room. */
export function askFor(server: Server, pusherOf: (id: string) => Pusher): AskService {
  return async (alias) => {
    const service = server.services.all.find((each) => ownsAlias(each, alias));
    if (!service) return false;
    const answer = await pusherOf(service.id).call("GET", `/rooms/${encodeURIComponent(alias)}`);
    return answer?.status === 200;
  };
}
