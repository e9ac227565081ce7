/** The step before everything that npm runs here: what the lock file asks for is installed, once, and npm's own words say why it is not. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const SCRIPTS = fileURLToPath(new URL("../../scripts", import.meta.url));

interface Package {
  readonly version: string;
  readonly integrity?: string;
  readonly optional?: boolean;
}

describe("Setting up", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "causeway-setup-"));
    cpSync(SCRIPTS, join(folder, "scripts"), { recursive: true });
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "copy", type: "module" }));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const lock = (packages: Readonly<Record<string, Package>>) => JSON.stringify({ lockfileVersion: 3, packages: { "": {}, ...packages } });

  function wants(packages: Readonly<Record<string, Package>>): void {
    writeFileSync(join(folder, "package-lock.json"), lock(packages));
  }

  function has(packages: Readonly<Record<string, Package>>): void {
    mkdirSync(join(folder, "node_modules"), { recursive: true });
    writeFileSync(join(folder, "node_modules/.package-lock.json"), lock(packages));
  }

  /** An npm that notes what it was asked, and then does what the test says; `$1` is its first word. */
  function npm(does: string): void {
    const bin = join(folder, "bin");
    mkdirSync(bin);
    writeFileSync(join(bin, "npm"), `#!/bin/sh\necho "$@" >> asked\n${does}\n`);
    chmodSync(join(bin, "npm"), 0o755);
  }

  const INSTALLS = "mkdir -p node_modules && cp package-lock.json node_modules/.package-lock.json";

  function setUp(): { status: number | null; shown: string; asked: string[] } {
    const path = `${join(folder, "bin")}:/usr/bin:/bin`;
    const done = spawnSync(process.execPath, ["scripts/setup.js"], { cwd: folder, encoding: "utf8", env: { PATH: path } });
    const asked = existsSync(join(folder, "asked")) ? readFileSync(join(folder, "asked"), "utf8").trim().split("\n") : [];
    return { status: done.status, shown: done.stdout + done.stderr, asked };
  }

  const one = { "node_modules/one": { version: "1.2.3", integrity: "sha512-a" } };

  test("where everything is there as the lock file says, npm is not asked and nothing is said", () => {
    wants(one);
    has(one);
    npm("exit 1");
    assert.deepEqual(setUp(), { status: 0, shown: "", asked: [] });
  });

  test("where nothing is there, what the lock file says is installed, without running the packages' own scripts", () => {
    wants(one);
    npm(INSTALLS);
    const { status, asked } = setUp();
    assert.equal(status, 0);
    assert.equal(asked.length, 1);
    assert.match(asked[0] ?? "", /^ci .*--ignore-scripts/);
  });

  for (const [name, there] of [
    ["an older version of a package", { "node_modules/one": { version: "1.2.2", integrity: "sha512-a" } }],
    ["other bytes under the same version", { "node_modules/one": { version: "1.2.3", integrity: "sha512-b" } }],
    ["all but one package", {}],
  ] as const) {
    test(`where ${name} is there, it is installed anew, and the next time nothing is done`, () => {
      wants(one);
      has(there);
      npm(INSTALLS);
      assert.equal(setUp().status, 0);
      const { status, asked } = setUp();
      assert.equal(status, 0);
      assert.equal(asked.length, 1);
      assert.match(asked[0] ?? "", /^ci /);
    });
  }

  test("what is there for other systems only may be missing", () => {
    wants({ ...one, "node_modules/for-another-system": { version: "1.0.0", integrity: "sha512-c", optional: true } });
    has(one);
    npm("exit 1");
    assert.deepEqual(setUp(), { status: 0, shown: "", asked: [] });
  });

  test("an npm that refuses the lock file as incomplete still installs what it names", () => {
    wants(one);
    npm(`[ "$1" = ci ] && { echo "npm error Missing: other from lock file" >&2; exit 1; }\n${INSTALLS}`);
    const { status, asked } = setUp();
    assert.equal(status, 0);
    assert.deepEqual(
      asked.map((words) => words.split(" ")[0]),
      ["ci", "install"],
    );
    assert.match(asked[1] ?? "", /--no-save.*--ignore-scripts/);
  });

  test("when npm cannot install, its own words are shown and setting up ends as failed", () => {
    wants(one);
    npm('echo "npm error 503 the registry is away" >&2; exit 1');
    const { status, shown } = setUp();
    assert.equal(status, 1);
    assert.match(shown, /503 the registry is away[\s\S]*Installing failed: see what npm said above/);
  });

  test("an npm that says that all is well, and installed something else, is not believed", () => {
    wants(one);
    npm("exit 0");
    const { status, shown } = setUp();
    assert.equal(status, 1);
    assert.match(shown, /Installing failed/);
  });
});
