/** People on the pretended Slack, as a client of Slack's sends what they do. */
import { randomUUID } from "node:crypto";
import { emojiOf, shortNameOf } from "../../../bridges/slack/emoji.ts";
import { changeName, changeTopic, depart, enter, escaped } from "./methods-conversations.ts";
import { eraseFile, share } from "./methods-files.ts";
import { setPin, setReaction } from "./methods-rest.ts";
import { userShape } from "./shapes.ts";
import type { Channel, Stored, StoredFile, Team, User } from "./state.ts";
import { announce, publish, remove, shapeNow, tellChange, type Json, type World } from "./world.ts";

export interface Said {
  readonly thread?: string;
  /** A reply that is shown in the channel too. */
  readonly broadcast?: boolean;
  /** Further keys of the message on the wire: `blocks`, `attachments`, `subtype`… */
  readonly more?: Partial<Stored> & Json;
}

export class Person {
  readonly #world: () => World;
  readonly team: Team;
  readonly user: User;

  constructor(world: () => World, team: Team, user: User) {
    this.#world = world;
    this.team = team;
    this.user = user;
  }

  /** As typed into Slack's own client: the text escaped, and blocks beside it. */
  say(channel: Channel, text: string, said: Said = {}): Stored {
    const { subtype, blocks, attachments, files, ...more } = (said.more ?? {}) as Partial<Stored> & Json;
    const root = said.thread === undefined ? undefined : this.#world().state.message(channel, said.thread);
    const message: Stored = {
      ts: this.#world().state.newTs(),
      channel: channel.id,
      ...(subtype === undefined ? (said.broadcast ? { subtype: "thread_broadcast" } : {}) : { subtype }),
      user: this.user.id,
      text: escaped(text),
      blocks: blocks ?? [
        {
          type: "rich_text",
          block_id: randomUUID().slice(0, 5),
          elements: [{ type: "rich_text_section", elements: [{ type: "text", text }] }],
        },
      ],
      ...(attachments === undefined ? {} : { attachments }),
      ...(files === undefined ? {} : { files }),
      ...(said.thread === undefined ? {} : { thread_ts: said.thread }),
      client_msg_id: randomUUID(),
      reactions: [],
      pinned: false,
      more: { ...more, ...(said.broadcast && root ? { root: shapeNow(this.#world(), this.team, root) } : {}) },
    };
    return publish(this.#world(), this.team, channel, message);
  }

  edit(channel: Channel, ts: string, text: string): void {
    const world = this.#world();
    const message = must(world.state.message(channel, ts));
    const before = shapeNow(world, this.team, message);
    message.text = escaped(text);
    message.blocks = [
      {
        type: "rich_text",
        block_id: randomUUID().slice(0, 5),
        elements: [{ type: "rich_text_section", elements: [{ type: "text", text }] }],
      },
    ];
    message.edited = { user: this.user.id, ts: world.state.newTs() };
    tellChange(world, this.team, channel, message, before);
  }

  delete(channel: Channel, ts: string): void {
    remove(this.#world(), this.team, channel, must(this.#world().state.message(channel, ts)));
  }

  react(channel: Channel, ts: string, emoji: string, on = true): void {
    const name = emojiOf(emoji) === undefined ? (shortNameOf(emoji) ?? emoji) : emoji;
    setReaction(this.#world(), this.team, channel, must(this.#world().state.message(channel, ts)), this.user.id, name, on);
  }

  pin(channel: Channel, ts: string, on = true): void {
    setPin(this.#world(), this.team, channel, must(this.#world().state.message(channel, ts)), this.user.id, on);
  }

  upload(
    channel: Channel,
    file: { readonly name: string; readonly mimetype: string; readonly bytes: Uint8Array; readonly more?: Json },
    text = "",
    thread?: string,
  ): Stored {
    const { state } = this.#world();
    const stored: StoredFile = {
      id: state.newId("F"),
      name: file.name,
      title: file.name,
      mimetype: file.mimetype,
      size: file.bytes.length,
      user: this.user.id,
      bytes: Buffer.from(file.bytes),
      shares: [],
      mode: "hosted",
      ...(file.more ? { more: file.more } : {}),
    };
    return share(this.#world(), this.team, channel, [stored], { user: this.user.id, text: escaped(text), thread });
  }

  eraseFile(id: string): void {
    eraseFile(this.#world(), this.team, must(this.team.files.get(id)));
  }

  topic(channel: Channel, topic: string): void {
    changeTopic(this.#world(), this.team, channel, this.user.id, topic);
  }

  renameChannel(channel: Channel, name: string): void {
    changeName(this.#world(), this.team, channel, this.user.id, name);
  }

  archive(channel: Channel, archived = true): void {
    channel.archived = archived;
    const type = `${channel.private ? "group" : "channel"}_${archived ? "archive" : "unarchive"}`;
    const event = { type, channel: channel.id, user: this.user.id, event_ts: this.#world().state.newTs() };
    this.#world().delivery.tell(this.team, channel, type, () => event);
    announce(this.#world(), this.team, channel, type, this.user.id, `<@${this.user.id}> archived the channel`);
  }

  makePrivate(channel: Channel, isPrivate = true): void {
    channel.private = isPrivate;
    const subtype = `channel_convert_to_${isPrivate ? "private" : "public"}`;
    announce(this.#world(), this.team, channel, subtype, this.user.id, `made this channel ${isPrivate ? "private" : "public"}`);
  }

  rename(name: string): void {
    this.user.profile = { ...this.user.profile, display_name: name, real_name: name };
    const event = { type: "user_change", user: userShape(this.user, this.team), cache_ts: 0, event_ts: this.#world().state.newTs() };
    this.#world().delivery.tell(this.team, undefined, "user_change", () => event);
  }

  join(channel: Channel, inviter?: string): void {
    enter({ world: this.#world(), grant: { team: this.team } as never }, channel, this.user.id, inviter);
  }

  leave(channel: Channel): void {
    depart(this.#world(), this.team, channel, this.user.id);
  }
}

function must<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error("There is no such thing on the pretended Slack.");
  return value;
}
