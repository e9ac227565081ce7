/** Names as Slack wants them: of emoji, and of channels. */
import { Refused } from "../../core/model/errors.ts";
import type { ReactionKey } from "../../core/model/message.ts";
import { clip } from "../../core/model/plain.ts";
import { CHANNEL_NAME_LENGTH } from "./capabilities.ts";
import type { Desk } from "./desk.ts";
import { shortNameOf } from "./emoji.ts";

/** Throws `Refused` for what has no name on Slack. */
export function reactionName(desk: Desk, key: ReactionKey): string {
  if (key.kind === "unicode") {
    const name = shortNameOf(key.text);
    if (name === undefined) throw new Refused(`Slack has no emoji ${clip(key.text, 20)}.`);
    return name;
  }
  const prefix = `${desk.directory.team}/`;
  const name = key.id?.startsWith(prefix) === true ? key.id.slice(prefix.length) : key.name;
  if (!desk.directory.hasEmoji(name)) throw new Refused(`The Slack workspace has no emoji :${clip(name, 60)}:.`);
  return name;
}

/** Small letters, digits, `-` and `_`. https://docs.slack.dev/reference/methods/conversations.rename */
export function channelName(text: string): string {
  const name = text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_-]+/gu, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, CHANNEL_NAME_LENGTH)
    .toWellFormed();
  if (name === "") throw new Refused("A Slack channel's name needs letters or digits.");
  return name;
}
