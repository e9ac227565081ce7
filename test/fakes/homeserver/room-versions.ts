import type { Json, StoredEvent } from "./types.ts";

/** What differs between the room versions that the fake knows. https://spec.matrix.org/v1.15/rooms/ */
export interface RoomVersion {
  readonly id: string;
  /** Room ids are the create event's hash, without a domain (12). */
  readonly idIsHash: boolean;
  /** Creators stand above all power levels and may not be listed in them (12). */
  readonly creatorsRule: boolean;
  /** `redacts` lies in the content, creators are read from the sender, redaction keeps other keys (11). */
  readonly redactsInContent: boolean;
}

const versions = new Map<string, RoomVersion>(
  [
    { id: "9", idIsHash: false, creatorsRule: false, redactsInContent: false },
    { id: "10", idIsHash: false, creatorsRule: false, redactsInContent: false },
    { id: "11", idIsHash: false, creatorsRule: false, redactsInContent: true },
    { id: "12", idIsHash: true, creatorsRule: true, redactsInContent: true },
  ].map((version) => [version.id, version]),
);

export const defaultVersion = "12";
export const roomVersion = (id: string): RoomVersion | undefined => versions.get(id);
export const roomVersionIds = [...versions.keys()];

const powerKeys = ["ban", "events", "events_default", "kick", "redact", "state_default", "users", "users_default"];

/** What a redaction leaves of an event's content. */
export function pruned(event: Pick<StoredEvent, "type" | "content">, version: RoomVersion): Json {
  const { content } = event;
  const keep = (...keys: string[]): Json => Object.fromEntries(keys.filter((key) => key in content).map((key) => [key, content[key]]));
  switch (event.type) {
    case "m.room.member":
      return keep("membership", "join_authorised_via_users_server");
    case "m.room.create":
      return version.redactsInContent ? { ...content } : keep("creator");
    case "m.room.join_rules":
      return keep("join_rule", "allow");
    case "m.room.power_levels":
      return version.redactsInContent ? keep("invite", ...powerKeys) : keep(...powerKeys);
    case "m.room.history_visibility":
      return keep("history_visibility");
    case "m.room.redaction":
      return version.redactsInContent ? keep("redacts") : {};
    default:
      return {};
  }
}
