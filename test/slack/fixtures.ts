/** Payloads as Slack sends them (`test/fixtures/slack/`), and the workspace that they come from. */
import { readdirSync, readFileSync } from "node:fs";
import { fromEvent } from "../../bridges/slack/from-slack.ts";
import { readBlocks } from "../../bridges/slack/blocks.ts";
import type { Known } from "../../bridges/slack/known.ts";
import type { Json } from "../../bridges/slack/wire.ts";

export const KINDS = ["events", "messages", "cases", "blocks", "elements", "rich-text"] as const;
export type Kind = (typeof KINDS)[number];

export interface Fixture {
  /** The page of Slack's documentation that tells of it. */
  readonly page: string;
  readonly shows: string;
  readonly event?: Json;
  readonly block?: Json;
  /** RemoteEvents, or RichText. */
  readonly becomes: unknown;
}

const FOLDER = new URL("../fixtures/slack/", import.meta.url);

export function fixturePath(kind: Kind, name: string): URL {
  return new URL(`${kind}/${name}.json`, FOLDER);
}

export function names(kind: Kind): string[] {
  return readdirSync(new URL(`${kind}/`, FOLDER)).map((file) => file.replace(/\.json$/, ""));
}

export function fixture(kind: Kind, name: string): Fixture {
  return JSON.parse(readFileSync(fixturePath(kind, name), "utf8")) as Fixture;
}

/** The bridge's bot in the workspace of the fixtures. */
export const lanterns: Known = {
  team: "T024BE7LD",
  self: { user: "U0CAUSEWAY", bot: "B0CAUSEWAY", app: "A0CAUSEWAY" },
  firstId: (channel) => channel,
  channel: (channel) => (channel === "C0MARKET" ? "market" : undefined),
  group: (group) => (group === "S0615G0KT" ? "keepers" : undefined),
  emoji: (name) => (name === "lantern_lit" ? "https://emoji.slack-edge.com/T024BE7LD/lantern_lit/1.png" : undefined),
  alias: (name) => (name === "oiled" ? "sparkles" : undefined),
  isApp: () => undefined,
  power: () => 0,
  isOwnDeed: () => false,
};

/** With the envelope that Slack puts around every event. */
export function delivered(event: Json): Json {
  return {
    token: "x",
    team_id: "T024BE7LD",
    api_app_id: "A0CAUSEWAY",
    type: "event_callback",
    event_id: "Ev08MFMKH6",
    event_time: 1_700_000_000,
    event,
  };
}

/** What our converters make of a fixture. As plain JSON. */
export function made({ event, block }: Fixture): unknown {
  const result = event ? fromEvent(delivered(event), lanterns) : readBlocks([block], lanterns);
  return JSON.parse(JSON.stringify(result)) as unknown;
}
