/** Which letters a server holds for the same, by its ISUPPORT CASEMAPPING. */
export type CaseMapping = "ascii" | "rfc1459" | "rfc1459-strict" | "unicode";

/** Absent or unknown = `rfc1459`, as the specification has it for servers that say nothing. */
export function readCaseMapping(value: string | undefined): CaseMapping {
  switch (value?.toLowerCase()) {
    case "ascii":
      return "ascii";
    case "rfc1459-strict":
    case "strict-rfc1459":
      return "rfc1459-strict";
    case "rfc7613":
    case "rfc8265":
    case "precis":
    case "utf8":
    case "utf-8":
      return "unicode";
    default:
      return "rfc1459";
  }
}

/** The form of a nick or channel name that is equal for all its spellings. */
export function fold(text: string, mapping: CaseMapping): string {
  switch (mapping) {
    case "unicode":
      return text.normalize("NFC").toLowerCase();
    case "ascii":
      return foldAscii(text);
    case "rfc1459-strict":
      return text.replace(/[A-Z[\]\\]/g, lower);
    case "rfc1459":
      // Scandinavian keyboards: { | } ~ are the small letters of [ \ ] ^.
      return text.replace(/[A-Z[\]\\^]/g, lower);
  }
}

export function foldAscii(text: string): string {
  return text.replace(/[A-Z]/g, lower);
}

function lower(letter: string): string {
  return String.fromCharCode(letter.charCodeAt(0) + 32);
}
