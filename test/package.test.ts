/** What `npm pack` makes, in an empty folder: it is whole, compiled, starts and bridges. */
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { FakeIrc, inspircd } from "./fakes/irc.ts";
import { startHomeserver } from "./fakes/homeserver.ts";
import { IrcPerson } from "./irc-person.ts";
import { installBeside, pack, run } from "./packed.ts";
import { openWorld } from "./world.ts";

describe("the package", () => {
  let folder: string;
  let own: string;

  before(async () => {
    const packed = await pack();
    folder = await mkdtemp(join(tmpdir(), "causeway-installed-"));
    own = join(folder, "node_modules", "causeway");
    await installBeside(packed.tarball, folder);
    await packed.remove();
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test("holds what was compiled, and neither sources nor tests", async () => {
    const files = (await readdir(own, { recursive: true })).filter((file) => !file.startsWith("vendor"));
    assert.deepEqual(
      files.filter((file) => /\.ts$|^test|^bench|^\./.test(file)),
      [],
    );
    for (const file of ["dist/core/cli.js", "dist/bridges/irc/index.js", "config.yaml.example", "LICENSE", "README.md"])
      assert.ok(files.includes(file), file);
  });

  test("`npx causeway` says its version, and its help names the verbs", async () => {
    const { version } = JSON.parse(await readFile(join(own, "package.json"), "utf8")) as { version: string };
    assert.equal((await run(folder, "npx", "--offline", "causeway", "--version")).stdout.trim(), version);
    assert.match((await run(folder, "npx", "--offline", "causeway", "--help")).stdout, /registration/);
  });

  test("`causeway start` bridges", async () => {
    const irc = await FakeIrc.start({ profile: inspircd });
    const dave = await (await IrcPerson.connect({ host: "127.0.0.1", port: irc.port }, "dave")).join("#packed");
    const world = await openWorld({
      launcher: join(folder, "node_modules", ".bin", "causeway"),
      startHomeserver: (registration) => startHomeserver({ services: [registration] }),
      config: { irc: { networks: { one: { servers: [{ host: "127.0.0.1", port: irc.port, tls: false }] } } } },
    });
    try {
      await world.start();
      const ann = await world.hs.user("ann");
      const room = await ann.createRoom({ preset: "public_chat", power_level_content_override: { users: { [world.bot]: 50 } } });
      await room.invite(world.bot);
      await room.next({ sender: world.bot, body: /I am the bridge/ });
      await room.say("!causeway link irc one #packed");
      await room.next({ sender: world.bot, body: /now linked/ });
      await room.say("out of the box");
      await dave.hear("#packed", "<ann> out of the box");
      dave.say("#packed", "and back");
      await room.find({ body: "and back" });
    } finally {
      dave.quit();
      await world.close();
      await irc.stop();
    }
  });
});
