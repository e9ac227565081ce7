/** Single values in HTML: addresses, colours, links to people and rooms. */
import type { MentionTarget } from "../model/richtext.ts";
import { isRoomAlias, readMatrixLink } from "./uri.ts";

/** The schemes that the specification allows in `<a href>`. */
const SCHEME = /^(?:https?|ftp|mailto|magnet):/i;
/** Longer ones are cut off from their text, which stays: nobody can send them on. */
const LONGEST_URL = 4096;

/** An address that is safe to show as a link: a known scheme, nothing in it that could end it where it is written. Undefined = none. */
export function readUrl(href: string): string | undefined {
  // As browsers do: `java\nscript:` is a scheme too.
  const url = href.replace(/[\t\n\r]/g, "").trim();
  if (!SCHEME.test(url) || url.length > LONGEST_URL) return undefined;
  return url.toWellFormed().replace(/[\s<>"`\p{Cc}]/gu, encodeURIComponent);
}

const NAMED: ReadonlyMap<string, string> = new Map([
  ["black", "#000000"],
  ["silver", "#c0c0c0"],
  ["gray", "#808080"],
  ["grey", "#808080"],
  ["white", "#ffffff"],
  ["maroon", "#800000"],
  ["red", "#ff0000"],
  ["purple", "#800080"],
  ["fuchsia", "#ff00ff"],
  ["magenta", "#ff00ff"],
  ["green", "#008000"],
  ["lime", "#00ff00"],
  ["olive", "#808000"],
  ["yellow", "#ffff00"],
  ["orange", "#ffa500"],
  ["navy", "#000080"],
  ["blue", "#0000ff"],
  ["teal", "#008080"],
  ["aqua", "#00ffff"],
  ["cyan", "#00ffff"],
  ["brown", "#a52a2a"],
  ["pink", "#ffc0cb"],
]);

/** `#rrggbb`, `#rgb` or one of the common names, as `#rrggbb` in lower case. */
export function readColour(value: string | undefined): string | undefined {
  const colour = value?.trim().toLowerCase() ?? "";
  if (/^#[0-9a-f]{6}$/.test(colour)) return colour;
  if (/^#[0-9a-f]{3}$/.test(colour)) return colour.replace(/[0-9a-f]/g, "$&$&");
  return NAMED.get(colour);
}

/** Whom or what a link in a message mentions; undefined = it is an ordinary link. */
export function readTarget(href: string): MentionTarget | undefined {
  const url = href.trim();
  const link = readMatrixLink(url);
  switch (link?.kind) {
    case undefined:
      return undefined;
    case "user":
      return { kind: "person", mxid: link.mxid };
    case "room":
      return isRoomAlias(link.room) ? { kind: "channel", alias: link.room } : { kind: "channel", room: link.room };
    case "event":
      return { kind: "message", ...(isRoomAlias(link.room) ? {} : { room: link.room }), event: link.event, url };
  }
}

/** What to show for a mention, of what was written in it. A person's name goes without `@`, which has an effect elsewhere. */
export function readPillText(text: string, target: MentionTarget): string {
  if (target.kind === "person") return text === target.mxid ? text : text.replace(/^@+/, "") || (target.mxid ?? "");
  if (target.kind === "channel") return text || (target.alias ?? target.room ?? "");
  return text;
}

const RAISED: ReadonlyMap<string, string> = new Map(
  [..."0123456789+-=()nabcdefghijklmoprstuvwxyz"].map((plain, index) => [
    plain,
    [..."⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐᵒᵖʳˢᵗᵘᵛʷˣʸᶻ"][index] as string,
  ]),
);

/** `2` as `²`, where Unicode has all of the characters raised: `10<sup>2</sup>` must not read as 102. */
export function raised(text: string): string {
  const letters = [...text];
  return letters.every((letter) => RAISED.has(letter)) ? letters.map((letter) => RAISED.get(letter)).join("") : text;
}
