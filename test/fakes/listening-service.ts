/** An application service that only listens and takes notes: to see what a homeserver pushes. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { ask, type Ask, type Json } from "../matrix-client.ts";

export interface Transaction {
  readonly id: string;
  readonly events: readonly Json[];
  readonly ephemeral: readonly Json[];
  readonly body: Json;
}

export interface ListeningService {
  readonly port: number;
  readonly registration: Json;
  /** Those that it has taken, in order. */
  readonly transactions: Transaction[];
  /** Every try, also those that it refused. */
  readonly tries: string[];
  /** Users and aliases that it was asked about. */
  readonly asked: string[];
  /** What it answers to transactions: 200 unless set. */
  status: number;
  /** Called when it is asked for an alias; true = there is such a room now. */
  onAlias: (alias: string) => Promise<boolean>;
  /** All pushed events, in order. */
  readonly events: Json[];
  /** The first pushed event that fits, now or later. */
  event(match: (event: Json) => boolean, within?: number): Promise<Json>;
  ephemeral(match: (event: Json) => boolean, within?: number): Promise<Json>;
  until<T>(look: () => T | undefined, what: string, within?: number): Promise<T>;
  /** A client-server call with the service's token, as its bot or as `user`. */
  call(
    url: string,
    method: "GET" | "PUT" | "POST" | "DELETE",
    path: string,
    options?: Omit<Ask, "token"> & { user?: string },
  ): Promise<Json>;
  stop(): Promise<void>;
}

/** `prefix` sets its namespace apart: users `@<prefix>…` and aliases `#<prefix>…` are its own. */
export async function startListeningService(prefix = "_test_", port = 0): Promise<ListeningService> {
  const [asToken, hsToken] = [`as ${prefix} token`, `hs ${prefix} token`].map((token) => token.replaceAll(" ", "-"));
  const http = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      void answer(
        service,
        hsToken as string,
        request.method ?? "",
        request.url ?? "",
        request.headers.authorization,
        Buffer.concat(chunks),
      ).then(([status, body]) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body)));
    });
  });
  await new Promise<void>((resolve) => http.listen(port, "127.0.0.1", resolve));
  const actualPort = (http.address() as AddressInfo).port;
  const service: ListeningService = {
    port: actualPort,
    registration: {
      id: `service${prefix}`,
      url: `http://127.0.0.1:${actualPort}`,
      as_token: asToken,
      hs_token: hsToken,
      sender_localpart: `${prefix}bot`,
      rate_limited: false,
      receive_ephemeral: true,
      "de.sorunome.msc2409.push_ephemeral": true,
      namespaces: {
        users: [{ exclusive: true, regex: `@${prefix}.*` }],
        aliases: [{ exclusive: true, regex: `#${prefix}.*` }],
        rooms: [],
      },
      protocols: ["test"],
    },
    transactions: [],
    tries: [],
    asked: [],
    status: 200,
    onAlias: async () => false,
    get events() {
      return this.transactions.flatMap(({ events }) => events);
    },
    event: (match, within) => service.until(() => service.events.find(match), "an event", within),
    ephemeral: (match, within) =>
      service.until(() => service.transactions.flatMap(({ ephemeral }) => ephemeral).find(match), "an ephemeral event", within),
    async until(look, what, within = 15_000) {
      for (const end = Date.now() + within; ; ) {
        const found = look();
        if (found !== undefined) return found;
        if (Date.now() > end) throw new Error(`The service waited ${within} ms in vain for ${what}`);
        await pause(3);
      }
    },
    call: (url, method, path, { user, query, body } = {}) =>
      ask(url, method, path.startsWith("/_matrix") ? path : `/_matrix/client/v3${path}`, {
        token: asToken,
        query: { ...query, user_id: user },
        ...(body === undefined ? {} : { body }),
      }),
    async stop() {
      const closed = new Promise<void>((resolve) => http.close(() => resolve()));
      http.closeAllConnections();
      await closed;
    },
  };
  return service;
}

async function answer(
  service: ListeningService,
  token: string,
  method: string,
  url: string,
  auth: string | undefined,
  bytes: Buffer,
): Promise<[number, Json]> {
  if (auth !== `Bearer ${token}`) return [403, { errcode: "M_FORBIDDEN", error: "Wrong token" }];
  const [, kind, rest = ""] = /^\/_matrix\/app\/v1\/([a-z]+)\/?(.*)$/.exec(url) ?? [];
  if (kind === "transactions" && method === "PUT") {
    service.tries.push(rest);
    if (service.status !== 200) return [service.status, {}];
    const body = JSON.parse(bytes.toString()) as Json;
    const ephemeral = (body["ephemeral"] ?? []) as Json[];
    service.transactions.push({ id: rest, events: body["events"] as Json[], ephemeral, body });
    return [200, {}];
  }
  if (kind === "ping") return [200, {}];
  if (kind === "users" || kind === "rooms") {
    const name = decodeURIComponent(rest);
    service.asked.push(name);
    const known = kind === "rooms" && (await service.onAlias(name));
    return known ? [200, {}] : [404, { errcode: "M_NOT_FOUND", error: "Nobody" }];
  }
  if (kind === "thirdparty")
    return [
      200,
      rest.startsWith("protocol")
        ? { user_fields: [], location_fields: [], icon: "", field_types: {}, instances: [] }
        : ([] as unknown as Json),
    ];
  return [404, { errcode: "M_UNRECOGNIZED", error: "Unrecognized" }];
}
