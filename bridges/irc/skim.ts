/**
 * Channel traffic that a person's own connection need not read, told from the bytes: the relay bot hears the same. In a busy channel with
 * hundreds of such connections this is what makes them cost little.
 */
const [SPACE, AT, COLON, BANG] = [0x20, 0x40, 0x3a, 0x21];

/** Of others, these concern whoever listens to the channel. */
const ofOthers = new Set([
  "PRIVMSG",
  "NOTICE",
  "TAGMSG",
  "JOIN",
  "PART",
  "QUIT",
  "NICK",
  "AWAY",
  "ACCOUNT",
  "CHGHOST",
  "SETNAME",
  "TOPIC",
  "REDACT",
]);
/** These name people alone when their target is no channel. */
const withTarget = new Set(["PRIVMSG", "NOTICE", "TAGMSG", "REDACT"]);
/** Lists of a channel's people, and its topic. */
const numerics = new Set(["353", "366", "332", "333", "354", "315"]);

/** `nick` is our own: what we do ourselves is always read. */
export function isForListeners(bytes: Buffer, start: number, end: number, nick: string, asking = false): boolean {
  let at = start;
  if (bytes[at] === AT) {
    const space = bytes.indexOf(SPACE, at);
    // An answer to a line of ours, or part of a batch, which is judged as a whole.
    if (space < 0 || space >= end || /[@;](label|batch)=/.test(bytes.toString("latin1", at, space))) return false;
    at = space + 1;
  }
  if (bytes[at] !== COLON) return false;
  const space = bytes.indexOf(SPACE, at);
  if (space < 0 || space >= end || isBy(bytes, at + 1, space, nick)) return false;
  const next = wordEnd(bytes, space + 1, end);
  const command = bytes.toString("latin1", space + 1, next);
  // Lists may be what was asked for.
  if (numerics.has(command)) return !asking;
  if (!ofOthers.has(command)) return false;
  return !withTarget.has(command) || isChannel(bytes[next + 1]);
}

function isBy(bytes: Buffer, start: number, end: number, nick: string): boolean {
  const length = Buffer.byteLength(nick);
  const after = bytes[start + length];
  if (start + length > end || (after !== BANG && start + length !== end)) return false;
  return bytes.toString("utf8", start, start + length).toLowerCase() === nick.toLowerCase();
}

function wordEnd(bytes: Buffer, start: number, end: number): number {
  const space = bytes.indexOf(SPACE, start);
  return space < 0 || space > end ? end : space;
}

/** A channel, or a rank's sign before one: `@#channel`. */
function isChannel(byte: number | undefined): boolean {
  return byte !== undefined && "#&!+@%~".includes(String.fromCharCode(byte));
}
