import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { verbs } from "../../bridges/slack/cli.ts";
import { slackConfig } from "../../bridges/slack/config.ts";
import { PATHS } from "../../bridges/slack/http.ts";
import { BOT_EVENTS, BOT_SCOPES, USER_EVENTS, USER_SCOPES } from "../../bridges/slack/scopes.ts";
import { EVENT_SCOPES, METHOD_SCOPES } from "../fakes/slack/scopes.ts";
import { DOCS, README, withScopes, withTable } from "./feature-table.ts";

const docs = readFileSync(DOCS, "utf8");

test("the table in the README is what the capabilities say (`node test/slack/feature-table.ts` writes it)", () => {
  const page = readFileSync(README, "utf8");
  assert.ok(page.includes("| replies |"));
  assert.equal(page, withTable(page));
});

test("the page for admins gives every scope that is asked for, with its reason (`node test/slack/feature-table.ts` writes them)", () => {
  assert.equal(docs, withScopes(docs));
  for (const { name, why } of [...BOT_SCOPES, ...USER_SCOPES]) {
    assert.ok(docs.includes(`\`${name}\``), name);
    assert.ok(docs.includes(why), `${name}: ${why}`);
  }
});

test("the page for admins names every setting", () => {
  const config = slackConfig.parse({
    app: { app_token: "x", signing_secret: "x", client_id: "x", client_secret: "x" },
    workspaces: { T024BE7LD: { bot_token: "x", name: "x" } },
  });
  for (const section of [config, config.app, config.workspaces.T024BE7LD])
    for (const key of Object.keys(section as object)) assert.ok(docs.includes(`\`${key}\``), key);
});

async function printed(...words: string[]): Promise<Record<string, never>> {
  const lines: string[] = [];
  await verbs.find(({ name }) => name === "manifest")?.run(undefined, words, (text) => void lines.push(text));
  return JSON.parse(lines.join("\n")) as Record<string, never>;
}

interface Manifest {
  readonly features: { readonly slash_commands: readonly { readonly url?: string }[] };
  readonly oauth_config: {
    readonly redirect_urls?: readonly string[];
    readonly scopes: { readonly bot: string[]; readonly user?: string[] };
  };
  readonly settings: {
    readonly event_subscriptions: {
      readonly request_url?: string;
      readonly bot_events: string[];
      readonly user_events?: string[];
      readonly metadata_subscriptions: readonly { readonly event_type: string }[];
    };
    readonly interactivity: { readonly is_enabled: boolean; readonly request_url?: string };
    readonly socket_mode_enabled: boolean;
    readonly token_rotation_enabled: boolean;
  };
}

const manifest = async (...words: string[]): Promise<Manifest> => (await printed(...words)) as unknown as Manifest;
const ADDRESS = "https://matrix.example.org/_causeway/slack/T024BE7LD";

test("the manifest for Socket Mode needs no address, and tokens do not run out", async () => {
  const { settings, oauth_config, features } = await manifest();
  assert.deepEqual([settings.socket_mode_enabled, settings.token_rotation_enabled], [true, false]);
  assert.equal(settings.event_subscriptions.request_url, undefined);
  assert.equal(features.slash_commands[0]?.url, undefined);
  assert.ok(settings.interactivity.is_enabled);
  assert.deepEqual([oauth_config.scopes.user, oauth_config.redirect_urls], [undefined, undefined]);
  assert.deepEqual(
    settings.event_subscriptions.metadata_subscriptions.map(({ event_type }) => event_type),
    ["causeway_message"],
  );
});

test("the manifest for HTTP has the addresses that the bridge serves", async () => {
  const { settings, features } = await manifest("http", `${ADDRESS}/`);
  assert.equal(settings.socket_mode_enabled, false);
  assert.deepEqual(
    [settings.event_subscriptions.request_url, settings.interactivity.request_url, features.slash_commands[0]?.url],
    [PATHS.events, PATHS.interactivity, PATHS.commands].map((path) => `${ADDRESS}/${path}`),
  );
});

test("the manifest with people asks for what they need, and for no more", async () => {
  const { oauth_config, settings } = await manifest("people", ADDRESS);
  assert.deepEqual(oauth_config.redirect_urls, ["https://matrix.example.org/"]);
  assert.equal(oauth_config.scopes.user?.length, USER_SCOPES.length);
  assert.deepEqual(settings.event_subscriptions.user_events, USER_EVENTS);
});

for (const words of [["http"], ["people"], ["http", "matrix.example.org"], ["http", "http://matrix.example.org"], ["one", "two"]])
  test(`\`causeway slack manifest ${words.join(" ")}\` says how it is used`, async () => {
    await assert.rejects(printed(...words), /Use it as/);
  });

test("every scope that is asked for serves a method or an event", () => {
  const served = new Set([...Object.values(METHOD_SCOPES).flat(), ...Object.values(EVENT_SCOPES), "commands", "chat:write.customize"]);
  const ofConversations = /^(?:channels|groups|im|mpim):(?:history|read|write|write\.topic|manage)$/;
  for (const { name } of [...BOT_SCOPES, ...USER_SCOPES]) assert.ok(served.has(name) || ofConversations.test(name), `nobody needs ${name}`);
});

test("every event that is subscribed to has its scope", () => {
  const scopes = new Set(BOT_SCOPES.map(({ name }) => name));
  for (const event of BOT_EVENTS) assert.ok(EVENT_SCOPES[event] === undefined || scopes.has(EVENT_SCOPES[event]), event);
});
