/** Text on the wire: UTF-8 by custom, something older from some clients and on some networks. */
import { createRequire } from "node:module";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Whether the network is set to anything but UTF-8. */
export function isOther(encoding: string): boolean {
  return !/^utf-?8$/i.test(encoding);
}

/** Whether texts can be read and written in it. */
export function isKnownEncoding(encoding: string): boolean {
  try {
    new TextDecoder(encoding);
    return !isOther(encoding) || iconv().encodingExists(encoding);
  } catch {
    return false;
  }
}

/** Each line by itself: valid UTF-8 is read as such, all else in the network's own encoding, by default windows-1252. */
export function fallbackDecoder(encoding: string): (bytes: Buffer) => string {
  const other = new TextDecoder(isOther(encoding) ? encoding : "windows-1252");
  return (bytes) => {
    try {
      return utf8.decode(bytes);
    } catch {
      return withoutHalf(bytes) ?? other.decode(bytes);
    }
  };
}

/**
 * Servers cut a long line at 512 bytes, also in the middle of a character: then all before it is UTF-8. Only where other such characters
 * stand before it, though: by itself the last byte may just as well be a letter of an older encoding.
 */
function withoutHalf(bytes: Buffer): string | undefined {
  const lead = bytes.findLastIndex((byte) => byte < 0x80 || byte >= 0xc0);
  const byte = bytes[lead] ?? 0;
  const wanted = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
  const before = bytes.subarray(0, lead);
  if (bytes.length - lead >= wanted || before.every((one) => one < 0x80)) return undefined;
  try {
    return utf8.decode(before);
  } catch {
    return undefined;
  }
}

/** Comes with irc-framework, whose transport writes with it. */
function iconv(): { encodingExists(name: string): boolean } {
  const framework = createRequire(createRequire(import.meta.url).resolve("irc-framework/src/transports/net.js"));
  return framework("iconv-lite") as { encodingExists(name: string): boolean };
}
