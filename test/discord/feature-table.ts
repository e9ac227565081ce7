/** The table in `bridges/discord/README.md`, made from the capabilities. `node test/discord/feature-table.ts` writes it. */
import { readFileSync, writeFileSync } from "node:fs";
import { capabilities } from "../../bridges/discord/capabilities.ts";
import { withFeatures } from "../feature-table.ts";

export const README = new URL("../../bridges/discord/README.md", import.meta.url);

export function withTable(page: string): string {
  return withFeatures(page, {
    network: "Discord",
    columns: [["on Discord", capabilities]],
    numbers: [
      ["longest message", ({ text }) => `${text.length} characters; longer ones are split`],
      [
        "largest file",
        ({ fileSize = 0 }) => `${Math.floor(fileSize / 1_048_576)} MiB; 50 and 100 on boosted servers; larger ones as a link`,
      ],
    ],
  });
}

if (import.meta.main) writeFileSync(README, withTable(readFileSync(README, "utf8")));
