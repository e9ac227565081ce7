/** How people sign in with their own Slack account, and how the app is installed by the browser. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { slackConfig, type SlackConfig } from "../../bridges/slack/config.ts";
import { slack } from "../../bridges/slack/index.ts";
import { SLACK } from "../../bridges/slack/ids.ts";
import { loginId } from "../../core/model/ids.ts";
import type { SignInContext, SignInStep } from "../../core/network.ts";
import { Disk, QuickClock, TestCore } from "../fakes/test-core.ts";
import { raise, type Stage } from "./harness.ts";
import { eventually } from "./stage.ts";

async function open(t: TestContext): Promise<Stage> {
  const stage = await raise(new QuickClock(20));
  t.after(() => stage.fake.close());
  return stage;
}

function configOf({ fake, team, app }: Stage, workspace: Record<string, unknown> = {}): SlackConfig {
  const client = { client_id: app.clientId, client_secret: app.clientSecret, app_token: app.appToken };
  return slackConfig.parse({ api_url: fake.apiUrl, workspaces: { [team.id]: { ...client, ...workspace } } });
}

/** A browser that comes back to `url`, and what it brings. */
function context(): SignInContext & { come(query: URLSearchParams): void } {
  const { promise, resolve } = Promise.withResolvers<URLSearchParams>();
  return {
    owner: "@mira:example.org",
    callback: () => ({ url: "https://bridge.example.org/back", state: "nobody-guesses-this", query: promise }),
    signal: new AbortController().signal,
    come: resolve,
  };
}

const start = (id: string, config: SlackConfig, own: SignInContext): Promise<SignInStep> =>
  slack.signIn.find((way) => way.id === id)?.start(config, own) ?? assert.fail("no such way");

async function visit(config: SlackConfig, own: SignInContext) {
  const step = await start("slack", config, own);
  assert.ok(step.kind === "visit");
  return { ...step, url: new URL(step.url) };
}

test("a person signs in with Slack: their own token, under their own name", async (t) => {
  const stage = await open(t);
  stage.fake.browser = stage.mira;
  const own = context();
  const { url, next } = await visit(configOf(stage), own);
  assert.equal(url.searchParams.get("scope"), "");
  assert.match(url.searchParams.get("user_scope") ?? "", /chat:write/);
  own.come(new URL(stage.fake.authorize(url)).searchParams);
  const step = await next;
  assert.ok(step.kind === "done");
  assert.equal(step.login.id, `${stage.team.id}.${stage.mira.user.id}`);
  assert.equal(step.login.owner, "@mira:example.org");
  assert.equal(step.person?.id, `${stage.team.id}/${stage.mira.user.id}`);
  assert.match(step.login.name, /^Lantern Keepers as mira/);
  assert.ok(stage.fake.state.grants.has(String(step.login.secrets.token)));
});

test("whoever comes back with another question's answer is sent away, and no code is used", async (t) => {
  const stage = await open(t);
  stage.fake.browser = stage.mira;
  for (const forge of [
    (query: URLSearchParams) => query.set("state", "forged"),
    (query: URLSearchParams) => query.delete("state"),
    (query: URLSearchParams) => query.delete("code"),
  ]) {
    const own = context();
    const { url, next } = await visit(configOf(stage), own);
    const back = new URL(stage.fake.authorize(url)).searchParams;
    forge(back);
    own.come(back);
    await assert.rejects(next, { name: "Refused", message: /begin again/ });
  }
  assert.equal(stage.fake.faults.count("oauth.v2.access"), 0);
});

test("saying no on Slack is told as that", async (t) => {
  const stage = await open(t);
  const own = context();
  const { url, next } = await visit(configOf(stage), own);
  own.come(new URLSearchParams({ error: "access_denied", state: url.searchParams.get("state") ?? "" }));
  await assert.rejects(next, { name: "Refused", message: "Slack was told not to allow it." });
});

