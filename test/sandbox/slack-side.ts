/** The Slack side: people with Slack's own client in the pretended workspace, and the channel as they see it. */
import { Readable } from "node:stream";
import { readBlocks } from "../../bridges/slack/blocks.ts";
import { emojiOf } from "../../bridges/slack/emoji.ts";
import { personId } from "../../bridges/slack/ids.ts";
import type { Known } from "../../bridges/slack/known.ts";
import { readMrkdwn } from "../../bridges/slack/mrkdwn.ts";
import { writeBlocks } from "../../bridges/slack/write-blocks.ts";
import { toPlain } from "../../core/model/plain.ts";
import type { RichText } from "../../core/model/richtext.ts";
import { mapInlines } from "../../core/model/walk.ts";
import type { FakeSlack } from "../fakes/slack.ts";
import type { Person } from "../fakes/slack/people.ts";
import type { Channel, Grant, Stored, Team } from "../fakes/slack/state.ts";
import { type Action, ChannelLog, DEEDS, type FileState, message, type MessageState, type PersonState, type Side } from "./side.ts";
import { readTyped } from "./typed.ts";
import { LOOKED_AT, type Sight, watch } from "./watch.ts";

export interface SlackSideOptions {
  readonly fake: FakeSlack;
  readonly team: Team;
  readonly channel: Channel;
  readonly people: readonly Person[];
  /** The bridge's installation. */
  readonly bot: Grant;
  readonly changed: ConstructorParameters<typeof ChannelLog>[2];
}

/** What Slack's client shows as a line of its own. */
const EVENTS = ["channel_join", "channel_leave", "channel_topic", "channel_name", "channel_purpose"];

export class SlackSide implements Side {
  readonly id = "slack";
  readonly name = "Slack";
  readonly deeds = DEEDS;
  readonly people: readonly PersonState[];
  readonly channels: readonly ChannelLog[];
  readonly #options: SlackSideOptions;
  readonly #known: Known;
  readonly #stop: () => void;

  constructor(options: SlackSideOptions) {
    this.#options = options;
    this.people = options.people.map(({ user }) => ({ id: user.id, name: user.profile.display_name }));
    const log = new ChannelLog(options.channel.id, `#${options.channel.name}`, options.changed);
    this.channels = [log];
    this.#known = knownOf(options);
    this.#stop = watch({ log, look: () => this.#look(), topic: () => options.channel.topic });
  }

