import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { runCommand } from "../../core/cli-command.ts";
import { loginId, networkId } from "../../core/model/ids.ts";
import { Refused } from "../../core/model/errors.ts";
import type { Network, NetworkEntry, NetworkVerb } from "../../core/network.ts";
import { z } from "zod";
import { temporaryFolder } from "./temporary-store.ts";

const chat = { id: networkId("chat"), name: "Chat", config: z.strictObject({ host: z.string() }), logins: () => [{ id: loginId("a") }] };

const invite: NetworkVerb = {
  name: "invite",
  help: "print the address that invites the bot",
  async run(config, words, print) {
    if (words[0] === "nobody") throw new Refused("Nobody can be invited.");
    print(JSON.stringify([config, words]));
  },
};

const networks: readonly NetworkEntry[] = [
  { id: chat.id, name: "Chat", load: async () => chat as unknown as Network, verbs: async () => [invite] },
];

/** A folder with this config in it, and a way to run `causeway` there. */
function causewayIn(t: TestContext, config?: string) {
  const folder = temporaryFolder(t);
  const file = join(folder, "config.yaml");
  if (config !== undefined) writeFileSync(file, config);
  const run = async (...words: string[]) => {
    const said: string[] = [];
    const complained: string[] = [];
    const shell = {
      env: {},
      networks,
      terminal: false,
      out: (text: string) => void said.push(text),
      complain: (text: string) => void complained.push(text.replaceAll(`${folder}/`, "")),
      stopped: () => new Promise<void>(() => {}),
    };
    const code = await runCommand([...words, "--config", file], shell);
    return { code, said: said.join("\n").replaceAll(`${folder}/`, ""), complained: complained.join("\n") };
  };
  return { folder, run };
}

const GOOD = "homeserver: {url: http://localhost:8008, domain: example.org}\nchat: {host: h}\n";

test("--help lists every verb, the networks' own among them; no verb at all is a mistake", async (t) => {
  const { run } = causewayIn(t);
  const help = await run("--help");
  assert.equal(help.code, 0);
  for (const verb of ["start", "registration", "check-config", "chat invite", "--double-puppets"]) assert.ok(help.said.includes(verb));
  assert.equal((await run()).code, 2);
});

test("--version says the version of the package", async (t) => {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  assert.deepEqual(await causewayIn(t).run("--version"), { code: 0, said: version, complained: "" });
});

test("what is not understood is said in a sentence", async (t) => {
  const { run } = causewayIn(t);
  assert.match((await run("strat")).complained, /^There is no `causeway strat`\. See `causeway --help`\.$/);
  assert.match((await run("start", "now")).complained, /^There is no `causeway start now`\./);
  assert.match((await run("chat")).complained, /^There is no `causeway chat`\./);
  assert.match((await run("start", "--fast")).complained, /^Unknown option '--fast'\. See `causeway --help`\.$/);
  assert.match((await run("constructor")).complained, /^There is no `causeway constructor`\./);
});

test("without a config, each verb says in one sentence what to do", async (t) => {
  const { run } = causewayIn(t);
  for (const verb of ["start", "registration", "check-config"]) {
    assert.deepEqual(await run(verb), {
      code: 1,
      said: "",
      complained: "config.yaml: there is no such file: copy config.yaml.example to it, and write your homeserver's url and domain into it.",
    });
  }
});

test("check-config says that the config is in order, or what is not", async (t) => {
  assert.match(
    (await causewayIn(t, GOOD).run("check-config")).said,
    /^config\.yaml is in order: Chat; 0 links\.\nThere is no registration yet/,
  );
  const bad = await causewayIn(t, `${GOOD}logging: {level: loud}`).run("check-config");
  assert.deepEqual([bad.code, bad.complained.startsWith("config.yaml:3: logging.level: must be one of")], [1, true]);
});

