import assert from "node:assert/strict";
import { test } from "node:test";
import { ORIGIN, readOrigin, signOrigin } from "../../core/matrix/origin.ts";
import { linkId, mxid, roomId } from "../../core/model/ids.ts";

const secret = Buffer.from("a secret of the bridge's");
const room = roomId("!room:test.local");
const sender = mxid("@_irc_alice:test.local");
const origin = { link: linkId(7), remote: "libera/~abc", part: 2 };
const signed = signOrigin(secret, { room, sender, ...origin });
const event = (mark: unknown) => ({ room_id: room, sender, content: { body: "hi", [ORIGIN]: mark } });

test("our own event tells which link, message and part it is of", () => {
  assert.deepEqual(readOrigin(secret, event(signed)), origin);
});

test("a forged mark counts as none", () => {
  const forged: Record<string, unknown> = {
    "another link": { ...signed, link: 8 },
    "another message": { ...signed, remote: "libera/~abd" },
    "another part": { ...signed, part: 3 },
    "no signature": { ...signed, mac: undefined },
    "an empty signature": { ...signed, mac: "" },
    "a shortened signature": { ...signed, mac: signed.mac.slice(0, 20) },
    "a signature of another type": { ...signed, mac: [signed.mac] },
    "a link as text": { ...signed, link: "7" },
    "a link beyond all numbers": { ...signed, link: 1e300 },
    text: "io.causeway",
    nothing: undefined,
    null: null,
  };
  for (const [what, mark] of Object.entries(forged)) assert.equal(readOrigin(secret, event(mark)), undefined, what);
});

test("a mark copied into another room, or by someone else, counts as none", () => {
  assert.equal(readOrigin(secret, { ...event(signed), room_id: roomId("!other:test.local") }), undefined);
  assert.equal(readOrigin(secret, { ...event(signed), sender: mxid("@mallory:test.local") }), undefined);
  assert.equal(readOrigin(Buffer.from("another secret"), event(signed)), undefined);
});

test("the parts of a mark cannot be shifted into one another", () => {
  const one = signOrigin(secret, { room, sender, link: linkId(1), remote: '1","2', part: 0 });
  const other = signOrigin(secret, { room, sender, link: linkId(1), remote: "1", part: 0 });
  assert.notEqual(one.mac, other.mac);
});
