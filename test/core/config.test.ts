import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { z } from "zod";
import { type Config, ConfigError, loadConfig } from "../../core/config.ts";
import { loginId, networkId, remoteChannelId } from "../../core/model/ids.ts";
import type { Network, NetworkEntry } from "../../core/network.ts";
import { temporaryFolder } from "./temporary-store.ts";

const section = z.strictObject({
  networks: z.record(
    z.string(),
    z.strictObject({
      host: z.string().describe("The server.").meta({ example: "irc.libera.chat" }),
      nick: z
        .string()
        .default("causeway")
        .meta({ formerly: ["nickname"] }),
      tls: z.boolean().default(true),
      sasl: z.union([z.literal("external"), z.strictObject({ user: z.string(), password: z.string() })]).optional(),
    }),
  ),
});

/** A network with a section like IRC's, whose channels are written `libera #a`. */
const chat = {
  id: networkId("chat"),
  name: "Chat",
  config: section,
  logins: (config: z.output<typeof section>) => Object.keys(config.networks).map((name) => ({ id: loginId(name), name, secrets: {} })),
  ids: {
    parseChannel: (words: readonly string[]) => (words.length === 2 ? remoteChannelId(words.join("/")) : undefined),
    loginOf: (id: string) => loginId(id.split("/")[0] ?? ""),
  },
} as unknown as Network;

const known: readonly NetworkEntry[] = [
  { id: chat.id, name: chat.name, load: async () => chat },
  { id: networkId("slack"), name: "Slack", load: () => assert.fail("imported although nobody configured it") },
];

const HOME = "homeserver: {url: http://localhost:8008/, domain: example.org}\n";
const CHAT = "chat: {networks: {libera: {host: irc.libera.chat}}}\n";

function networksOf(config: Config) {
  const found = config.networks.get(chat.id);
  assert.ok(found);
  return (found.config as z.output<typeof section>).networks;
}

function load(t: TestContext, text: string, env: Record<string, string> = {}): Promise<Config> {
  const file = join(temporaryFolder(t), "config.yaml");
  writeFileSync(file, text);
  return loadConfig(file, known, env);
}

/** What a person reads, without the folder. */
async function complaints(t: TestContext, text: string, env: Record<string, string> = {}): Promise<string[]> {
  try {
    await load(t, text, env);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message.split("\n").map((line) => line.replace(/\S*config\.yaml/, "config.yaml"));
  }
  return [];
}

test("two lines are a config; the rest has defaults, and paths begin at the file's folder", async (t) => {
  const config = await load(t, HOME);
  assert.equal(config.homeserver.url, "http://localhost:8008");
  assert.deepEqual([config.version, config.appservice.prefix, config.permissions, config.links], [1, "_", { "*": "relay" }, []]);
  assert.match(config.database.path, /^\/.*\/data\/causeway\.db$/);
  assert.equal(config.networks.size, 0);
});

test("a key with nothing after it is as good as none, a group with nothing under it as good as empty", async (t) => {
  const config = await load(t, `${HOME}appservice:\n  # port: 1\nadmin_room:\nlinks:\nlogging: {level: , format: json}`);
  assert.deepEqual(
    [config.appservice.port, config.admin_room, config.links, config.logging],
    [9993, undefined, [], { level: "info", format: "json" }],
  );
  assert.match(
    (await complaints(t, `${HOME}chat:\n  networks:\n    libera:\n`)).join(),
    /config\.yaml:4: chat\.networks\.libera\.host: this is missing/,
  );
});

test("a network judges its own section, and only those that have one are imported", async (t) => {
  const config = await load(t, HOME + CHAT);
  assert.deepEqual(config.networks.get(chat.id)?.config, {
    networks: { libera: { host: "irc.libera.chat", nick: "causeway", tls: true } },
  });
});

test("links say room, channel and wishes, and hold exactly the wishes that were written", async (t) => {
  const [link] = (await load(t, `${HOME}${CHAT}links: [{network: chat, channel: "libera #a", room: "#a:example.org", relay: false}]`))
    .links;
  assert.deepEqual(link, { network: "chat", channel: "libera #a", room: "#a:example.org", invite: [], settings: { relay: false } });
});

