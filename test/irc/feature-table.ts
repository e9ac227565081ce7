/** The table in `bridges/irc/README.md`, made from the capabilities. `node test/irc/feature-table.ts` writes it. */
import { readFileSync, writeFileSync } from "node:fs";
import { bestCapabilities, plainCapabilities } from "../../bridges/irc/capabilities.ts";
import { withFeatures } from "../feature-table.ts";

export const README = new URL("../../bridges/irc/README.md", import.meta.url);

export function withTable(page: string): string {
  return withFeatures(page, {
    network: "IRC",
    columns: [
      ["at best (Ergo)", bestCapabilities],
      ["on a plain server", plainCapabilities],
    ],
    numbers: [["longest message", ({ text }) => `about ${text.length} bytes${(text.lines ?? 1) > 1 ? ` in ${text.lines} lines` : ""}`]],
    words: { speaker: "name of relayed people" },
  });
}

if (import.meta.main) writeFileSync(README, withTable(readFileSync(README, "utf8")));
