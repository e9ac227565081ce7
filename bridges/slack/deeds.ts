/** What can be done on Slack besides saying something. Done already is done. */
import { clip } from "../../core/model/plain.ts";
import type { DeletePart, PinPart, ReactPart, Sent, TopicPart } from "../../core/model/effects.ts";
import { TOPIC_LENGTH } from "./capabilities.ts";
import type { Desk } from "./desk.ts";
import { codeOf } from "./failures.ts";
import { reactionMark } from "./from-channel.ts";
import { messageAt } from "./look.ts";
import { channelName, reactionName } from "./names.ts";
import { fileBelow, keyIn, records, string } from "./wire.ts";
import { clean } from "./write-blocks.ts";

/** Lets the named answers of Slack's stand for success. */
async function settled(deed: Promise<unknown>, ...fine: readonly string[]): Promise<Sent> {
  try {
    await deed;
  } catch (failure) {
    if (!fine.includes(codeOf(failure) ?? "")) throw failure;
  }
  return {};
}

export async function react(desk: Desk, part: ReactPart): Promise<Sent> {
  const place = desk.place(part.channel);
  const name = reactionName(desk, part.key);
  const args = { channel: place, timestamp: part.message, name };
  desk.remember(part.kind, reactionMark(part.message, name));
  if (part.kind === "react") {
    const call = { deed: "set the reaction", repeatable: true, channel: place };
    return await settled(
      desk.within(place, () => desk.api.call("reactions.add", args, call)),
      "already_reacted",
    );
  }
  const call = { deed: "take the reaction back", repeatable: true, channel: place };
  return await settled(desk.api.call("reactions.remove", args, call), "no_reaction", "message_not_found", "invalid_name");
}

/** The files of a message of ours go with it: else they would lie in the workspace for ever. */
export async function erase(desk: Desk, part: DeletePart): Promise<Sent> {
  const place = desk.place(part.channel);
  const files = part.own ? await filesOf(desk, place, part) : [];
  desk.remember("delete", part.message);
  const call = { deed: "delete the message", repeatable: true, channel: place };
  await settled(desk.api.call("chat.delete", { channel: place, ts: part.message }, call), "message_not_found");
  for (const file of files)
    await settled(desk.api.call("files.delete", { file }, { deed: "delete the file", repeatable: true }), "file_not_found", "file_deleted");
  return {};
}

async function filesOf(desk: Desk, place: string, part: DeletePart): Promise<readonly string[]> {
  const message = await messageAt(desk, place, part.message, part.thread);
  const below = message && keyIn(message) !== undefined ? fileBelow(message) : undefined;
  return [
    ...records(message?.files)
      .filter((file) => file.user === desk.self.user && file.mode !== "tombstone")
      .map((file) => string(file.id)),
    ...(below === undefined ? [] : [below]),
  ];
}

export async function pin(desk: Desk, part: PinPart): Promise<Sent> {
  const place = desk.place(part.channel);
  const args = { channel: place, timestamp: part.message };
  desk.remember(part.kind, part.message);
  if (part.kind === "pin") {
    const call = { deed: "pin the message", repeatable: true, channel: place };
    return await settled(
      desk.within(place, () => desk.api.call("pins.add", args, call)),
      "already_pinned",
    );
  }
  const call = { deed: "unpin the message", repeatable: true, channel: place };
  return await settled(desk.api.call("pins.remove", args, call), "no_pin", "not_pinned", "message_not_found");
}

export async function topic(desk: Desk, part: TopicPart): Promise<Sent> {
  const place = desk.place(part.channel);
  if (part.kind === "topic") {
    const text = clip(clean(part.text).replaceAll("\n", " "), TOPIC_LENGTH);
    desk.remember("topic", `${place} ${text}`);
    const call = { deed: "set the topic", repeatable: true, channel: place };
    return await settled(desk.within(place, () => desk.api.call("conversations.setTopic", { channel: place, topic: text }, call)));
  }
  const name = channelName(part.text);
  desk.remember("name", `${place} ${name}`);
  const call = { deed: "rename the channel", repeatable: true, channel: place };
  return await settled(desk.within(place, () => desk.api.call("conversations.rename", { channel: place, name }, call)));
}
