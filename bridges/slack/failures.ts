/** What Slack's errors mean, by what is to be done next. https://docs.slack.dev/reference/methods/chat.postMessage#errors */
import { ErrorCode, type WebAPICallError } from "@slack/web-api";
import { Broken, LoggedOut, Refused, TryLater, Uncertain } from "../../core/model/errors.ts";
import { filled, record, string } from "./wire.ts";

export interface Doing {
  /** What was being done, so that "Slack did not …" is a sentence. */
  readonly deed: string;
  /** True when doing it twice is doing it once: an unclear outcome is then no more than a reason to do it again. */
  readonly repeatable: boolean;
  /** What helps when the token is no longer good. Absent = what helps the app's own. */
  readonly mend?: string;
}

/** The code in Slack's `error`. Undefined = the failure was of another kind. */
export function slackCode(error: unknown): string | undefined {
  const code = record(error).code === ErrorCode.PlatformError ? string(record(record(error).data).error) : "";
  return /^[a-z_]{1,80}$/.test(code) ? code : undefined;
}

const codes = new WeakMap<Error, { readonly code: string; readonly needed: string }>();

/** Slack's own word behind one of the five errors. Undefined = there was none. */
export function codeOf(failure: unknown): string | undefined {
  return failure instanceof Error ? codes.get(failure)?.code : undefined;
}

/** The scope that was missing. */
export function neededBy(failure: unknown): string | undefined {
  return failure instanceof Error ? codes.get(failure)?.needed : undefined;
}

/** How long Slack wants to be left alone, in milliseconds. Undefined = it was no rate limit. */
export function retryAfter(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  if ((error as WebAPICallError).code === ErrorCode.RateLimitedError) return 1000 * Number(record(error).retryAfter);
  const code = slackCode(error);
  return code === "ratelimited" || code === "rate_limited" || error.message.startsWith("Retry header") ? ASK_AGAIN : undefined;
}

const ASK_AGAIN = 30_000;
/** A login's trouble that time mends. */
const SOON = 10_000;
const HOUR = 3_600_000;

export function failureOf(error: unknown, doing: Doing): Error {
  const after = retryAfter(error);
  if (after !== undefined)
    return new TryLater(`Slack did not ${doing.deed}: it asks for a pause.`, after, "channel", { cause: plain(error) });
  if (error instanceof TryLater) return error;
  const code = slackCode(error);
  if (code === undefined) return transportFailure(error, doing);
  const failure = platformFailure(code, error, doing);
  codes.set(failure, { code, needed: string(record(record(error).data).needed) });
  return failure;
}

/** What went wrong underneath, without whatever hangs on the error: requests carry tokens. */
function plain(error: unknown): Error {
  const message = error instanceof Error ? error.message : String(error);
  return new Error(message.replace(/xox[a-z]-[\w-]+|xapp-[\w-]+/g, "[token]"));
}

function platformFailure(code: string, error: unknown, doing: Doing): Error {
  const cause = { cause: plain(error) };
  if (code === "missing_scope") return missingScope(error, doing);
  const ended = LOGGED_OUT[code];
  if (ended !== undefined) return new LoggedOut(`${ended} ${doing.mend ?? INSTALL_AGAIN}`.trim(), cause);
  if (code === "internal_error" || code === "fatal_error" || code === "update_failed")
    return unclear(doing, "it had an error of its own", cause);
  // What is written there waits, and goes when somebody takes the channel out of the archive.
  if (code === "is_archived") return new TryLater(`Slack did not ${doing.deed}: the channel is archived.`, HOUR, "channel", cause);
  const later = LATER[code];
  if (later !== undefined) return new TryLater(`Slack did not ${doing.deed}: ${later}.`, SOON, "login", cause);
  const refused = REFUSED[code];
  if (refused !== undefined) return new Refused(`Slack did not ${doing.deed}: ${refused}.`, cause);
  if (code.startsWith("restricted_action"))
    return new Refused(`Slack did not ${doing.deed}: the workspace's admins do not allow it here.`, cause);
  if (code.startsWith("slack_connect_"))
    return new Refused(`Slack did not ${doing.deed}: the rules of this shared channel forbid it.`, cause);
  return new Broken(`Slack did not ${doing.deed}: "${code}".`, cause);
}

function missingScope(error: unknown, doing: Doing): Error {
  const needed = filled(record(record(error).data).needed);
  const what = needed === undefined ? "a permission" : `the permission "${needed.slice(0, 200)}"`;
  return new Refused(
    `Slack did not ${doing.deed}: the app lacks ${what}. Add it under "OAuth & Permissions" in the app's settings and install the app again.`,
  );
}

function unclear(doing: Doing, why: string, cause: ErrorOptions): Error {
  if (doing.repeatable) return new TryLater(`Slack did not ${doing.deed}: ${why}.`, SOON, "login", cause);
  return new Uncertain(`Slack may or may not have done this (${doing.deed}): ${why}.`, cause);
}

