/** Between the model and the toy network's wire. Pure. */
import type { Capabilities } from "../../core/capabilities.ts";
import { Refused } from "../../core/model/errors.ts";
import { never, type RemoteEvent, type RemoteMessage } from "../../core/model/events.ts";
import { remoteChannelId, remoteMessageId, remoteThreadId, remoteUserId } from "../../core/model/ids.ts";
import type { OutMessage, Person, Speaker } from "../../core/model/message.ts";
import { clip, toPlain } from "../../core/model/plain.ts";
import type { Inline, MentionTarget, RichText } from "../../core/model/richtext.ts";
import { split } from "../../core/model/split.ts";
import { mapInlines } from "../../core/model/walk.ts";
import type { SayPart } from "../../core/model/effects.ts";
import type { ToyEvent, ToyMessage, ToyPost } from "./toy-network-wire.ts";

/** The first account of a service: who runs every channel. */
const FOUNDER = "u1";

/** The name under which the adapter's programs connect: by it they know their own again. */
export const CLIENT = "causeway";

/** What `toParts` leaves open, `send` fills in: the file's id, once it is uploaded. */
export type ToyWire = Omit<ToyPost, "file">;

/** Characters, as the service counts them. */
export function lengthOf(body: RichText): number {
  return [...toPlain(body)].length;
}

export function toParts(message: OutMessage, capabilities: Capabilities): SayPart[] {
  const { speaker, style, file, poll } = message;
  const isBlank = toPlain(message.body).trim() === "";
  if (isBlank && !file && !poll) throw new Refused("There is nothing in this message that the toy network could show.");
  const named = (body: RichText): RichText => (speaker.own ? body : withName(speaker, style, body));
  const place = placeOf(message);
  const bodies = split(toToyText(message.body), capabilities.text.length, (body) => lengthOf(named(body)));
  const parts =
    isBlank && poll ? [] : bodies.map((body) => sayPart(speaker, { style: speaker.own ? style : "text", body: named(body), ...place }));
  if (poll) parts.push(sayPart(speaker, { style: "text", body: [], poll, ...place }));
  const caption = parts.length === 1 ? parts.pop() : undefined;
  if (!file) return caption ? [caption] : parts;
  const wire = (caption?.wire as ToyWire | undefined) ?? { style: "text", body: named([]), ...place };
  return [...parts, { ...sayPart(speaker, wire), file }];
}

function placeOf({ reply, thread }: OutMessage): Pick<ToyWire, "replyTo" | "thread" | "threadOf"> {
  return {
    ...(reply?.message !== undefined && { replyTo: reply.message }),
    ...(thread?.id !== undefined ? { thread: thread.id } : thread?.root !== undefined && { threadOf: thread.root }),
  };
}

function sayPart(speaker: Speaker, wire: ToyWire): SayPart {
  return { kind: "say", speaker, wire, text: wire.poll?.question ?? toPlain(wire.body) };
}

/** There is nothing but accounts there, so a relayed person's name stands before the text. */
function withName(speaker: Speaker, style: OutMessage["style"], body: RichText): RichText {
  const name = clip(speaker.name.toWellFormed(), 40);
  const label = style === "emote" ? `* ${name} ` : `${name}: `;
  const [first, ...rest] = body;
  if (first?.type !== "paragraph") return [{ type: "paragraph", content: [{ type: "text", text: label }] }, ...body];
  const [start, ...more] = first.content;
  const content: Inline[] =
    start?.type === "text" ? [{ ...start, text: label + start.text }, ...more] : [{ type: "text", text: label }, ...first.content];
  return [{ ...first, content }, ...rest];
}

/** Only mentions that ring someone there stay mentions; the others become their words. */
function toToyText(body: RichText): RichText {
  return mapInlines(body, (node) => {
    if (node.type === "text") return { ...node, text: node.text.toWellFormed() };
    if (node.type !== "mention" || rings(node.target)) return node;
    return { type: "text", text: node.text };
  });
}

function rings(target: MentionTarget): boolean {
  switch (target.kind) {
    case "person":
    case "channel":
      return target.remote !== undefined;
    case "everyone":
    case "here":
      return target.allowed;
    case "group":
    case "message":
      return false;
    default:
      return never(target);
  }
}

export const userOf = (realm: string, account: string) => remoteUserId(`${realm}/${account}`);

