/** The table of forms in `docs/mapping.md`, made from the rows that the formatting test holds true. `node test/mapping-table.ts` writes it. */
import { readFileSync, writeFileSync } from "node:fs";
import { ROWS } from "./formatting-rows.ts";

export const MAPPING = new URL("../docs/mapping.md", import.meta.url);
const TABLE = /(?<=<!-- forms: begin -->\n)[^]*(?=<!-- forms: end -->)/;

/** The page with its table as it should be. */
export function withTable(page: string): string {
  return page.replace(TABLE, () => `\n${table()}\n\n`);
}

function table(): string {
  const lines = ROWS.map(
    (row) => `| ${[row.says, ...[row.matrix ?? row.text ?? "", row.slack, row.discord, row.irc].map(form)].join(" | ")} |`,
  );
  return ["| what | Matrix | Slack | Discord | IRC |", "|---|---|---|---|---|", ...lines].join("\n");
}

/** As code, on one line: `⏎` for a line break, `^B` and its like for IRC's control codes. */
function form(text: string): string {
  const shown = text
    .replaceAll("\n", "⏎")
    .replaceAll("\u200b", "")
    .replace(/\p{Cc}/gu, (code) => `^${String.fromCharCode(code.charCodeAt(0) + 64)}`)
    .replaceAll("|", "\\|");
  const fence = "`".repeat(Math.max(0, ...[...shown.matchAll(/`+/g)].map(([run]) => run.length)) + 1);
  return fence.length > 1 ? `${fence} ${shown} ${fence}` : fence + shown + fence;
}

if (import.meta.main) writeFileSync(MAPPING, withTable(readFileSync(MAPPING, "utf8")));
