/** Matrix's HTML, in and out: the one place where it is parsed and made safe. */
import type { RichText } from "../model/richtext.ts";
import { plainText } from "../model/richtext.ts";
import { parseHtml } from "./html-parse.ts";
import { isPlain, type Via, writeHtml } from "./html-write.ts";

/** What is formatted so; where nothing of it is for people (an empty text, a reply's quotation alone), the plain text beside it. */
export function fromHtml(html: string, fallbackBody: string): RichText {
  const body = parseHtml(html);
  return body.length > 0 || fallbackBody === "" ? body : plainText(fallbackBody);
}

/** Undefined = the plain text says all of it. */
export function toHtml(body: RichText, via?: Via): string | undefined {
  return isPlain(body) ? undefined : writeHtml(body, via);
}