test("secrets come from the environment or from a file beside the config, and are known as such", async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, "password"), "from-file\n");
  const user = (password: string) => `${HOME}chat: {networks: {a: {host: h, sasl: {user: "$\${LITERAL}", password: ${password}}}}}`;
  const sasl = (config: Config) => networksOf(config)["a"]?.sasl;
  const fromEnv = await load(t, user('"x-${PASS}"'), { PASS: "from-env" });
  assert.deepEqual(sasl(fromEnv), { user: "${LITERAL}", password: "x-from-env" });
  const fromFile = await load(t, user(`{file: ${folder}/password}`));
  assert.deepEqual(sasl(fromFile), { user: "${LITERAL}", password: "from-file" });
  const written = await load(t, user("written-there"));
  assert.ok(fromEnv.secrets.includes("from-env") && fromFile.secrets.includes("from-file") && written.secrets.includes("written-there"));
});

test("a secret that is missing is named with its place, and told once", async (t) => {
  const told = await complaints(t, "homeserver:\n  url: ${WHERE}\n  domain: {file: nowhere}");
  assert.equal(told[0], "config.yaml:2: homeserver.url: the environment has no WHERE: set it, or write the value here.");
  assert.match(told[1] ?? "", /^config\.yaml:3: homeserver\.domain: the file \/.*\/nowhere cannot be read \(ENOENT\)\.$/);
  assert.equal(told.length, 2);
});

test("a renamed key goes on working, with a warning that says where and how it is called now", async (t) => {
  const config = await load(t, `${HOME}chat:\n  networks:\n    libera: {host: h, nickname: bridge}`);
  assert.equal(networksOf(config)["libera"]?.nick, "bridge");
  assert.match(
    config.warnings.join(),
    /config\.yaml:4: chat\.networks\.libera\.nickname: this is called "nick" now; the old name goes on working for a year\.$/,
  );
  assert.match(
    (await complaints(t, `${HOME}chat: {networks: {libera: {host: h, nick: a, nickname: b}}}`)).join(),
    /nickname: there is no such key/,
  );
});

/** Config, and what is said of it: place, what is wrong, what to write instead. */
const MISTAKES: readonly (readonly [string, string, string])[] = [
  ["a slip of the fingers", `hoemserver: {}\n${HOME}`, '1: hoemserver: there is no such key; did you mean "homeserver".'],
  [
    "a slip in a network's section",
    `${HOME}chat:\n  networks:\n    l:\n      hots: x\n      host: y`,
    '5: chat.networks.l.hots: there is no such key; did you mean "host".',
  ],
  ["a network that is none", `${HOME}slcak: {}`, '2: slcak: there is no such key; did you mean "slack".'],
  ["a key that is like nothing", `${HOME}logging: {colour: red}`, "2: logging.colour: there is no such key; known here: level, format."],
  ["nothing of the homeserver", "version: 1", "1: homeserver: this is missing (The Matrix homeserver)."],
  [
    "no domain",
    "homeserver:\n  url: http://a",
    "1: homeserver.domain: this is missing (The homeserver's name, as it stands in people's names); write, for example, domain: example.org.",
  ],
  [
    "an address without http",
    "homeserver: {url: localhost:8008, domain: a}",
    "1: homeserver.url: must be an address that begins with http:// or https://; write, for example, url: http://localhost:8008.",
  ],
  [
    "a domain with http",
    "homeserver:\n  url: http://a\n  domain: https://a",
    "3: homeserver.domain: must be a server's name, without http:// and path; write, for example, domain: example.org.",
  ],
  ["text for a number", `${HOME}appservice: {port: many}`, "2: appservice.port: must be a number; write, for example, port: 9993."],
  ["a port that is none", `${HOME}appservice: {port: 99999}`, "2: appservice.port: must be at most 65535; write, for example, port: 9993."],
  [
    "a wrong level",
    `${HOME}logging: {level: inof}`,
    "2: logging.level: must be one of fatal, error, warn, info, debug, trace; did you mean info.",
  ],
  [
    "a homeserver's address with a path",
    "homeserver: {url: http://localhost:8008/_matrix/client, domain: a}",
    "1: homeserver.url: must end after the host and the port: the bridge adds the paths itself; write, for example, url: http://localhost:8008.",
  ],
  [
    "a permission for half a name",
    `${HOME}permissions: {"@alice": admin}`,
    '2: permissions."@alice": this key must be a whole Matrix name like @alice:example.org, a server\'s name like example.org, either with *, or *.',
  ],
  ["a level of permission", `${HOME}permissions: {"@a:b": boss}`, '2: permissions."@a:b": must be one of block, relay, user, admin.'],
  [
    "a name without a server",
    `${HOME}links: [{network: chat, channel: x, invite: [alice]}]`,
    "2: links[0].invite[0]: must be a Matrix name like @alice:example.org.",
  ],
  ["a list for a group", `${HOME}logging: []`, "2: logging: must be a group of keys, each on a line of its own."],
  ["a group for a list", `${HOME}links: {a: 1}`, "2: links: must be a list, each entry on a line that begins with a dash."],
  [
    "the alternative that was meant",
    `${HOME}chat: {networks: {l: {host: h, sasl: {user: 1, password: p}}}}`,
    "2: chat.networks.l.sasl.user: must be text.",
  ],
  ["broken YAML", `${HOME}logging: [`, "2: this is not YAML: "],
  ["the same key twice", `${HOME}${HOME}`, "2: this is not YAML: Map keys must be unique."],
  [
    "a file for a newer version",
    `${HOME}version: 2\nnew: 1`,
    "2: version: this file is for a newer version of Causeway, which this one (1) cannot read: install the newer version.",
  ],
  ["a list", "- a", " this holds no config: copy config.yaml.example to it, and change what is yours."],
  ["an empty file", "", " this holds no config: copy config.yaml.example to it, and change what is yours."],
  [
    "a link to a network without a section",
    `${HOME}${CHAT}links: [{network: chit, channel: x}]`,
    '3: links[0].network: there is no section "chit" in this file; did you mean chat.',
  ],
  [
    "aliases of a network without a section",
    `${HOME}${CHAT}aliases: [{network: chit}]`,
    '3: aliases[0].network: there is no section "chit" in this file; did you mean chat.',
  ],
  [
    "a link to no channel",
    `${HOME}${CHAT}links: [{network: chat, channel: x}]`,
    "3: links[0].channel: this names no channel of Chat; write it as after `!causeway link chat`.",
  ],
  [
    "a link by a login that is not there",
    `${HOME}${CHAT}links: [{network: chat, channel: oftc x}]`,
    '3: links[0].channel: the section "chat" has no "oftc"; it has: libera.',
  ],
  [
    "a channel in two rooms",
    `${HOME}${CHAT}links:\n  - {network: chat, channel: libera x}\n  - {network: chat, channel: libera x}`,
    "5: links[1].channel: this channel is linked further up already; a channel goes to one room.",
  ],
];

