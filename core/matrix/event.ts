/** Events as the homeserver gives them, read with distrust: whoever is in a room can write almost anything into one. */
import { type EventId, eventId, type Mxid, type RoomId, roomId } from "../model/ids.ts";

/** Client-server API, "Room event format" of `ClientEvent`. `origin_server_ts` in milliseconds since 1970. */
export interface MatrixEvent {
  readonly type: string;
  readonly event_id: EventId;
  readonly room_id: RoomId;
  readonly sender: Mxid;
  readonly origin_server_ts: number;
  readonly content: Readonly<Record<string, unknown>>;
  /** Present = a state event, however odd its type. */
  readonly state_key?: string;
  /** Of a redaction, in every room version. */
  readonly redacts?: EventId;
  readonly unsigned?: Readonly<Record<string, unknown>>;
}

/** Typing, receipts, presence: worth something only now. */
export interface MatrixEphemeral {
  readonly type: string;
  readonly content: Readonly<Record<string, unknown>>;
  /** Of typing and receipts. */
  readonly room_id?: RoomId;
  /** Of presence. */
  readonly sender?: Mxid;
}

/** Client-server API, "Size limits". */
const LONGEST_NAME = 255;
/** No client writes deeper; what is far deeper cannot even be written as JSON again. */
const DEEPEST = 100;
const CONTROL = /\p{Cc}/u;

/** Undefined = not an event that can be worked with: a part is missing, of another type, too long, or full of control characters. */
export function readEvent(json: unknown): MatrixEvent | undefined {
  if (!isRecord(json) || !isRecord(json.content) || isTooDeep(json.content)) return undefined;
  const { type, event_id, room_id, sender, origin_server_ts: at, state_key: key } = json;
  if (!isName(type) || type === "" || !isId(event_id, "$") || !isId(room_id, "!") || !isMxid(sender)) return undefined;
  if (typeof at !== "number" || !Number.isFinite(at)) return undefined;
  if (key !== undefined && !isName(key)) return undefined;
  const redacts = type === "m.room.redaction" ? redacted(json.redacts, json.content.redacts) : undefined;
  return {
    type,
    event_id: eventId(event_id),
    room_id: roomId(room_id),
    sender,
    origin_server_ts: at,
    content: json.content,
    ...(key === undefined ? {} : { state_key: key }),
    ...(redacts === undefined ? {} : { redacts }),
    ...(isRecord(json.unsigned) && !isTooDeep(json.unsigned) ? { unsigned: json.unsigned } : {}),
  };
}

/** The good ones of a list. Answers about one room may leave out its id; an event that names another room is not one of them. */
export function readEvents(list: unknown, room: RoomId): MatrixEvent[] {
  if (!Array.isArray(list)) return [];
  const events = list.map((each) => readEvent(isRecord(each) && each.room_id === undefined ? { ...each, room_id: room } : each));
  return events.filter((event) => event !== undefined).filter((event) => event.room_id === room);
}

/** Undefined as for `readEvent`. */
export function readEphemeral(json: unknown): MatrixEphemeral | undefined {
  if (!isRecord(json) || !isRecord(json.content) || isTooDeep(json.content)) return undefined;
  const { type, content, room_id: room, sender } = json;
  if (type === "m.presence") return isMxid(sender) ? { type, content, sender } : undefined;
  if (!isName(type) || !isId(room, "!")) return undefined;
  return { type, content, room_id: roomId(room) };
}

/** Who is typing in the room now, all of them. Client-server API, "m.typing". */
export function readTyping(ephemeral: MatrixEphemeral): readonly Mxid[] {
  return strings(ephemeral.content.user_ids).filter(isMxid);
}

export interface Receipt {
  readonly event: EventId;
  readonly user: Mxid;
  /** A thread's root, or `main`; absent = threads and all. */
  readonly thread?: string;
}

/** Public read receipts. Client-server API, "m.receipt". */
export function readReceipts(ephemeral: MatrixEphemeral): readonly Receipt[] {
  const receipts: Receipt[] = [];
  for (const [event, kinds] of Object.entries(ephemeral.content)) {
    if (!isId(event, "$") || !isRecord(kinds) || !isRecord(kinds["m.read"])) continue;
    for (const [user, facts] of Object.entries(kinds["m.read"])) {
      if (!isMxid(user)) continue;
      const thread = isRecord(facts) && typeof facts.thread_id === "string" ? { thread: facts.thread_id } : {};
      receipts.push({ event: eventId(event), user, ...thread });
    }
  }
  return receipts;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The strings of a list; of anything else, none. */
export function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}

/** Old accounts hold almost any character in their name, so only what could do harm is refused. */
export function isMxid(value: unknown): value is Mxid {
  return isId(value, "@") && value.indexOf(":") > 0 && value.indexOf(":") < value.length - 1 && !/\s/.test(value);
}

function isId(value: unknown, sigil: string): value is string {
  return isName(value) && value.length > 1 && value.startsWith(sigil);
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value.length <= LONGEST_NAME && Buffer.byteLength(value) <= LONGEST_NAME && !CONTROL.test(value);
}

/** Room version 11 moved it into the content. */
function redacted(outside: unknown, inside: unknown): EventId | undefined {
  if (isId(inside, "$")) return eventId(inside);
  return isId(outside, "$") ? eventId(outside) : undefined;
}

function isTooDeep(content: object): boolean {
  let level: object[] = [content];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > DEEPEST) return true;
    const below: object[] = [];
    for (const value of level) {
      for (const inner of Object.values(value)) if (typeof inner === "object" && inner !== null) below.push(inner);
    }
    level = below;
  }
  return false;
}
