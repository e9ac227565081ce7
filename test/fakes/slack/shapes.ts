/** Things as Slack writes them on the wire. */
import type { GenericMessageEvent } from "@slack/types";
import type { Channel, Grant, State, Stored, StoredFile, Team, User } from "./state.ts";

type Wire = Record<string, unknown>;
type BotProfile = NonNullable<GenericMessageEvent["bot_profile"]>;

/** https://docs.slack.dev/reference/objects/user-object */
export function userShape(user: User, team: Team): Wire {
  return {
    id: user.id,
    team_id: user.team,
    name: user.name,
    deleted: user.deleted,
    color: "9f69e7",
    real_name: user.profile.real_name,
    tz: "Europe/Berlin",
    tz_label: "Central European Time",
    tz_offset: 3600,
    profile: {
      title: "",
      phone: "",
      skype: "",
      real_name: user.profile.real_name,
      real_name_normalized: user.profile.real_name,
      display_name: user.profile.display_name,
      display_name_normalized: user.profile.display_name,
      fields: null,
      status_text: "",
      status_emoji: "",
      status_emoji_display_info: [],
      status_expiration: 0,
      avatar_hash: user.profile.avatar_hash,
      image_24: user.profile.image_72,
      image_32: user.profile.image_72,
      image_48: user.profile.image_72,
      image_72: user.profile.image_72,
      image_192: user.profile.image_192,
      image_512: user.profile.image_192,
      ...(user.bot === undefined ? {} : { bot_id: user.bot, api_app_id: "A0" }),
      team: user.team,
    },
    is_admin: user.admin || user.owner,
    is_owner: user.owner,
    is_primary_owner: user.owner,
    is_restricted: false,
    is_ultra_restricted: false,
    is_bot: user.bot !== undefined,
    is_app_user: false,
    ...(user.team === team.id ? {} : { is_stranger: true }),
    updated: 1_700_000_000,
    is_email_confirmed: true,
    who_can_share_contact_card: "EVERYONE",
  };
}

/** https://docs.slack.dev/reference/objects/conversation-object */
export function channelShape(channel: Channel, grant: Grant): Wire {
  const other = [...channel.members].find((member) => member !== grant.user.id);
  return {
    id: channel.id,
    created: 1_600_000_000,
    is_archived: channel.archived,
    is_im: channel.kind === "im",
    is_org_shared: false,
    context_team_id: grant.team.id,
    updated: 1_600_000_000_000,
    ...(channel.kind === "im"
      ? { user: other, is_user_deleted: false }
      : {
          name: channel.name,
          name_normalized: channel.name,
          is_channel: channel.kind === "channel" && !channel.private,
          is_group: channel.private && channel.kind === "channel",
          is_mpim: channel.kind === "mpim",
          is_private: channel.private || channel.kind === "mpim",
          is_general: false,
          unlinked: 0,
          is_shared: false,
          is_ext_shared: false,
          is_pending_ext_shared: false,
          pending_shared: [],
          parent_conversation: null,
          creator: "U0CREATOR",
          is_member: channel.members.has(grant.user.id),
          topic: { value: channel.topic, creator: "", last_set: 0 },
          purpose: { value: channel.purpose, creator: "", last_set: 0 },
          previous_names: [],
          num_members: channel.members.size,
        }),
  };
}

/** https://docs.slack.dev/reference/objects/file-object */
export function fileShape(file: StoredFile, team: Team, host: string, now: number, withShares = true): Wire {
  if (file.mode === "tombstone") return { id: file.id, mode: "tombstone" };
  const shares: { public?: Wire; private?: Wire } = {};
  for (const share of file.shares) {
    if (share.seenFrom > now) continue;
    const kind = share.private ? "private" : "public";
    shares[kind] = {
      ...shares[kind],
      [share.channel]: [{ reply_users: [], reply_users_count: 0, reply_count: 0, ts: share.ts, team_id: team.id }],
    };
  }
  const path = `${host}/files-pri/${team.id}-${file.id}`;
  const inChannels = file.shares.filter((share) => !share.private).map((share) => share.channel);
  return {
    id: file.id,
    created: 1_700_000_000,
    timestamp: 1_700_000_000,
    name: file.name,
    title: file.title,
    mimetype: file.mimetype,
    filetype: file.name.split(".").at(-1) ?? "binary",
    pretty_type: "File",
    user: file.user,
    user_team: team.id,
    editable: file.mode === "snippet",
    size: file.size,
    mode: file.mode,
    is_external: file.mode === "external",
    external_type: "",
    is_public: inChannels.length > 0,
    public_url_shared: false,
    display_as_bot: false,
    username: "",
    url_private: `${path}/${encodeURIComponent(file.name)}`,
    url_private_download: `${path}/download/${encodeURIComponent(file.name)}`,
    media_display_type: "unknown",
    permalink: `https://${team.domain}.slack.com/files/${file.user}/${file.id}/${encodeURIComponent(file.name)}`,
    permalink_public: `https://slack-files.com/${team.id}-${file.id}-abc`,
    is_starred: false,
    has_rich_preview: false,
    file_access: "visible",
    ...(file.alt === undefined ? {} : { alt_txt: file.alt }),
    ...(withShares ? { shares, channels: inChannels, groups: [], ims: [], comments_count: 0 } : {}),
    ...file.more,
  };
}

