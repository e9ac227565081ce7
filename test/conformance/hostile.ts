import assert from "node:assert/strict";
import { test } from "node:test";
import type { Harness } from "./harness.ts";
import { hostileTexts } from "./hostile-texts.ts";
import { mira, textOf, whenLive, word } from "./live.ts";

const hostileNames: readonly string[] = [
  "everyone",
  "@here",
  "<!channel>",
  "clyde",
  "Discord",
  "a".repeat(200),
  "**b**",
  "[x](http://y)",
  "<@U024BE7LD>",
  "`",
];

/** Whatever people write, on either side: it arrives as text, whole, and does nothing but stand there. */
export function hostilePromises<Config>(harness: Harness<Config>): void {
  test(
    "hostile words of Matrix people stand on the network as words, ring nobody, and cut nothing off",
    whenLive(harness, async (live) => {
      const { channel } = live.scene;
      for (const text of hostileTexts) {
        const [first, last] = [word("before"), word("after")];
        const parts = live.parts({ text: `${first} ${text} ${last}` });
        const before = (await live.scene.standing(channel)).length;
        for (const part of parts) await live.deliver(part);
        const standing = (await live.scene.standing(channel)).slice(before);
        assert.equal(standing.length, parts.length, `one effect for each part of ${JSON.stringify(text)}`);
        assert.ok(standing.some((message) => message.text.includes(first)) && standing.some((message) => message.text.includes(last)));
        for (const message of standing) assert.deepEqual([message.rangEveryone, message.rang], [false, []], JSON.stringify(text));
      }
    }),
  );

  test(
    "a hostile name of a Matrix person is shown and does no harm",
    whenLive(harness, async (live) => {
      for (const name of hostileNames) {
        const standing = await live.say(word("named"), { speaker: { ...mira, name } });
        assert.deepEqual([standing.rangEveryone, standing.rang], [false, []], name);
      }
    }),
  );

  test(
    "everybody is rung only when core allows it",
    whenLive(harness, async (live) => {
      const mention = (text: string, allowed: boolean) => [
        {
          type: "paragraph" as const,
          content: [
            { type: "text" as const, text: `${text} ` },
            { type: "mention" as const, target: { kind: "everyone" as const, allowed }, text: "everyone" },
          ],
        },
      ];
      const [quiet, loud] = [word("quiet"), word("loud")];
      for (const part of live.parts({ body: mention(quiet, false) })) await live.deliver(part);
      for (const part of live.parts({ body: mention(loud, true) })) await live.deliver(part);
      assert.equal((await live.standing(quiet)).rangEveryone, false);
      if (live.capabilities.formats.everyone === "full") assert.equal((await live.standing(loud)).rangEveryone, true);
    }),
  );

  test(
    "a person who is mentioned by id is rung, and nobody else",
    whenLive(harness, async (live) => {
      const { alice } = live.scene;
      const text = word("ring");
      await alice.say(word("here"));
      await live.caughtUp();
      const target = { kind: "person" as const, remote: alice.id };
      const content = [
        { type: "text" as const, text: `${text} ` },
        { type: "mention" as const, target, text: alice.name },
      ];
      for (const part of live.parts({ body: [{ type: "paragraph", content }] })) await live.deliver(part);
      const standing = await live.standing(text);
      if (live.capabilities.formats.mention === "full") assert.deepEqual(standing.rang, [alice.id]);
      else assert.ok(standing.text.includes(alice.name));
    }),
  );

  test(
    "hostile words of people on the network reach the model whole, and the connection lives on",
    whenLive(harness, async (live) => {
      for (const text of hostileTexts) {
        const [first, last] = [word("before"), word("after")];
        await live.scene.alice.say(`${first} ${text.replaceAll(/[\r\n\u0000]/g, " ")} ${last}`);
        const event = await live.hears(first);
        assert.ok(textOf(event.body).includes(last), `cut off: ${JSON.stringify(event.body)}`);
        assert.ok(JSON.stringify(event).isWellFormed());
      }
      await live.say(word("alive"));
    }),
  );

  test(
    "a long message of a person is heard, as long as the network allows it",
    whenLive(harness, async (live) => {
      const size = Math.floor(live.capabilities.text.length / 4);
      // Wherever the network cuts a line: in the one it falls between two characters, in the other into one.
      for (const shift of ["", "x"]) {
        const text = word("long");
        await live.scene.alice.say(`${text} ${shift}${"ж".repeat(size)}`);
        const heard = textOf((await live.hears(text)).body);
        assert.ok(heard.includes("жжжж"), heard.slice(0, 100));
      }
    }),
  );
}
