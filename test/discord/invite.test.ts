import assert from "node:assert/strict";
import { test } from "node:test";
import { PermissionFlagsBits as Bit } from "discord-api-types/v10";
import { verbs } from "../../bridges/discord/cli.ts";
import { discordConfig } from "../../bridges/discord/config.ts";
import { inviteUrl } from "../../bridges/discord/invite.ts";
import { FakeDiscord } from "../fakes/discord.ts";

const [invite] = verbs;

async function run(config: unknown, ...words: string[]): Promise<string> {
  const printed: string[] = [];
  await invite?.run(config, words, (text) => printed.push(text));
  return printed.join("\n");
}

test("`causeway discord invite` asks Discord whose bot it is, and prints the address with exactly what is needed, and what for", async (t) => {
  const fake = await FakeDiscord.start();
  t.after(() => fake.stop());
  const config = discordConfig.parse({ token: fake.bot.token, api_url: fake.apiUrl });
  const page = await run(config);
  assert.ok(page.includes(inviteUrl(fake.bot.application.id, config)));
  for (const words of ["Manage Webhooks: people from Matrix speak", "MESSAGE CONTENT INTENT", "SERVER MEMBERS INTENT"])
    assert.ok(page.includes(words), words);
  assert.ok(!page.includes("Kick Members") && !page.includes("Administrator"));
  assert.ok(!page.includes(fake.bot.token));
  await assert.rejects(run({ ...config, token: "wrong" }), /does not accept the bot's token/);
});

test("kicks and bans are asked for only where they are mirrored", async () => {
  const permissions = (moderation: "told" | "mirrored") =>
    BigInt(new URL(inviteUrl("1", { moderation, intents: { members: true, presences: false } })).searchParams.get("permissions") ?? 0);
  assert.equal(permissions("told") & (Bit.KickMembers | Bit.BanMembers), 0n);
  assert.equal(permissions("mirrored") & (Bit.KickMembers | Bit.BanMembers), Bit.KickMembers | Bit.BanMembers);
});

test("without a config the application's id is enough, and nothing else is taken for one", async () => {
  assert.match(await run(undefined, "41771983423143937"), /client_id=41771983423143937&scope=bot\+applications\.commands/);
  for (const words of [[], ["general"], ["1", "2"]]) await assert.rejects(run(undefined, ...words), { name: "Refused" });
});
