/** https://discord.com/developers/docs/resources/webhook */
import { randomBytes } from "node:crypto";
import { type APIMessage, type APIUser, type APIWebhook, WebhookType } from "discord-api-types/v10";
import { Bit } from "./rights.ts";
import type { Draft } from "./acts.ts";
import { ApiError, archived, invalid, unknown } from "./errors.ts";
import { type Asked, snowflakeIn } from "./request.ts";
import type { Router } from "./router.ts";
import { botOf, channelFor, type Door, editStored, largest, need } from "./routes-messages.ts";
import { messageShape } from "./shapes.ts";
import {
  attachmentsOf,
  contentOf,
  embedsOf,
  mentionsOf,
  pollOf,
  requireKnownFields,
  requireSomething,
  requireUrl,
  requireWebhookName,
} from "./validate.ts";
import { type Channel, isForum, isThread, type Stored } from "./world.ts";

export function webhookRoutes(router: Router, door: Door): void {
  router.on("GET", "/channels/:c/webhooks", (asked, { c }) => {
    const channel = channelFor(door, botOf(asked), c);
    need(door, botOf(asked), channel, Bit.ManageWebhooks);
    return [...door.world.webhooks.values()]
      .filter((one) => one.channel_id === c)
      .map((one) => withToken(one, botOf(asked).application.id));
  });
  router.on("POST", "/channels/:c/webhooks", (asked, { c }) => make(door, asked, c));
  router.on("GET", "/webhooks/:w", (asked, { w }) => withToken(known(door, w), botOf(asked).application.id));
  router.on("DELETE", "/webhooks/:w", (asked, { w }) => {
    botOf(asked);
    destroy(door, known(door, w));
  });
  router.on("GET", "/webhooks/:w/:t", (_asked, p) => {
    const { user: _user, ...webhook } = authorised(door, p);
    return webhook;
  });
  router.on("POST", "/webhooks/:w/:t", (asked, p) => (door.world.bots.has(p.w) ? followUp(door, asked, p) : execute(door, asked, p)));
  router.on("GET", "/webhooks/:w/:t/messages/:m", (asked, p) => {
    const webhook = authorised(door, p);
    return shape(door, ofWebhook(door, webhook, asked, p.m).stored);
  });
  router.on("PATCH", "/webhooks/:w/:t/messages/:m", (asked, p) => {
    if (door.world.interactions.has(p.t)) return followUp(door, asked, p);
    const webhook = authorised(door, p);
    const { channel, stored } = ofWebhook(door, webhook, asked, p.m);
    return shape(door, editStored(door, asked, channel, stored));
  });
  router.on("DELETE", "/webhooks/:w/:t/messages/:m", (asked, p) => {
    const webhook = authorised(door, p);
    const { channel } = ofWebhook(door, webhook, asked, p.m);
    if (channel.meta?.archived) throw archived();
    door.acts.remove(channel, [p.m]);
  });
}

type Incoming = APIWebhook & { channel_id: string };

function known(door: Door, id: string): Incoming {
  snowflakeIn("webhook_id", id);
  const webhook = door.world.webhooks.get(id);
  if (!webhook?.channel_id) throw unknown.webhook();
  return webhook as Incoming;
}

/** The token of somebody else's webhook is not told. */
function withToken(webhook: APIWebhook, application: string): APIWebhook {
  if (webhook.application_id === application || webhook.application_id === null) return webhook;
  const { token: _token, ...rest } = webhook;
  return rest;
}

function authorised(door: Door, p: { w: string; t: string }): Incoming {
  const webhook = known(door, p.w);
  if (webhook.token !== p.t) throw new ApiError(401, 50027, "Invalid Webhook Token");
  return webhook;
}

function make(door: Door, asked: Asked, c: string): APIWebhook {
  const bot = botOf(asked);
  const channel = channelFor(door, bot, c);
  if (channel.guild === undefined) throw new ApiError(403, 50003, "Cannot execute action on a DM channel");
  if (isThread(channel.type)) throw new ApiError(400, 50024, "Cannot execute action on this channel type");
  need(door, bot, channel, Bit.ManageWebhooks);
  requireWebhookName("name", asked.body["name"]);
  const count = [...door.world.webhooks.values()].filter((one) => one.channel_id === c).length;
  if (count >= 15) throw new ApiError(400, 30007, "Maximum number of webhooks reached (15)");
  const webhook: APIWebhook = {
    id: door.world.snowflake(),
    type: WebhookType.Incoming,
    guild_id: channel.guild,
    channel_id: channel.id,
    name: asked.body["name"],
    avatar: null,
    token: randomBytes(51).toString("base64url"),
    application_id: bot.application.id,
    user: bot.user,
  } as APIWebhook;
  door.world.webhooks.set(webhook.id, webhook);
  door.acts.gateway.dispatch("WEBHOOKS_UPDATE", { guild_id: channel.guild, channel_id: channel.id }, { intent: 32, guild: channel.guild });
  return webhook;
}

export function destroy(door: Door, webhook: APIWebhook): void {
  door.world.webhooks.delete(webhook.id);
  door.acts.gateway.dispatch(
    "WEBHOOKS_UPDATE",
    { guild_id: webhook.guild_id, channel_id: webhook.channel_id },
    { intent: 32, guild: webhook.guild_id ?? undefined },
  );
}

