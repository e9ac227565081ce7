/** What is done to messages and channels. "Already so" is success. https://discord.com/developers/docs/resources/message */
import { Routes } from "discord-api-types/v10";
import { Refused, TryLater, Uncertain } from "../../core/model/errors.ts";
import type { ReactionKey } from "../../core/model/message.ts";
import { clip } from "../../core/model/plain.ts";
import type { DeletePart, EditPart, PinPart, ReactPart, Sent, TopicPart, VotePart } from "../../core/model/effects.ts";
import { Code, Denied, isDenied } from "./failures.ts";
import { isForum } from "./guilds.ts";
import { isSnowflake } from "./ids.ts";
import type { Live } from "./live.ts";
import { allowed, botContent, webhookHome, withQuote } from "./say.ts";
import { inOpenThread, requireAvailable } from "./threads.ts";
import type { SayWire } from "./wire.ts";

type Done = Promise<Sent>;

/** The channel or thread that the message stands in. In a forum a message that is not in a thread began one. */
export async function whereOf(live: Live, part: { channel: string; thread?: string; message?: string }): Promise<string> {
  requireAvailable(live, part.channel);
  if (part.thread !== undefined) return part.thread;
  const place = await live.guilds.find(part.channel);
  return place && isForum(place.type) && part.message !== undefined ? part.message : part.channel;
}

export async function edit(live: Live, part: EditPart): Done {
  const wire = part.wire as SayWire;
  if (wire.poll || wire.voice) throw new Refused("Polls and voice messages cannot be edited on Discord.");
  const where = await whereOf(live, part);
  const thread = where === part.channel ? undefined : where;
  const byWebhook = wire.bot === true ? undefined : await webhookOf(live, part.channel);
  if (byWebhook) {
    const body = { content: withQuote(wire), allowed_mentions: allowed(wire) };
    const path = Routes.webhookMessage(byWebhook.id, byWebhook.token, part.message);
    const query = thread === undefined ? {} : { thread_id: thread };
    try {
      await inOpenThread(live, thread, () => live.rest.patch(path, { body, query, anonymous: true }));
      return {};
    } catch (error) {
      // Said by the bot itself, or through a webhook that is no more.
      if (!isDenied(error, Code.UnknownMessage, Code.UnknownWebhook, Code.InvalidWebhookToken)) throw error;
    }
  }
  const body = { content: botContent(live, wire), allowed_mentions: allowed(wire) };
  await inOpenThread(live, thread, () => live.rest.patch(Routes.channelMessage(where, part.message), { body }));
  return {};
}

/** The webhook that speaks there, should there be one already. */
async function webhookOf(live: Live, channel: string) {
  const place = await live.guilds.find(channel);
  if (!place || place.guild === undefined) return undefined;
  return await live.webhooks.of(webhookHome(place)).catch((error: unknown) => {
    if (error instanceof Denied) return undefined;
    throw error;
  });
}

export async function remove(live: Live, part: DeletePart): Done {
  const where = await whereOf(live, part);
  const thread = where === part.channel ? undefined : where;
  const reason = part.reason ?? `Deleted by ${part.speaker.name} (${part.speaker.mxid})`;
  const run = async () => {
    if (part.own && (await removeByWebhook(live, part, where))) return {};
    await gone(live.rest.delete(Routes.channelMessage(where, part.message), { reason }));
    return {};
  };
  return await asOurs(live, `delete:${part.message}`, () => inOpenThread(live, thread, run));
}

/** Remembered beforehand, because Discord may tell of it before it answers; not when Discord has said no. */
async function asOurs(live: Live, deed: string, run: () => Done): Done {
  live.doneByUs.set(deed, true);
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof Uncertain)) live.doneByUs.delete(deed);
    throw error;
  }
}

/** What our webhook said, the bot may delete without any right. False = it was not that webhook. */
async function removeByWebhook(live: Live, part: DeletePart, where: string): Promise<boolean> {
  const webhook = await webhookOf(live, part.channel);
  if (!webhook) return false;
  const query = where === part.channel ? {} : { thread_id: where };
  try {
    await live.rest.delete(Routes.webhookMessage(webhook.id, webhook.token, part.message), { query, anonymous: true });
    return true;
  } catch (error) {
    if (isDenied(error, Code.UnknownMessage, Code.UnknownWebhook, Code.InvalidWebhookToken)) return false;
    throw error;
  }
}

