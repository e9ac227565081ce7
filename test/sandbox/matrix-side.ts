/** The Matrix side: people with their clients on the fake homeserver, and the room as they see it. */
import { Readable } from "node:stream";
import { fromHtml, toHtml } from "../../core/matrix/html.ts";
import { mxid } from "../../core/model/ids.ts";
import { toPlain } from "../../core/model/plain.ts";
import { plainText, type RichText } from "../../core/model/richtext.ts";
import { mapInlines } from "../../core/model/walk.ts";
import type { FakeHomeserver } from "../fakes/homeserver.ts";
import { isJson, type Json, type StoredEvent } from "../fakes/homeserver/types.ts";
import type { MatrixUser } from "../matrix-client.ts";
import type { MatrixRoom } from "../matrix-room.ts";
import { type Action, ChannelLog, DEEDS, type FileState, type MessageState, message, type PersonState, type Side } from "./side.ts";
import { readTyped } from "./typed.ts";

export interface MatrixSideOptions {
  readonly homeserver: FakeHomeserver;
  readonly room: MatrixRoom;
  readonly people: readonly MatrixUser[];
  /** The bridge bot's id. */
  readonly bot: string;
  /** What the ids of ghosts begin with: `@_`. */
  readonly ghosts: string;
  readonly changed: ConstructorParameters<typeof ChannelLog>[2];
}

export class MatrixSide implements Side {
  readonly id = "matrix";
  readonly name = "Matrix";
  readonly deeds = DEEDS;
  readonly people: readonly PersonState[];
  readonly channels: readonly ChannelLog[];
  readonly #options: MatrixSideOptions;
  readonly #log: ChannelLog;
  readonly #names = new Map<string, string>();
  /** Reactions by the id of their event, so that a redaction finds them. */
  readonly #reactions = new Map<string, { readonly target: string; readonly key: string; readonly person: PersonState }>();
  readonly #stop: () => void;

  constructor(options: MatrixSideOptions) {
    this.#options = options;
    this.people = options.people.map(({ id, name }) => ({ id, name }));
    this.#log = new ChannelLog(options.room.id, "Lantern Society", options.changed);
    this.channels = [this.#log];
    for (const event of options.homeserver.timeline(options.room.id)) this.#take(event);
    this.#stop = options.homeserver.hear((event) => event.room_id === options.room.id && this.#take(event));
  }

  async act(action: Action): Promise<string | undefined> {
    const user = this.#options.people.find(({ id }) => id === action.as.id);
    if (!user) throw new Error(`${action.as.name} is not on Matrix.`);
    const room = this.#options.room.as(user);
    const target = action.to?.id ?? "";
    const content = (): Json & { body: string } => this.#content(action.text);
    switch (action.do) {
      case "say":
        return room.say(content().body, content());
      case "action":
        return room.say(content().body, { ...content(), msgtype: "m.emote" });
      case "reply":
        return room.reply(target, content().body, content());
      case "thread":
        return room.thread(action.to?.thread ?? target, content().body, content());
      case "edit":
        await room.edit(target, content().body, content());
        return target;
      case "delete":
        await room.redact(target);
        return target;
      case "react":
        await room.react(target, action.text);
        return target;
      case "unreact":
        return this.#unreact(room, target, action);
      case "upload":
        return action.file && room.sendFile(action.file.bytes, { ...action.file, ...(action.text && { caption: action.text }) });
      case "topic":
        await room.setState("m.room.topic", { topic: action.text });
        return undefined;
    }
  }

  async #unreact(room: MatrixRoom, target: string, { as, text }: Action): Promise<string> {
    const mine = [...this.#reactions].find(([, one]) => one.target === target && one.key === text && one.person.id === as.id);
    if (!mine) throw new Error(`${as.name} has not reacted with ${text}.`);
    await room.redact(mine[0]);
    return target;
  }

  async open(reference: string): Promise<{ stream: Readable; type: string; name: string } | undefined> {
    const [first] = this.#options.people;
    if (!first || !/^[\w.:-]+\/[\w-]+$/.test(reference)) return undefined;
    const { bytes, type } = await first.download(`mxc://${reference}`);
    return { stream: Readable.from([bytes]), type, name: "file" };
  }

  async stop(): Promise<void> {
    this.#stop();
  }

  #content(text: string): Json & { body: string } {
    const ids: string[] = [];
    const body = mapInlines(
      readTyped(text, (name) => this.#idOf(name) !== undefined),
      (node) => {
        const id = node.type === "mention" ? this.#idOf(node.text) : undefined;
        if (node.type !== "mention" || id === undefined) return node;
        ids.push(id);
        return { ...node, target: { kind: "person", mxid: mxid(id) } };
      },
    );
    const html = toHtml(body);
    return {
      msgtype: "m.text",
      body: toPlain(body),
      ...(html !== undefined && { format: "org.matrix.custom.html", formatted_body: html }),
      "m.mentions": ids.length > 0 ? { user_ids: ids } : {},
    };
  }

  #idOf(name: string): string | undefined {
    return [...this.#names].find(([, known]) => known.toLowerCase() === name.toLowerCase())?.[0];
  }

  #person(id: string): PersonState {
    return { id, name: this.#names.get(id) ?? id };
  }

  #who(id: string): MessageState["who"] {
    const { bot, ghosts } = this.#options;
    return { ...this.#person(id), from: id === bot ? "bot" : id.startsWith(ghosts) ? "bridge" : "here" };
  }

  #take(event: StoredEvent): void {
    const { content } = event;
    switch (event.type) {
      case "m.room.member":
        if (typeof content["displayname"] === "string") this.#names.set(String(event.state_key), content["displayname"]);
        return;
      case "m.room.topic":
        return this.#log.setTopic(String(content["topic"] ?? ""));
      case "m.room.redaction":
        return this.#redacted(String(event.redacts ?? content["redacts"]));
      case "m.reaction":
        return this.#reacted(event);
      case "m.room.message":
      case "m.sticker":
        return this.#said(event);
    }
  }

