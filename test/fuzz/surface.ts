/** The bridge's HTTP surface, as anybody on the internet reaches it: sound requests with rubbish in them, and rubbish. */
import { connect } from "node:net";
import type { Chance } from "../core/seeded.ts";
import { openTown } from "../stories/town.ts";
import { anyText, bytes, markup, mutated } from "./inputs.ts";

export interface Surface {
  /** One request; a sentence when something does not hold. */
  feed(chance: Chance): Promise<string | undefined>;
  close(): Promise<void>;
}

const PATHS = [
  "/_matrix/app/v1/transactions/",
  "/_matrix/app/v1/users/",
  "/_matrix/app/v1/rooms/",
  "/_matrix/app/v1/ping",
  "/_matrix/app/v1/thirdparty/user/toy",
  "/transactions/1",
  "/_causeway/media/",
  "/_causeway/media/a/b/c/d/e",
  "/_causeway/slack/T1/events",
  "/_causeway/",
  "/health",
  "/ready",
  "/metrics",
  "/",
] as const;
const METHODS = ["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH", "BREW"] as const;
const TRANSACTION = {
  events: [{ type: "m.room.message", event_id: "$1", room_id: "!r:x", sender: "@a:x", origin_server_ts: 1, content: { body: "x" } }],
  ephemeral: [],
};
/** Over a socket and a busy loop, not only our own work. */
const PATIENCE = 2_000;

export async function openSurface(): Promise<Surface> {
  const town = await openTown({ linked: false });
  const { port, hsToken } = town.door;
  return {
    async feed(chance) {
      const begun = performance.now();
      const answer = await ask(port, chance.once(6) ? bytes(chance) : request(chance, hsToken));
      const took = performance.now() - begun;
      if (took > PATIENCE) return `slow: ${Math.round(took)} ms`;
      const status = /^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1];
      if (status?.startsWith("5") && status !== "503" && status !== "501") return `it answered ${status}: ${answer.slice(0, 300)}`;
      const [head = ""] = answer.split("\r\n\r\n", 1);
      return /^x-fuzzed:/im.test(head) ? `a header of ours was written by a stranger: ${head}` : undefined;
    },
    close: () => town.close(),
  };
}

function request(chance: Chance, token: string): string {
  const path = chance.pick(PATHS) + (chance.once(2) ? encodeURI(anyText(chance).toWellFormed()).slice(0, 400) : "");
  const query = chance.once(3) ? `?${encodeURI(markup(chance).toWellFormed()).slice(0, 200)}` : "";
  const odd = chance.once(3) ? path.replaceAll("/", chance.pick(["//", "/../", "/%2e%2e/", "/%00", "/x%0d%0ax-fuzzed:1/"])) : path;
  const body = chance.once(2) ? JSON.stringify(mutated(chance, TRANSACTION)) : bytes(chance, 200);
  const headers = [
    "host: bridge",
    "connection: close",
    `content-length: ${Buffer.byteLength(body)}`,
    ...(chance.once(2) ? [`authorization: Bearer ${chance.once(2) ? token : markup(chance).replaceAll(/[^\x20-\x7e]/g, "")}`] : []),
    ...(chance.once(3) ? [`content-type: ${chance.pick(["application/json", "text/plain", "multipart/form-data", ""])}`] : []),
    ...(chance.once(3) ? [`range: bytes=${chance.pick(["0-", "-1", "5-2", "9-99999999999999999999", "a-b"])}`] : []),
  ];
  return `${chance.pick(METHODS)} ${odd}${query} HTTP/1.1\r\n${headers.join("\r\n")}\r\n\r\n${body}`;
}

/** Everything that comes back until the connection ends. */
function ask(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let answer = "";
    const end = (): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1_000, end);
    socket.on("data", (data) => {
      answer += data.toString("latin1");
      if (!text.includes("connection: close")) end();
    });
    socket.on("error", end);
    socket.on("close", end);
    socket.end(text);
  });
}
