/** Nicks: what a server takes, and what to try when one is taken. */
import { clipBytes } from "./lines.ts";

/** Letters that all servers take. Others are written without their accents, or as `_`; a digit or dash does not begin a nick. */
export function fitNick(wish: string, longest: number): string {
  const plain = wish
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .replace(/[^A-Za-z0-9_\-[\]\\^{}|`]+/g, "_")
    .replace(/^[\d-]/, (first) => `_${first}`);
  return (plain.replace(/^_+$/, "") || "guest").slice(0, Math.max(longest, 1));
}

/** Never ends: what was wished, then with `_` behind, then with numbers. Each no longer than `longest`. */
export function* nicksToTry(wish: string, longest: number): Generator<string> {
  const first = fitNick(wish, longest);
  yield first;
  yield withTail(first, "_", longest);
  yield withTail(first, "__", longest);
  for (let number = 1; ; number++) yield withTail(first, String(number), longest);
}

function withTail(nick: string, tail: string, longest: number): string {
  return nick.slice(0, Math.max(longest - tail.length, 1)) + tail;
}

/** Whether somebody could be called so on some server: what people type is asked for before it goes into a line. */
export function isNick(text: string): boolean {
  return /^[^\s\p{Cc}:,!@*?#&+][^\s\p{Cc},!@*?]{0,63}$/u.test(text);
}

/** A nick or real name from a template: `{localpart}`, `{server}`, `{name}` and `{mxid}` of a Matrix person. */
export function fillTemplate(template: string, person: { readonly mxid: string; readonly name: string }): string {
  const [, localpart = "", server = ""] = /^@([^:]*):(.*)$/.exec(person.mxid) ?? [];
  const values: Readonly<Record<string, string>> = { localpart, server, name: person.name, mxid: person.mxid };
  return template.replace(/\{(\w+)\}/g, (whole, key: string) => values[key] ?? whole);
}

/** User names of at most ten letters: what comes before the @ of a mask. */
export function fitUser(wish: string): string {
  return fitNick(wish, 10).replace(/[^A-Za-z0-9_-]/g, "_");
}

export function fitRealName(wish: string): string {
  return clipBytes(wish.replace(/[\p{Cc}]/gu, " ").trim() || "Causeway", 120);
}
