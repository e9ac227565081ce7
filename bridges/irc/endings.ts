/** How an attempt at a server ended, by what to do next. `why` is a sentence for a person. */
export type Ending =
  /** Try again, another server first. */
  | { readonly kind: "lost"; readonly why: string }
  /** The server has had enough of us for now: wait longer. */
  | { readonly kind: "throttled"; readonly why: string }
  /** Too many lines too fast: come back slower. */
  | { readonly kind: "flooded"; readonly why: string }
  /** Only a person can help: a ban, a wrong password. `address` = it concerns whoever comes from here. */
  | { readonly kind: "shut-out"; readonly why: string; readonly address?: true }
  /** Account and password were refused. Services are sometimes wrong about it, so this counts only when it comes again. */
  | { readonly kind: "denied"; readonly why: string }
  /** The server wants TLS (https://ircv3.net/specs/extensions/sts). */
  | { readonly kind: "secure"; readonly port: number; readonly why: string };

/** What the words of an ERROR line, or of a ban's numeric, mean. */
export function endingOf(words: string): Ending {
  const said = readable(words);
  // Somebody has thrown us out by hand, whatever reason they give: knocking at once would be rude.
  if (/^(closing link: .{0,100})?\(?killed\b/i.test(said))
    return { kind: "throttled", why: `the network's staff has disconnected us (${said})` };
  if (/\b(flood|sendq|recvq|max.*q exceeded)\b/i.test(said))
    return { kind: "flooded", why: `the server cut us off for too many messages (${said})` };
  if (/throttl|too fast|too many (connect|user|host|client)|more connections|reconnecting|try again later/i.test(said)) {
    return { kind: "throttled", why: `the server takes no more connections from here for now (${said})` };
  }
  if (/\b[kgzdx]-?:?line[ds]?\b|\bbanned\b|\bblacklist|\bdnsbl\b|\bakill|not welcome|prohibited/i.test(said)) {
    return { kind: "shut-out", why: `the network has banned this address (${said})`, address: true };
  }
  return { kind: "lost", why: `the server closed the connection (${said})` };
}

/** A server's words for people: short, without control characters. */
export function readable(words: string): string {
  const said = words.replace(/\x03(\d{1,2}(,\d{1,2})?)?|[\p{Cc}]/gu, "").trim();
  return said.length > 200 ? `${said.slice(0, 199).toWellFormed()}…` : said || "it gave no reason";
}
