/** One side of the sandbox: a network (or Matrix) as people see it, and what they can do there. Everything here goes out as JSON. */
import type { Readable } from "node:stream";
import type { RichText } from "../../core/model/richtext.ts";

export type SideId = "matrix" | "irc" | "slack" | "discord";

export interface SideState {
  readonly name: string;
  /** False = its place is there, it is not. `why` says so in a sentence. */
  readonly here: boolean;
  readonly why?: string;
  readonly channels: readonly ChannelState[];
  /** Who can be spoken as. */
  readonly people: readonly PersonState[];
  /** What people can do here at all. */
  readonly deeds: readonly Deed[];
}

export interface PersonState {
  readonly id: string;
  readonly name: string;
}

export interface ChannelState {
  readonly id: string;
  readonly name: string;
  readonly topic: string;
  /** Oldest first, the last few hundred. */
  readonly messages: readonly MessageState[];
}

export interface MessageState {
  readonly id: string;
  readonly who: { readonly id: string; readonly name: string; readonly from: "here" | "bridge" | "bot" };
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly style: "text" | "emote" | "notice" | "event";
  readonly body: RichText;
  /** Readable plain text of `body`. */
  readonly text: string;
  /** What went over the wire, for the curious. */
  readonly raw: string;
  readonly replyTo?: { readonly id?: string; readonly name: string; readonly text: string };
  /** The first message of the thread that it stands in. */
  readonly thread?: string;
  readonly edited: boolean;
  readonly deleted: boolean;
  readonly reactions: readonly ReactionState[];
  readonly files: readonly FileState[];
}

export interface ReactionState {
  readonly key: string;
  readonly people: readonly PersonState[];
}

export interface FileState {
  readonly name: string;
  readonly type: string;
  readonly size?: number;
  /** On the sandbox's own server. */
  readonly url: string;
}

export const DEEDS = ["say", "action", "reply", "thread", "edit", "delete", "react", "unreact", "upload", "topic"] as const;
export type Deed = (typeof DEEDS)[number];

/** `POST /api/act`, checked and with defaults filled in. */
export interface Action {
  readonly do: Deed;
  readonly channel: string;
  /** A person's id or name. */
  readonly as: PersonState;
  readonly text: string;
  /** The message that it is about; present for reply, thread, edit, delete, react and unreact. */
  readonly to?: MessageState;
  readonly file?: { readonly name: string; readonly type: string; readonly bytes: Buffer };
}

export interface Side {
  readonly id: SideId;
  readonly name: string;
  readonly people: readonly PersonState[];
  readonly deeds: readonly Deed[];
  readonly channels: readonly ChannelLog[];
  /** Resolves with the new message's id when the network has taken it. Rejects with a sentence. */
  act(action: Action): Promise<string | undefined>;
  /** A file by the reference that stands in a `FileState`'s address. */
  open?(reference: string): Promise<{ readonly stream: Readable; readonly type: string; readonly name: string } | undefined>;
  stop(): Promise<void>;
}

/** What is kept of a channel's past. */
const KEPT = 400;

/** A channel's messages in the order in which they came, and whoever wants to know of changes. */
export class ChannelLog {
  readonly id: string;
  name: string;
  topic = "";
  readonly #messages = new Map<string, MessageState>();
  readonly #changed: (channel: ChannelLog, message: MessageState | undefined, isNew: boolean) => void;

  constructor(id: string, name: string, changed: (channel: ChannelLog, message: MessageState | undefined, isNew: boolean) => void) {
    this.id = id;
    this.name = name;
    this.#changed = changed;
  }

  add(message: MessageState): void {
    const isNew = !this.#messages.has(message.id);
    this.#messages.set(message.id, message);
    const [oldest] = this.#messages.keys();
    if (this.#messages.size > KEPT && oldest !== undefined) this.#messages.delete(oldest);
    this.#changed(this, message, isNew);
  }

  get(id: string): MessageState | undefined {
    return this.#messages.get(id);
  }

  /** Does nothing when the message is no longer kept. */
  change(id: string, change: (message: MessageState) => Partial<MessageState>): void {
    const old = this.#messages.get(id);
    if (old) this.add({ ...old, ...change(old) });
  }

  erase(id: string): void {
    this.change(id, () => ({ deleted: true, body: [], text: "", raw: "", files: [], reactions: [] }));
  }

  react(id: string, key: string, person: PersonState, on: boolean): void {
    this.change(id, ({ reactions }) => ({ reactions: withReaction(reactions, key, person, on) }));
  }

  setTopic(topic: string): void {
    this.topic = topic;
    this.#changed(this, undefined, false);
  }

  state(): ChannelState {
    return { id: this.id, name: this.name, topic: this.topic, messages: [...this.#messages.values()] };
  }

  last(match: (message: MessageState) => boolean): MessageState | undefined {
    return [...this.#messages.values()].findLast(match);
  }
}

function withReaction(reactions: readonly ReactionState[], key: string, person: PersonState, on: boolean): ReactionState[] {
  const others = (one: ReactionState) => one.people.filter(({ id }) => id !== person.id);
  const changed = reactions.map((one) => (one.key === key ? { key, people: on ? [...others(one), person] : others(one) } : one));
  if (on && !reactions.some((one) => one.key === key)) changed.push({ key, people: [person] });
  return changed.filter(({ people }) => people.length > 0);
}

/** A message with everything that most have not left out. */
export function message(known: Pick<MessageState, "id" | "who" | "at" | "body" | "text" | "raw"> & Partial<MessageState>): MessageState {
  return { style: "text", edited: false, deleted: false, reactions: [], files: [], ...known };
}
