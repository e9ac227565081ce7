import assert from "node:assert/strict";
import { test } from "node:test";
import { mxid } from "../../core/model/ids.ts";
import { levelOf, matchesGlob, may, permissionsOf, type PermissionTable } from "../../core/permissions.ts";

const permissions: PermissionTable = {
  "*": "relay",
  "example.org": "user",
  "*.example.org": "relay",
  "bad.example.org": "block",
  "@root:example.org": "admin",
  "@bot-*:example.org": "block",
};

test("the most particular entry decides what a person may do", () => {
  const levels: readonly (readonly [string, string])[] = [
    ["@someone:elsewhere.net", "relay"],
    ["@alice:example.org", "user"],
    ["@root:example.org", "admin"],
    ["@bot-weather:example.org", "block"],
    ["@alice:chat.example.org", "relay"],
    ["@alice:bad.example.org", "block"],
    ["@root:elsewhere.net", "relay"],
  ];
  for (const [who, level] of levels) assert.equal(levelOf(mxid(who), permissions), level, who);
});

test("who is named nowhere is blocked; of two entries that fit as well the lower holds", () => {
  assert.equal(levelOf(mxid("@alice:example.org"), {}), "block");
  assert.equal(levelOf(mxid("@alice:example.org"), { "@a*:example.org": "admin", "@*e:example.org": "relay" }), "relay");
});

test("a server name holds to its end: another server that only begins or ends like it is another", () => {
  assert.equal(levelOf(mxid("@alice:example.org:8448"), permissions), "relay");
  assert.equal(levelOf(mxid("@alice:notexample.org"), permissions), "relay");
  assert.equal(levelOf(mxid("@root:example.org.evil.net"), permissions), "relay");
});

test("each level may do what those below it may", () => {
  assert.equal(may("block", "relay"), false);
  assert.equal(may("relay", "relay"), true);
  assert.equal(may("relay", "link"), false);
  assert.equal(may("user", "login"), true);
  assert.equal(may("user", "administer"), false);
  assert.equal(may("admin", "administer"), true);
});

test("a person is asked about by their MXID", () => {
  const { may, levelOf } = permissionsOf(permissions);
  assert.equal(levelOf(mxid("@alice:example.org")), "user");
  assert.equal(may(mxid("@alice:example.org"), "link"), true);
  assert.equal(may(mxid("@bot-weather:example.org"), "relay"), false);
});

test("a hostile pattern costs nothing", () => {
  assert.equal(matchesGlob("*a*b*c", "xxaxxbxxc"), true);
  assert.equal(matchesGlob("*ab", "a"), false);
  assert.equal(matchesGlob("ab*ba", "aba"), false);
  assert.equal(matchesGlob(`${"*a".repeat(200)}*b`, "a".repeat(255)), false);
});
