/** What Discord takes for a message, and what not. https://discord.com/developers/docs/resources/message#create-message */
import { type APIAttachment, type APIEmbed, type APIPoll, MessageFlags } from "discord-api-types/v10";
import { ApiError, invalid, tooLong } from "./errors.ts";
import { type Asked, snowflakeIn } from "./request.ts";
import type { Draft } from "./acts.ts";
import { mentionedIn } from "./acts.ts";
import type { World } from "./world.ts";

/** Fields that the endpoint knows; others are a mistake of ours, which the real one would not tell. */
const BOT_FIELDS = new Set([
  "content",
  "nonce",
  "enforce_nonce",
  "tts",
  "embeds",
  "allowed_mentions",
  "message_reference",
  "components",
  "sticker_ids",
  "attachments",
  "flags",
  "poll",
]);
const WEBHOOK_FIELDS = new Set([
  "content",
  "username",
  "avatar_url",
  "tts",
  "embeds",
  "allowed_mentions",
  "components",
  "attachments",
  "flags",
  "thread_name",
  "applied_tags",
  "poll",
]);

export function requireKnownFields(body: Record<string, unknown>, by: "bot" | "webhook"): void {
  const known = by === "bot" ? BOT_FIELDS : WEBHOOK_FIELDS;
  for (const field of Object.keys(body))
    if (!known.has(field)) throw invalid(field, "UNKNOWN_FIELD", `The field "${field}" has no meaning here.`);
}

export function contentOf(body: Record<string, unknown>): string | undefined {
  const { content } = body;
  if (content === undefined || content === null) return undefined;
  if (typeof content !== "string") throw invalid("content", "BASE_TYPE_BAD_TYPE", "Could not interpret value as a string.");
  const clean = content.replaceAll("\u0000", "").trim();
  if ([...clean].length > 2000) throw tooLong("content", 2000);
  return clean;
}

/** https://discord.com/developers/docs/resources/message#allowed-mentions-object */
export function mentionsOf(content: string, body: Record<string, unknown>): { mentions: string[]; everyone: boolean } {
  const given = body["allowed_mentions"] as { parse?: unknown; users?: unknown; roles?: unknown } | undefined;
  const all = mentionedIn(content);
  const rings = /@(?:everyone|here)\b/.test(content);
  if (given === undefined || given === null) return { mentions: all, everyone: rings };
  const parse = (given.parse ?? []) as unknown[];
  const users = (given.users ?? []) as unknown[];
  if (!Array.isArray(parse) || parse.some((one) => !["roles", "users", "everyone"].includes(String(one)))) {
    throw invalid("allowed_mentions.parse.0", "BASE_TYPE_CHOICES", "Value must be one of ('users', 'everyone', 'roles').");
  }
  if (parse.includes("users") && users.length > 0)
    throw invalid(
      "allowed_mentions",
      "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
      'parse:["users"] and users: [ids...] are mutually exclusive.',
    );
  if (users.length > 100) throw invalid("allowed_mentions.users", "BASE_TYPE_MAX_LENGTH", "Must be 100 or fewer in length.");
  for (const [index, user] of users.entries()) snowflakeIn(`allowed_mentions.users.${index}`, user);
  return {
    mentions: parse.includes("users") ? all : all.filter((id) => users.includes(id)),
    everyone: rings && parse.includes("everyone"),
  };
}

export function attachmentsOf(asked: Asked, world: World, channel: string, largest: number): APIAttachment[] {
  const given = (asked.body["attachments"] ?? []) as Record<string, unknown>[];
  const out: APIAttachment[] = [];
  for (const [index, file] of asked.files) {
    if (file.bytes.length > largest) throw new ApiError(413, 40005, "Request entity too large");
    const meta = given.find((one) => Number(one["id"]) === index) ?? {};
    const description = meta["description"];
    if (typeof description === "string" && description.length > 1024) throw tooLong(`attachments.${index}.description`, 1024);
    out.push(store(world, channel, { ...file, name: safeName(String(meta["filename"] ?? file.name)) }, meta));
  }
  for (const [index, one] of given.entries()) {
    const isNew = Number(one["id"]) < 100;
    if (isNew && !asked.files.has(Number(one["id"])))
      throw invalid(`attachments.${index}`, "ATTACHMENT_NOT_FOUND", "Attachment data not found in message.");
  }
  if (out.length > 10) throw new ApiError(400, 30015, "Maximum number of attachments in a message reached (10)");
  return out;
}

/** Discord keeps letters, digits, dots, dashes and underscores. */
function safeName(name: string): string {
  return name.replaceAll(/[^\p{L}\p{N}._-]+/gu, "_");
}

