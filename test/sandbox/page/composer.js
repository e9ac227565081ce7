/** Where a person on one side types. */
import { readFile } from "./api.js";
import { el } from "./dom.js";
import { icon } from "./icons.js";

const MARKS = [
  ["Bold", "B", "**"],
  ["Italic", "I", "*"],
  ["Struck out", "S", "~~"],
  ["Code", "<>", "`"],
];

/** Bytes that the sandbox takes. */
const LARGEST = 16 * 1_048_576;
const OTHER = "application/octet-stream";

/** @param side as `GET /api/state` has it @param id of the side @param act sends a wish, resolves to whether it was taken @param complain shows a sentence */
export function makeComposer(id, side, { act, complain, speakerChanged }) {
  /** What the next message is about: `{ do, message }`. */
  let about;
  const can = (deed) => side.deeds.includes(deed);
  const speaker = el(
    "select",
    { "aria-label": `Who speaks on ${side.name}`, onchange: () => speakerChanged() },
    side.people.map((person) => el("option", { value: person.id }, person.name)),
  );
  const input = el("textarea", {
    rows: "1",
    "aria-label": `Message on ${side.name}`,
    placeholder: "Say something …",
    enterkeyhint: "send",
  });
  const banner = el("p", { class: "about", hidden: true });
  const chooser = el("input", { type: "file", hidden: true, tabindex: "-1", "aria-hidden": "true" });
  const form = el(
    "form",
    { class: "composer", "aria-label": `Speak on ${side.name}` },
    banner,
    el(
      "div",
      { class: "row" },
      speaker,
      tools(),
      can("upload") &&
        el(
          "button",
          { type: "button", title: "Send a file", "aria-label": `Send a file on ${side.name}`, onclick: () => chooser.click() },
          icon("attach"),
        ),
      chooser,
    ),
    el("div", { class: "row" }, input, el("button", { type: "submit", class: "send" }, "Send")),
  );

  function tools() {
    return MARKS.map(([name, sign, mark]) =>
      el("button", { type: "button", class: "mark", title: name, "aria-label": name, onclick: () => wrap(mark) }, sign),
    );
  }

  function wrap(mark) {
    const { selectionStart: from, selectionEnd: to, value } = input;
    input.setRangeText(mark + value.slice(from, to) + mark, from, to, "end");
    if (from === to) input.selectionStart = input.selectionEnd = from + mark.length;
    input.focus();
    grow();
  }

  function grow() {
    input.style.height = "auto";
    input.style.height = `${Math.min(input.scrollHeight + 2, 160)}px`;
  }

  function setAbout(next) {
    about = next;
    banner.hidden = !about;
    banner.replaceChildren();
    if (!about) return;
    const says = { reply: "Replying to", thread: "In a thread under", edit: "Editing" }[about.do];
    const cancel = el("button", { type: "button", class: "quiet", "aria-label": "Cancel", onclick: () => clear() }, icon("close"));
    banner.append(el("span", {}, says, " ", el("b", {}, about.message.who.name), " ", about.message.text.slice(0, 80)), cancel);
    if (about.do === "edit") input.value = about.message.text;
    grow();
    input.focus();
  }

  function clear() {
    if (about?.do === "edit") input.value = "";
    setAbout(undefined);
    input.focus();
  }

  async function send() {
    const text = input.value;
    if (text.trim() === "") return;
    const action = /^\/me\s+([^]+)/.exec(text);
    const wish = about ? { do: about.do, to: about.message.id, text } : action ? { do: "action", text: action[1] } : { do: "say", text };
    const kept = about;
    input.value = "";
    setAbout(undefined);
    grow();
    if (await act({ side: id, as: speaker.value, ...wish })) return;
    input.value = text;
    setAbout(kept);
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void send();
  });
  input.addEventListener("input", grow);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      void send();
    } else if (event.key === "Escape" && about) clear();
  });
  chooser.addEventListener("change", () => {
    const [file] = chooser.files;
    chooser.value = "";
    if (file) void upload(file);
  });

  async function upload(file) {
    if (file.size > LARGEST) return complain(`The sandbox takes files of up to ${LARGEST / 1_048_576} MB.`);
    try {
      await act({ side: id, do: "upload", as: speaker.value, name: file.name, type: file.type || OTHER, data: await readFile(file) });
    } catch (error) {
      complain(error.message);
    }
  }

  return {
    element: form,
    can,
    speaker: () => speaker.value,
    reply: (message) => setAbout({ do: "reply", message }),
    thread: (message) => setAbout({ do: "thread", message }),
    edit: (message) => setAbout({ do: "edit", message }),
  };
}
