/** Links to people, rooms and events: `https://matrix.to/#/…` and `matrix:…`. https://spec.matrix.org/v1.15/appendices/#uris */
import { type EventId, eventId, type Mxid, mxid, type RoomAlias, type RoomId, roomAlias, roomId } from "../model/ids.ts";

export type MatrixLink =
  | { readonly kind: "user"; readonly mxid: Mxid }
  | { readonly kind: "room"; readonly room: RoomId | RoomAlias }
  | { readonly kind: "event"; readonly room: RoomId | RoomAlias; readonly event: EventId };

const MATRIX_TO = /^https?:\/\/(?:www\.)?matrix\.to\/#\/([^?]*)/i;
const MATRIX_SCHEME = /^matrix:([^?#]*)/i;
/** The specification's limit for ids of users, rooms and events. */
const LONGEST = 255;

/** Undefined = a link to something else, or a broken one. Never throws. */
export function readMatrixLink(url: string): MatrixLink | undefined {
  const [, parts] = MATRIX_TO.exec(url) ?? [];
  if (parts !== undefined) return linkTo(parts.split("/").map(decoded));
  const [, path] = MATRIX_SCHEME.exec(url) ?? [];
  return path === undefined ? undefined : linkTo(withSigils(path.split("/")));
}

function linkTo([whose = "", event, ...rest]: readonly string[]): MatrixLink | undefined {
  if (rest.some((part) => part !== "") || whose.length > LONGEST || (event ?? "").length > LONGEST) return undefined;
  if (isMxid(whose) && !event) return { kind: "user", mxid: mxid(whose) };
  const room = isRoomId(whose) ? roomId(whose) : isRoomAlias(whose) ? roomAlias(whose) : undefined;
  if (room === undefined) return undefined;
  if (!event) return { kind: "room", room };
  return isEventId(event) ? { kind: "event", room, event: eventId(event) } : undefined;
}

const SIGILS: Readonly<Record<string, string>> = { u: "@", user: "@", r: "#", room: "#", roomid: "!", e: "$", event: "$" };

/** `roomid/abc/e/def` as `["!abc", "$def"]`; an empty list when it is not of that form. */
function withSigils(parts: readonly string[]): string[] {
  const ids: string[] = [];
  for (let index = 0; index < parts.length; index += 2) {
    const sigil = SIGILS[(parts[index] as string).toLowerCase()];
    const id = parts[index + 1];
    if (sigil === undefined || id === undefined) return [];
    ids.push(sigil + decoded(id));
  }
  return ids;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const MXID = /^@[^\s:]*:[^\s/]+$/;
const ALIAS = /^#[^\s:]*:[^\s/]+$/;
/** Without a server from room version 12 on. */
const ROOM = /^![^\s/]+$/;
const EVENT = /^\$[^\s]+$/;

export function isMxid(text: unknown): text is Mxid {
  return typeof text === "string" && text.length <= LONGEST && MXID.test(text);
}

function isRoomId(text: unknown): text is RoomId {
  return typeof text === "string" && text.length <= LONGEST && ROOM.test(text);
}

export function isRoomAlias(text: unknown): text is RoomAlias {
  return typeof text === "string" && text.length <= LONGEST && ALIAS.test(text);
}

export function isEventId(text: unknown): text is EventId {
  return typeof text === "string" && text.length <= LONGEST && EVENT.test(text);
}

/** `via` names servers through which the room can be entered: needed for room ids, which name none. */
export function writeMatrixLink(link: MatrixLink, via: readonly string[] = []): string {
  const parts = link.kind === "user" ? [link.mxid] : link.kind === "room" ? [link.room] : [link.room, link.event];
  const query = link.kind === "user" || via.length === 0 ? "" : `?${via.map((server) => `via=${encodeURIComponent(server)}`).join("&")}`;
  return `https://matrix.to/#/${parts.map(escaped).join("/")}${query}`;
}

/** The sigils and the colon stand as they are, as people know them. */
function escaped(id: string): string {
  return encodeURIComponent(id.toWellFormed()).replace(/%(?:40|23|21|24|3A)/g, decodeURIComponent);
}
