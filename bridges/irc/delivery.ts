/** Sending with confirmation, and looking whether something has arrived (design: labels and echoes, else a PING behind each line). */
import { Broken, Refused, TryLater, Uncertain } from "../../core/model/errors.ts";
import { type RemoteChannelId, type RemoteMessageId, remoteMessageId } from "../../core/model/ids.ts";
import type { Found, Part, Progress, SayPart, Sent } from "../../core/model/effects.ts";
import type { Clock } from "../../core/network.ts";
import { never } from "../../core/model/events.ts";
import type { Answer } from "./asks.ts";
import { refusalIn } from "./asks.ts";
import { isBatch, type Item, linesOf } from "./batches.ts";
import type { Book } from "./book.ts";
import type { Flood } from "./flood.ts";
import { keyTag } from "./from-irc.ts";
import type { History } from "./history.ts";
import { isMsgid, readChannelId } from "./ids.ts";
import { type Line, param, type Tags } from "./line.ts";
import { clipBytes, longestMask, room } from "./lines.ts";
import { OPERATOR, powerOf } from "./modes.ts";
import type { Outbox } from "./outbox.ts";
import { errorOf } from "./refusals.ts";
import type { Session } from "./session.ts";
import { type IrcWire, PAGE_LINK_BYTES } from "./to-irc.ts";

export interface DeliveryOptions {
  /** A person's own connection: what it may not do is said to them. */
  readonly own: boolean;
  readonly clock: Clock;
  readonly outbox: Outbox;
  readonly flood: Flood;
  readonly history: History;
  /** The live session with its book; throws `TryLater` while there is none. */
  live(): { session: Session; book: Book };
  /** Why a message to the channel has to wait. */
  obstacle(channel: RemoteChannelId): TryLater | undefined;
  /** Sees to it that we are in the channel, where that is only done when somebody speaks. */
  enter(channel: RemoteChannelId): Promise<void>;
  /** We are told that we are not in a channel in which we thought we were. */
  doubt(channel: RemoteChannelId): void;
  /** The nick for RELAYMSG; undefined = speak by ourselves. */
  relayNick(part: SayPart): string | undefined;
  paste: ((text: string, title: string, key: string) => Promise<string>) | undefined;
}

interface Command {
  readonly command: string;
  readonly params: readonly string[];
  readonly tags?: Tags;
}

/** Remembered sends, so that a late answer and a second look find them. */
const MOST_REMEMBERED = 500;

