/** Application services as the homeserver knows them. https://spec.matrix.org/v1.15/application-service-api/#registration */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import type { Room } from "./room.ts";
import type { Server } from "./server.ts";
import { isJson, type Json, type Namespace, type Service, type StoredEvent } from "./types.ts";

/** Reads a registration, from an object or from the path of its YAML file. Says what is missing, as a homeserver does at its start. */
export function readRegistration(registration: Json | string, serverName: string): Service {
  const file: unknown = typeof registration === "string" ? parse(readFileSync(registration, "utf8")) : registration;
  if (!isJson(file)) throw new Error("A registration is a mapping");
  const text = (key: string): string => {
    const value = file[key];
    if (typeof value !== "string") throw new Error(`The registration lacks '${key}'`);
    return value;
  };
  if (!("url" in file)) throw new Error("The registration lacks 'url' (null means: push nothing)");
  const namespaces = file["namespaces"];
  if (!isJson(namespaces)) throw new Error("The registration lacks 'namespaces'");
  return {
    id: text("id"),
    url: typeof file["url"] === "string" ? file["url"].replace(/\/+$/, "") : undefined,
    asToken: text("as_token"),
    hsToken: text("hs_token"),
    sender: `@${text("sender_localpart")}:${serverName}`,
    users: readNamespaces(namespaces, "users"),
    aliases: readNamespaces(namespaces, "aliases"),
    rooms: readNamespaces(namespaces, "rooms"),
    protocols: Array.isArray(file["protocols"]) ? file["protocols"].filter((name): name is string => typeof name === "string") : [],
    ephemeral: { stable: file["receive_ephemeral"] === true, unstable: file["de.sorunome.msc2409.push_ephemeral"] === true },
  };
}

function readNamespaces(namespaces: Json, kind: string): Namespace[] {
  const list = namespaces[kind] ?? [];
  if (!Array.isArray(list)) throw new Error(`The registration's namespaces.${kind} is not a list`);
  return list.map((entry: unknown) => {
    if (!isJson(entry) || typeof entry["regex"] !== "string" || typeof entry["exclusive"] !== "boolean") {
      throw new Error(`Each of namespaces.${kind} needs 'regex' and 'exclusive'`);
    }
    // Python's re.match holds at the beginning only.
    return { exclusive: entry["exclusive"], regex: new RegExp(`^(?:${entry["regex"]})`) };
  });
}

const matches = (namespaces: readonly Namespace[], text: string): boolean => namespaces.some(({ regex }) => regex.test(text));
const claims = (namespaces: readonly Namespace[], text: string): boolean =>
  namespaces.some(({ exclusive, regex }) => exclusive && regex.test(text));

export const ownsUser = (service: Service, user: string): boolean => user === service.sender || matches(service.users, user);
export const ownsAlias = (service: Service, alias: string): boolean => matches(service.aliases, alias);

export class Services {
  readonly #server: Server;
  readonly #services = new Map<string, Service>();

  constructor(server: Server) {
    this.#server = server;
  }

  add(service: Service): void {
    if (this.#services.has(service.id)) throw new Error(`There is a service ${service.id} already`);
    this.#services.set(service.id, service);
  }

  get all(): readonly Service[] {
    return [...this.#services.values()];
  }

  byToken(token: string): Service | undefined {
    return this.all.find((service) => service.asToken === token);
  }

  /** The service that alone may have this user, if any. */
  claimingUser(user: string): Service | undefined {
    return this.all.find((service) => user === service.sender || claims(service.users, user));
  }

  claimingAlias(alias: string): Service | undefined {
    return this.all.find((service) => claims(service.aliases, alias));
  }

  /** Whether a service is told of an event: by its sender, by whom it concerns, by who is in the room, by the room's id or alias. */
  wants(service: Service, room: Room, event: StoredEvent): boolean {
    if (ownsUser(service, event.sender)) return true;
    if (event.type === "m.room.member" && event.state_key !== undefined && ownsUser(service, event.state_key)) return true;
    return this.wantsRoom(service, room);
  }

  wantsRoom(service: Service, room: Room): boolean {
    if (matches(service.rooms, room.id)) return true;
    for (const [alias, { room: named }] of this.#server.aliases) if (named === room.id && ownsAlias(service, alias)) return true;
    for (const user of room.joined) if (ownsUser(service, user)) return true;
    return false;
  }
}