/** What is not there any more is deleted. */
async function gone(deleting: Promise<unknown>): Promise<void> {
  try {
    await deleting;
  } catch (error) {
    if (!isDenied(error, Code.UnknownMessage, Code.UnknownChannel)) throw error;
  }
}

/** https://discord.com/developers/docs/resources/message#create-reaction */
export async function react(live: Live, part: ReactPart): Done {
  const where = await whereOf(live, part);
  const thread = where === part.channel ? undefined : where;
  const [first, ...others] = emojiForms(live, part.channel, part.key);
  if (first === undefined) throw new Refused(`Discord does not know the emoji "${nameOf(part.key)}".`);
  const set = async (emoji: string): Promise<void> => {
    const path = Routes.channelMessageOwnReaction(where, part.message, emoji);
    await inOpenThread(live, thread, () => (part.kind === "react" ? live.rest.put(path) : live.rest.delete(path)));
  };
  try {
    await firstKnown([first, ...others], set);
  } catch (error) {
    const already = part.kind === "unreact" && isDenied(error, Code.UnknownMessage, Code.UnknownEmoji);
    if (!already) throw error;
  }
  return {};
}

async function firstKnown(forms: readonly string[], set: (emoji: string) => Promise<void>): Promise<void> {
  for (const [index, form] of forms.entries()) {
    try {
      return await set(form);
    } catch (error) {
      if (!isDenied(error, Code.UnknownEmoji) || index === forms.length - 1) throw error;
    }
  }
}

/** In the path's form. Unicode emoji are tried with and without the sign that asks for a picture: each side writes them its own way. */
export function emojiForms(live: Live, channel: string, key: ReactionKey): string[] {
  if (key.kind === "unicode") {
    const bare = key.text.replaceAll("\ufe0f", "");
    return [...new Set([key.text, bare, `${bare}\ufe0f`])].map(encodeURIComponent);
  }
  const id = isSnowflake(key.id) ? key.id : live.guilds.emojiNamed(channel, key.name);
  return id === undefined ? [] : [encodeURIComponent(`${key.name.replaceAll(/\W/g, "_")}:${id}`)];
}

function nameOf(key: ReactionKey): string {
  return key.kind === "unicode" ? key.text : key.name;
}

export async function pin(live: Live, part: PinPart): Done {
  const where = await whereOf(live, part);
  const path = Routes.channelMessagesPin(where, part.message);
  const reason = `By ${part.speaker.name} (${part.speaker.mxid})`;
  return await asOurs(live, `${part.kind}:${part.message}`, async () => {
    if (part.kind === "pin") await live.rest.put(path, { reason });
    else await gone(live.rest.delete(path, { reason }));
    return {};
  });
}

/** Twice in ten minutes, says Discord: a limit of its own. */
export async function rename(live: Live, part: TopicPart): Done {
  requireAvailable(live, part.channel);
  const body = part.kind === "topic" ? { topic: clip(part.text, 1024) } : { name: clip(part.text, 100) };
  live.setByUs.set(`${part.kind}:${part.channel}`, part.text);
  const reason = `By ${part.speaker.name} (${part.speaker.mxid})`;
  await alone(() => live.rest.patch(Routes.channel(part.channel), { body, reason, sub: part.kind }));
  return {};
}

/** Discord takes two of these in ten minutes: what is said does not wait for them. */
async function alone(run: () => Promise<unknown>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (error instanceof TryLater && error.scope === "channel") throw new TryLater(error.message, error.after, "item");
    throw error;
  }
}

/** Bots cannot vote: how Matrix has voted stands in a line under the poll, which is edited as votes come. */
export async function tally(live: Live, part: VotePart, key: string): Done {
  await live.tallies.told(await whereOf(live, part), part, key);
  return {};
}