function execute(door: Door, asked: Asked, p: { w: string; t: string }): APIMessage | undefined {
  const webhook = authorised(door, p);
  const home = door.world.channels.get(webhook.channel_id);
  if (!home) throw unknown.channel();
  const { body } = asked;
  requireKnownFields(body, "webhook");
  if (body["username"] !== undefined) requireWebhookName("username", body["username"]);
  requireUrl("avatar_url", body["avatar_url"]);
  const draft = draftOf(door, asked, home, webhook);
  const author = speaker(webhook, body);
  const channel = placeOf(door, asked, home, author);
  const stored = channel === "post" ? post(door, asked, home, author, draft) : door.acts.post(channel, author, draft);
  if (typeof body["avatar_url"] === "string") door.acts.avatarUrls.set(stored.message.id, body["avatar_url"]);
  return asked.query.get("wait") === "true" ? shape(door, stored) : undefined;
}

function draftOf(door: Door, asked: Asked, home: Channel, webhook: APIWebhook): Draft {
  const content = contentOf(asked.body);
  const poll = pollOf(asked.body, door.world);
  const flags = Number(asked.body["flags"] ?? 0);
  if ((flags & ~(4 | 4096 | 32_768)) !== 0)
    throw invalid("flags", "MESSAGE_FLAGS_INVALID", "Only SUPPRESS_EMBEDS, SUPPRESS_NOTIFICATIONS and IS_COMPONENTS_V2 can be set.");
  const draft: Draft = {
    content: content ?? "",
    attachments: attachmentsOf(asked, door.world, home.id, largest(door, home)),
    embeds: embedsOf(asked.body),
    flags,
    ...mentionsOf(content ?? "", asked.body),
    webhook: webhook.id,
    ...(webhook.application_id ? { application: webhook.application_id } : {}),
    ...(poll ? { poll } : {}),
  };
  requireSomething(draft);
  return draft;
}

/** The author of a webhook's message is the webhook, under the name that it was given for this once. */
function speaker(webhook: APIWebhook, body: Record<string, unknown>): APIUser {
  const username = String(body["username"] ?? webhook.name ?? "")
    .trim()
    .replaceAll(/\s+/g, " ");
  const avatar =
    typeof body["avatar_url"] === "string" ? Buffer.from(body["avatar_url"]).toString("hex").slice(-32).padStart(32, "0") : null;
  return { id: webhook.id, username, discriminator: "0000", global_name: null, avatar, bot: true } as APIUser;
}

function placeOf(door: Door, asked: Asked, home: Channel, _author: APIUser): Channel | "post" {
  const thread = asked.query.get("thread_id");
  const name = asked.body["thread_name"];
  if (isForum(home.type)) {
    if (thread !== null && name !== undefined)
      throw new ApiError(400, 220_002, "Webhooks posted to forum channels cannot have both a thread_name and thread_id");
    if (thread === null && name === undefined)
      throw new ApiError(400, 220_001, "Webhooks posted to forum channels must have a thread_name or thread_id");
    if (thread === null) return "post";
  } else if (name !== undefined) throw new ApiError(400, 220_003, "Webhooks can only create threads in forum channels");
  if (thread === null) return home;
  snowflakeIn("thread_id", thread);
  const channel = door.world.channels.get(thread);
  if (!channel || channel.parent !== home.id) throw unknown.channel();
  return channel;
}

function post(door: Door, asked: Asked, home: Channel, author: APIUser, draft: Draft): Stored {
  const name = asked.body["thread_name"];
  if (typeof name !== "string" || name.length < 1 || name.length > 100)
    throw invalid("thread_name", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.");
  const tags = (asked.body["applied_tags"] ?? []) as string[];
  if ((home.flags & 16) !== 0 && tags.length === 0)
    throw new ApiError(400, 40_067, "A tag is required to create a forum post in this channel");
  if (tags.some((tag) => !home.tags.some(({ id }) => id === tag))) throw new ApiError(400, 10_087, "Unknown tag");
  return door.acts.forumPost(home, author, name, draft, tags).message;
}

function ofWebhook(door: Door, webhook: Incoming, asked: Asked, m: string): { channel: Channel; stored: Stored } {
  const thread = asked.query.get("thread_id");
  const channel = door.world.channels.get(thread ?? webhook.channel_id);
  const stored = channel && door.world.stored(channel.id, m);
  if (!channel || !stored || stored.message.webhook_id !== webhook.id) throw unknown.message();
  return { channel, stored };
}

function shape(door: Door, stored: Stored): APIMessage {
  return messageShape(stored, door.world, stored.message.webhook_id ?? "");
}

/** An interaction's answer. https://discord.com/developers/docs/interactions/receiving-and-responding#followup-messages */
function followUp(door: Door, asked: Asked, p: { w: string; t: string; m?: string }): unknown {
  const interaction = door.world.interactions.get(p.t);
  if (!interaction) throw unknown.webhook();
  if (!interaction.acknowledged || p.w !== [...door.world.bots.values()][0]?.application.id) throw unknown.webhook();
  if (door.world.now() - interaction.at > 900_000) throw new ApiError(401, 50_027, "Invalid Webhook Token");
  const content = contentOf(asked.body);
  if (!content) throw new ApiError(400, 50_006, "Cannot send an empty message");
  const answer = {
    id: door.world.snowflake(),
    content,
    channel_id: interaction.channel,
    components: asked.body["components"] ?? [],
  } as APIMessage;
  interaction.answers.push(answer);
  return answer;
}
