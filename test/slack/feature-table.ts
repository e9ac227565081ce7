/**
 * The tables in `bridges/slack/README.md` and `docs/slack.md`, made from the capabilities and from the scopes that are asked for.
 * `node test/slack/feature-table.ts` writes them.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { OWN, RELAY } from "../../bridges/slack/capabilities.ts";
import { BOT_SCOPES, type Scope, USER_SCOPES } from "../../bridges/slack/scopes.ts";
import { withFeatures } from "../feature-table.ts";

export const README = new URL("../../bridges/slack/README.md", import.meta.url);
export const DOCS = new URL("../../docs/slack.md", import.meta.url);
const SCOPES = /(?<=<!-- scopes: begin -->\n)[^]*(?=<!-- scopes: end -->)/;

export function withTable(page: string): string {
  return withFeatures(page, {
    network: "Slack",
    columns: [
      ["relayed by the app", RELAY],
      ["with a login of one's own", OWN],
    ],
    numbers: [
      ["longest message", ({ text }) => `${text.length} characters of blocks; longer ones are split`],
      ["largest file", ({ fileSize = 0 }) => `${fileSize / 1_000_000_000} GB; larger ones as a link`],
    ],
    words: { reactEach: "a reaction of each person's own", speaker: "name and picture of people" },
  });
}

export function withScopes(page: string): string {
  const tables = [
    ["the app's bot", BOT_SCOPES],
    ["people who sign in", USER_SCOPES],
  ] as const;
  const text = tables.map(([who, scopes]) => [`| ${who} | for |`, "|---|---|", ...rowsOf(scopes)].join("\n")).join("\n\n");
  return page.replace(SCOPES, () => `\n${text}\n\n`);
}

/** Scopes with one reason share a row. */
function rowsOf(scopes: readonly Scope[]): string[] {
  const reasons = new Map<string, string[]>();
  for (const { name, why } of scopes) reasons.set(why, [...(reasons.get(why) ?? []), `\`${name}\``]);
  return [...reasons].map(([why, names]) => `| ${names.join(", ")} | ${why} |`);
}

if (import.meta.main) {
  writeFileSync(README, withTable(readFileSync(README, "utf8")));
  writeFileSync(DOCS, withScopes(readFileSync(DOCS, "utf8")));
}
