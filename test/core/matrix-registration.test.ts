import assert from "node:assert/strict";
import { test } from "node:test";
import { parse, stringify } from "yaml";
import {
  makeDoublePuppetRegistration,
  makeRegistration,
  missingFrom,
  readRegistration,
  RegistrationMistakes,
  writeRegistration,
} from "../../core/matrix/registration.ts";

const wish = {
  id: "causeway",
  url: "http://localhost:9898",
  domain: "chat.example.org",
  senderLocalpart: "causeway",
  networks: [
    { id: "irc", prefix: "_irc_" },
    { id: "slack", prefix: "_slack_" },
  ],
};
const claims = (regex: string | undefined, name: string): boolean => new RegExp(regex ?? "$^").test(name);

test("a new registration claims the ghosts and aliases of each network, and the bot, for us alone", async () => {
  const made = await makeRegistration(wish);
  const users = made.namespaces.users ?? [];
  const aliases = made.namespaces.aliases ?? [];
  assert.ok([...users, ...aliases].every(({ exclusive }) => exclusive));
  const claimed = (name: string): boolean => [...users, ...aliases].some(({ regex }) => claims(regex, name));
  for (const ours of [
    "@causeway:chat.example.org",
    "@_irc_alice:chat.example.org",
    "@_slack_u1:chat.example.org",
    "#_irc_x:chat.example.org",
  ]) {
    assert.ok(claimed(ours), ours);
  }
  for (const theirs of [
    "@alice:chat.example.org",
    "@causeway2:chat.example.org",
    "@_irc_a:chatXexample.org",
    "@x_irc_a:chat.example.org",
  ]) {
    assert.ok(!claimed(theirs), theirs);
  }
});

test("a new registration asks for ephemeral events under both names, without rate limits, and names its protocols", async () => {
  const made = parse(writeRegistration(await makeRegistration(wish)));
  assert.equal(made.receive_ephemeral, true);
  assert.equal(made["de.sorunome.msc2409.push_ephemeral"], true);
  assert.equal(made.rate_limited, false);
  assert.deepEqual(made.protocols, ["irc", "slack"]);
  assert.equal(made.url, "http://localhost:9898");
  assert.equal(made.sender_localpart, "causeway");
});

test("tokens are random, long, and differ", async () => {
  const [one, other] = await Promise.all([makeRegistration(wish), makeRegistration(wish)]);
  assert.equal(new Set([one.as_token, one.hs_token, other.as_token, other.hs_token]).size, 4);
  assert.ok(one.as_token.length >= 64);
});

test("what was written is read back", async () => {
  const made = await makeRegistration(wish);
  assert.deepEqual(readRegistration(writeRegistration(made), "registration.yaml"), made);
});

test("the double-puppet registration may act for everyone on the server, keeps nobody out, and is never called", async () => {
  const made = await makeDoublePuppetRegistration({ id: "causeway", domain: "chat.example.org" });
  assert.equal(made.url, null);
  assert.deepEqual(made.namespaces.users, [{ regex: "^@.*:chat\\.example\\.org$", exclusive: false }]);
  assert.notEqual(made.sender_localpart, "causeway");
  assert.equal(readRegistration(writeRegistration(made), "doublepuppet.yaml").url, null);
});

test("each mistake in the file is told in a sentence that names the file and the key", async () => {
  const good = await makeRegistration(wish);
  const wrong: [change: object, sentence: RegExp][] = [
    [{ as_token: undefined }, /registration.yaml: "as_token" is missing/],
    [{ hs_token: 12345 }, /"hs_token" is missing, or is no text/],
    [{ hs_token: good.as_token }, /are the same/],
    [{ as_token: "two words and more" }, /"as_token" holds characters that cannot stand in a header/],
    [{ as_token: "short" }, /"as_token" is so short/],
    [{ id: "" }, /"id" is missing/],
    [{ sender_localpart: "@causeway:example.org" }, /"sender_localpart" is "@causeway:example.org", which is no user name/],
    [{ url: "localhost" }, /"url" is no address/],
    [{ url: "ftp://localhost" }, /"url" is no address/],
    [{ namespaces: undefined }, /"namespaces" is missing/],
    [{ namespaces: { users: "all" } }, /"namespaces.users" must be a list/],
    [{ namespaces: { users: [{ regex: "[", exclusive: true }] } }, /"namespaces.users" holds an entry whose "regex" is none/],
  ];
  for (const [change, sentence] of wrong) {
    const text = stringify({ ...good, ...change });
    assert.throws(() => readRegistration(text, "registration.yaml"), sentence);
  }
});

test("several mistakes are told at once, and no token is told at all", () => {
  const text = "id: ''\nas_token: hunter2\nhs_token: hunter2\nnamespaces: {}\n";
  assert.throws(
    () => readRegistration(text, "registration.yaml"),
    (error: unknown) => error instanceof RegistrationMistakes && error.mistakes.length >= 4 && !error.message.includes("hunter2"),
  );
});

test("a file that is no registration gets one sentence", () => {
  for (const text of ["", "just words", "- a\n- list\n", "a: [", "\u0000"]) {
    assert.throws(() => readRegistration(text, "registration.yaml"), RegistrationMistakes, JSON.stringify(text));
  }
});

test("a network that was added since, or another bot's name, is noticed", async () => {
  const made = await makeRegistration(wish);
  assert.deepEqual(missingFrom(made, wish), []);
  const more = missingFrom(made, { ...wish, networks: [...wish.networks, { id: "discord", prefix: "_discord_" }] });
  assert.match(more.join("\n"), /does not claim the users of discord/);
  assert.match(more.join("\n"), /does not claim the aliases of discord/);
  assert.match(missingFrom(made, { ...wish, senderLocalpart: "bridge" }).join("\n"), /make them the same/);
});
