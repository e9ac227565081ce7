/** The sandbox's JSON API, as test/sandbox/README.md tells it. */
async function post(path, body) {
  const answer = await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  const json = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(json.error ?? `The sandbox answered ${answer.status}.`);
  return json;
}

export const act = (wish) => post("api/act", wish);
export const kill = () => post("api/kill", {});
export const setTraffic = (on) => post("api/traffic", { on });

/** Calls `state` with everything, at first and after each break; then `change` with what is new. */
export function listen({ state, change, lost }) {
  const stream = new EventSource("api/events");
  stream.addEventListener("state", (event) => state(JSON.parse(event.data)));
  stream.addEventListener("change", (event) => change(JSON.parse(event.data)));
  stream.addEventListener("error", lost);
}

/** A file's bytes as base64. */
export function readFile(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).replace(/^[^,]*,/, ""));
    reader.onerror = () => reject(new Error("The file could not be read."));
    reader.readAsDataURL(file);
  });
}
