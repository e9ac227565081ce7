/** Payloads as Discord sends them, one file each: the page that they follow, and what is to come of them. */
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

export interface Fixture<Payload = never> {
  readonly name: string;
  /** Of Discord's documentation. */
  readonly page: string;
  /** In plain words, as people read it in the room. */
  readonly shows?: string;
  readonly style?: "text" | "notice" | "emote" | "none";
  readonly note?: string;
  readonly replies?: string;
  readonly files?: readonly string[];
  readonly poll?: readonly string[];
  /** Other events that come of the message. */
  readonly also?: readonly string[];
  readonly component?: number;
  readonly format?: number;
  readonly facts?: object;
  /** The events that core hears. */
  readonly heard?: readonly string[];
  /** Another event that has to come before. */
  readonly after?: string;
  readonly payload: Payload;
}

const root = fileURLToPath(new URL("../fixtures/discord/", import.meta.url));

export function fixtures<Payload>(folder: string): Fixture<Payload>[] {
  return globSync(`${folder}/*.json`, { cwd: root })
    .sort()
    .map((file) => ({
      name: basename(file, ".json"),
      ...(JSON.parse(readFileSync(join(root, file), "utf8")) as Omit<Fixture<Payload>, "name">),
    }));
}
