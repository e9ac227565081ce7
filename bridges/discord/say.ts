/**
 * Says one message, under a Matrix person's name through the channel's webhook, or as the bot.
 *
 * https://discord.com/developers/docs/resources/webhook#execute-webhook
 * https://discord.com/developers/docs/resources/message#create-message
 */
import { createHash } from "node:crypto";
import { type APIChannel, type APIMessage, MessageFlags, type APIAllowedMentions as Allowed, Routes } from "discord-api-types/v10";
import { Refused } from "../../core/model/errors.ts";
import type { Progress, SayPart, Sent } from "../../core/model/effects.ts";
import { Code, Denied, isDenied } from "./failures.ts";
import { isThread, type Place } from "./guilds.ts";
import { messageId, threadId } from "./ids.ts";
import type { Live } from "./live.ts";
import { webhookName } from "./names.ts";
import { buttonRows, pollRequest } from "./polls.ts";
import { inOpenThread, requireAvailable, type Target, targetOf } from "./threads.ts";
import { LONGEST, type SayWire, type Trail } from "./wire.ts";
import type { Webhook } from "./webhooks.ts";
import { escapeText } from "./write-markdown.ts";

export async function say(live: Live, part: SayPart, key: string, progress: Progress): Promise<Sent> {
  const wire = part.wire as SayWire;
  const place = part.channel === undefined ? undefined : await live.guilds.findWhole(part.channel);
  if (part.channel !== undefined) requireAvailable(live, part.channel);
  if (!place) throw new Denied(Code.UnknownChannel, 404, "");
  let trail: Trail = readTrail(progress.saved);
  const save = async (change: Trail): Promise<void> => {
    trail = { ...trail, ...change };
    await progress.save(trail);
  };
  const target = await targetOf(live, place, wire, trail, (thread) => save({ thread }));
  const asBot = wire.bot === true || part.speaker.own || (wire.reply !== undefined && isNative(live));
  const webhook = asBot ? undefined : await webhookFor(live, webhookHome(place));
  const after = trail.after ?? lastKnown(live, target);
  const speakBy = async (by: Webhook | undefined): Promise<void> => {
    const { webhook: _before, ...rest } = trail;
    trail = rest;
    await save({ after, ...(by ? { webhook: by.id } : {}) });
  };
  await speakBy(webhook);
  const message = await attempt(live, { part, wire, target, key, webhook }, speakBy);
  live.ours.set(message.id, key);
  live.guilds.spoken(message.channel_id, message.id);
  // It is said already: should this fail, Discord is asked for it later.
  if (wire.poll) await live.tallies.said(message.id, wire.poll).catch(() => undefined);
  const thread = target.post ? message.channel_id : target.thread === place.id ? undefined : target.thread;
  return { id: messageId(message.id), ...(thread === undefined ? {} : { thread: threadId(thread) }) };
}

/** A thread has no webhooks of its own. */
export function webhookHome(place: Place): string {
  return isThread(place.type) && place.parent !== undefined ? place.parent : place.id;
}

/** The newest message that is known where the new one will stand; the place's own id where there is none. */
function lastKnown(live: Live, { place, thread }: Target): string {
  const where = thread === undefined ? place : live.guilds.place(thread);
  return where?.last ?? thread ?? place.id;
}

export function readTrail(saved: unknown): Trail {
  return typeof saved === "object" && saved !== null ? (saved as Trail) : {};
}

/** Undefined = the bot may not make one there, and speaks itself. */
async function webhookFor(live: Live, channel: string): Promise<Webhook | undefined> {
  try {
    return await live.webhooks.of(channel);
  } catch (error) {
    const full = [Code.MaximumNumberOfWebhooksReached, Code.MaximumNumberOfWebhooksPerGuildReached];
    const notThere = [
      Code.MissingPermissions,
      Code.CannotExecuteActionOnDMChannel,
      Code.CannotExecuteActionOnThisChannelType,
      Code.UnknownChannel,
    ];
    if (isDenied(error, ...notThere, ...full)) return undefined;
    throw error;
  }
}

interface Saying {
  readonly part: SayPart;
  readonly wire: SayWire;
  readonly target: Target;
  readonly key: string;
  readonly webhook: Webhook | undefined;
  /** Without the speaker's name and picture. */
  readonly plain?: true;
}

/** Each no that something can be done about is answered once; none of them has sent anything. */
async function attempt(live: Live, saying: Saying, speakBy: (webhook: Webhook | undefined) => Promise<void>): Promise<APIMessage> {
  const send = (change: Partial<Saying>) => inOpenThread(live, saying.target.thread, () => once(live, { ...saying, ...change }));
  try {
    return await send({});
  } catch (error) {
    if (!saying.webhook || !(error instanceof Denied)) throw error;
    if (error.code === Code.UnknownWebhook || error.code === Code.InvalidWebhookToken) {
      const home = webhookHome(saying.target.place);
      await live.webhooks.forget(home);
      const webhook = await webhookFor(live, home);
      await speakBy(webhook);
      return await send({ webhook });
    }
    // A picture or a name that Discord does not take must not cost the message.
    if (error.code === Code.InvalidFormBodyOrContentType && /avatar_url|username/.test(error.message)) return await send({ plain: true });
    throw error;
  }
}