export function botProfile(grant: Pick<Grant, "app" | "team"> & { readonly bot?: string }): BotProfile {
  return {
    id: grant.bot ?? "",
    app_id: grant.app.id,
    name: grant.app.name,
    icons: {
      image_36: "https://a.slack-edge.com/36.png",
      image_48: "https://a.slack-edge.com/48.png",
      image_72: "https://a.slack-edge.com/72.png",
    },
    deleted: false,
    updated: 1_600_000_000,
    team_id: grant.team.id,
  };
}

export interface MessageOptions {
  readonly metadata: "none" | "type" | "all";
  /** Counters of the thread and reactions, as the history tells them. */
  readonly counters: boolean;
}

/** https://docs.slack.dev/reference/events/message */
export function messageShape(state: State, team: Team, host: string, message: Stored, options: MessageOptions): Wire {
  const channel = team.channels.get(message.channel);
  const replies = channel ? state.replies(channel, message.ts) : [];
  const grant = [...state.grants.values()].find((each) => each.bot !== undefined && each.bot === message.bot_id);
  const root =
    channel && message.thread_ts !== undefined && message.thread_ts !== message.ts ? state.message(channel, message.thread_ts) : undefined;
  const now = Date.now();
  return {
    type: "message",
    ...(message.subtype === undefined ? {} : { subtype: message.subtype }),
    ...(message.subtype === "tombstone" ? { hidden: true } : {}),
    ...(message.user === undefined ? {} : { user: message.user }),
    text: message.text,
    ts: message.ts,
    ...(message.client_msg_id === undefined ? {} : { client_msg_id: message.client_msg_id }),
    ...(message.user === undefined ? {} : { team: team.users.get(message.user)?.team ?? team.id }),
    ...(message.bot_id === undefined ? {} : { bot_id: message.bot_id }),
    ...(message.app_id === undefined ? {} : { app_id: message.app_id }),
    ...(message.username === undefined ? {} : { username: message.username }),
    ...(message.icons === undefined ? {} : { icons: message.icons }),
    ...(grant && message.bot_id !== undefined && message.subtype !== "bot_message" ? { bot_profile: botProfile(grant) } : {}),
    ...(message.blocks === undefined ? {} : { blocks: message.blocks }),
    ...(message.attachments === undefined ? {} : { attachments: message.attachments }),
    ...(message.files === undefined ? {} : { files: message.files.map((file) => fileShape(file, team, host, now, false)), upload: true }),
    ...(message.edited === undefined ? {} : { edited: message.edited }),
    ...(message.thread_ts === undefined ? {} : { thread_ts: message.thread_ts }),
    ...(root?.user === undefined ? {} : { parent_user_id: root.user }),
    ...(replies.length === 0 ? {} : threadCounters(message, replies)),
    ...(options.counters && message.reactions.length > 0
      ? { reactions: message.reactions.map(({ name, users }) => ({ name, users: [...users], count: users.length })) }
      : {}),
    ...(message.pinned ? { pinned_to: [message.channel] } : {}),
    ...metadataShape(message, options.metadata),
    ...message.more,
  };
}

function threadCounters(message: Stored, replies: readonly Stored[]): Wire {
  const people = [...new Set(replies.map((reply) => reply.user ?? reply.bot_id ?? ""))];
  return {
    thread_ts: message.ts,
    reply_count: replies.length,
    reply_users_count: people.length,
    latest_reply: replies.at(-1)?.ts,
    reply_users: people,
    is_locked: false,
    subscribed: false,
  };
}

function metadataShape({ metadata }: Stored, how: MessageOptions["metadata"]): Wire {
  if (metadata === undefined || how === "none") return {};
  return { metadata: how === "all" ? metadata : { event_type: metadata.event_type, event_payload: {} } };
}
