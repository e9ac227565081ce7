/** What stands in the pretended Slack: workspaces, people, channels, messages, files, apps and their tokens. */
import type { KnownBlock, MessageAttachment } from "@slack/types";

export interface Profile {
  readonly display_name: string;
  readonly real_name: string;
  readonly avatar_hash: string;
  readonly image_72: string;
  readonly image_192: string;
}

export interface User {
  readonly id: string;
  /** Home workspace: another one for strangers of Slack Connect. */
  readonly team: string;
  name: string;
  profile: Profile;
  readonly bot?: string;
  deleted: boolean;
  /** Whether they are at their screen. */
  active?: boolean;
  admin: boolean;
  owner: boolean;
}

export interface Reaction {
  readonly name: string;
  readonly users: string[];
}

export interface Stored {
  readonly ts: string;
  readonly channel: string;
  subtype?: string;
  readonly user?: string;
  readonly bot_id?: string;
  readonly app_id?: string;
  readonly username?: string;
  readonly icons?: Record<string, string>;
  text: string;
  blocks?: unknown[];
  attachments?: (MessageAttachment & Record<string, unknown>)[];
  files?: StoredFile[];
  readonly thread_ts?: string;
  readonly client_msg_id?: string;
  edited?: { user: string; ts: string };
  metadata?: { event_type: string; event_payload: Record<string, unknown> };
  readonly reactions: Reaction[];
  pinned: boolean;
  /** Whatever else the message has on the wire. */
  readonly more?: Record<string, unknown>;
}

export interface Channel {
  id: string;
  name: string;
  readonly kind: "channel" | "im" | "mpim";
  private: boolean;
  archived: boolean;
  topic: string;
  purpose: string;
  readonly members: Set<string>;
  /** Ascending by `ts`; replies are among them. */
  readonly messages: Stored[];
  /** Nobody but these may post (a channel for announcements); empty = everybody. */
  readonly onlyPosters: Set<string>;
}

export interface StoredFile {
  readonly id: string;
  readonly name: string;
  readonly title: string;
  readonly mimetype: string;
  readonly size: number;
  readonly user: string;
  readonly bytes: Buffer;
  readonly shares: { channel: string; ts: string; private: boolean; seenFrom: number }[];
  mode: "hosted" | "snippet" | "external" | "tombstone" | "hidden_by_limit";
  alt?: string;
  readonly more?: Record<string, unknown>;
}

export interface Team {
  readonly id: string;
  readonly name: string;
  readonly domain: string;
  readonly users: Map<string, User>;
  readonly channels: Map<string, Channel>;
  readonly files: Map<string, StoredFile>;
  /** Name → address, or `alias:` and a name. */
  readonly emoji: Map<string, string>;
  readonly groups: { id: string; handle: string; name: string; users: string[] }[];
}

export interface App {
  readonly id: string;
  readonly name: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly signingSecret: string;
  readonly appToken: string;
  /** Where events, presses and commands are posted. Absent = Socket Mode. */
  urls?: { readonly events: string; readonly interactivity: string; readonly commands: string };
  readonly botEvents: ReadonlySet<string>;
  readonly userEvents: ReadonlySet<string>;
  /** Where browsers may be sent back to: addresses that begin so. Undefined = anywhere. */
  redirects?: readonly string[];
  /** Whether the manifest declares our metadata: else its payload is taken out of events. */
  declaresMetadata: boolean;
  /** Sold outside of the marketplace: 15 rows, one call a minute. */
  restricted: boolean;
  appTokenRevoked: boolean;
}

/** What a token stands for. */
export interface Grant {
  readonly token: string;
  readonly team: Team;
  readonly app: App;
  /** The bot's account, or the person's. */
  readonly user: User;
  /** Present for a bot's token. */
  readonly bot?: string;
  readonly scopes: Set<string>;
  /** The token is good for all workspaces of this organisation. */
  readonly organisation?: string;
  revoked: boolean;
}

export type Block = KnownBlock | { type: string };

/** The error that the method answers with. `more` are further keys of the answer. */
export class SlackError extends Error {
  readonly code: string;
  readonly more: Record<string, unknown>;
  constructor(code: string, more: Record<string, unknown> = {}) {
    super(code);
    this.code = code;
    this.more = more;
  }
}

export class State {
  readonly teams = new Map<string, Team>();
  readonly apps = new Map<string, App>();
  readonly grants = new Map<string, Grant>();
  #lastTs = 0;
  #ids = 0;

  /** Never the same twice, never earlier than the one before. Microseconds of the wall's clock, as Slack's. */
  newTs(): string {
    this.#lastTs = Math.max(this.#lastTs + 1, Math.floor(Date.now() * 1000));
    return this.tsAt(this.#lastTs);
  }

  tsAt(micros: number): string {
    return `${Math.floor(micros / 1_000_000)}.${String(micros % 1_000_000).padStart(6, "0")}`;
  }

  newId(prefix: string): string {
    this.#ids += 1;
    return `${prefix}0${this.#ids.toString(36).toUpperCase().padStart(8, "0")}`;
  }

  channel(team: Team, id: string): Channel {
    const channel = team.channels.get(id);
    if (!channel) throw new SlackError("channel_not_found");
    return channel;
  }

  message(channel: Channel, ts: string): Stored | undefined {
    return channel.messages.find((message) => message.ts === ts);
  }

  replies(channel: Channel, root: string): Stored[] {
    return channel.messages.filter((message) => message.thread_ts === root && message.ts !== root);
  }
}
