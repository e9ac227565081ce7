import assert from "node:assert/strict";
import { test } from "node:test";
import { toJSONSchema } from "zod";
import { appOf, sharedLogins, slackConfig } from "../../bridges/slack/config.ts";

const workspace = { bot_token: "xoxb-1", app_token: "xapp-1" };
const problems = (config: unknown): string[] =>
  slackConfig
    .safeParse(config)
    .error?.issues.flatMap((issue) => (issue.code === "invalid_key" ? issue.issues : [issue]))
    .map(({ message }) => message) ?? [];

test("a workspace needs its id, a token, and a way for events to come", () => {
  assert.deepEqual(problems({ workspaces: { T024BE7LD: workspace } }), []);
  assert.deepEqual(problems({ workspaces: { T024BE7LD: { bot_token: "xoxb-1", signing_secret: "s" } } }), []);
  assert.deepEqual(problems({ workspaces: { T024BE7LD: { bot_token: "xoxb-1" } } }), [
    "Say how events come: app_token for Socket Mode, or signing_secret for HTTP.",
  ]);
  assert.deepEqual(problems({ workspaces: { T024BE7LD: { app_token: "xapp-1" } } }), [
    "Give the bot_token, or client_id and client_secret to install the app by the browser.",
  ]);
  assert.match(problems({ workspaces: { lanterns: workspace } }).join(), /T024BE7LD/);
});

test("a key that does not exist is an error", () => {
  assert.match(problems({ workspaces: { T024BE7LD: { ...workspace, bottoken: "x" } } }).join(), /bottoken/);
  assert.match(problems({ workspace: {}, workspaces: {} }).join(), /workspace/);
});

test("several workspaces may share one app, and one of them have its own", () => {
  const config = slackConfig.parse({
    app: { signing_secret: "common", client_id: "1.2", client_secret: "c" },
    workspaces: { T1: { bot_token: "xoxb-1" }, T2: { signing_secret: "own" }, T3: {} },
  });
  assert.equal(appOf(config, "T1").signingSecret, "common");
  assert.equal(appOf(config, "T2").signingSecret, "own");
  assert.equal(appOf(config, "T2").clientId, "1.2");
  assert.deepEqual(sharedLogins(config), [
    { id: "T1", name: "T1", secrets: { token: "xoxb-1" } },
    { id: "T2", name: "T2", secrets: {} },
    { id: "T3", name: "T3", secrets: {} },
  ]);
});

test("the address of the API is Slack's own unless it is said otherwise, and always ends in a slash", () => {
  assert.equal(slackConfig.parse({ workspaces: {} }).api_url, "https://slack.com/api/");
  assert.equal(slackConfig.parse({ workspaces: {}, api_url: "https://slack-gov.com/api" }).api_url, "https://slack-gov.com/api/");
  assert.equal(problems({ workspaces: {}, api_url: "ftp://slack.com/" }).length, 1);
});

test("every key says what it is for", () => {
  const schema = JSON.stringify(toJSONSchema(slackConfig, { io: "input" }));
  const nameless = (node: unknown, path: string): string[] => {
    const { properties, additionalProperties } = Object(node) as {
      properties?: Record<string, { description?: string }>;
      additionalProperties?: unknown;
    };
    const here = Object.entries(properties ?? {}).flatMap(([key, inner]) => [
      ...(inner.description ? [] : [`${path}.${key}`]),
      ...nameless(inner, `${path}.${key}`),
    ]);
    return [...here, ...(typeof additionalProperties === "object" ? nameless(additionalProperties, `${path}.*`) : [])];
  };
  assert.deepEqual(nameless(JSON.parse(schema), "slack"), []);
});
