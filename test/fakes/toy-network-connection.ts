import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import type { Capabilities } from "../../core/capabilities.ts";
import { Refused, TryLater } from "../../core/model/errors.ts";
import { type Cursor, never } from "../../core/model/events.ts";
import {
  type RemoteChannelId,
  remoteChannelId,
  type RemoteMessageId,
  remoteMessageId,
  remoteThreadId,
  type RemoteUserId,
} from "../../core/model/ids.ts";
import type { OutFile, Person } from "../../core/model/message.ts";
import type { Deed, Found, Hint, Part, Progress, SayPart, Sent } from "../../core/model/effects.ts";
import type { Channel, Connection, HistoryPage } from "../../core/network.ts";
import { toyCapabilities } from "./toy-network-capabilities.ts";
import { CLIENT, fromToyPast, person, type ToyWire } from "./toy-network-convert.ts";
import type { ToyChannel } from "./toy-network-deeds.ts";
import type { ToyLine } from "./toy-network-line.ts";
import type { ToyService } from "./toy-network-service.ts";
import { messageId, type ToyMessage } from "./toy-network-wire.ts";

/** What `progress.save` keeps: the last message before the attempt, and the file once it is there. */
interface Step {
  readonly before: string;
  readonly file?: string;
}

interface Facts extends Pick<ToyChannel, "name" | "topic" | "facts" | "spaces"> {
  readonly latest: string;
}

/** A message of ours waits so long for its turn in a channel, milliseconds. */
const TURN = 2_000;

export class ToyConnection implements Connection {
  readonly #line: ToyLine;
  /** Which key made which message, since the start: by it two messages with the same words are told apart. */
  readonly #madeBy = new Map<string, string>();
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(line: ToyLine) {
    this.#line = line;
  }

  capabilities(): Capabilities {
    return toyCapabilities;
  }

  send(part: Part, key: string, progress: Progress): Promise<Sent> {
    return this.#inTurn(String(part.channel), () => this.#send(part, key, progress));
  }

