/**
 * A second opinion on Slack: the npm package `emulate`, whose Web API and signed events are not ours. It knows neither Socket Mode nor
 * lists of emoji and user groups, and limits nothing; of those the fake of our own tells.
 */
import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { Readable } from "node:stream";
import { after, before, describe, test } from "node:test";
import { slackConfig } from "../../bridges/slack/config.ts";
import { slack } from "../../bridges/slack/index.ts";
import { channelId, SLACK } from "../../bridges/slack/ids.ts";
import { BOT_SCOPES, USER_SCOPES } from "../../bridges/slack/scopes.ts";
import type { RemoteEvent } from "../../core/model/events.ts";
import { loginId, mxid, type RemoteChannelId } from "../../core/model/ids.ts";
import type { OutFile, OutMessage, Speaker } from "../../core/model/message.ts";
import { toPlain } from "../../core/model/plain.ts";
import { plainText } from "../../core/model/richtext.ts";
import type { EditPart, SayPart, Sent } from "../../core/model/effects.ts";
import type { Connection } from "../../core/network.ts";
import { QuickClock, TestCore } from "../fakes/test-core.ts";
import { progress } from "../slack/stage.ts";
import { until } from "../stories/town.ts";
import { freePort } from "./setup.ts";

const SECRET = "a signing secret of the emulator's";
const BOT_TOKEN = "xoxb-causeway";
const ALICES = "xoxp-alice";
const ANNA: Speaker = { mxid: mxid("@anna:example.org"), name: "Anna", avatarUrl: "https://example.org/a/1", own: false };

interface Dispatcher {
  register(subscription: { url: string; events: string[]; active: boolean; owner: string }): unknown;
}

interface Plugin {
  register(app: unknown, store: unknown, dispatcher: Dispatcher, ...more: unknown[]): void;
}

/** Nothing of its public API subscribes an address to events: what it hands to its Slack is caught on the way. */
async function catchDispatcher(): Promise<() => Dispatcher> {
  const folder = new URL("./", import.meta.resolve("emulate"));
  let caught: Dispatcher | undefined;
  for (const file of (await readdir(folder)).filter((name) => /^dist-.*\.js$/.test(name))) {
    const { slackPlugin: plugin } = (await import(new URL(file, folder).href)) as { slackPlugin?: Plugin };
    if (!plugin) continue;
    const register = plugin.register.bind(plugin);
    plugin.register = (app, store, dispatcher, ...more) => {
      caught = dispatcher;
      register(app, store, dispatcher, ...more);
    };
  }
  return () => caught ?? assert.fail("The emulator's Slack is elsewhere now.");
}

interface Emulator {
  readonly url: string;
  close(): Promise<void>;
}