  #redacted(id: string): void {
    const reaction = this.#reactions.get(id);
    this.#reactions.delete(id);
    if (reaction) this.#log.react(reaction.target, reaction.key, reaction.person, false);
    else this.#log.erase(id);
  }

  #reacted(event: StoredEvent): void {
    const relation = relationOf(event.content);
    const [target, key, person] = [String(relation["event_id"]), String(relation["key"]), this.#person(event.sender)];
    this.#reactions.set(event.event_id, { target, key, person });
    this.#log.react(target, key, person, true);
  }

  #said(event: StoredEvent): void {
    const relation = relationOf(event.content);
    const raw = JSON.stringify(event.content, undefined, 2);
    if (relation["rel_type"] === "m.replace") {
      const body = bodyOf((event.content["m.new_content"] ?? {}) as Json);
      return this.#log.change(String(relation["event_id"]), () => ({ body, text: toPlain(body), raw, edited: true }));
    }
    const body = bodyOf(event.content);
    const kind = event.content["msgtype"];
    const replyTo = isJson(relation["m.in_reply_to"]) ? String(relation["m.in_reply_to"]["event_id"]) : undefined;
    const target = replyTo === undefined ? undefined : this.#log.get(replyTo);
    const isFallback = relation["is_falling_back"] === true;
    this.#log.add(
      message({
        id: event.event_id,
        who: this.#who(event.sender),
        at: event.origin_server_ts,
        style: kind === "m.emote" ? "emote" : kind === "m.notice" ? "notice" : "text",
        body,
        text: toPlain(body),
        raw,
        files: filesOf(event.content),
        ...(relation["rel_type"] === "m.thread" && { thread: String(relation["event_id"]) }),
        ...(target && !isFallback && { replyTo: { id: target.id, name: target.who.name, text: target.text } }),
      }),
    );
  }
}

function relationOf(content: Json): Json {
  const relation = content["m.relates_to"];
  return isJson(relation) ? relation : {};
}

function bodyOf(content: Json): RichText {
  const body = String(content["body"] ?? "");
  if (typeof content["formatted_body"] === "string") return fromHtml(content["formatted_body"], body);
  if (content["url"] !== undefined && (content["filename"] === undefined || content["filename"] === body)) return [];
  return plainText(body);
}

function filesOf(content: Json): FileState[] {
  if (typeof content["url"] !== "string" || !content["url"].startsWith("mxc://")) return [];
  const info = isJson(content["info"]) ? content["info"] : {};
  const name = String(content["filename"] ?? content["body"] ?? "file");
  return [
    {
      name,
      type: String(info["mimetype"] ?? "application/octet-stream"),
      ...(typeof info["size"] === "number" && { size: info["size"] }),
      url: `api/file/matrix/${content["url"].slice(6)}`,
    },
  ];
}