test("without a public address, or without the app's secret, there is still the token", async (t) => {
  const stage = await open(t);
  const { callback: _, ...without } = context();
  await assert.rejects(start("slack", configOf(stage), without), /sign in with a token/);
  const poor = slackConfig.parse({
    api_url: stage.fake.apiUrl,
    workspaces: { [stage.team.id]: { bot_token: stage.bot.token, app_token: "xapp-1" } },
  });
  await assert.rejects(start("slack", poor, context()), /sign in with a token/);
});

test("of several workspaces one is chosen", async (t) => {
  const stage = await open(t);
  const config = slackConfig.parse({
    api_url: stage.fake.apiUrl,
    app: { client_id: "1.2", client_secret: "s", app_token: "xapp-1" },
    workspaces: { T0ONE: {}, T0TWO: {} },
  });
  const step = await start("slack", config, context());
  assert.ok(step.kind === "fields" && step.fields[0]?.choices?.length === 2);
  const next = await step.submit({ workspace: "T0TWO" });
  assert.ok(next.kind === "visit" && new URL(next.url).searchParams.get("team") === "T0TWO");
  await assert.rejects(step.submit({ workspace: "T0THREE" }), /no such workspace/);
});

async function withToken(stage: Stage, token: string, config = configOf(stage)): Promise<SignInStep> {
  const step = await start("token", config, context());
  assert.ok(step.kind === "fields" && step.fields[0]?.secret);
  return await step.submit({ token });
}

test("a person signs in with a token of theirs", async (t) => {
  const stage = await open(t);
  const step = await withToken(stage, ` ${stage.miras.token}\n`);
  assert.ok(step.kind === "done" && step.login.secrets.token === stage.miras.token);
});

