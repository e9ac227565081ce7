/** Text of our own, in which what is to be typed stands between backticks, as clients show it. Pure. */
import { escapeHtml } from "./html-write.ts";

const SPAN = /`([^`\n]+)`/g;

/** What stands beside `body` in the content; nothing where there is nothing to show. */
export function codeSpans(text: string): { readonly format?: string; readonly formatted_body?: string } {
  if (text.search(SPAN) < 0) return {};
  const html = escapeHtml(text).replaceAll(SPAN, "<code>$1</code>").replaceAll("\n", "<br>");
  return { format: "org.matrix.custom.html", formatted_body: html };
}
