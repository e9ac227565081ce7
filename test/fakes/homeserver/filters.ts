/** Event filters, as far as a bridge and its tests use them. https://spec.matrix.org/v1.15/client-server-api/#filtering */
import { badJson, invalidParam, Refusal } from "./refusal.ts";
import { isJson, type Json, type StoredEvent } from "./types.ts";

export interface Filter {
  readonly limit: number | undefined;
  readonly types: readonly RegExp[] | undefined;
  readonly notTypes: readonly RegExp[];
  readonly senders: readonly string[] | undefined;
  readonly notSenders: readonly string[];
  readonly lazyMembers: boolean;
}

export interface SyncFilter {
  readonly rooms: readonly string[] | undefined;
  readonly notRooms: readonly string[];
  readonly includeLeave: boolean;
  readonly timeline: Filter;
  readonly state: Filter;
  readonly ephemeral: Filter;
  readonly roomData: Filter;
  readonly data: Filter;
  readonly presence: Filter;
}

/** From the query of `/messages`: JSON text, or nothing. */
export function readFilter(text: string | null): Filter {
  return toFilter(text === null ? {} : parse(text));
}

function parse(text: string): Json {
  let filter: unknown;
  try {
    filter = JSON.parse(text);
  } catch {
    throw new Refusal(400, "M_NOT_JSON", "Invalid filter JSON");
  }
  if (!isJson(filter)) throw badJson("A filter is an object");
  return filter;
}

function toFilter(json: unknown): Filter {
  const filter = isJson(json) ? json : {};
  return {
    limit: typeof filter["limit"] === "number" ? filter["limit"] : undefined,
    types: texts(filter["types"])?.map(toPattern),
    notTypes: texts(filter["not_types"])?.map(toPattern) ?? [],
    senders: texts(filter["senders"]),
    notSenders: texts(filter["not_senders"]) ?? [],
    lazyMembers: filter["lazy_load_members"] === true,
  };
}

const texts = (value: unknown): string[] | undefined =>
  Array.isArray(value) ? value.filter((text): text is string => typeof text === "string") : undefined;

/** `*` stands for anything. */
const toPattern = (type: string): RegExp =>
  new RegExp(
    `^${type
      .split("*")
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
      .join(".*")}$`,
  );

export function passes(filter: Filter, event: Pick<StoredEvent, "type"> & { readonly sender?: string }): boolean {
  if (filter.types && !filter.types.some((type) => type.test(event.type))) return false;
  if (filter.notTypes.some((type) => type.test(event.type))) return false;
  if (event.sender === undefined) return true;
  if (filter.senders && !filter.senders.includes(event.sender)) return false;
  return !filter.notSenders.includes(event.sender);
}

/** From `/sync`: an id that was uploaded before, JSON text, or nothing. */
export function readSyncFilter(text: string | null, uploaded: readonly Json[]): SyncFilter {
  const filter = text === null ? {} : text.startsWith("{") ? parse(text) : uploaded[Number(text)];
  if (filter === undefined) throw invalidParam("No such filter");
  const room = isJson(filter["room"]) ? filter["room"] : {};
  return {
    rooms: texts(room["rooms"]),
    notRooms: texts(room["not_rooms"]) ?? [],
    includeLeave: room["include_leave"] === true,
    timeline: toFilter(room["timeline"]),
    state: toFilter(room["state"]),
    ephemeral: toFilter(room["ephemeral"]),
    roomData: toFilter(room["account_data"]),
    data: toFilter(filter["account_data"]),
    presence: toFilter(filter["presence"]),
  };
}
