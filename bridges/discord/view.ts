/** What a converter has to be told besides the payload: gathered beforehand, so that converting never waits. */
import type { APIMessage, APIUser } from "discord-api-types/v10";
import type { RemoteThread } from "../../core/model/events.ts";
import type { RemoteChannelId } from "../../core/model/ids.ts";
import { PLURALKIT } from "./people.ts";
import type { Names } from "./references.ts";

export interface View {
  /** The bot's account and application. */
  readonly me: string;
  readonly application: string;
  /** The bridge's own webhooks, as far as they have spoken or are kept. */
  readonly hooks?: ReadonlySet<string>;
  readonly cdn: string;
  readonly guild: string | undefined;
  /** Whether what Discord itself writes (joins, boosts) is told. */
  readonly system: boolean;
  /** Names from memory, for mentions that the message itself does not resolve. */
  person(id: string): string | undefined;
  role(id: string): string | undefined;
  channel(id: string): string | undefined;
}

/** Where a message stands, as core sees it: threads belong to their channel. */
export interface Stand {
  readonly channel: RemoteChannelId;
  readonly thread?: RemoteThread;
  /** The first message of a forum post: it stands in the channel itself, and carries the post's title and tags. */
  readonly post?: { readonly title: string; readonly tags: readonly string[] };
}

/** By what road an event comes. */
export interface Road {
  readonly via: "live" | "history";
  readonly deliveryId?: string;
}

type Mentioning = Pick<APIMessage, "mentions"> & { readonly mention_everyone?: boolean };
type Mentioned = APIUser & { readonly member?: { readonly nick?: string | null } };

/** Names for a message's text: those that it brings along win. */
export function namesFor(message: Mentioning, view: View): Names {
  const said = new Map<string, string>();
  for (const user of (message.mentions ?? []) as readonly Mentioned[]) {
    said.set(user.id, user.member?.nick ?? user.global_name ?? user.username);
  }
  return {
    person: (id) => said.get(id) ?? view.person(id),
    role: (id) => view.role(id),
    channel: (id) => view.channel(id),
    everyone: message.mention_everyone === true,
    cdn: view.cdn,
  };
}

/** Ours is what the bot says, and what the bridge's own webhooks say. */
export function isOurs(
  message: Pick<APIMessage, "author" | "webhook_id" | "application_id">,
  view: Pick<View, "me" | "application" | "hooks">,
): boolean {
  if (message.author.id === view.me) return true;
  if (message.webhook_id === undefined) return false;
  return message.application_id === view.application || view.hooks?.has(message.webhook_id) === true;
}

export function isPluralKit(message: Pick<APIMessage, "webhook_id" | "application_id">): boolean {
  return message.webhook_id !== undefined && message.application_id === PLURALKIT;
}
