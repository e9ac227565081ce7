/** The example in Slack's documentation, and everything that is almost it. https://docs.slack.dev/authentication/verifying-requests-from-slack */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isSlacks, signature } from "../../bridges/slack/signature.ts";

const SECRET = "8f742231b10e8888abcd99yyyzzz85a5";
const AT = "1531420618";
const BODY =
  "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
const SIGNED = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
const NOW = Number(AT) * 1000;

const judge = (headers: Record<string, string | string[]>, body = BODY, now = NOW, secret = SECRET) =>
  isSlacks(secret, { "x-slack-request-timestamp": AT, "x-slack-signature": SIGNED, ...headers }, Buffer.from(body), now);

test("the example of Slack's documentation is Slack's", () => {
  assert.equal(signature(SECRET, AT, BODY), SIGNED);
  assert.equal(judge({}), true);
});

test("it is Slack's for five minutes, by our clock, before and after", () => {
  assert.equal(judge({}, BODY, NOW + 300_000), true);
  assert.equal(judge({}, BODY, NOW - 300_000), true);
  assert.equal(judge({}, BODY, NOW + 301_000), false);
  assert.equal(judge({}, BODY, NOW - 301_000), false);
});

for (const [what, headers] of [
  ["another time than was signed", { "x-slack-request-timestamp": "1531420619" }],
  ["a time that is no number", { "x-slack-request-timestamp": "1531420618x" }],
  ["no time", { "x-slack-request-timestamp": "" }],
  ["a shorter signature", { "x-slack-signature": SIGNED.slice(0, -1) }],
  ["no signature", { "x-slack-signature": "" }],
  ["two signatures", { "x-slack-signature": [SIGNED, SIGNED] }],
  ["a signature of another version", { "x-slack-signature": SIGNED.replace("v0", "v1") }],
  ["a signature in capitals", { "x-slack-signature": SIGNED.toUpperCase() }],
] as const)
  test(`not Slack's: ${what}`, () => assert.equal(judge(headers as Record<string, string>), false));

test("not Slack's: the same request with one byte changed, or signed with another secret", () => {
  assert.equal(judge({}, `${BODY} `), false);
  assert.equal(judge({}, BODY, NOW, "another"), false);
});

test("not Slack's: without either header", () => assert.equal(isSlacks(SECRET, {}, Buffer.from(BODY), NOW), false));