  async #send(part: Part, key: string, progress: Progress): Promise<Sent> {
    const { channel } = part;
    switch (part.kind) {
      case "say":
        return this.#say(part, key, progress);
      case "edit":
        await this.#act("edit", { channel, id: part.message, post: part.wire });
        return { id: part.message };
      case "delete":
        await this.#act("delete", { channel, id: part.message });
        return {};
      case "react":
      case "unreact":
        if (part.key.kind !== "unicode") throw new Refused("The toy network knows no emoji of its own.");
        await this.#act(part.kind, { channel, id: part.message, emoji: part.key.text });
        return {};
      case "pin":
      case "unpin":
        await this.#act(part.kind, { channel, id: part.message });
        return {};
      case "topic":
      case "name":
        await this.#act("channel", { channel, [part.kind]: part.text });
        return {};
      case "poll":
        this.#line.service.tallies.push(part.tally);
        throw new Refused("Votes cannot be shown on the toy network.");
      default:
        return never(part);
    }
  }

  async #say(part: SayPart, key: string, progress: Progress): Promise<Sent> {
    const saved = progress.saved as Step | undefined;
    const { latest } = (await this.#read("describe", part)) as Facts;
    const file = saved?.file ?? (part.file && (await this.#upload(part.file)));
    await progress.save({ before: latest, ...(file !== undefined && { file }) } satisfies Step);
    const post = { ...(part.wire as ToyWire), ...(file !== undefined && { file }) };
    const made = (await this.#act("post", { channel: part.channel, post })) as { id: string; thread?: string };
    this.#madeBy.set(made.id, key);
    return sent(made.id, made.thread);
  }

  async #upload({ name, kind, mimetype = "application/octet-stream", open }: OutFile): Promise<string> {
    const bytes = await buffer((await open()).stream);
    return (await this.#line.answered(this.#line.service.upload(this.#line.token, { name, kind, mimetype }, bytes), true)) as string;
  }

  async find(part: Part, key: string, progress: Progress): Promise<Found> {
    switch (part.kind) {
      case "say":
        return this.#findSaid(part, key, progress.saved as Step | undefined);
      case "edit":
        return found(JSON.stringify((await this.#message(part))?.body) === JSON.stringify((part.wire as ToyWire).body), part.message);
      case "delete":
        return found(!(await this.#message(part)));
      case "pin":
      case "unpin":
        return found(((await this.#message(part))?.pinned ?? false) === (part.kind === "pin"));
      case "react":
      case "unreact": {
        const emoji = part.key.kind === "unicode" ? part.key.text : undefined;
        const stands = (await this.#message(part))?.reactions.some((reaction) => reaction.emoji === emoji) ?? false;
        return found(stands === (part.kind === "react"));
      }
      case "topic":
      case "name":
        return found(((await this.#read("describe", part)) as Facts)[part.kind] === part.text);
      case "poll":
        return { is: "not-arrived" };
      default:
        return never(part);
    }
  }

  async #message(part: { readonly channel: RemoteChannelId; readonly message: RemoteMessageId }): Promise<ToyMessage | undefined> {
    return (await this.#read("message", part, { id: part.message })) as ToyMessage | undefined;
  }

  /** Among what was said after the attempt began: by our program, with these very words, and not known to be another's. */
  async #findSaid(part: SayPart, key: string, step: Step | undefined): Promise<Found> {
    if (this.#line.service.cannotSearch) return { is: "unknown", why: "What was said there cannot be looked through." };
    if (!step) return { is: "not-arrived" };
    const { body } = part.wire as ToyWire;
    const alike = (message: ToyMessage): boolean =>
      message.client === CLIENT &&
      JSON.stringify(message.body) === JSON.stringify(body) &&
      (message.file?.id ?? undefined) === step.file &&
      (this.#madeBy.get(message.id) ?? key) === key;
    const candidates: ToyMessage[] = [];
    for (let after = step.before, more = true; more; ) {
      const page = (await this.#read("history", part, { after })) as { messages: readonly ToyMessage[]; more: boolean };
      candidates.push(...page.messages.filter(alike));
      more = page.more;
      after = page.messages.at(-1)?.id ?? after;
    }
    const [only, another] = candidates;
    if (another) return { is: "unknown", why: "Several messages with the same words stand there." };
    return only ? { is: "arrived", sent: sent(only.id, only.thread?.id) } : { is: "not-arrived" };
  }

  async hint(hint: Hint): Promise<void> {
    if (hint.kind === "typing" && hint.on) await this.#act("type", { channel: hint.channel }).catch(() => undefined);
  }

  async person(id: RemoteUserId): Promise<Person | undefined> {
    const [realm, account = ""] = id.split("/");
    const known = realm === this.#line.realm ? this.#line.service.accounts.get(account) : undefined;
    return known && this.#person(known.id, known.name);
  }

  /** The shared login's account is the bridge's own. */
  #person(id: string, name: string): Person {
    const { service, realm, token, shared } = this.#line;
    return { ...person(realm, id, name), ...(shared && service.accounts.get(id)?.token === token ? { ours: true } : {}) };
  }

  async channel(id: RemoteChannelId): Promise<Channel | undefined> {
    const facts = (await this.#read("describe", { channel: id }).catch((error: unknown) => {
      if (error instanceof Refused) return undefined;
      throw error;
    })) as Facts | undefined;
    if (!facts) return undefined;
    const { name, topic, latest, facts: others, spaces = [{ id: this.#line.realm, name: this.#line.realm }] } = facts;
    return { id, name, topic, latest, kind: "channel", visibility: "public", ...others, spaces };
  }

  async members(channel: RemoteChannelId): Promise<{ people: readonly Person[]; complete: boolean }> {
    const { people, complete } = (await this.#read("members", { channel })) as {
      people: readonly { id: string; name: string }[];
      complete: boolean;
    };
    return { people: people.map(({ id, name }) => this.#person(id, name)), complete };
  }

  async resolve(text: string): Promise<Person | undefined> {
    const { accounts } = this.#line.service;
    const [only, ...more] = [...accounts.values()].filter(({ name }) => name === text.replace(/^@/, ""));
    return only && more.length === 0 ? person(this.#line.realm, only.id, only.name) : undefined;
  }

  async *channels(): AsyncIterable<Channel> {
    for (const id of this.#line.service.channels.keys()) {
      const channel = await this.channel(remoteChannelId(id));
      if (channel) yield channel;
    }
  }

  async join(): Promise<void> {}

  async leave(channel: RemoteChannelId): Promise<void> {
    this.#line.service.left.push(channel);
  }

  async act(deed: Deed): Promise<void> {
    if (deed.kind === "direct") throw new Refused("The toy network has no direct messages.");
    await this.#act(deed.kind, { channel: deed.channel, account: deed.person.split("/")[1] });
  }

  permalink(channel: RemoteChannelId, message?: RemoteMessageId): string {
    return `https://toy.example/${encodeURIComponent(channel)}${message === undefined ? "" : `#${message}`}`;
  }

  async history(channel: RemoteChannelId, after: Cursor): Promise<HistoryPage> {
    const page = (await this.#read("history", { channel }, { after })) as { messages: readonly ToyMessage[]; more: boolean };
    const next = page.more ? page.messages.at(-1)?.id : undefined;
    const events = page.messages.flatMap((message) => fromToyPast(this.#line.realm, message));
    return { events, complete: true, ...(next !== undefined && { next }) };
  }

  before(_channel: RemoteChannelId, message: RemoteMessageId): Cursor {
    return messageId(Number(message.slice(1)) - 1);
  }

  async open(ref: unknown): Promise<{ stream: Readable; size?: number; mimetype: string }> {
    const known = this.#line.service.files.get(String((ref as { file?: unknown } | null)?.file));
    if (!known) throw new Refused("The file is no longer there on the toy network.");
    return { ...givenOut(this.#line.service.filesAre, known.bytes), mimetype: known.file.mimetype };
  }

  async answer(reply: unknown, text: string): Promise<void> {
    const { account, channel } = reply as { account: string; channel: string };
    await this.#act("answer", { channel, account, text });
  }

  close(): Promise<void> {
    return this.#line.close();
  }

  #act(method: string, parameters: Record<string, unknown>): Promise<unknown> {
    return this.#line.call(method, parameters, true);
  }

  #read(method: string, { channel }: { channel?: RemoteChannelId }, more: Record<string, unknown> = {}): Promise<unknown> {
    return this.#line.call(method, { channel, ...more }, false);
  }

  /** One effect at a time in a channel, so that they stand in the order in which they were asked for. */
  async #inTurn<Value>(channel: string, run: () => Promise<Value>): Promise<Value> {
    const before = this.#turns.get(channel) ?? Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turns.set(
      channel,
      before.then(() => promise),
    );
    try {
      await this.#soon(before);
      return await run();
    } finally {
      resolve();
    }
  }

  #soon(turn: Promise<unknown>): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = this.#line.core.clock.timer(TURN, () => reject(tooBusy()));
      void turn.then(() => {
        cancel();
        resolve();
      });
    });
  }
}

const tooBusy = (): TryLater => new TryLater("Too much is waiting to be sent to this channel.", 1_000, "channel");

function found(there: boolean, id?: RemoteMessageId): Found {
  return there ? { is: "arrived", sent: id === undefined ? {} : { id } } : { is: "not-arrived" };
}

function sent(id: string, thread: string | undefined): Sent {
  return { id: remoteMessageId(id), ...(thread !== undefined && { thread: remoteThreadId(thread) }) };
}

/** As networks give files out that have troubles of their own. */
function givenOut(are: ToyService["filesAre"], bytes: Buffer): { stream: Readable; size?: number } {
  switch (are) {
    case "whole":
      return { stream: Readable.from([bytes]), size: bytes.length };
    case "longer":
    case "shorter":
      return { stream: Readable.from([bytes]), size: bytes.length + (are === "longer" ? -1 : 1) };
    case "silent":
      return { stream: begun(bytes), size: bytes.length };
    case "cut": {
      const stream = begun(bytes);
      setTimeout(() => stream.destroy(new Error("cut")), 5);
      return { stream, size: bytes.length };
    }
    case "endless":
      return { stream: new Readable({ read: endlessly }) };
    case "away":
      throw new TryLater("The toy network does not give files out at the moment.", 5_000, "item");
    default:
      return never(are);
  }
}

function begun(bytes: Buffer): Readable {
  const stream = new Readable({ read() {} });
  stream.push(bytes.subarray(0, bytes.length >> 1));
  return stream;
}

function endlessly(this: Readable): void {
  this.push(Buffer.alloc(64 * 1024));
}