test("check-config looks at the registration too: whether it can be read, is whole, covers the networks and says what the config does", async (t) => {
  const { folder, run } = causewayIn(t, GOOD);
  const file = join(folder, "registration.yaml");
  await run("registration");
  assert.match((await run("check-config")).said, /registration\.yaml is in order; the homeserver has to be told of it/);
  const good = readFileSync(file, "utf8");
  const after = async (change: (text: string) => string) => {
    writeFileSync(file, change(good));
    return (await run("check-config")).complained;
  };
  assert.match(await after(() => "half: [a file"), /registration\.yaml is not readable as YAML/);
  assert.match(await after((text) => text.replace(/hs_token: \S+/, "hs_token: short")), /"hs_token" is so short that it can be guessed/);
  assert.match(await after((text) => text.replaceAll("@_chat_", "@_talk_")), /does not claim the users of chat \(@_chat_…:example\.org\)/);
  assert.match(await after((text) => text.replace(/url: \S+/, "url: http://elsewhere:1")), /the homeserver is told http:\/\/elsewhere:1/);
  assert.match(await after((text) => text.replace(/url: \S+/, "url: null")), /it has no url, so the homeserver pushes nothing/);
  rmSync(file);
  mkdirSync(file);
  assert.match((await run("check-config")).complained, /registration\.yaml cannot be read: EISDIR\./);
});

test("registration writes a file for its owner's eyes alone, and does not overwrite it unasked", async (t) => {
  const { folder, run } = causewayIn(t, GOOD);
  const file = join(folder, "registration.yaml");
  assert.match((await run("registration")).said, /^Wrote registration\.yaml\. Name it to the homeserver/);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const before = readFileSync(file, "utf8");
  assert.match(before, /@_chat_/);
  const again = await run("registration");
  assert.deepEqual([again.code, again.complained.startsWith("registration.yaml is there already")], [1, true]);
  assert.equal(readFileSync(file, "utf8"), before);
});

test("registration --force writes anew what the config says, with the tokens that the homeserver knows", async (t) => {
  const { folder, run } = causewayIn(t, GOOD);
  const token = () => /as_token: \S+/.exec(readFileSync(join(folder, "registration.yaml"), "utf8"))?.[0];
  await run("registration");
  const before = token();
  writeFileSync(join(folder, "config.yaml"), `${GOOD}appservice: {address: http://bridge:1}\n`);
  assert.equal((await run("registration", "--force")).code, 0);
  assert.equal(token(), before);
  assert.match(readFileSync(join(folder, "registration.yaml"), "utf8"), /url: http:\/\/bridge:1/);
  writeFileSync(join(folder, "registration.yaml"), "half a file");
  assert.equal((await run("registration", "--force")).code, 0);
  assert.notEqual(token(), before);
});

test("registration --double-puppets writes the second file beside the first, and says how to name it to the bridge", async (t) => {
  const { folder, run } = causewayIn(t, GOOD);
  const { said } = await run("registration", "--double-puppets");
  assert.match(
    said,
    /Wrote registration-double-puppets\.yaml.*\nThen name it to the bridge: appservice\.double_puppets in config\.yaml\.$/,
  );
  assert.match(readFileSync(join(folder, "registration-double-puppets.yaml"), "utf8"), /url: null[^]*exclusive: false/);
  assert.ok(!existsSync(join(folder, "registration.yaml")));
});

test("start wants a registration that fits the config", async (t) => {
  const { folder, run } = causewayIn(t, GOOD);
  assert.match(
    (await run("start")).complained,
    /^There is no registration\.yaml: `causeway registration` writes it, and the homeserver must be told of it\.$/,
  );
  writeFileSync(join(folder, "registration.yaml"), "as_token: short\n");
  assert.match((await run("start")).complained, /so short that it can be guessed/);
  await run("registration", "--force");
  writeFileSync(join(folder, "config.yaml"), GOOD.replace("example.org", "example.net"));
  const complained = (await run("start")).complained;
  assert.match(complained, /does not claim the users of chat/);
  assert.ok(!/\n\s+at /.test(complained), "no stack for what a person did");
});

test("a network's own verb gets its section and the words after it, and says no in a sentence", async (t) => {
  assert.deepEqual(await causewayIn(t, GOOD).run("chat", "invite", "a", "b"), {
    code: 0,
    said: '[{"host":"h"},["a","b"]]',
    complained: "",
  });
  assert.equal((await causewayIn(t).run("chat", "invite")).said, "[null,[]]");
  assert.deepEqual(await causewayIn(t).run("chat", "invite", "nobody"), { code: 1, said: "", complained: "Nobody can be invited." });
});