describe("Slack, as emulate has it", () => {
  let emulator: Emulator;
  let core: TestCore;
  let connection: Connection;
  let team = "";
  let channel = "";
  let place: RemoteChannelId;

  const asAlice = async (method: string, args: Record<string, unknown>): Promise<Record<string, unknown>> => {
    const headers = { authorization: `Bearer ${ALICES}`, "content-type": "application/json" };
    const answer = await fetch(`${emulator.url}/api/${method}`, { method: "POST", headers, body: JSON.stringify(args) });
    return (await answer.json()) as Record<string, unknown>;
  };
  const say = async (message: Partial<OutMessage>, key: string): Promise<Sent> => {
    const whole: OutMessage = { speaker: ANNA, style: "text", body: [], ...message };
    const [part] = slack.toParts(whole, connection.capabilities(place)).map((each) => ({ ...each, channel: place }));
    return await connection.send(part as SayPart, key, progress());
  };
  const standing = async (): Promise<Record<string, unknown>[]> =>
    (await asAlice("conversations.history", { channel }))["messages"] as Record<string, unknown>[];
  const event = async (kind: RemoteEvent["kind"], which: (one: never) => boolean = () => true): Promise<RemoteEvent> =>
    await core.until(() => core.offered.find((one) => one.kind === kind && which(one as never)), kind);

  before(async () => {
    const dispatcher = await catchDispatcher();
    // Only after its Slack has been changed.
    const { createEmulator } = await import("emulate");
    const seed = {
      slack: {
        signing_secret: SECRET,
        strict_scopes: true,
        team: { name: "Lantern Keepers", domain: "lanterns" },
        users: [{ name: "alice", real_name: "Alice", profile: { display_name: "Alice" } }],
        channels: [{ name: "plaza" }],
        oauth_apps: [
          { client_id: "1.2", client_secret: "s", app_id: "A000000009", name: "Causeway", bot_name: "causeway", redirect_uris: [] },
        ],
        tokens: [
          { token: BOT_TOKEN, type: "bot", app_id: "A000000009", user: "causeway", scopes: BOT_SCOPES.map(({ name }) => name) },
          { token: ALICES, user: "alice", scopes: USER_SCOPES.map(({ name }) => name) },
        ],
      },
    };
    emulator = await createEmulator({ service: "slack", port: await freePort(), seed: seed as never });
    const me = await asAlice("auth.test", {});
    team = String(me["team_id"]);
    const listed = (await asAlice("conversations.list", {}))["channels"] as { id: string; name: string }[];
    channel = listed.find(({ name }) => name === "plaza")?.id ?? assert.fail(JSON.stringify(listed));
    await asAlice("conversations.join", { channel });
    place = channelId(team, channel);
    const config = slackConfig.parse({
      api_url: `${emulator.url}/api/`,
      workspaces: { [team]: { bot_token: BOT_TOKEN, signing_secret: SECRET } },
    });
    core = await TestCore.open({ network: SLACK, login: loginId(team), links: [place], clock: new QuickClock(5) });
    connection = slack.connect(config, slack.logins(config)[0] as never, core);
    dispatcher().register({ url: `${core.publicUrl}/events`, events: ["*"], active: true, owner: "slack" });
    await core.until(() => core.states.some(({ is }) => is === "connected"), "connected");
    await connection.join(place);
  });
  after(async () => {
    await connection?.close();
    await core?.close();
    await emulator?.close();
  });

  test("what is said comes signed, in its thread, and with its edit, its reactions and its deletion", async () => {
    const root = await asAlice("chat.postMessage", { channel, text: "who has oil? <https://example.org|here>" });
    const said = await event("message", (one: { body: [] }) => toPlain(one.body).startsWith("who has oil?"));
    assert.ok(said.kind === "message" && said.message === root["ts"]);
    const reply = await asAlice("chat.postMessage", { channel, text: "I have", thread_ts: root["ts"] });
    const answer = await event("message", ({ message }: { message: unknown }) => message === reply["ts"]);
    assert.equal(answer.kind === "message" && answer.thread?.root, root["ts"]);
    await asAlice("chat.update", { channel, ts: root["ts"], text: "who has matches?" });
    await event("edit", ({ message }: { message: unknown }) => message === root["ts"]);
    await asAlice("reactions.add", { channel, timestamp: root["ts"], name: "tada" });
    const reaction = await event("react");
    assert.deepEqual(reaction.kind === "react" && reaction.key, { kind: "unicode", text: "🎉" });
    await asAlice("chat.delete", { channel, ts: reply["ts"] });
    await event("delete", ({ messages }: { messages: unknown[] }) => messages.includes(reply["ts"]));
  });

  test("what we say stands there with name, blocks and key; it is found again by the key, edited, reacted to, pinned and deleted", async () => {
    const sent = await say({ body: [...plainText("hello <&> *not bold*"), { type: "divider" }] }, "key-1");
    const there = (await standing()).find(({ ts }) => ts === sent.id);
    assert.ok(there);
    assert.deepEqual([there["username"], (there["blocks"] as unknown[]).length], ["Anna", 2]);
    assert.equal(there["text"], "hello &lt;&amp;&gt; *not bold*\n———");
    const [part] = slack
      .toParts({ speaker: ANNA, style: "text", body: plainText("hello again") }, connection.capabilities(place))
      .map((each) => ({ ...each, channel: place }));
    const known = await connection.find({ ...(part as SayPart) }, "key-1", progress());
    assert.deepEqual([known.is, known.is === "arrived" && known.sent.id], ["arrived", sent.id]);
    assert.equal((await connection.find({ ...(part as SayPart) }, "key-never", progress())).is, "not-arrived");
    const { wire, text } = part as SayPart;
    const edit: EditPart = { kind: "edit", channel: place, message: sent.id as never, speaker: ANNA, wire, text };
    await connection.send(edit, "key-2", progress());
    assert.equal((await standing()).find(({ ts }) => ts === sent.id)?.["text"], "hello again");
    const message = sent.id as never;
    const key = { kind: "unicode", text: "👍" } as const;
    for (const kind of ["react", "unreact"] as const) {
      await connection.send({ kind, channel: place, message, key, speaker: ANNA }, kind, progress());
      await connection.send({ kind, channel: place, message, key, speaker: ANNA }, kind, progress());
    }
    for (const kind of ["pin", "unpin"] as const) await connection.send({ kind, channel: place, message, speaker: ANNA }, kind, progress());
    await connection.send({ kind: "topic", channel: place, text: "oil & lamps", speaker: ANNA }, "topic", progress());
    await connection.send({ kind: "delete", channel: place, message, speaker: ANNA, own: true }, "delete", progress());
    await connection.send({ kind: "delete", channel: place, message, speaker: ANNA, own: true }, "delete", progress());
    assert.equal(
      (await standing()).find(({ ts }) => ts === sent.id),
      undefined,
    );
  });

  test("a file goes there by the three calls, and one from there is fetched with the token", async () => {
    const bytes = Buffer.from("the plans");
    const info = { kind: "file", name: "plans.txt", mimetype: "text/plain", size: bytes.length } as const;
    const file: OutFile = { ...info, open: async () => ({ stream: Readable.from([bytes]), size: bytes.length }) };
    const sent = await say({ file, body: plainText("look") }, "file-1");
    let shared: Record<string, unknown> | undefined;
    await until(async () => {
      shared = (await standing()).find(({ files }) => JSON.stringify(files ?? "").includes("plans.txt"));
      return shared !== undefined;
    }, "the file");
    assert.ok(shared);
    assert.equal(shared["text"], "*Anna*: look");
    assert.ok(sent.id === shared["ts"] || sent.pending);
    const [there] = shared["files"] as { id: string; url_private: string }[];
    const { stream } = await connection.open({ file: there?.id, url: there?.url_private });
    assert.equal(Buffer.concat(await stream.toArray()).toString(), "the plans");
  });

  test("its history is read to the end, threads included, and people and channels are described", async () => {
    const root = await asAlice("chat.postMessage", { channel, text: "long ago" });
    await asAlice("chat.postMessage", { channel, text: "answered", thread_ts: root["ts"] });
    const page = await connection.history?.(place, "0000000000.000000");
    const texts = page?.events.flatMap((one) => (one.kind === "message" ? [toPlain(one.body)] : [])) ?? [];
    assert.ok(texts.includes("long ago") && texts.includes("answered"), texts.join());
    const seen = await connection.channel(place);
    assert.deepEqual([seen?.name, seen?.visibility, seen?.topic], ["plaza", "public", "oil & lamps"]);
    assert.equal((await connection.resolve("Alice"))?.name, "Alice");
  });
});