export class Delivery {
  readonly #options: DeliveryOptions;
  /** Keys of what is known to have arrived. */
  readonly #arrived = new Map<string, Sent>();
  readonly #deleted = new Set<RemoteMessageId>();
  /** The server has refused to delete a message of our own. */
  mayNotRedact = false;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  async send(part: Part, key: string, progress: Progress): Promise<Sent> {
    switch (part.kind) {
      case "say":
        return this.#say(part, key, progress);
      case "react":
      case "unreact":
        return this.#effect(part.channel, "the reaction was not sent", key, (target) => {
          const sign = part.key.kind === "unicode" ? part.key.text : `:${part.key.name}:`;
          return [{ command: "TAGMSG", params: [target], tags: { [`+draft/${part.kind}`]: sign, "+draft/reply": part.message } }];
        });
      case "delete":
        return this.#delete(part, key);
      case "topic":
        return this.#effect(part.channel, "The topic was not changed", key, (target, session) => [
          { command: "TOPIC", params: [target, clipBytes(part.text.replace(/\s+/g, " "), Math.min(session.isupport.topicLength, 400))] },
        ]);
      case "poll":
        return this.#poll(part, key);
      case "edit":
      case "pin":
      case "unpin":
      case "name":
        throw new Refused("IRC has no such thing.");
      default:
        return never(part);
    }
  }

  async find(part: Part, key: string, progress: Progress): Promise<Found> {
    const known = this.#arrived.get(key) ?? (progress.saved as { sent?: Sent } | undefined)?.sent;
    if (known) return { is: "arrived", sent: known };
    // Anything but a message says the same when it is done again.
    if (part.kind !== "say" || part.channel === undefined) return { is: "not-arrived" };
    const { session } = this.#options.live();
    if (!this.#options.history.isThere()) {
      // Without history nobody can tell: the one line that was in flight is rather said twice than lost.
      return { is: "not-arrived" };
    }
    // A channel's history is for those who are in it.
    await this.#options.enter(part.channel);
    const obstacle = this.#options.obstacle(part.channel);
    if (obstacle) throw obstacle;
    return this.#options.history.find(part.channel, key, progress.since, session.passesTag(keyTag) ? undefined : (part.wire as IrcWire));
  }

  /** The server has confirmed a send after we had stopped waiting for it. */
  late(key: string, items: readonly Item[]): void {
    const answer: Answer = { is: "answered", items };
    if (!refusalIn(answer)) this.#remember(key, sentIn(answer, this.#options.live().book));
  }

  async #say(part: SayPart, key: string, progress: Progress): Promise<Sent> {
    if (part.channel === undefined) throw new Broken("A message without a channel cannot be sent.");
    const wire = await this.#withPage(part.wire as IrcWire, key, progress);
    const as = this.#options.relayNick(part);
    const sent = await this.#effect(part.channel, "The message was not sent", key, (target, session) => {
      const tags = tagsOf(wire, key, session);
      if (wire.lines.length > 1 && session.caps.has("draft/multiline")) return multiline(wire, target, tags, key);
      return wire.lines.map(({ text }, index) => lineOf(wire, text, target, index === 0 ? tags : {}, as));
    });
    // Where nothing can be looked up later, what is known now has to last. Not waited for: it goes to disk in one go with what core records.
    if (!this.#options.history.isThere()) progress.save({ ...(progress.saved as object | undefined), sent }).catch(() => undefined);
    return sent;
  }

  /** Each vote would be a line; the outcome is one. */
  async #poll(part: Extract<Part, { kind: "poll" }>, key: string): Promise<Sent> {
    if (!part.closed) return {};
    const outcome = part.tally.map(({ text, votes }) => `${text}: ${votes}`).join(", ");
    const text = clipBytes(
      `📊 The poll has ended. ${outcome}`.replace(/[\p{Cc}]/gu, " "),
      roomFor(this.#options.live().book, part.channel),
    );
    return this.#effect(part.channel, "The outcome of the poll was not sent", key, (target) => [
      { command: "PRIVMSG", params: [target, text] },
    ]);
  }

  async #withPage(wire: IrcWire, key: string, progress: Progress): Promise<IrcWire> {
    const [first] = wire.lines;
    if (!wire.page || !first) return wire;
    const saved = (progress.saved as { page?: string } | undefined)?.page;
    const address = saved ?? (await this.#options.paste?.(wire.page.text, wire.page.title, key));
    if (address === undefined) throw new Refused("The text is too long for IRC, and the bridge has no public address for a page with it.");
    if (saved === undefined) await progress.save({ page: address });
    const room = Buffer.byteLength(first.text) + PAGE_LINK_BYTES;
    const lead = clipBytes(first.text, Math.max(room - Buffer.byteLength(address) - 4, 16));
    return { ...wire, lines: [{ text: `${lead.replace(/…$/, "")}… ${address}` }] };
  }

  async #delete(part: Extract<Part, { kind: "delete" }>, key: string): Promise<Sent> {
    const { session, book } = this.#options.live();
    const name = readChannelId(part.channel)?.channel ?? "";
    // Servers say of others' words that there is no such message.
    if (!part.own && powerOf(book.ranksIn(name, book.me.nick)) < OPERATOR) throw new Refused(`The bridge is no operator in ${name}.`);
    if (!session.caps.has("draft/message-redaction") || !isMsgid(part.message))
      throw new Refused("IRC cannot take back what was said here.");
    const reason = part.reason ? [clipBytes(part.reason, 200)] : [];
    const sent = await this.#effect(
      part.channel,
      "The message was not deleted",
      key,
      (target) => [{ command: "REDACT", params: [target, part.message, ...reason] }],
      (refusal) => this.#isDeleted(part, refusal),
    );
    this.#deleted.add(part.message);
    if (this.#deleted.size > MOST_REMEMBERED) this.#deleted.delete(this.#deleted.values().next().value as RemoteMessageId);
    return sent;
  }

  /** Whether the refusal only says that it has been deleted already. */
  #isDeleted({ message, own }: Extract<Part, { kind: "delete" }>, refusal: Line): boolean {
    const code = refusal.command === "FAIL" ? param(refusal, 1) : "";
    if (code === "UNKNOWN_MSGID" || this.#deleted.has(message)) return true;
    // Some servers offer it and let nobody use it: not even for one's own words.
    if (code === "REDACT_FORBIDDEN" && own) this.mayNotRedact = true;
    return false;
  }

  /** One question to the server, when it is its turn. */
  async #effect(
    channel: RemoteChannelId,
    deed: string,
    key: string,
    commands: (target: string, session: Session) => readonly Command[],
    isFine: (refusal: Line) => boolean = () => false,
  ): Promise<Sent> {
    const { session, book } = this.#options.live();
    await this.#options.enter(channel);
    const target = this.#target(channel, book);
    const lines = commands(target, session);
    const fence = session.caps.has("labeled-response") ? 0 : 1;
    await this.#options.outbox.turn(
      lines.length + fence,
      lines.reduce((sum, line) => sum + sizeOf(line), 0),
    );
    const obstacle = this.#options.obstacle(channel);
    if (obstacle) throw obstacle;
    if (session.isOver) throw new TryLater("The connection to IRC was just lost.", 3000, "login");
    const began = this.#options.clock.now();
    const answer = await session.ask({ lines, mark: key });
    if (answer.is !== "answered") throw new Uncertain(`${deed} for sure: the server did not say that it has it.`);
    this.#options.flood.answered(this.#options.clock.now() - began);
    const refusal = refusalIn(answer);
    if (!refusal) return this.#remember(key, sentIn(answer, book));
    if (isFine(refusal)) return {};
    if (refusal.command === "403" || refusal.command === "442") this.#options.doubt(channel);
    throw errorOf(refusal, target, deed, this.#options.own);
  }

  #target(channel: RemoteChannelId, book: Book): string {
    const obstacle = this.#options.obstacle(channel);
    if (obstacle) throw obstacle;
    const place = readChannelId(channel);
    if (!place) throw new Broken(`"${channel}" is no channel of IRC.`);
    if (place.channel === undefined) return book.person(place.nick)?.nick ?? place.nick;
    return book.channel(place.channel)?.name ?? place.channel;
  }

  #remember(key: string, sent: Sent): Sent {
    this.#arrived.set(key, sent);
    if (this.#arrived.size > MOST_REMEMBERED) this.#arrived.delete(this.#arrived.keys().next().value as string);
    return sent;
  }
}

