/**
 * Addresses of files for people who have no account here. Each names one file of one message and is signed; it ends with the message,
 * and after a time where the config says so. Pure.
 *
 *     <public address>/_causeway/media/file/<server>/<media id>/<event>/<signature>[.<expiry>]/<name>
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { readMxc } from "../matrix/media.ts";
import { type EventId, eventId, type MxcUri, mxcUri } from "../model/ids.ts";

export interface FileLink {
  readonly mxc: MxcUri;
  readonly event: EventId;
  /** As `safeName` makes it. */
  readonly name: string;
}

/** The parts of the path, decoded. */
export interface LinkPath {
  readonly server: string;
  readonly media: string;
  readonly event: string;
  readonly seal: string;
  readonly name: string;
}

export type ReadLink = { readonly is: "good"; readonly link: FileLink } | { readonly is: "forged" } | { readonly is: "expired" };

const LONGEST_NAME = 100;
/** 128 bits, base64url. */
const SIGNATURE = 22;

/** `expires`: milliseconds since 1970; absent = never. Undefined = there is no such file. */
export function writeLink(secret: Buffer, { mxc, event, name }: FileLink, expires?: number): string | undefined {
  const parts = readMxc(mxc);
  if (!parts) return undefined;
  const clean = safeName(name);
  const expiry = expires === undefined ? "" : Math.floor(expires / 1000).toString(36);
  const seal = signatureOf(secret, mxc, event, clean, expiry) + (expiry && `.${expiry}`);
  // An event id's `$` says nothing and would be three characters long.
  return ["file", parts.server, parts.media, event.slice(1), seal, clean].map(encodeURIComponent).join("/");
}

export function readLink(secret: Buffer, { server, media, event, seal, name }: LinkPath, now: number): ReadLink {
  const mxc = mxcUri(`mxc://${server}/${media}`);
  const match = /^([A-Za-z0-9_-]{22})(?:\.([0-9a-z]{1,9}))?$/.exec(seal);
  if (!match?.[1] || !readMxc(mxc)) return { is: "forged" };
  const [, signature, expiry = ""] = match;
  const id = eventId(`$${event}`);
  const right = Buffer.from(signatureOf(secret, mxc, id, name, expiry));
  if (!timingSafeEqual(Buffer.from(signature), right)) return { is: "forged" };
  if (expiry !== "" && Number.parseInt(expiry, 36) * 1000 < now) return { is: "expired" };
  return { is: "good", link: { mxc, event: id, name } };
}

function signatureOf(secret: Buffer, mxc: MxcUri, event: EventId, name: string, expiry: string): string {
  return createHmac("sha256", secret)
    .update(JSON.stringify(["file", mxc, event, name, expiry]))
    .digest("base64url")
    .slice(0, SIGNATURE);
}

/** A file's name as it may stand in a path and a header: no folders, no control characters, no direction overrides, not hidden, not long. */
export function safeName(name: string): string {
  const clean = name
    .toWellFormed()
    .replace(/[\p{C}\p{Zl}\p{Zp}/\\]+/gu, "_")
    .replace(/^[.\s]+/, "")
    .trim();
  const signs = [...clean];
  if (signs.length === 0) return "file";
  if (signs.length <= LONGEST_NAME) return clean;
  // The ending tells what it is, so it is the middle that goes.
  const ending = /\.[\w-]{1,10}$/.exec(clean)?.[0] ?? "";
  return signs.slice(0, LONGEST_NAME - ending.length).join("") + ending;
}
