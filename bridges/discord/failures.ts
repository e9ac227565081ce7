/**
 * What Discord says no with, as a sentence for the person whose message it is.
 *
 * https://discord.com/developers/docs/topics/opcodes-and-status-codes#json-json-error-codes
 */
import { RESTJSONErrorCodes as Code } from "discord-api-types/v10";
import { Refused } from "../../core/model/errors.ts";

export { Code };

/** Discord's own no. `code` is one of its numbers, 0 where it gave none. */
export class Denied extends Refused {
  readonly code: number;
  readonly status: number;
  constructor(code: number, status: number, said: string) {
    super(sentenceOf(code, status, said));
    this.code = code;
    this.status = status;
  }
}

export function isDenied(error: unknown, ...codes: readonly number[]): error is Denied {
  return error instanceof Denied && (codes.length === 0 || codes.includes(error.code));
}

const SENTENCES: Readonly<Record<number, string>> = {
  [Code.UnknownChannel]: "There is no such channel on Discord any more, or the bot cannot see it.",
  [Code.UnknownGuild]: "The bot is not on that Discord server any more.",
  [Code.UnknownMember]: "Nobody of that name is on the Discord server.",
  [Code.UnknownMessage]: "That message is not on Discord any more.",
  [Code.UnknownUser]: "There is no such person on Discord.",
  [Code.UnknownEmoji]: "Discord does not know that emoji, or the bot may not use it.",
  [Code.UnknownWebhook]: "The bridge's webhook in that channel was deleted.",
  [Code.InvalidWebhookToken]: "The bridge's webhook in that channel was deleted.",
  [Code.ActionCannotBePerformedDueToSlowmodeRateLimit]: "That channel is in slow mode.",
  [Code.MaximumNumberOfPinsReachedForTheChannel]: "That Discord channel has as many pinned messages as it can have.",
  [Code.MaximumNumberOfWebhooksReached]: "That Discord channel has as many webhooks as it can have: delete one that nobody needs.",
  [Code.MaximumNumberOfWebhooksPerGuildReached]: "That Discord server has as many webhooks as it can have: delete one that nobody needs.",
  [Code.MaximumNumberOfReactionsReached]: "That message has as many different reactions as Discord allows.",
  [Code.MaximumNumberOfEditsToMessagesOlderThanOneHourReached]:
    "Discord lets old messages be edited a few times only; the old text stands there.",
  [Code.VerifyYourAccount]: "Discord wants the bot's account to be verified first.",
  [Code.RequestEntityTooLarge]: "The file is larger than that Discord server takes.",
  [Code.FileUploadedExceedsMaximumSize]: "The file is larger than that Discord server takes.",
  [Code.CannotSendAMessageInAForumChannel]: "In a Discord forum every message belongs to a post.",
  [Code.TagRequiredToCreateAForumPostInThisChannel]: "That Discord forum wants every post to have a tag.",
  [Code.MissingAccess]: "The bot cannot see that channel on Discord.",
  [Code.CannotEditMessageAuthoredByAnotherUser]: "Only its author can edit that message on Discord.",
  [Code.CannotSendAnEmptyMessage]: "Nothing of the message is left that Discord could show.",
  [Code.CannotSendMessagesToThisUser]: "That person does not take direct messages from the bot.",
  [Code.CannotSendMessagesInNonTextChannel]: "That Discord channel takes no messages.",
  [Code.MissingPermissions]: "The bot lacks a permission for that on Discord.",
  [Code.CannotExecuteActionOnSystemMessage]: "Discord does not allow that with a system message.",
  [Code.InvalidActionOnArchivedThread]: "That thread is archived on Discord.",
  [Code.ThreadLocked]: "That thread is locked on Discord: only its moderators may write there.",
  [Code.MaximumActiveThreads]: "That Discord server has as many active threads as it can have.",
  [Code.MaximumActiveAnnouncementThreads]: "That Discord channel has as many active threads as it can have.",
  [Code.MessageWasBlockedByAutomaticModeration]: "Discord's AutoMod has blocked the message.",
  [Code.TitleWasBlockedByAutomaticModeration]: "Discord's AutoMod has blocked the title.",
  [Code.MessageBlockedByHarmfulLinksFilter]: "Discord has blocked the message because of a link in it.",
  [Code.ReactionWasBlocked]: "Discord does not let the bot react to that person's messages.",
};

function sentenceOf(code: number, status: number, said: string): string {
  const known = SENTENCES[code];
  if (known !== undefined) return known;
  const words = said.replaceAll(/\s+/g, " ").trim().slice(0, 200);
  return `Discord refused it (${code === 0 ? status : code})${words === "" ? "." : `: ${words}`}`;
}

/** `{code, message, errors}`, the inner messages with their places. Never the request. */
export function deniedFrom(status: number, raw: unknown): Denied {
  const { code, message, errors } = (typeof raw === "object" && raw !== null ? raw : {}) as {
    code?: unknown;
    message?: unknown;
    errors?: unknown;
  };
  const inner = places(errors, "").slice(0, 3).join("; ");
  const said = typeof message === "string" ? message : "";
  return new Denied(typeof code === "number" ? code : 0, status, inner === "" ? said : `${said}: ${inner}`);
}

/** https://discord.com/developers/docs/reference#error-messages */
function places(errors: unknown, path: string, depth = 0): string[] {
  if (typeof errors !== "object" || errors === null || depth > 6) return [];
  return Object.entries(errors).flatMap(([key, value]) => {
    if (key !== "_errors" || !Array.isArray(value)) return places(value, path === "" ? key : `${path}.${key}`, depth + 1);
    return value.map((one: { message?: unknown }) => `${path}: ${typeof one?.message === "string" ? one.message : "wrong"}`);
  });
}