export function store(
  world: World,
  channel: string,
  file: { name: string; type: string; bytes: Buffer },
  meta: Record<string, unknown> = {},
): APIAttachment {
  const id = world.snowflake();
  const path = `/attachments/${channel}/${id}/${encodeURIComponent(file.name)}`;
  world.files.set(path, { bytes: file.bytes, type: file.type });
  const url = `${world.cdn}${path}?ex=${Math.floor(world.now() / 1000 + 86_400).toString(16)}&is=${Math.floor(world.now() / 1000).toString(16)}&hm=0`;
  return {
    id,
    filename: file.name,
    size: file.bytes.length,
    url,
    proxy_url: url,
    content_type: file.type,
    ...(typeof meta["description"] === "string" ? { description: meta["description"] } : {}),
    ...(typeof meta["duration_secs"] === "number" ? { duration_secs: meta["duration_secs"] } : {}),
    ...(typeof meta["waveform"] === "string" ? { waveform: meta["waveform"] } : {}),
    ...(file.type.startsWith("image/") ? { width: 64, height: 64 } : {}),
  };
}

export function embedsOf(body: Record<string, unknown>): APIEmbed[] {
  const embeds = (body["embeds"] ?? []) as APIEmbed[];
  if (embeds.length > 10) throw tooLong("embeds", 10);
  return embeds.map((embed) => ({ ...embed, type: "rich" as never }));
}

/** https://discord.com/developers/docs/resources/poll#poll-create-request-object */
export function pollOf(body: Record<string, unknown>, world: World): APIPoll | undefined {
  const given = body["poll"] as
    | { question?: { text?: string }; answers?: { poll_media?: { text?: string } }[]; duration?: number; allow_multiselect?: boolean }
    | undefined;
  if (!given) return undefined;
  const question = given.question?.text ?? "";
  if (question === "" || question.length > 300)
    throw invalid("poll.question.text", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 300 in length.");
  const answers = given.answers ?? [];
  if (answers.length < 1 || answers.length > 10)
    throw invalid("poll.answers", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 10 in length.");
  for (const [index, answer] of answers.entries()) {
    const text = answer.poll_media?.text ?? "";
    if (text === "" || text.length > 55)
      throw invalid(`poll.answers.${index}.poll_media.text`, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 55 in length.");
  }
  const duration = given.duration ?? 24;
  if (!Number.isInteger(duration) || duration < 1 || duration > 768)
    throw invalid("poll.duration", "NUMBER_TYPE_MAX", "int value should be less than or equal to 768.");
  return {
    question: { text: question },
    answers: answers.map((answer, index) => ({ answer_id: index + 1, poll_media: { text: answer.poll_media?.text ?? "" } })),
    expiry: world.iso(world.now() + duration * 3_600_000),
    allow_multiselect: given.allow_multiselect ?? false,
    layout_type: 1,
    results: { is_finalized: false, answer_counts: [] },
  };
}

/** https://discord.com/developers/docs/resources/message#voice-messages */
export function requireVoiceShape(draft: Draft): void {
  if (((draft.flags ?? 0) & MessageFlags.IsVoiceMessage) === 0) return;
  const [sound, ...more] = draft.attachments ?? [];
  if (draft.content !== undefined && draft.content !== "")
    throw new ApiError(400, 50161, "Voice messages do not support additional content.");
  if (!sound || more.length > 0 || !sound.content_type?.startsWith("audio/"))
    throw new ApiError(400, 50159, "Voice messages must have a single audio attachment.");
  if (sound.duration_secs === undefined || sound.waveform === undefined)
    throw new ApiError(400, 50160, "Voice messages must have supporting metadata.");
}

export function requireSomething(draft: Draft): void {
  const { content, attachments, embeds, poll, components } = draft;
  const empty = (content ?? "") === "" && !attachments?.length && !embeds?.length && !poll && !components?.length;
  if (empty) throw new ApiError(400, 50006, "Cannot send an empty message");
}

/** https://discord.com/developers/docs/resources/webhook#create-webhook, https://discord.com/developers/docs/resources/user#usernames-and-nicknames */
export function requireWebhookName(path: string, name: unknown): asserts name is string {
  if (typeof name !== "string") throw invalid(path, "BASE_TYPE_BAD_TYPE", "Could not interpret value as a string.");
  const trimmed = name.trim();
  if (trimmed.length < 1 || [...trimmed].length > 80) throw invalid(path, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 80 in length.");
  for (const word of ["clyde", "discord"]) {
    if (trimmed.toLowerCase().includes(word)) throw invalid(path, "USERNAME_INVALID_CONTAINS", `Username cannot contain "${word}"`);
  }
  if (["everyone", "here"].includes(trimmed.toLowerCase())) throw invalid(path, "USERNAME_INVALID", `Username cannot be "${trimmed}"`);
}

export function requireUrl(path: string, url: unknown): void {
  if (url === undefined || url === null) return;
  if (typeof url !== "string" || !URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw invalid(path, "URL_TYPE_INVALID_URL", "Not a well formed URL.");
}
