/** One side: its channel, what is said there, and where to speak. */
import { makeComposer } from "./composer.js";
import { announce, el } from "./dom.js";
import { follows, showMessage } from "./message.js";

/** So near to the end, in pixels, the list goes on with what comes. */
const NEAR = 80;

export function makeSide(id, side, { act, complain, noticed }) {
  const section = el("section", { class: `side ${id}${side.here ? "" : " away"}`, id: `side-${id}`, "aria-labelledby": `name-${id}` });
  const [channel] = side.channels;
  const topic = el("p", { class: "topic" });
  section.append(
    el("header", {}, el("h2", { id: `name-${id}` }, side.name), channel && el("p", { class: "channel" }, channel.name), topic),
  );
  if (!channel) {
    section.append(el("p", { class: "why" }, side.why ?? "It is not here."));
    return { id, element: section, message: () => undefined, topic: () => undefined };
  }
  const list = el("ol", { class: "messages", tabindex: "0", "aria-label": `What is said on ${side.name}` });
  const more = el("button", { type: "button", class: "more", hidden: true, onclick: () => toEnd() }, "New messages ↓");
  const messages = new Map();
  /** Whether the list goes on with what comes. */
  let sticks = true;
  const composer = makeComposer(id, side, { act, complain, speakerChanged: redraw });
  const context = {
    side: id,
    act,
    find: (key) => messages.get(key)?.message,
    can: composer.can,
    speaker: composer.speaker,
    reply: composer.reply,
    thread: composer.thread,
    edit: composer.edit,
  };
  const empty = el(
    "p",
    { class: "empty" },
    "Nothing has been said here yet. ",
    el("b", {}, "Say something below"),
    ", and watch where it arrives.",
  );
  section.append(el("div", { class: "talk" }, list, empty, more), composer.element);

  function put(message, isFirst) {
    const known = messages.get(message.id);
    const element = showMessage(message, context);
    if (known) {
      element.classList.toggle("follows", known.element.classList.contains("follows"));
      keepFocus(known.element, element);
    } else {
      const before = [...messages.values()].at(-1)?.message;
      element.classList.toggle("follows", follows(message, before));
      list.append(element);
      if (!isFirst) element.classList.add("new");
    }
    messages.set(message.id, { message, element });
    if (sticks) toEnd();
    else if (!known) more.hidden = false;
    if (!isFirst && !known) noticed(id);
    if (!isFirst && !known && message.who.from !== "here") announce(`${side.name}, ${message.who.name}: ${message.text}`);
  }

  /** A message that changes under the keyboard stays under it. */
  function keepFocus(old, element) {
    const focused = old.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : undefined;
    old.replaceWith(element);
    if (focused) [element, ...element.querySelectorAll("button")].find((one) => one.getAttribute("aria-label") === focused)?.focus();
  }

  function redraw() {
    for (const { message } of [...messages.values()]) put(message, true);
  }

  function toEnd() {
    list.scrollTop = list.scrollHeight;
    more.hidden = true;
    sticks = true;
  }

  let top = 0;
  list.addEventListener("scroll", () => {
    const isNear = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR;
    // Only who goes up wants to stay there: that the end moves away from under the list is no wish of anybody's.
    if (isNear) sticks = true;
    else if (list.scrollTop < top) sticks = false;
    top = list.scrollTop;
    if (sticks) more.hidden = true;
  });
  new ResizeObserver(() => sticks && toEnd()).observe(list);
  // A picture has no height before it is there. Its event does not bubble.
  list.addEventListener("load", () => sticks && toEnd(), true);
  list.addEventListener("keydown", (event) => moveAlong(list, event));
  topic.textContent = channel.topic;
  for (const message of channel.messages) put(message, true);
  return {
    id,
    element: section,
    message: (message) => put(message, false),
    topic: (text) => {
      topic.textContent = text;
    },
    toEnd,
  };
}

/** Up and down go from message to message. */
function moveAlong(list, event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || event.target.closest(".palette")) return;
  event.preventDefault();
  const items = [...list.children];
  const at = items.indexOf(document.activeElement.closest(".message"));
  items[at < 0 ? (step < 0 ? items.length - 1 : 0) : Math.max(0, Math.min(items.length - 1, at + step))]?.focus();
}