for (const [what, text, said] of MISTAKES) {
  test(`${what} is told with its place and what to write instead`, async (t) => {
    const [first = ""] = await complaints(t, text);
    assert.equal(first.slice(0, `config.yaml:${said}`.length), `config.yaml:${said}`);
  });
}

test("all mistakes are told at once", async (t) => {
  assert.equal((await complaints(t, "homeserver: {url: x}\nlogging: {level: loud}\nfoo: 1")).length, 4);
});

test("a link that is wrong is told together with a mistake elsewhere", async (t) => {
  const told = await complaints(t, `${HOME}logging: {level: loud}\nlinks: [{network: nowhere, channel: x}]`);
  assert.equal(told.length, 2);
  assert.match(told[1] ?? "", /links\[0\]\.network: there is no section "nowhere" in this file/);
});

test("no complaint shows a value, since it may be a secret", async (t) => {
  const told = await complaints(
    t,
    `homeserver: {url: "\${SECRET}", domain: "a b"}\nappservice: {port: hunter-two}\nchat: {networks: hunter-two}`,
    { SECRET: "hunter-two" },
  );
  assert.ok(told.length >= 3 && !told.join().includes("hunter-two"));
});

test("no config: one sentence says what to do", async (t) => {
  const file = join(temporaryFolder(t), "config.yaml");
  await assert.rejects(
    loadConfig(file, known, {}),
    /config\.yaml: there is no such file: copy config\.yaml\.example to it, and write your homeserver's url and domain into it\.$/,
  );
});

test("a file made to hang or swell the reader does neither", async (t) => {
  const bomb = `a: &a [x, x, x, x, x, x, x, x, x]\n${"bcdefghij"
    .split("")
    .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${"abcdefghi"[index]}`).join(", ")}]`)
    .join("\n")}`;
  assert.ok((await complaints(t, bomb)).length >= 1);
  assert.ok((await complaints(t, `${HOME}permissions: ${"{a: ".repeat(500)}b${"}".repeat(500)}`)).length >= 1);
  assert.ok((await complaints(t, `${HOME}__proto__: {url: x}\nconstructor: 1`)).length === 2);
});