  async act({ do: deed, as, text, to, file }: Action): Promise<string | undefined> {
    const { channel, people } = this.#options;
    const person = people.find(({ user }) => user.id === as.id);
    if (!person) throw new Error(`${as.name} is not on Slack.`);
    const target = to?.id ?? "";
    const blocks = (): { blocks: unknown[] } => ({ blocks: writeBlocks(this.#typed(text)) });
    switch (deed) {
      case "say":
        return person.say(channel, text, { more: blocks() }).ts;
      case "action":
        return person.say(channel, text, { more: { ...blocks(), subtype: "me_message" } }).ts;
      case "reply":
        return person.say(channel, text, { thread: to?.thread ?? target, broadcast: true, more: blocks() }).ts;
      case "thread":
        return person.say(channel, text, { thread: to?.thread ?? target, more: blocks() }).ts;
      case "edit":
        person.edit(channel, target, text);
        return target;
      case "delete":
        person.delete(channel, target);
        return target;
      case "react":
      case "unreact":
        person.react(channel, target, text, deed === "react");
        return target;
      case "upload":
        return file && person.upload(channel, { name: file.name, mimetype: file.type, bytes: file.bytes }, text).ts;
      case "topic":
        person.topic(channel, text);
        return undefined;
    }
  }

  async open(reference: string): Promise<{ stream: Readable; type: string; name: string } | undefined> {
    const file = this.#options.team.files.get(reference);
    return file && { stream: Readable.from([file.bytes]), type: file.mimetype, name: file.name };
  }

  async stop(): Promise<void> {
    this.#stop();
  }

  /** Formatted, with mentions of those whom the workspace knows. */
  #typed(text: string): RichText {
    const { team } = this.#options;
    const find = (name: string) =>
      [...team.users.values()].find(({ profile }) => profile.display_name.toLowerCase() === name.toLowerCase());
    return mapInlines(
      readTyped(text, (name) => find(name) !== undefined),
      (node) => {
        const user = node.type === "mention" ? find(node.text) : undefined;
        return user && node.type === "mention" ? { ...node, target: { kind: "person", remote: personId(team.id, user.id) } } : node;
      },
    );
  }

  #look(): readonly Sight[] {
    return this.#options.channel.messages
      .filter(({ subtype }) => subtype !== "tombstone")
      .slice(-LOOKED_AT)
      .map((stored) => ({ id: stored.ts, print: printOf(stored), show: () => this.#show(stored) }));
  }

  #show(stored: Stored): MessageState {
    const { ts, thread_ts: thread, subtype, reactions, edited } = stored;
    const body = this.#named(stored.blocks?.length ? readBlocks(stored.blocks, this.#known) : readMrkdwn(stored.text, this.#known));
    const key = (name: string): string => emojiOf(name) ?? `:${name}:`;
    return message({
      id: ts,
      who: this.#who(stored),
      at: Math.floor(Number(ts) * 1000),
      style: subtype === "me_message" ? "emote" : EVENTS.includes(subtype ?? "") ? "event" : "text",
      body,
      text: toPlain(body),
      raw: rawOf(stored),
      edited: edited !== undefined,
      files: filesOf(stored),
      reactions: reactions.map(({ name, users }) => ({ key: key(name), people: users.map((id) => ({ id, name: this.#nameOf(id) })) })),
      ...(thread !== undefined && thread !== ts && { thread }),
    });
  }

  /** The name that the workspace shows for whoever is mentioned. */
  #named(body: RichText): RichText {
    return mapInlines(body, (node) => {
      const remote = node.type === "mention" && node.target.kind === "person" ? node.target.remote : undefined;
      return node.type === "mention" && remote ? { ...node, text: this.#nameOf(remote.split("/")[1] ?? "") } : node;
    });
  }

  #nameOf(id: string): string {
    return this.#options.team.users.get(id)?.profile.display_name ?? id;
  }

  #who({ user = "", username, bot_id: botId }: Stored): MessageState["who"] {
    const { bot, people } = this.#options;
    const ours = (botId !== undefined && botId === bot.bot) || user === bot.user.id;
    const name = username ?? this.#nameOf(user || bot.user.id);
    return { id: user || (botId ?? name), name, from: ours ? "bridge" : people.some((person) => person.user.id === user) ? "here" : "bot" };
  }
}

function printOf({ text, blocks, edited, reactions, pinned, files, subtype, attachments }: Stored): string {
  return JSON.stringify([text, blocks, edited, reactions, pinned, files?.map(({ id, mode }) => [id, mode]), subtype, attachments]);
}

function rawOf(stored: Stored): string {
  const shown = { ...stored, files: stored.files?.map(({ bytes: _bytes, ...file }) => file) };
  return JSON.stringify(shown, undefined, 2);
}

function filesOf({ files = [] }: Stored): FileState[] {
  return files
    .filter(({ mode }) => mode !== "tombstone")
    .map(({ id, name, mimetype, size }) => ({ name, type: mimetype, size, url: `api/file/slack/${id}` }));
}

/** What a reader of the wire must know, as someone who sees the whole workspace. */
function knownOf({ team, bot }: SlackSideOptions): Known {
  return {
    team: team.id,
    self: { user: bot.user.id },
    firstId: (channel) => channel,
    channel: (channel) => team.channels.get(channel)?.name,
    group: (group) => team.groups.find(({ id }) => id === group)?.handle,
    emoji: () => undefined,
    alias: () => undefined,
    isApp: (user) => team.users.get(user)?.bot !== undefined,
    power: () => 0,
    isOwnDeed: () => false,
  };
}