test("a bot's token is nobody's own, and nonsense is no token", async (t) => {
  const stage = await open(t);
  await assert.rejects(withToken(stage, stage.bot.token), /bot's token/);
  await assert.rejects(withToken(stage, "xoxp-nonsense"), { name: "Refused", message: /does not know this token\.$/ });
  await assert.rejects(withToken(stage, ""), { name: "Refused" });
});

test("a token of a workspace that the bridge does not serve is refused by that workspace's name", async (t) => {
  const stage = await open(t);
  const elsewhere = stage.fake.addTeam("Oil & Sons");
  const grant = stage.fake.signIn(stage.app, stage.fake.person(elsewhere, "olga"));
  await assert.rejects(withToken(stage, grant.token), /does not serve the workspace Oil & Sons/);
});

async function bridge(t: TestContext, stage: Stage, config: SlackConfig, disk = new Disk()) {
  const core = await TestCore.open({ network: SLACK, login: loginId(stage.team.id), disk });
  const [login] = slack.logins(config);
  assert.ok(login);
  const connection = slack.connect(config, login, core);
  const close = async () => {
    await connection.close();
    await core.close();
    assert.deepEqual(core.breaches, []);
  };
  t.after(close);
  return { core, connection, disk, close };
}

/** As a browser goes through it; `jar` holds its cookies. */
async function install(stage: Stage, core: TestCore, change: (url: URL) => void = () => {}, jar = "ours"): Promise<Response> {
  const first = await fetch(`${core.publicUrl}/install`, { redirect: "manual" });
  assert.equal(first.status, 302);
  const cookie = first.headers.get("set-cookie") ?? "";
  assert.match(cookie, /HttpOnly; SameSite=Lax/);
  const back = new URL(stage.fake.authorize(new URL(first.headers.get("location") ?? "")));
  change(back);
  const headers = { ours: { cookie: cookie.split(";")[0] ?? "" }, others: { cookie: "causeway_slack=another-state" }, none: {} }[jar] ?? {};
  return await fetch(back, { headers });
}

test("a workspace without a token says where to install the app; installed by the browser, it connects, also after a restart", async (t) => {
  const stage = await open(t);
  stage.fake.browser = stage.alice;
  const config = configOf(stage);
  const first = await bridge(t, stage, config);
  const told = await first.core.until(() => first.core.states.find(({ is }) => is === "logged-out"), "told");
  assert.ok("why" in told && told.why.includes(`${first.core.publicUrl}/install`));
  const page = await install(stage, first.core);
  assert.equal(page.status, 200);
  assert.match(await page.text(), /installed in your Slack workspace.*distributed to other workspaces.*one call a minute with 15 rows/);
  await first.core.until(() => first.core.states.some(({ is }) => is === "connected"), "connected");
  await first.close();
  const second = await bridge(t, stage, config, first.disk);
  await second.core.until(() => second.core.states.some(({ is }) => is === "connected"), "connected again");
});

for (const [what, change, jar] of [
  ["a state of somebody's own", (url: URL) => url.searchParams.set("state", "forged"), "ours"],
  ["a state of somebody's own, without a cookie", (url: URL) => url.searchParams.set("state", "forged"), "none"],
  ["no state", (url: URL) => url.searchParams.delete("state"), "none"],
  ["another browser", () => {}, "others"],
  ["no code", (url: URL) => url.searchParams.delete("code"), "ours"],
  ["a code that was made up", (url: URL) => url.searchParams.set("code", "<script>"), "ours"],
] as const)
  test(`an installation is not finished: ${what}`, async (t) => {
    const stage = await open(t);
    stage.fake.browser = stage.alice;
    const { core } = await bridge(t, stage, configOf(stage));
    const answer = await install(stage, core, change, jar);
    assert.equal(answer.status, 400);
    assert.doesNotMatch(await answer.text(), /<script>/);
    assert.ok(core.states.every(({ is }) => is !== "connected"));
  });

test("a browser that keeps no cookies installs it too", async (t) => {
  const stage = await open(t);
  stage.fake.browser = stage.alice;
  const { core } = await bridge(t, stage, configOf(stage));
  assert.equal((await install(stage, core, () => {}, "none")).status, 200);
});

test("what a browser brings is good once", async (t) => {
  const stage = await open(t);
  stage.fake.browser = stage.alice;
  const { core } = await bridge(t, stage, configOf(stage));
  const urls: URL[] = [];
  await install(stage, core, (url) => void urls.push(url));
  assert.equal((await fetch(urls[0] as URL, { headers: { cookie: `causeway_slack=${urls[0]?.searchParams.get("state")}` } })).status, 400);
});

test("the app of one workspace is not installed with another's token", async (t) => {
  const stage = await open(t);
  const elsewhere = stage.fake.addTeam("Oil & Sons");
  stage.fake.install(stage.app, elsewhere);
  stage.fake.browser = stage.fake.person(elsewhere, "olga");
  const { core } = await bridge(t, stage, configOf(stage));
  assert.match(await (await install(stage, core)).text(), /another workspace/);
});

test("installed again after its token was revoked, the bridge goes on by itself", async (t) => {
  const stage = await open(t);
  stage.fake.browser = stage.alice;
  const { core } = await bridge(t, stage, configOf(stage, { bot_token: stage.bot.token }));
  await core.until(() => core.states.some(({ is }) => is === "connected"), "connected");
  stage.fake.revoke(stage.bot);
  await core.until(() => core.states.some(({ is }) => is === "logged-out"), "logged out");
  await install(stage, core);
  await core.until(() => core.states.at(-1)?.is === "connected", "connected again");
});

test("a token that is changed in the config counts over one that was installed before", async (t) => {
  const stage = await open(t);
  stage.fake.browser = stage.alice;
  const first = await bridge(t, stage, configOf(stage));
  await install(stage, first.core);
  await first.core.until(() => first.core.states.some(({ is }) => is === "connected"), "connected");
  await first.close();
  const second = await bridge(t, stage, configOf(stage, { bot_token: "xoxb-wrong" }), first.disk);
  await second.core.until(() => second.core.states.some(({ is }) => is === "logged-out"), "the wrong token counts");
});

test("no secret is logged on the way", async (t) => {
  const stage = await open(t);
  stage.fake.browser = stage.alice;
  const { core, disk } = await bridge(t, stage, configOf(stage));
  await install(stage, core);
  await eventually(() => core.states.some(({ is }) => is === "connected"), "connected");
  const token = String((JSON.parse(disk.keep.get("installed") ?? "{}") as { token?: string }).token);
  assert.match(token, /^xoxb-/);
  const logged = core.logged.join();
  for (const secret of [token, stage.app.clientSecret, stage.app.appToken]) assert.ok(!logged.includes(secret));
});
