/** Formatted text, as the bridge's model has it, onto the page. Elements are made one by one: no text can become markup. */
import { el } from "./dom.js";

const SAFE = /^(https?|mailto|ftp|magnet):/i;
const TAGS = { bold: "strong", italic: "em", strike: "del", underline: "u" };

export function showRich(body) {
  return body.map(block);
}

function block(node) {
  switch (node.type) {
    case "paragraph":
      return el("p", {}, inlines(node.content));
    case "heading":
      return el("p", { class: "heading" }, inlines(node.content));
    case "quote":
      return el("blockquote", {}, showRich(node.content));
    case "code":
      return el("pre", { tabindex: "0" }, el("code", {}, node.text));
    case "list":
      return el(
        node.start === undefined ? "ul" : "ol",
        node.start === undefined ? {} : { start: String(node.start) },
        node.items.map((item) => el("li", {}, showRich(item))),
      );
    case "table":
      return el(
        "table",
        {},
        node.rows.map((row, index) =>
          el(
            "tr",
            {},
            row.map((cell) => el(node.heading && index === 0 ? "th" : "td", {}, inlines(cell))),
          ),
        ),
      );
    case "divider":
      return el("hr");
    default:
      return el("p", {}, `(${node.type})`);
  }
}

function inlines(content) {
  return content.map(inline);
}

function inline(node) {
  switch (node.type) {
    case "text":
      return el("span", {}, withLinks(node.text));
    case "break":
      return el("br");
    case "bold":
    case "italic":
    case "strike":
    case "underline":
      return el(TAGS[node.type], {}, inlines(node.content));
    case "code":
      return el("code", {}, node.text);
    case "spoiler":
      return spoiler(node);
    case "colour":
      return coloured(node);
    case "link":
      return SAFE.test(node.url)
        ? el("a", { href: node.url, target: "_blank", rel: "noopener noreferrer" }, inlines(node.content))
        : el("span", {}, inlines(node.content));
    case "mention":
      return el(
        "span",
        { class: "mention" },
        /^(?:@|https?:)/.test(node.text) || node.target.kind === "channel" ? node.text : `@${node.text}`,
      );
    case "emoji":
      return document.createTextNode(`:${node.name}:`);
    case "time":
      return el("time", { datetime: new Date(node.at).toISOString() }, node.text);
    default:
      return document.createTextNode("");
  }
}

/** Bare addresses are links, as every client shows them. */
function withLinks(text) {
  return text
    .split(/(https?:\/\/[^\s<>]*[^\s<>.,;:!?)'"])/)
    .map((piece, index) => (index % 2 === 0 ? piece : el("a", { href: piece, target: "_blank", rel: "noopener noreferrer" }, piece)));
}

function spoiler(node) {
  const cover = el(
    "button",
    { type: "button", class: "spoiler", "aria-expanded": "false", "aria-label": "Hidden text: show it" },
    el("span", {}, inlines(node.content)),
  );
  cover.addEventListener("click", () => {
    cover.classList.add("shown");
    cover.setAttribute("aria-expanded", "true");
    cover.removeAttribute("aria-label");
  });
  return cover;
}

function coloured(node) {
  const span = el("span", { class: "coloured" }, inlines(node.content));
  if (node.foreground) span.style.color = node.foreground;
  if (node.background) span.style.backgroundColor = node.background;
  return span;
}
