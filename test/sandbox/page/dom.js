/** Makes an element. Text is set as text: nothing here ever parses HTML. */
export function el(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "class") element.className = value;
    else if (key in element && typeof value !== "string") element[key] = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false));
  return element;
}

export const byId = (id) => document.getElementById(id);

/** Says something to those who do not see the page. */
export function announce(text) {
  const line = el("span", {}, text);
  byId("announcer").replaceChildren(line);
}

/** One of eight hues, always the same for the same name. */
export function hueOf(name) {
  let sum = 0;
  for (const character of name.toLowerCase()) sum = (sum * 31 + character.codePointAt(0)) % 4093;
  return sum % 8;
}
