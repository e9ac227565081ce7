import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import { createClock } from "../../core/clock.ts";
import { type MatrixClient, MatrixError, Unreachable } from "../../core/matrix/client.ts";
import type { Registration } from "../../core/matrix/registration.ts";
import { pingUntilHeard } from "../../core/ping.ts";

type Answer = Error | undefined;

/** A start against a homeserver that answers as told: to our first call, which makes the bot, and to the ping. */
async function start({ knows = [], reaches }: { knows?: Answer[]; reaches?: Answer }): Promise<string[]> {
  const told: string[] = [];
  const write = (line: string) => void told.push((JSON.parse(line) as { msg: string }).msg);
  const client = {
    register: async () => {
      const answer = knows.shift();
      if (answer) throw answer;
    },
    ping: async () => {
      if (reaches) throw reaches;
      return { duration_ms: 3 };
    },
  };
  await pingUntilHeard({
    client: client as unknown as MatrixClient,
    registration: { id: "causeway", url: "http://bridge:9993", sender_localpart: "causeway" } as Registration,
    clock: createClock({ speed: 1_000, since: Date.now() }),
    log: pino({ level: "info" }, { write }),
    signal: new AbortController().signal,
  });
  return told;
}

const refusal = (status: number, errcode: string) => new MatrixError("Asking", { status, errcode, error: "", read: true });
const silence = new Unreachable("Registering", { sent: false, read: false, why: "connection refused" });

test("a homeserver that cannot be reached is told in a sentence, asked again, and well when it is there", async () => {
  assert.deepEqual(await start({ knows: [silence] }), [
    "Registering: the homeserver did not answer (connection refused). Is homeserver.url in the config right? Trying again.",
    "The homeserver reaches the bridge",
  ]);
});

test("while it cannot be reached, that is told once in ten minutes, and another trouble at once", async () => {
  const told = await start({ knows: [silence, silence, silence, refusal(401, "M_UNKNOWN_TOKEN"), silence] });
  assert.deepEqual(
    told.map((line) => /^(?:Registering|The homeserver does not know)|reaches/.exec(line)?.[0]),
    ["Registering", "The homeserver does not know", "Registering", "reaches"],
  );
});

/** What stands in the way, and the one sentence that says what to do. */
const SENTENCES: readonly (readonly [what: string, Parameters<typeof start>[0], sentence: RegExp])[] = [
  [
    "a token that the homeserver does not know",
    { knows: [refusal(401, "M_UNKNOWN_TOKEN")] },
    /^The homeserver does not know the bridge's token: add registration\.yaml to its app_service_config_files and restart it\.$/,
  ],
  [
    "a registration that is another one there",
    { knows: [refusal(400, "M_EXCLUSIVE")] },
    /^The homeserver does not let the bridge have its own bot: its copy of registration\.yaml is another one\.$/,
  ],
  [
    "a homeserver that cannot reach the bridge",
    { reaches: refusal(502, "M_CONNECTION_FAILED") },
    /^The homeserver cannot reach the bridge at http:\/\/bridge:9993: see appservice\.address in the config, and firewalls between\.$/,
  ],
  [
    "a homeserver that cannot reach the bridge in time",
    { reaches: refusal(504, "M_CONNECTION_TIMEOUT") },
    /^The homeserver cannot reach the bridge at http:\/\/bridge:9993/,
  ],
  [
    "tokens that differ",
    { reaches: refusal(502, "M_BAD_STATUS") },
    /^The homeserver reached the bridge, but with another token: both must use the same registration\.yaml\.$/,
  ],
  ["a registration without an address", { reaches: refusal(400, "M_URL_NOT_SET") }, /has no url: it cannot push anything to the bridge\.$/],
  ["an old homeserver", { reaches: refusal(404, "M_UNRECOGNIZED") }, /^The homeserver is too old to tell whether it reaches the bridge/],
];

for (const [what, trouble, sentence] of SENTENCES) {
  test(`at the start, ${what} is told in one sentence`, async () => {
    const told = (await start(trouble)).filter((line) => line !== "The homeserver reaches the bridge");
    assert.equal(told.length, 1);
    assert.match(told[0] ?? "", sentence);
  });
}
