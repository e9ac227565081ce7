/** What each HTML tag means here. Tags that stand in none of these tables are ignored, and what is in them stays. */
import type { ContainerTag } from "./html-blocks.ts";

/** Tags whose content is not for people, or is said elsewhere. */
export const SKIPPED: ReadonlySet<string> = new Set([
  "mx-reply",
  "script",
  "style",
  "head",
  "title",
  "template",
  "textarea",
  "iframe",
  "noscript",
]);

/** In these, HTML sees no tags but their own closing one. */
export const RAW: ReadonlySet<string> = new Set(["script", "style", "title", "textarea", "iframe", "noscript"]);

export const CONTAINERS: ReadonlyMap<string, ContainerTag> = new Map([
  ["blockquote", "blockquote"],
  ["details", "details"],
  ["ul", "ul"],
  ["ol", "ol"],
  ["li", "li"],
  ["table", "table"],
  ["tr", "tr"],
  ["td", "td"],
  ["th", "td"],
]);

export const SIMPLE: ReadonlyMap<string, "bold" | "italic" | "strike" | "underline"> = new Map([
  ["b", "bold"],
  ["strong", "bold"],
  ["i", "italic"],
  ["em", "italic"],
  ["s", "strike"],
  ["del", "strike"],
  ["strike", "strike"],
  ["u", "underline"],
  ["ins", "underline"],
]);

export const HEADINGS: ReadonlyMap<string, 1 | 2 | 3 | 4 | 5 | 6> = new Map([
  ["h1", 1],
  ["h2", 2],
  ["h3", 3],
  ["h4", 4],
  ["h5", 5],
  ["h6", 6],
]);

/** A new paragraph begins before them and after them. */
export const PARAGRAPHS: ReadonlySet<string> = new Set(["p", "summary", "caption"]);

/** A new line begins before them and after them. */
export const DIVISIONS: ReadonlySet<string> = new Set(["div", "section", "article", "header", "footer", "address"]);
