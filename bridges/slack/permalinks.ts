/** Where a person reads a message on Slack. https://docs.slack.dev/reference/methods/chat.getPermalink */
import type { RemoteChannelId, RemoteMessageId, RemoteThreadId } from "../../core/model/ids.ts";
import { channelOf, TIMESTAMP } from "./ids.ts";

/** Stands for the workspace's own address until a connection knows it; Slack sends whoever follows it on to theirs. */
const ANY_WORKSPACE = "https://slack.com/";

/** `workspace` is the workspace's address (`https://acme.slack.com/`). */
export function messageLink(
  workspace: string | undefined,
  channel: RemoteChannelId,
  message?: RemoteMessageId,
  thread?: RemoteThreadId,
): string | undefined {
  const place = channelOf(channel);
  if (place === undefined) return undefined;
  const url = `${workspace ?? ANY_WORKSPACE}archives/${place}`;
  if (message === undefined) return url;
  if (!TIMESTAMP.test(message)) return undefined;
  const within = thread !== undefined && thread !== (message as string) ? `?thread_ts=${thread}&cid=${place}` : "";
  return `${url}/p${message.replace(".", "")}${within}`;
}

const ARCHIVES = /"https:\/\/slack\.com\/archives\//g;

/** Gives links that were made before the workspace was known its address. `json` is a wire form. */
export function withWorkspace(json: string, workspace: string): string {
  return json.replace(ARCHIVES, `"${workspace}archives/`);
}

const PERMALINK = /^https:\/\/[a-z0-9.-]+\.slack\.com\/archives\/([CGD][A-Z0-9]+)\/p(\d{10,12})(\d{6})(?:\?.*)?$/;

/** The channel and message that an address leads to. Undefined = it is no permalink of Slack's. */
export function readPermalink(url: string): { readonly channel: string; readonly ts: string } | undefined {
  const [, channel, seconds, micros] = PERMALINK.exec(url) ?? [];
  return channel === undefined ? undefined : { channel, ts: `${seconds}.${micros}` };
}
