/** One message on one side, and what can be done with it. */
import { el, hueOf } from "./dom.js";
import { icon } from "./icons.js";
import { showRich } from "./rich.js";

const EMOJI = ["👍", "❤️", "😄", "🎉", "🔥", "👀"];
const SOON = 3 * 60_000;

const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/**
 * @param message as `GET /api/state` has it
 * @param context `side`, `speaker()`, `reply(message)`, `thread(message)`, `edit(message)`, `act(wish)`
 */
export function showMessage(message, context) {
  const { who } = message;
  const item = el("li", {
    class: `message from-${who.from} ${message.style}`,
    tabindex: "-1",
    "data-id": message.id,
    "aria-label": `${who.name}: ${message.text}`,
  });
  if (message.deleted) {
    item.classList.add("deleted");
    item.append(avatar(who.name), el("div", { class: "content" }, head(message), el("p", { class: "dim" }, "This message was deleted.")));
    return item;
  }
  item.append(
    avatar(who.name),
    el(
      "div",
      { class: "content" },
      head(message),
      message.thread !== undefined && threadLine(message, context),
      message.replyTo && el("p", { class: "answered" }, el("b", {}, message.replyTo.name), " ", message.replyTo.text),
      el(
        "div",
        { class: "body" },
        message.style === "emote" && el("span", { class: "emoter", "aria-hidden": "true" }, `${who.name} `),
        showRich(message.body),
      ),
      message.files.map(showFile),
      message.reactions.length > 0 && reactions(message, context),
      actions(message, context),
    ),
  );
  return item;
}

/** Whether a message goes on where the one before left off, so that the name need not stand there again. */
export function follows(message, before) {
  return (
    before !== undefined &&
    !before.deleted &&
    before.who.id === message.who.id &&
    before.who.name === message.who.name &&
    message.at - before.at < SOON &&
    message.at >= before.at
  );
}

function avatar(name) {
  return el("span", { class: `avatar hue-${hueOf(name)}`, "aria-hidden": "true" }, [...name][0]?.toUpperCase() ?? "?");
}

function head({ who, at, edited, style }) {
  const label = who.from === "bridge" ? "bridge" : who.from === "bot" ? "bot" : undefined;
  return el(
    "p",
    { class: "head" },
    el("b", { class: "name" }, who.name),
    label && el("span", { class: "label", title: who.id }, label),
    style === "notice" && el("span", { class: "label" }, "notice"),
    el("time", { datetime: new Date(at).toISOString() }, time.format(at)),
    edited && el("span", { class: "dim" }, "edited"),
  );
}

function threadLine(message, { find }) {
  const root = find(message.thread);
  return el("p", { class: "answered thread" }, "in a thread", root ? `: ${root.text}` : "");
}

function showFile({ name, type, size, url }) {
  const label = size === undefined ? name : `${name} (${amount(size)})`;
  const picture = /^image\/(png|jpeg|gif|webp)$/.test(type);
  return el(
    "a",
    { class: "file", href: url, target: "_blank", rel: "noopener" },
    picture ? el("img", { src: url, alt: name, loading: "lazy" }) : icon("attach"),
    picture ? el("span", {}, label) : label,
  );
}

function amount(bytes) {
  return bytes < 10_000 ? `${bytes} bytes` : bytes < 10_000_000 ? `${Math.round(bytes / 1000)} kB` : `${Math.round(bytes / 1_000_000)} MB`;
}

function reactions(message, { side, speaker, act, can }) {
  return el(
    "div",
    { class: "reactions", role: "group", "aria-label": "Reactions" },
    message.reactions.map(({ key, people }) => {
      const mine = people.some(({ id }) => id === speaker());
      const names = people.map(({ name }) => name).join(", ");
      const properties = {
        type: "button",
        "aria-pressed": String(mine),
        title: names,
        "aria-label": `${key} by ${names}`,
        disabled: !can("react"),
      };
      const toggle = () => act({ side, do: mine && can("unreact") ? "unreact" : "react", as: speaker(), to: message.id, text: key });
      return el("button", { ...properties, onclick: toggle }, key, " ", String(people.length));
    }),
  );
}

function actions(message, context) {
  const { can, speaker, reply, thread, edit, act, side } = context;
  const own = message.who.id === speaker();
  const button = (label, sign, run) =>
    el(
      "button",
      { type: "button", title: label, "aria-label": `${label}: ${message.who.name}, ${message.text.slice(0, 40)}`, onclick: run },
      icon(sign),
    );
  const bar = el(
    "div",
    { class: "actions", role: "group", "aria-label": "What to do with it" },
    can("reply") && button("Reply", "reply", () => reply(message)),
    can("thread") && button("Reply in a thread", "thread", () => thread(message)),
    can("react") && button("React", "react", () => openPalette(bar, message, context)),
    own && can("edit") && button("Edit", "edit", () => edit(message)),
    own && can("delete") && button("Delete", "delete", () => act({ side, do: "delete", as: speaker(), to: message.id })),
    button("On the wire", "raw", () => toggleRaw(bar, message)),
  );
  return bar;
}

function openPalette(bar, message, { side, speaker, act }) {
  const open = bar.parentElement.querySelector(".palette");
  if (open) return open.remove();
  const choose = (key) => () => {
    palette.remove();
    act({ side, do: "react", as: speaker(), to: message.id, text: key });
  };
  const palette = el(
    "div",
    { class: "palette", role: "group", "aria-label": "React with" },
    EMOJI.map((key) => el("button", { type: "button", "aria-label": key, onclick: choose(key) }, key)),
  );
  palette.addEventListener("keydown", (event) => {
    if (event.key === "Escape") palette.remove();
  });
  bar.after(palette);
  palette.firstElementChild.focus();
}

function toggleRaw(bar, message) {
  const open = bar.parentElement.querySelector(".raw");
  if (open) open.remove();
  else bar.parentElement.append(el("pre", { class: "raw", tabindex: "0", "aria-label": "On the wire" }, message.raw));
}
