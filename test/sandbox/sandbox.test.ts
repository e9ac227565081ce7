import assert from "node:assert/strict";
import { once } from "node:events";
import { get, type IncomingMessage, request } from "node:http";
import { after, before, suite, test } from "node:test";
import { SandboxServer } from "./http.ts";
import { Sandbox, type SandboxState } from "./sandbox.ts";
import type { MessageState, SideId } from "./side.ts";

let sandbox: Sandbox;
let server: SandboxServer;
let port: number;

const at = (path: string) => `http://127.0.0.1:${port}/${path}`;

async function post(path: string, body: unknown): Promise<{ status: number; json: Record<string, unknown> }> {
  const answer = await fetch(at(path), { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
}

async function act(wish: Record<string, unknown>): Promise<void> {
  const { status, json } = await post("api/act", wish);
  assert.equal(status, 200, String(json["error"]));
}

const state = async (): Promise<SandboxState> => (await (await fetch(at("api/state"))).json()) as SandboxState;

/** Waits until the page would show a message like that. */
async function shown(side: SideId, match: (message: MessageState) => boolean, what: string): Promise<MessageState> {
  for (const end = performance.now() + 15_000; performance.now() < end; await new Promise((resolve) => setTimeout(resolve, 25))) {
    const found = (await state()).sides[side].channels[0]?.messages.find(match);
    if (found) return found;
  }
  throw new Error(`${what} never stood on ${side}. The bridge: ${sandbox.bridgeLines.slice(-10).join("\n")}`);
}

/** As the page does it: everything at first, then what is new. */
async function openTab(): Promise<{ socket: WebSocket; saw(text: string): Promise<void> }> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/events`);
  const [{ data }] = (await once(socket, "message")) as [{ data: string }];
  const first = JSON.parse(data) as { event: string; data: SandboxState };
  assert.deepEqual([first.event, Object.keys(first.data.sides)], ["state", ["matrix", "irc", "slack", "discord"]]);
  const isIt = (news: string, text: string) => news.startsWith('{"event":"change"') && news.includes(text);
  const saw = (text: string) =>
    new Promise<void>((resolve) => socket.addEventListener("message", (event) => isIt(String(event.data), text) && resolve()));
  return { socket, saw };
}

const holds = (text: string) => (message: MessageState) => message.text.includes(text);

suite("the sandbox", () => {
  before(async () => {
    sandbox = await Sandbox.open();
    server = new SandboxServer(sandbox);
    port = await server.listen(0);
  });
  after(async () => {
    await server.close();
    await sandbox.close();
  });

  test("shows four sides, and says why one is not here", async () => {
    const { sides, bridge } = await state();
    assert.deepEqual(Object.keys(sides), ["matrix", "irc", "slack", "discord"]);
    for (const side of Object.values(sides)) assert.ok(side.here ? side.people.length > 0 : /\S+ \S+/.test(side.why ?? ""));
    assert.ok(["starting", "ready"].includes(bridge.is));
  });

  test("what is said on Matrix stands on IRC, and the other way, with its formatting", async () => {
    await act({ side: "matrix", do: "say", text: "the **first** light" });
    const there = await shown("irc", holds("the first light"), "Mira's message");
    assert.equal(there.who.from, "bridge");
    assert.match(JSON.stringify(there.body), /"type":"bold"/);
    await act({ side: "irc", as: "ben", do: "say", text: "I *see* it" });
    const back = await shown("matrix", holds("I see it"), "Ben's message");
    assert.deepEqual([back.who.name, back.who.from], ["ben", "bridge"]);
    assert.match(JSON.stringify(back.body), /"type":"italic"/);
  });

  test("replies, reactions, edits, deletions and files have their counterpart over there", async () => {
    await act({ side: "irc", do: "reply", to: "first light", text: "and the second" });
    const reply = await shown("matrix", holds("and the second"), "the reply");
    assert.match(reply.replyTo?.text ?? "", /the first light/);
    await act({ side: "matrix", do: "react", to: "I see it", text: "🔥" });
    await shown("irc", (message) => message.reactions.some(({ key }) => key === "🔥"), "the reaction");
    await act({ side: "irc", as: "ben", do: "delete", to: "I see it" });
    await shown("matrix", ({ id, deleted }) => deleted && id !== reply.id, "the deletion");
    await act({ side: "matrix", do: "edit", to: "the first light", text: "the very first light" });
    await shown("irc", holds("very"), "the correction");
    await act({ side: "matrix", do: "upload" });
    const linked = await shown("irc", holds("lantern.png"), "the picture's address");
    const [address = ""] = linked.text.match(/https?:\S+/) ?? [];
    assert.equal((await fetch(address)).headers.get("content-type"), "image/png");
  });

  test("a file of a side can be looked at by the page, and nothing else can", async () => {
    const { files } = await shown("matrix", (message) => message.files.length > 0, "the picture");
    const answer = await fetch(at(files[0]?.url ?? ""));
    assert.deepEqual([answer.status, answer.headers.get("content-type")], [200, "image/png"]);
    for (const path of [
      "api/file/matrix/../../etc/passwd",
      "api/file/nobody/x",
      "api/file/matrix/a%2f..%2fb",
      "page/../http.ts",
      "http.ts",
    ])
      assert.equal((await fetch(at(path))).status, 404, path);
  });

  test("the bridge is killed and comes back, and every message stands everywhere once", async () => {
    const sides: readonly SideId[] = ["matrix", "irc", "slack", "discord"];
    const texts = Array.from({ length: 8 }, (_, index) => `while it was dead, number ${index + 1}`);
    await post("api/kill", { for: 300 });
    assert.equal((await state()).bridge.is, "down");
    for (const [index, text] of texts.entries()) await act({ side: sides[index % 4], do: "say", text });
    for (const [index, text] of texts.entries())
      for (const side of sides) if (side !== sides[index % 4]) await shown(side, holds(text), text);
    const { tally, bridge, sides: after } = await state();
    assert.deepEqual([tally.waiting, tally.lost, tally.doubled, bridge.kills], [0, 0, 0, 1]);
    for (const to of sides)
      for (const [index, from] of sides.entries()) {
        const said = texts.filter((_text, number) => number % 4 === index);
        const arrived = (after[to].channels[0]?.messages ?? []).flatMap(({ text }) => said.find((one) => text.endsWith(one)) ?? []);
        assert.deepEqual(arrived, said, `what was said on ${from} stands on ${to} in order`);
      }
  });

  test("what people do on Slack and Discord crosses as well", async () => {
    await act({ side: "slack", do: "say", text: "a **beacon** from Slack" });
    const there = await shown("discord", holds("a beacon from Slack"), "Sana's message");
    assert.deepEqual([there.who.name, there.who.from], ["Sana", "bridge"]);
    await act({ side: "discord", do: "reply", to: "a beacon", text: "seen from Discord" });
    await shown("irc", holds("seen from Discord"), "Dora's reply");
    await act({ side: "slack", do: "edit", to: "a beacon", text: "a brighter beacon" });
    await shown("discord", holds("a brighter beacon"), "the edit");
    await act({ side: "discord", do: "thread", to: "a brighter beacon", text: "between you and me" });
    assert.ok((await shown("matrix", holds("between you and me"), "the thread")).thread);
    await act({ side: "discord", do: "upload", text: "a picture" });
    await shown("slack", (message) => message.files.some(({ name }) => name === "lantern.png"), "the picture");
  });

  test("two hundred open tabs all see what happens", async () => {
    const tabs = await Promise.all(Array.from({ length: 200 }, () => openTab()));
    const saw = tabs.map(({ saw }) => saw("to every tab"));
    await act({ side: "matrix", do: "say", text: "to every tab" });
    await Promise.all(saw);
    for (const { socket } of tabs) socket.close();
  });

  test("two hundred scripts that listen do too", async () => {
    const tabs = await Promise.all(
      Array.from({ length: 200 }, () => new Promise<IncomingMessage>((resolve) => get(at("api/events"), resolve))),
    );
    const saw = tabs.map(
      (tab) =>
        new Promise<void>((resolve) => tab.setEncoding("utf8").on("data", (text: string) => text.includes("to all of you") && resolve())),
    );
    await act({ side: "matrix", do: "say", text: "to all of you" });
    await Promise.all(saw);
    for (const tab of tabs) tab.destroy();
  });

  test("what cannot be done is said in a sentence", async () => {
    const mistakes: readonly (readonly [unknown, RegExp])[] = [
      [{ side: "irc", do: "edit", text: "x" }, /People on IRC cannot do that/],
      [{ side: "matrix", do: "say" }, /needs a "text"/],
      [{ side: "matrix", do: "say", text: "x", as: "Nobody" }, /Nobody on Matrix is called "Nobody"/],
      [{ side: "matrix", do: "say", text: "x", channel: "nowhere" }, /no channel "nowhere"/],
      [{ side: "matrix", do: "reply", text: "x", to: "never said" }, /No message/],
      [{ side: "matrix", do: "fly", text: "x" }, /do/],
      [{ side: "matrix", do: "say", text: 5 }, /text/],
      [{ side: "moon", do: "say", text: "x" }, /side/],
      [[], /object|array/i],
    ];
    for (const [wish, sentence] of mistakes) {
      const { status, json } = await post("api/act", wish);
      assert.equal(status, 400, JSON.stringify(wish));
      assert.match(String(json["error"]), sentence);
    }
    assert.equal((await fetch(at("api/act"), { method: "POST", body: "{}" })).status, 415);
    const broken = await fetch(at("api/act"), { method: "POST", headers: { "content-type": "application/json" }, body: "{" });
    assert.equal(broken.status, 400);
  });

  test("a page from elsewhere can neither read nor act", async () => {
    const asked = (headers: Record<string, string>): Promise<number | undefined> =>
      new Promise((resolve, reject) =>
        request(at("api/state"), { headers }, (answer) => resolve(answer.resume().statusCode))
          .on("error", reject)
          .end(),
      );
    assert.equal(await asked({ host: "evil.example" }), 403);
    assert.equal(await asked({ host: `localhost:${port}`, origin: "https://evil.example" }), 403);
    assert.equal(await asked({ host: `localhost:${port}`, origin: `http://localhost:${port}` }), 200);
    const upgrade = {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
    };
    const watched = (origin: string): Promise<number | undefined> =>
      new Promise((resolve, reject) =>
        request(at("api/events"), { headers: { ...upgrade, origin } })
          .on("response", (answer) => resolve(answer.resume().statusCode))
          .on("upgrade", (answer, socket) => resolve((socket.destroy(), answer.statusCode)))
          .on("error", reject)
          .end(),
      );
    assert.equal(await watched("https://evil.example"), 403);
    assert.equal(await watched(`http://127.0.0.1:${port}`), 101);
  });

  test("the page runs its own scripts only", async () => {
    const answer = await fetch(at(""));
    assert.match(answer.headers.get("content-security-policy") ?? "", /^default-src 'none'; script-src 'self'; style-src 'self';/);
    const text = await answer.text();
    assert.ok(!/<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=/i.test(text), "nothing inline");
  });
});
