/**
 * `io.causeway.origin`: the mark that every event of ours carries, so that its echo tells at once which link it came by, whatever is
 * still in flight. A mark without a right MAC counts as absent: nobody can pass their words off as already relayed.
 */
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto";
import { type LinkId, linkId, type Mxid, type RoomId } from "../model/ids.ts";
import { isRecord, type MatrixEvent } from "./event.ts";

export const ORIGIN = "io.causeway.origin";

export interface Origin {
  readonly link: LinkId;
  /** What it is of, in the link: a message id, or `edit:ID:VERSION` and the like. */
  readonly remote: string;
  readonly part: number;
}

/** What stands under `ORIGIN` in the content. */
export interface SignedOrigin extends Origin {
  /** HMAC-SHA256 over room, sender and the rest, base64url. */
  readonly mac: string;
}

/** Bound to room and sender, so that a copy of it elsewhere, or by someone else, is worth nothing. */
export function signOrigin(
  secret: Buffer | string,
  { room, sender, link, remote, part }: Origin & { room: RoomId; sender: Mxid },
): SignedOrigin {
  return { link, remote, part, mac: macOf(secret, room, sender, { link, remote, part }).toString("base64url") };
}

/** Undefined = not ours, or not signed by us for this room and this sender. */
export function readOrigin(secret: Buffer | string, event: Pick<MatrixEvent, "content" | "room_id" | "sender">): Origin | undefined {
  const claim = event.content[ORIGIN];
  if (!isRecord(claim)) return undefined;
  const { link, remote, part, mac } = claim;
  if (!Number.isSafeInteger(link) || typeof remote !== "string" || !Number.isSafeInteger(part) || typeof mac !== "string") return undefined;
  const origin = { link: linkId(link as number), remote, part: part as number };
  const right = macOf(secret, event.room_id, event.sender, origin);
  const given = Buffer.from(mac, "base64url");
  return given.length === right.length && timingSafeEqual(given, right) ? origin : undefined;
}

/** A key as OpenSSL has it: made of the bytes for every HMAC anew, it would take seven times as long. */
const keys = new WeakMap<Buffer, KeyObject>();

function keyOf(secret: Buffer | string): KeyObject | string {
  if (typeof secret === "string") return secret;
  const key = keys.get(secret) ?? createSecretKey(secret);
  keys.set(secret, key);
  return key;
}

function macOf(secret: Buffer | string, room: RoomId, sender: Mxid, { link, remote, part }: Origin): Buffer {
  // JSON keeps the parts apart, whatever they hold.
  return createHmac("sha256", keyOf(secret))
    .update(JSON.stringify([room, sender, link, remote, part]))
    .digest();
}
