/** What Slack answers, and what is done next. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ErrorCode } from "@slack/web-api";
import { failureOf, retryAfter } from "../../bridges/slack/failures.ts";
import { LoggedOut, Refused, TryLater, Uncertain } from "../../core/model/errors.ts";

const platform = (error: string, data: object = {}): Error =>
  Object.assign(new Error(`An API error occurred: ${error}`), { code: ErrorCode.PlatformError, data: { ok: false, error, ...data } });
const status = (statusCode: number): Error => Object.assign(new Error("http"), { code: ErrorCode.HTTPError, statusCode });
const broken = (code: string): Error =>
  Object.assign(new Error("A request error occurred"), {
    code: ErrorCode.RequestError,
    original: Object.assign(new Error(code), { code }),
  });

const once = { deed: "post the message", repeatable: false };
const again = { deed: "set the reaction", repeatable: true };

const REFUSED: readonly [code: string, sentence: RegExp][] = [
  ["not_in_channel", /invite it, with \/invite/],
  ["channel_not_found", /invite it with \/invite/],
  ["restricted_action", /admins do not allow it here/],
  ["restricted_action_read_only_channel", /admins do not allow it here/],
  ["slack_connect_file_link_sharing_blocked", /shared channel/],
  ["msg_too_long", /too long/],
  ["no_text", /nothing in it that Slack can show/],
  ["cant_update_message", /not this login's to edit/],
  ["edit_window_closed", /this old/],
  ["cant_delete_message", /may not delete/],
  ["message_not_found", /not there any more/],
  ["thread_not_found", /not there any more/],
  ["too_many_reactions", /as many reactions/],
  ["file_uploads_disabled", /does not allow uploads/],
  ["name_taken", /another channel has that name/],
];

for (const [code, sentence] of REFUSED)
  test(`refused, in a sentence: ${code}`, () => {
    const failure = failureOf(platform(code), once);
    assert.ok(failure instanceof Refused);
    assert.match(failure.message, sentence);
    assert.match(failure.message, /^Slack did not post the message: .+\.$|\/invite and the app's name\.$/);
  });

test("what is meant for an archived channel waits for it", () => {
  const failure = failureOf(platform("is_archived"), once);
  assert.ok(failure instanceof TryLater);
  assert.equal(failure.scope, "channel");
  assert.match(failure.message, /the channel is archived/);
});

for (const code of [
  "invalid_auth",
  "token_revoked",
  "token_expired",
  "account_inactive",
  "user_removed_from_team",
  "not_allowed_token_type",
])
  test(`logged out, with what to do: ${code}`, () => {
    const failure = failureOf(platform(code), once);
    assert.ok(failure instanceof LoggedOut);
    assert.match(failure.message, /token/);
  });

test("a missing permission is named, with where to add it", () => {
  const failure = failureOf(platform("missing_scope", { needed: "pins:write", provided: "chat:write" }), again);
  assert.ok(failure instanceof Refused);
  assert.match(failure.message, /"pins:write".*OAuth & Permissions.*install the app again/);
});

test("Slack names its pause, and it is kept to the second", () => {
  const limited = Object.assign(new Error("limited"), { code: ErrorCode.RateLimitedError, retryAfter: 17 });
  const failure = failureOf(limited, once);
  assert.ok(failure instanceof TryLater);
  assert.equal(failure.after, 17_000);
});

test("a pause without a number is half a minute", () => {
  assert.equal(retryAfter(new Error("Retry header did not contain a valid timeout.")), 30_000);
  assert.equal(retryAfter(platform("ratelimited")), 30_000);
});

for (const [what, error] of [
  ["a connection that broke in the middle", broken("ECONNRESET")],
  ["no answer in time", broken("ECONNABORTED")],
  ["a server's error", status(503)],
  ["an error of Slack's own", platform("internal_error")],
  ["an error of Slack's own, fatal", platform("fatal_error")],
] as const)
  test(`nobody knows whether the message went: ${what}`, () => {
    assert.ok(failureOf(error, once) instanceof Uncertain);
    assert.ok(failureOf(error, again) instanceof TryLater, "what may be done twice is done again");
  });

for (const code of ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "UND_ERR_CONNECT_TIMEOUT", "CERT_HAS_EXPIRED"])
  test(`it never left: ${code}`, () => {
    const failure = failureOf(broken(code), once);
    assert.ok(failure instanceof TryLater);
    assert.equal(failure.scope, "login");
  });

test("an answer that nobody expected is told as it is", () => {
  assert.match(failureOf(platform("moon_phase_wrong"), once).message, /"moon_phase_wrong"/);
  assert.equal(failureOf(platform("moon_phase_wrong"), once).name, "Broken");
  assert.match(failureOf(status(404), once).message, /status 404/);
});

test("what Slack calls an error may be anything, and is no sentence of ours then", () => {
  const failure = failureOf(platform("<script>alert(1)</script>"), once);
  assert.doesNotMatch(failure.message, /script/);
});

test("no token gets into what is told or logged", () => {
  const error = broken("ECONNRESET");
  error.message = "request to https://slack.com failed: xoxb-123-abc-DEF and xapp-1-A-2";
  Object.assign(error, { config: { headers: { Authorization: "Bearer xoxb-123-abc-DEF" } } });
  const failure = failureOf(error, once);
  assert.doesNotMatch(JSON.stringify([failure.message, String(failure.cause), failure.stack, failure]), /xoxb-123|xapp-1/);
});
