import assert from "node:assert/strict";
import { test } from "node:test";
import { createNamespace, escapeAlias, escapeLocalpart, unescapeAlias, unescapeLocalpart } from "../../core/matrix/namespace.ts";
import { networkId, remoteChannelId, remoteUserId } from "../../core/model/ids.ts";

const irc = networkId("irc");
const plain = {
  toGhost: (id: string) => id,
  fromGhost: (text: string) => (text.includes("!") ? undefined : remoteUserId(text)),
  toAlias: (id: string) => id,
  fromAlias: (text: string) => remoteChannelId(text),
};
const names = createNamespace({ domain: "test.local", botLocalpart: "causeway", prefix: "_", networks: [{ id: irc, ids: plain }] });

test("a ghost's name holds only what every homeserver allows, and can be read back", () => {
  const table: [text: string, escaped: string][] = [
    ["libera_alice", "libera_alice"],
    ["Alice", "=41lice"],
    ["a=b", "a=3db"],
    ["[m]", "=5bm=5d"],
    ["+account", "+account"],
    ["grün 🌉", "gr=c3=bcn=20=f0=9f=8c=89"],
    ["a/b.c-d+e_f", "a/b.c-d+e_f"],
    ["line\nbreak\u0000", "line=0abreak=00"],
    ["=41", "=3d41"],
  ];
  for (const [text, escaped] of table) {
    assert.equal(escapeLocalpart(text), escaped);
    assert.equal(unescapeLocalpart(escaped), text);
  }
});

test("what nobody would have written is nobody's name", () => {
  for (const odd of ["Alice", "=61", "=4", "=zz", "=c3", "a b", "=5B"]) assert.equal(unescapeLocalpart(odd), undefined, odd);
});

test("every byte goes through a ghost's name and back", () => {
  const text = Array.from({ length: 0x250 }, (_, code) => String.fromCodePoint(code)).join("");
  assert.equal(unescapeLocalpart(escapeLocalpart(text)), text);
});

test("an alias keeps capitals and signs, and loses only what would end it", () => {
  assert.equal(escapeAlias("libera_#Café"), "libera_#Café");
  for (const text of ["#a b", "#50%", "#x:y", "#\u0007bell", "#über/ärgerlich", "%20"]) {
    assert.doesNotMatch(escapeAlias(text), /[\s:]/);
    assert.equal(unescapeAlias(escapeAlias(text)), text);
  }
});

test("names say which network and person they are of", () => {
  const ghost = names.ghost(irc, remoteUserId("libera/Alice"));
  assert.equal(ghost, "@_irc_libera/=41lice:test.local");
  assert.deepEqual(names.ownerOf(ghost), { network: "irc", remote: "libera/Alice" });
  const alias = names.alias(irc, remoteChannelId("libera_#chan"));
  assert.equal(alias, "#_irc_libera_#chan:test.local");
  assert.deepEqual(names.channelOf(alias), { network: "irc", channel: "libera_#chan" });
});

test("people of other servers, other names and the bot are no ghosts", () => {
  for (const other of [
    "@_irc_alice:elsewhere",
    "@alice:test.local",
    "@_irc_:test.local",
    "@_slack_x:test.local",
    names.bot,
    "",
    "@_irc_no!:test.local",
  ]) {
    assert.equal(names.ownerOf(other), undefined, other);
  }
});

test("a name that is too long is hashed, still differs from its neighbours, and fits", () => {
  const long = remoteUserId("n".repeat(400));
  const longer = remoteUserId("n".repeat(401));
  const ghost = names.ghost(irc, long);
  assert.ok(Buffer.byteLength(ghost) <= 255);
  assert.match(ghost, /^@_irc_n+=\.[0-9a-f]{40}:test\.local$/);
  assert.notEqual(ghost, names.ghost(irc, longer));
  assert.ok(names.isHashed(ghost));
  assert.equal(names.ownerOf(ghost), undefined);
  const alias = names.alias(irc, remoteChannelId(`#${"ü".repeat(300)}`));
  assert.ok(Buffer.byteLength(alias) <= 255);
  assert.equal(names.channelOf(alias), undefined);
});

test("no ordinary name looks like a hashed one", () => {
  const imitation = names.ghost(irc, remoteUserId(`n=.${"0".repeat(40)}`));
  assert.equal(names.isHashed(imitation), false);
  assert.deepEqual(names.ownerOf(imitation)?.remote, `n=.${"0".repeat(40)}`);
});

test("two networks whose names would overlap are refused", () => {
  const networks = [
    { id: irc, ids: plain },
    { id: networkId("irc_old"), ids: plain },
  ];
  assert.throws(() => createNamespace({ domain: "test.local", botLocalpart: "bot", prefix: "_", networks }), /share names/);
});
