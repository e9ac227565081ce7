/** The page: hears what happens, and shows it. */
import { act, kill, listen, setTraffic } from "./api.js";
import { announce, byId, el } from "./dom.js";
import { icon } from "./icons.js";
import { makeSide } from "./side.js";

const sides = new Map();
let shownSide = "matrix";

listen({
  state: (state) => {
    rebuild(state.sides);
    showBridge(state.bridge);
    showTally(state.tally);
    showTraffic(state.traffic);
  },
  change: ({ messages, topics, bridge, tally, traffic }) => {
    for (const { side, message } of messages) sides.get(side)?.message(message);
    for (const { side, topic } of topics) sides.get(side)?.topic(topic);
    if (bridge) showBridge(bridge);
    if (tally) showTally(tally);
    if (traffic !== undefined) showTraffic(traffic);
  },
  lost: () => showBridge({ is: "gone" }),
});

function rebuild(states) {
  sides.clear();
  for (const [id, state] of Object.entries(states)) sides.set(id, makeSide(id, state, { act: attempt, complain, noticed }));
  byId("sides").replaceChildren(...[...sides.values()].map(({ element }) => element));
  byId("tabs").replaceChildren(...Object.entries(states).map(([id, { name }]) => makeTab(id, name)));
  byId("sides").dataset.here = String(Object.values(states).filter(({ here }) => here).length);
  for (const side of sides.values()) side.toEnd?.();
  show(shownSide);
}

/** Does it, and says so when it cannot be done. Resolves to whether it was. */
async function attempt(wish) {
  try {
    await act(wish);
    tried({ action: "say", thread: "reply", delete: "edit", react: "edit", unreact: "edit" }[wish.do] ?? wish.do);
    return true;
  } catch (error) {
    complain(error.message);
    return false;
  }
}

function complain(text) {
  const note = el("p", { class: "complaint", role: "alert" }, text);
  document.body.append(note);
  setTimeout(() => note.remove(), 6000);
}

function makeTab(id, name) {
  return el(
    "button",
    { type: "button", role: "tab", id: `tab-${id}`, "aria-controls": `side-${id}`, onclick: () => show(id), onkeydown: moveTab },
    name,
  );
}

function moveTab(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const ids = [...sides.keys()];
  const next = ids[(ids.indexOf(shownSide) + step + ids.length) % ids.length];
  show(next);
  byId(`tab-${next}`).focus();
}

/** On a narrow screen one side is shown at a time. */
function show(id) {
  shownSide = id;
  for (const [key, side] of sides) {
    side.element.classList.toggle("chosen", key === id);
    const tab = byId(`tab-${key}`);
    tab.setAttribute("aria-selected", String(key === id));
    tab.tabIndex = key === id ? 0 : -1;
    if (key === id) tab.classList.remove("unread");
  }
  sides.get(id)?.toEnd?.();
}

function noticed(id) {
  if (id !== shownSide) byId(`tab-${id}`)?.classList.add("unread");
}

function showBridge({ is, pid, kills, why, startedIn }) {
  const line = byId("bridge-state");
  const took = startedIn === undefined ? "" : `, up in ${(startedIn / 1000).toFixed(1)} s`;
  const text = {
    ready: `The bridge is up (process ${pid}${took})`,
    starting: `The bridge is starting (process ${pid})`,
    down: kills > 0 && !why ? "The bridge is dead. It starts again in a moment …" : `The bridge is down. ${why ?? ""}`,
    gone: "The sandbox does not answer: is it still running?",
  }[is];
  line.className = `state ${is}`;
  if (line.dataset.text !== text)
    line.replaceChildren(
      ...(is === "ready" ? ["The bridge is up", el("span", { class: "more-of-it" }, ` (process ${pid}${took})`)] : [text]),
    );
  line.dataset.text = text;
  line.title = is === "starting" || is === "down" ? (why ?? "") : "";
  byId("kill").disabled = is !== "ready" && is !== "starting";
}

function showTally(tally) {
  for (const [name, count] of Object.entries(tally)) {
    const cell = document.querySelector(`[data-count="${name}"]`);
    cell.textContent = String(count);
    cell.parentElement.classList.toggle("bad", (name === "lost" || name === "doubled") && count > 0);
  }
}

function showTraffic(on) {
  const button = byId("traffic");
  button.setAttribute("aria-pressed", String(on));
  button.textContent = on ? "Stop the chatter" : "Start the chatter";
}

byId("kill").addEventListener("click", () => {
  announce("The bridge is killed.");
  tried("kill");
  kill().catch((error) => complain(error.message));
});
byId("traffic").addEventListener("click", () => {
  const on = byId("traffic").getAttribute("aria-pressed") !== "true";
  setTraffic(on).catch((error) => complain(error.message));
});

/** What was tried is ticked off; it stays so for this browser. */
function tried(deed) {
  const done = new Set(JSON.parse(localStorage.getItem("tried") ?? "[]"));
  done.add(deed);
  localStorage.setItem("tried", JSON.stringify([...done]));
  tick();
}

function tick() {
  const done = JSON.parse(localStorage.getItem("tried") ?? "[]");
  for (const item of document.querySelectorAll("[data-try]")) item.classList.toggle("done", done.includes(item.dataset.try));
  byId("guide").hidden = localStorage.getItem("guide") === "closed";
}

byId("guide-close").addEventListener("click", () => {
  localStorage.setItem("guide", "closed");
  tick();
});

const THEMES = ["auto", "light", "dark"];
function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  localStorage.setItem("theme", theme);
  byId("theme").replaceChildren(icon(theme));
  byId("theme").title = `Colours: ${theme}`;
}
byId("theme").addEventListener("click", () => {
  setTheme(THEMES[(THEMES.indexOf(document.documentElement.dataset.theme) + 1) % THEMES.length]);
});

setTheme(localStorage.getItem("theme") ?? "auto");
tick();
