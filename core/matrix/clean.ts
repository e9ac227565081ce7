/** What has no place in any text, on either shore. */

/** Control characters, line breaks and tabs not among them, and halves of characters have no place in any text. */
export function cleanText(text: string): string {
  return text.isWellFormed() && !CONTROLS.test(text) ? text : text.toWellFormed().replaceAll(CONTROLS_ALL, "");
}

const CONTROLS = /[^\P{Cc}\t\n\r]/u;
const CONTROLS_ALL = /[^\P{Cc}\t\n\r]/gu;

/** Every text in the content of an event that we send: homeservers refuse some of these, and clients trip over the others. */
export function cleanContent<T>(value: T): T {
  if (typeof value === "string") return cleanText(value) as T;
  if (Array.isArray(value)) return value.map(cleanContent) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, cleanContent(inner)])) as T;
}
