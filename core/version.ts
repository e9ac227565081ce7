import { readFileSync } from "node:fs";

/** The version in package.json, which lies one folder up from the sources and two up from what was compiled from them. */
export function versionOf(): string {
  for (const place of ["../package.json", "../../package.json"]) {
    try {
      const found = JSON.parse(readFileSync(new URL(place, import.meta.url), "utf8")) as { name?: string; version?: string };
      if (found.name === "causeway" && found.version) return found.version;
    } catch {
      // Not there: the other place has it.
    }
  }
  return "unknown";
}