export function fromToyMessage(realm: string, message: ToyMessage, via: RemoteMessage["via"]): RemoteMessage {
  const { file, replyTo, thread } = message;
  return {
    kind: "message",
    channel: remoteChannelId(message.channel),
    message: remoteMessageId(message.id),
    sender: userOf(realm, message.account),
    at: message.at,
    via,
    subject: `message:${message.id}`,
    cursor: message.id,
    style: message.style,
    body: message.body,
    ...(message.client === CLIENT && { echo: {} }),
    ...(file && { files: [{ ...file, ref: { file: file.id } }] }),
    ...(replyTo !== undefined && { replyTo: { message: remoteMessageId(replyTo) } }),
    ...(thread && { thread: { id: remoteThreadId(thread.id), root: remoteMessageId(thread.root) } }),
    ...(message.poll && { poll: message.poll }),
  };
}

/** A message of the history, and who has reacted to it. */
export function fromToyPast(realm: string, message: ToyMessage): RemoteEvent[] {
  const said = fromToyMessage(realm, message, "history");
  const { channel, at, cursor = message.id } = said;
  if (message.reactions.length === 0) return [said];
  const reactions = Object.entries(Object.groupBy(message.reactions, ({ emoji }) => emoji)).map(([text, those = []]) => ({
    key: { kind: "unicode" as const, text },
    people: those.map(({ by }) => userOf(realm, by)),
  }));
  return [said, { kind: "reactions-are", channel, at, cursor, via: "history", message: said.message, reactions }];
}

/** `deliveryId` is unique per session; the adapter puts the session before it. */
export function fromToy(realm: string, session: string, event: ToyEvent): RemoteEvent {
  const { happening, channel, client } = event;
  const basis = {
    channel: remoteChannelId(channel),
    deliveryId: `${session}:${event.seq}`,
    at: event.at,
    via: "live" as const,
    ...(client === CLIENT && { echo: {} }),
  };
  const user = (account: string) => userOf(realm, account);
  switch (happening.type) {
    case "posted":
      return { ...fromToyMessage(realm, happening.message, "live"), deliveryId: basis.deliveryId };
    case "edited": {
      const { id, version, style, body } = happening.message;
      const subject = `edit:${id}:${version}`;
      const edit = {
        kind: "edit",
        message: remoteMessageId(id),
        sender: user(happening.by),
        version: String(version).padStart(6, "0"),
      } as const;
      return { ...basis, ...edit, subject, style, body };
    }
    case "deleted":
      return {
        ...basis,
        kind: "delete",
        subject: `delete:${happening.id}`,
        messages: [remoteMessageId(happening.id)],
        by: user(happening.by),
      };
    case "reacted":
    case "unreacted": {
      const { id, emoji, by, turn } = happening;
      const kind = happening.type === "reacted" ? "react" : "unreact";
      const subject = `${kind}:${id}:${by}:${emoji}:${turn}`;
      return { ...basis, kind, subject, message: remoteMessageId(id), sender: user(by), key: { kind: "unicode", text: emoji } };
    }
    case "pinned":
    case "unpinned": {
      const kind = happening.type === "pinned" ? "pin" : "unpin";
      return { ...basis, kind, subject: `${kind}:${happening.turn}`, message: remoteMessageId(happening.id), by: user(happening.by) };
    }
    case "channel": {
      const { topic, name, facts: others, by, turn } = happening;
      const facts = { ...others, ...(topic !== undefined && { topic }), ...(name !== undefined && { name }) };
      return { ...basis, kind: "channel-changed", subject: `channel:${turn}`, facts, by: user(by) };
    }
    case "member": {
      const { account, change, turn } = happening;
      return { ...basis, kind: "membership", subject: `member:${turn}`, change, person: user(account) };
    }
    case "renamed":
      return {
        ...basis,
        kind: "person-changed",
        subject: `renamed:${happening.turn}`,
        person: person(realm, happening.account, happening.name),
      };
    case "typing":
      return { ...basis, kind: "typing", sender: user(happening.account), for: 5000 };
    case "command": {
      const { account, words, turn } = happening;
      return {
        ...basis,
        kind: "command",
        subject: `command:${turn}`,
        sender: user(account),
        words,
        reply: { account, channel },
        power: account === FOUNDER ? 100 : 0,
      };
    }
    default:
      return never(happening);
  }
}

export function person(realm: string, account: string, name: string): Person {
  return { id: userOf(realm, account), name };
}
