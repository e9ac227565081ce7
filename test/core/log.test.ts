import assert from "node:assert/strict";
import { test } from "node:test";
import { createLog, type LogOptions, toTextLine } from "../../core/log.ts";

function logOf(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const made = createLog({ level: "info", format: "json", to: { write: (line) => void lines.push(line) }, ...options });
  return { ...made, lines };
}

test("a message's words are shown at trace only, whoever hands them over", () => {
  const { log, lines } = logOf({ level: "trace" });
  const fields = { trace: "a1b2", event: "$e", deep: { content: { body: "hunter" }, list: [1] } };
  log.info({ ...fields, body: "hunter", payload: { text: "hunter" } }, "Arrived");
  assert.ok(!lines[0]?.includes("hunter"));
  assert.deepEqual(JSON.parse(lines[0] ?? "").event, "$e");
  log.trace({ ...fields, body: "hunter" }, "Arrived");
  assert.match(lines[1] ?? "", /"body":"hunter"/);
});

test("a known secret stands in no line, in whatever it is wrapped", () => {
  const { log, hide, lines } = logOf();
  hide('s3cr"et/1');
  log.error({ err: new Error('GET https://x/?access_token=s3cr%22et%2F1 with s3cr"et/1', { cause: new Error('s3cr"et/1') }) }, 's3cr"et/1');
  log.child({ where: 's3cr"et/1' }).warn("Again");
  assert.equal(lines.length, 2);
  assert.ok(lines.every((line) => !line.includes("s3cr") && line.includes("[hidden]")));
});

test("what is called a token or a password is hidden before anybody knew its value", () => {
  const { log, lines } = logOf();
  log.info({ token: "abc", login: { password: "abc", inner: { access_token: "abc" } } }, "Signed in");
  assert.ok(!lines[0]?.includes("abc"));
});

test("an error is told by its words, not by what a library hung on it", () => {
  const { log, lines } = logOf();
  const error = Object.assign(new TypeError("No answer"), { code: "ECONNRESET", request: { body: "hunter" } });
  log.warn({ err: error }, "Could not send");
  const { err } = JSON.parse(lines[0] ?? "");
  assert.deepEqual([err.type, err.message, err.code, err.request], ["TypeError", "No answer", "ECONNRESET", undefined]);
});

test("as text, a line is a line, and what comes from outside cannot forge another", () => {
  const { log, lines } = logOf({ format: "text" });
  log.info({ trace: "a1b2", nick: "x\n12:00:00 ERROR", n: 1 }, "Hello\n12:00:00 ERROR forged");
  assert.match(lines[0] ?? "", /^\d\d:\d\d:\d\d INFO {2}Hello 12:00:00 ERROR forged trace=a1b2 nick="x\\n12:00:00 ERROR" n=1\n$/);
  assert.equal(
    toTextLine('{"time":"2026-11-22T10:11:12.000Z","level":"warn","msg":"m","err":{"stack":"E: x\\n  at y"}}'),
    "10:11:12 WARN  m\n  E: x\n    at y\n",
  );
});
