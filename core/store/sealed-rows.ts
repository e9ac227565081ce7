/** Rows that may hold a secret, such as what somebody says to the bot alone while they sign in: sealed for as long as they wait. */
import type { Seal } from "./seal.ts";

const CONTEXT = ["journal"];

/** No JSON begins so. */
export const SEALED = "sealed ";

/** As it stands in the table. */
export function sealedText(seal: Seal, payload: unknown): string {
  return SEALED + seal.seal(payload, CONTEXT).toString("base64");
}

/** The payload of a row, sealed or not. */
export function payloadIn(seal: Seal, text: string): unknown {
  return text.startsWith(SEALED) ? seal.open(Buffer.from(text.slice(SEALED.length), "base64"), CONTEXT) : JSON.parse(text);
}