async function once(live: Live, saying: Saying): Promise<APIMessage> {
  return saying.webhook ? await byWebhook(live, saying, saying.webhook) : await byBot(live, saying);
}

async function byWebhook(live: Live, { part, wire, target, plain }: Saying, webhook: Webhook): Promise<APIMessage> {
  const { speaker } = part;
  const body = {
    content: withQuote(wire),
    username: plain ? live.config.relay.webhook_name : webhookName(speaker.name, live.config.relay.mark),
    ...(live.config.relay.avatars && speaker.avatarUrl !== undefined && plain !== true ? { avatar_url: speaker.avatarUrl } : {}),
    allowed_mentions: allowed(wire),
    ...attachments(wire),
    ...(target.post ? { thread_name: wire.title, ...tagsFor(target) } : {}),
  };
  const query = { wait: true, ...(target.thread === undefined ? {} : { thread_id: target.thread }) };
  return await live.rest.post<APIMessage>(Routes.webhook(webhook.id, webhook.token), {
    body,
    query,
    anonymous: true,
    ...fileOf(part, wire),
  });
}

async function byBot(live: Live, { part, wire, target, key }: Saying): Promise<APIMessage> {
  const nonce = nonceOf(key);
  live.nonces.set(nonce, key);
  const flags = wire.voice ? { flags: MessageFlags.IsVoiceMessage } : {};
  const message = {
    ...(wire.voice ? {} : { content: botContent(live, wire) }),
    allowed_mentions: allowed(wire),
    ...attachments(wire),
    ...flags,
    ...(wire.poll && !wire.poll.buttons ? { poll: pollRequest(wire.poll, live.core.clock.now()) } : {}),
    ...(wire.poll?.buttons ? { components: buttonRows(wire.poll) } : {}),
  };
  if (target.post) return await postByBot(live, target, wire, part, message);
  const reference =
    wire.reply !== undefined && isNative(live) ? { message_reference: { message_id: wire.reply, fail_if_not_exists: false } } : {};
  const body = { ...message, ...reference, nonce, enforce_nonce: true };
  return await live.rest.post<APIMessage>(Routes.channelMessages(target.thread ?? target.place.id), { body, ...fileOf(part, wire) });
}

/** https://discord.com/developers/docs/resources/channel#start-thread-in-forum-or-media-channel */
async function postByBot(live: Live, target: Target, wire: SayWire, part: SayPart, message: object): Promise<APIMessage> {
  const body = { name: wire.title, message, ...tagsFor(target) };
  const made = await live.rest.post<APIChannel & { message?: APIMessage }>(Routes.threads(target.place.id), {
    body,
    ...fileOf(part, wire),
  });
  if (!made.message) throw new Refused("Discord made the post, but did not say which message it is.");
  return made.message;
}

function isNative(live: Live): boolean {
  return live.config.relay.replies === "native";
}

export function withQuote(wire: SayWire): string {
  return [wire.quote, wire.content].filter((line) => line !== undefined && line !== "").join("\n");
}

/** The bot's own account: whose words they are stands before them. */
export function botContent(live: Live, wire: SayWire): string {
  const quote = isNative(live) ? undefined : wire.quote;
  const name = wire.name ?? "";
  const words = wire.poll && wire.content === "" ? `${name.replace(/: $/, "")} asks:` : name + wire.content;
  const question = wire.poll?.buttons ? `\n**${escapeText(wire.poll.question)}**` : "";
  return [quote, words + question]
    .filter((line) => line !== undefined && line !== "")
    .join("\n")
    .slice(0, LONGEST);
}

/** Always said in full: what is not named rings nobody. https://discord.com/developers/docs/resources/message#allowed-mentions-object */
export function allowed(wire: Pick<SayWire, "users" | "everyone">): Allowed {
  return { parse: wire.everyone ? ["everyone" as never] : [], users: [...wire.users], replied_user: false };
}

function attachments(wire: SayWire): object {
  if (!wire.file) return {};
  const { name, description } = wire.file;
  const voice = wire.voice ? { duration_secs: wire.voice.seconds, waveform: wire.voice.waveform } : {};
  return { attachments: [{ id: 0, filename: name, ...(description === undefined ? {} : { description }), ...voice }] };
}

function fileOf(part: SayPart, wire: SayWire): object {
  return part.file && wire.file ? { file: { file: part.file, name: wire.file.name } } : {};
}

/** Some forums want a tag on every post. */
function tagsFor({ place }: Target): object {
  const [first] = place.tags;
  return place.wantsTag && first ? { applied_tags: [first.id] } : {};
}

/** The same key is the same message: Discord gives the first one back. 25 characters at most. */
export function nonceOf(key: string): string {
  return createHash("sha256").update(key).digest("base64url").slice(0, 25);
}