/** The request never left this machine, or never reached theirs. */
const UNSENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
  "EADDRNOTAVAIL",
]);

function transportFailure(error: unknown, doing: Doing): Error {
  const cause = { cause: plain(error) };
  const status = record(error).code === ErrorCode.HTTPError ? Number(record(error).statusCode) : undefined;
  if (status !== undefined && status < 500) return new Broken(`Slack did not ${doing.deed}: it answered with status ${status}.`, cause);
  if (status !== undefined) return unclear(doing, `it answered with status ${status}`, cause);
  if (isUnsent(error)) return new TryLater(`Slack did not ${doing.deed}: it cannot be reached.`, SOON, "login", cause);
  return unclear(doing, "the connection broke before it answered", cause);
}

export function isUnsent(error: unknown): boolean {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 6; depth++) {
    const { code, original, errors } = at as Error & { code?: unknown; original?: unknown; errors?: unknown };
    if (typeof code === "string" && (UNSENT.has(code) || code.startsWith("ERR_TLS") || code.startsWith("CERT_"))) return true;
    at = original ?? at.cause ?? (Array.isArray(errors) ? errors[0] : undefined);
  }
  return false;
}

export const INSTALL_AGAIN = "Put a working token into the config, or install the app again.";

const LOGGED_OUT: Readonly<Record<string, string>> = {
  invalid_auth: "Slack does not know this token.",
  not_authed: "Slack got no token.",
  account_inactive: "The account or the app behind this token is gone from the workspace.",
  token_revoked: "This token has been revoked.",
  token_expired: "This token has run out: switch token rotation off in the app's settings.",
  user_removed_from_team: "The person behind this token has left the workspace.",
  team_disabled: "The workspace has been closed on Slack.",
  enterprise_is_restricted: "The organisation does not let this app in.",
  not_allowed_token_type: "Slack does not take this kind of token here: a bot's token begins with xoxb-, a person's with xoxp-.",
};

const LATER: Readonly<Record<string, string>> = {
  service_unavailable: "it is not available at the moment",
  request_timeout: "the request arrived in part",
  team_added_to_org: "the workspace is being moved",
  org_login_required: "the workspace is being moved",
  external_channel_migrating: "the channel is being moved",
  message_limit_exceeded: "the workspace sends too much at the moment",
  accesslimited: "access is limited at the moment",
};

const REFUSED: Readonly<Record<string, string>> = {
  not_in_channel: "the app is not in the channel. Someone there has to invite it, with /invite and the app's name",
  channel_not_found: "there is no such channel, or the app cannot see it. In a private channel, invite it with /invite and the app's name",
  is_inactive: "the channel is archived or frozen",
  msg_too_long: "the text is too long",
  no_text: "there is nothing in it that Slack can show",
  cant_update_message: "the message is not this login's to edit, or of a kind that cannot be edited",
  edit_window_closed: "the workspace does not let messages this old be edited",
  cant_delete_message: "this login may not delete that message",
  compliance_exports_prevent_deletion: "the workspace keeps everything for its records",
  message_not_found: "the message is not there any more",
  bad_timestamp: "the message is not there any more",
  thread_not_found: "the thread is not there any more",
  cannot_reply_to_message: "a message of that kind has no thread",
  ekm_access_denied: "the workspace's admins have suspended this",
  invalid_name: "it has no emoji of that name",
  too_many_emoji: "the message has as many different reactions as Slack allows",
  too_many_reactions: "the message has as many reactions as Slack allows",
  not_reactable: "that message takes no reactions",
  no_permission: "this login lacks the right",
  not_authorized: "this login lacks the right",
  permission_denied: "this login lacks the right",
  user_is_restricted: "a guest may not do this",
  user_is_ultra_restricted: "a guest may not do this",
  cant_kick_self: "nobody can remove themselves so",
  cant_kick_from_general: "nobody can be removed from the workspace's main channel",
  name_taken: "another channel has that name",
  invalid_name_specials: "a channel's name holds small letters, digits, - and _ only",
  invalid_name_required: "a channel needs a name",
  invalid_name_punctuation: "a channel's name holds more than punctuation",
  invalid_name_maxlength: "the name is too long",
  too_long: "the text is too long",
  not_pinnable: "that message cannot be pinned",
  file_not_found: "the file is not there any more",
  file_deleted: "the file has been deleted",
  blocked_file_type: "the workspace does not allow files of this type",
  file_uploads_disabled: "the workspace does not allow uploads",
  file_uploads_except_images_disabled: "the workspace allows pictures only",
  posting_to_channel_denied: "this login may not share files in that channel",
  storage_limit_reached: "the workspace's storage is full",
  method_not_supported_for_channel_type: "this kind of conversation does not have it",
  user_not_found: "there is no such person",
  users_not_found: "there is no such person",
  user_disabled: "that person's account is switched off",
  cannot_dm_bot: "an app cannot be written to",
  team_access_not_granted: "the app has not been given this workspace",
  access_denied: "access is denied",
};