function tagsOf(wire: IrcWire, key: string, session: Session): Tags {
  return {
    ...(session.passesTag(keyTag) ? { [keyTag]: key } : {}),
    ...(wire.reply && session.passesTag("+draft/reply") ? { "+draft/reply": wire.reply } : {}),
  };
}

function lineOf({ command, action }: IrcWire, text: string, target: string, tags: Tags, as: string | undefined): Command {
  // What is said may hold no 0x01: within one it would be an action, or an order to people's clients.
  const said = text.replaceAll("\x01", "");
  const body = action ? `\x01ACTION ${said}\x01` : said;
  return as === undefined || action ? { command, params: [target, body], tags } : { command: "RELAYMSG", params: [target, as, body], tags };
}

function multiline(wire: IrcWire, target: string, tags: Tags, key: string): Command[] {
  const name = `m${Buffer.from(key).toString("hex").slice(-12)}`;
  return [
    { command: "BATCH", params: [`+${name}`, "draft/multiline", target], tags },
    ...wire.lines.map(({ text, joined }) => ({
      command: "PRIVMSG",
      params: [target, text.replaceAll("\x01", "")],
      tags: { batch: name, ...(joined ? { "draft/multiline-concat": "" } : {}) },
    })),
    { command: "BATCH", params: [`-${name}`] },
  ];
}

/** The id, from the echo of what we said. */
function sentIn(answer: Answer, book: Book): Sent {
  if (answer.is !== "answered") return {};
  for (const item of answer.items) {
    const opening = isBatch(item) && item.type === "draft/multiline" ? [item.opening] : [];
    for (const line of [...opening, ...linesOf(item)]) {
      const id = remoteMessageId(line.tags["msgid"] ?? "~");
      if (/^(PRIVMSG|NOTICE|BATCH)$/.test(line.command) && isMsgid(id) && (line.nick === "" || book.isMe(line.nick))) return { id };
    }
  }
  return {};
}

const sizeOf = ({ params, tags }: Command): number => Buffer.byteLength(params.join(" ")) + Object.values(tags ?? {}).join("").length;

/** Bytes of text in a message to a channel from us, as others receive it. */
export function roomFor(book: Book | undefined, channel: RemoteChannelId): number {
  const place = readChannelId(channel);
  const target = place?.channel ?? place?.nick ?? "";
  return room(book?.mask ?? { ...longestMask, nick: book?.me.nick ?? longestMask.nick }, "PRIVMSG", target);
}
