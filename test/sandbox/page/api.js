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

const AGAIN_AFTER = 1000;

/** Calls `state` with everything, at first and after each break; then `change` with what is new. */
export function listen({ state, change, lost }) {
  const socket = new WebSocket(new URL("api/events", location.href.replace(/^http/, "ws")));
  socket.addEventListener("message", ({ data }) => {
    const news = JSON.parse(data);
    if (news.event === "state") state(news.data);
    else change(news.data);
  });
  socket.addEventListener("close", () => {
    lost();
    setTimeout(() => listen({ state, change, lost }), AGAIN_AFTER);
  });
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
