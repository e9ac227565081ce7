import assert from "node:assert/strict";
import { test } from "node:test";
import { Tally } from "./tally.ts";

test("a message counts once for each other side, however it looks there", () => {
  const tally = new Tally();
  tally.said("Careful: **fog** over mooring 5", ["irc", "discord"]);
  assert.deepEqual(tally.counts(), { sent: 2, delivered: 0, waiting: 2, lost: 0, doubled: 0 });
  tally.seen("<Otto> Careful: fog over mooring 5", "irc");
  tally.seen("> hello\nCareful: fog over mooring 5", "discord");
  assert.deepEqual(tally.counts(), { sent: 2, delivered: 2, waiting: 0, lost: 0, doubled: 0 });
});

test("a copy too many is doubled, and the same words said twice are two messages", () => {
  const tally = new Tally();
  tally.said("hi", ["irc"]);
  tally.said("hi", ["irc"]);
  for (let copy = 0; copy < 3; copy++) tally.seen("<Mira> hi", "irc");
  assert.deepEqual(tally.counts(), { sent: 2, delivered: 2, waiting: 0, lost: 0, doubled: 1 });
});

test("what ends like a shorter message is not taken for it", () => {
  const tally = new Tally();
  tally.said("hi", ["irc"]);
  tally.said("delhi", ["irc"]);
  tally.seen("<Mira> delhi", "irc");
  assert.equal(tally.counts().delivered, 1);
  tally.seen("<Mira> hi", "irc");
  assert.deepEqual(tally.counts(), { sent: 2, delivered: 2, waiting: 0, lost: 0, doubled: 0 });
});

test("a message is lost only when the bridge was up for a while and it has not come", () => {
  const tally = new Tally();
  tally.said("is anybody there", ["irc"]);
  tally.pass(19_000);
  assert.deepEqual([tally.counts().waiting, tally.counts().lost], [1, 0]);
  tally.pass(2_000);
  assert.deepEqual([tally.counts().waiting, tally.counts().lost], [0, 1]);
  tally.seen("is anybody there", "irc");
  assert.equal(tally.counts().lost, 0);
});

test("what the network did not take is not counted", () => {
  const tally = new Tally();
  tally.said("never mind", ["irc"]);
  tally.unsaid("never mind", ["irc"]);
  assert.equal(tally.counts().sent, 0);
});
