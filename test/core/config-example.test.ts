import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { networks } from "../../bridges/index.ts";
import { loadConfig } from "../../core/config.ts";
import { exampleFiles } from "../../core/config-example.ts";
import { readRegistration } from "../../core/matrix/registration.ts";
import { temporaryFolder } from "./temporary-store.ts";

const rootFile = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");
const example = rootFile("config.yaml.example");

function load(t: TestContext, text: string, env: Record<string, string> = {}) {
  const file = join(temporaryFolder(t), "config.yaml");
  writeFileSync(file, text);
  return loadConfig(file, networks, env);
}

/** As if a person had taken away the first `#` of every setting; prose stays prose. */
const uncommented = (text: string) => text.replace(/^( *)#(?=[^\s#]|\s{2,})/gm, "$1");

test("the example files are what the schemas say: `npm run examples` writes them", async () => {
  const files = await exampleFiles(await Promise.all(networks.map((entry) => entry.load())));
  for (const [name, text] of Object.entries(files)) assert.equal(rootFile(name), text, `${name} is out of date: npm run examples`);
});

test("the example is a config as it stands, and connects to no network", async (t) => {
  const config = await load(t, example);
  assert.deepEqual([config.networks.size, config.links.length], [0, 0]);
});

test("with its settings uncommented it is a config with every network and a link", async (t) => {
  const names = [...example.matchAll(/\$\{(\w+)\}/g)].map((match) => match[1] ?? "");
  const config = await load(t, uncommented(example), Object.fromEntries(names.map((name) => [name, "x".repeat(44)])));
  assert.deepEqual(
    [...config.networks.keys()],
    networks.map(({ id }) => id),
  );
  assert.equal(config.links.length, 1);
});

test("the example registration can be read like a real one", () => {
  let count = 0;
  assert.equal(
    readRegistration(
      rootFile("registration.yaml.example").replaceAll(/(_token: ).*$/gm, (_all, key) => `${key}t${(count += 1)}-0123456789abcdef`),
      "r",
    ).id,
    "causeway",
  );
});
