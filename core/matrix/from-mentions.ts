/** Whom and what a message in the room mentions: asked for by gather, then put in by convert. */
import type { EventId, MxcUri, Mxid, RemoteChannelId, RemoteMessageId, RemoteUserId, RoomAlias, RoomId } from "../model/ids.ts";
import type { Inline, MentionTarget, RichText } from "../model/richtext.ts";
import { inlines, mapInlines, mapTexts, mentions } from "../model/walk.ts";
import { bodyOf } from "./from-body.ts";
import { type AnyContent, isRecord } from "./relations.ts";
import { isMxid, writeMatrixLink } from "./uri.ts";

/** What the message refers to, in the network's terms. What is in no map is shown in words, or leads to Matrix. */
export interface OutRefs {
  /** `remote` absent = a person who is not on the network. */
  readonly people?: ReadonlyMap<Mxid, { readonly remote?: RemoteUserId; readonly name: string }>;
  /** By the id or the alias that stands in the link. */
  readonly rooms?: ReadonlyMap<string, { readonly remote: RemoteChannelId; readonly name: string }>;
  /** `url` is where the message is read on the network. */
  readonly events?: ReadonlyMap<string, { readonly url: string; readonly channel?: RemoteChannelId; readonly remote?: RemoteMessageId }>;
  /** The network's own emoji, by the picture's address here. */
  readonly emoji?: ReadonlyMap<string, { readonly name: string; readonly id: string; readonly url?: string }>;
  /** Whether the sender has the power to ring the whole room, so that `@room` may do so on the network. */
  readonly everyone?: boolean;
}

/** Everything that gather has to look up. Each list is without repetitions and of bounded length. */
export interface Mentioned {
  readonly people: readonly Mxid[];
  readonly rooms: readonly (RoomId | RoomAlias)[];
  readonly events: readonly { readonly event: EventId; readonly room?: RoomId }[];
  readonly emoji: readonly MxcUri[];
  /** The sender means to ring the whole room. */
  readonly everyone: boolean;
}

const MOST = 100;

export function mentionedIn(content: AnyContent): Mentioned {
  const body = bodyOf(content);
  const targets = mentions(body).map((node) => node.target);
  const people = targets.flatMap((target) => (target.kind === "person" ? (target.mxid ?? []) : []));
  const rooms = targets.flatMap((target) => (target.kind === "channel" ? (target.room ?? target.alias ?? []) : []));
  const events = new Map<EventId, { event: EventId; room?: RoomId }>();
  for (const target of targets) {
    if (target.kind !== "message" || target.event === undefined) continue;
    events.set(target.event, { event: target.event, ...(target.room === undefined ? {} : { room: target.room }) });
  }
  return {
    people: [...new Set([...people, ...rungBy(content)])].slice(0, MOST),
    rooms: [...new Set(rooms)].slice(0, MOST),
    events: [...events.values()].slice(0, MOST),
    emoji: [...new Set(picturesIn(body))].slice(0, MOST),
    everyone: ringsRoom(content),
  };
}

function* picturesIn(body: RichText): Generator<MxcUri> {
  for (const node of inlines(body)) if (node.type === "emoji" && node.source?.kind === "mxc") yield node.source.uri;
}

/** https://spec.matrix.org/v1.15/client-server-api/#user-and-room-mentions */
function intended(content: AnyContent): AnyContent | undefined {
  const found = content["m.mentions"];
  return isRecord(found) ? found : undefined;
}

function rungBy(content: AnyContent): Mxid[] {
  const ids = intended(content)?.["user_ids"];
  return Array.isArray(ids) ? ids.slice(0, MOST).filter(isMxid) : [];
}

function ringsRoom(content: AnyContent): boolean {
  return intended(content)?.["room"] === true;
}

/** The text with every mention in the network's terms. Who is linked in the text but not meant to be rung is named only. */
export function withMentions(body: RichText, content: AnyContent, refs: OutRefs): RichText {
  const meant = intended(content) === undefined ? undefined : new Set(rungBy(content));
  const named = nameWritten(body, content, refs);
  return mapInlines(named, (node): Inline => {
    if (node.type === "emoji" && node.source?.kind === "mxc") return toRemoteEmoji(node, refs);
    return node.type === "mention" ? toRemote(node, refs, meant) : node;
  });
}

function toRemoteEmoji(node: Extract<Inline, { type: "emoji" }>, refs: OutRefs): Inline {
  const known = node.source?.kind === "mxc" ? refs.emoji?.get(node.source.uri) : undefined;
  if (known === undefined) return node;
  return { type: "emoji", name: known.name, source: { kind: "remote", id: known.id, ...(known.url ? { url: known.url } : {}) } };
}

function toRemote(node: Extract<Inline, { type: "mention" }>, refs: OutRefs, meant: ReadonlySet<Mxid> | undefined): Inline {
  const { target } = node;
  switch (target.kind) {
    case "person":
      return toPerson(target, node.text, refs, meant);
    case "channel":
      return toChannel(target, node.text, refs);
    case "message":
      return toMessage(target, node.text, refs);
    default:
      return node;
  }
}

type Target<Kind> = Extract<MentionTarget, { kind: Kind }>;

function toPerson({ mxid }: Target<"person">, text: string, refs: OutRefs, meant: ReadonlySet<Mxid> | undefined): Inline {
  if (mxid === undefined) return { type: "text", text };
  const known = refs.people?.get(mxid);
  const name = known?.name ?? text;
  if (meant !== undefined && !meant.has(mxid)) return { type: "text", text: name };
  return { type: "mention", target: { kind: "person", mxid, ...(known?.remote ? { remote: known.remote } : {}) }, text: name };
}

function toChannel({ room, alias }: Target<"channel">, text: string, refs: OutRefs): Inline {
  const id = room ?? alias;
  if (id === undefined) return { type: "text", text };
  const known = refs.rooms?.get(id);
  if (known !== undefined) {
    const name = /^[#&+!]/.test(known.name) ? known.name : `#${known.name}`;
    return { type: "mention", target: { kind: "channel", remote: known.remote, ...(room ? { room } : {}) }, text: name };
  }
  const url = writeMatrixLink({ kind: "room", room: id });
  return { type: "link", url, content: [{ type: "text", text: text.startsWith("https://") ? url : text }] };
}

function toMessage(target: Target<"message">, text: string, refs: OutRefs): Inline {
  const known = target.event === undefined ? undefined : refs.events?.get(target.event);
  if (known === undefined) return { type: "link", url: target.url, content: [{ type: "text", text }] };
  return { type: "mention", target: { ...target, ...known, kind: "message" }, text: text === target.url ? known.url : text };
}

/**
 * Names and `@room` as people type them without a link: they ring when `m.mentions` says so. The first place where a name stands by itself.
 */
function nameWritten(body: RichText, content: AnyContent, refs: OutRefs): RichText {
  const linked = new Set(mentions(body).map(({ target }) => (target.kind === "person" ? target.mxid : undefined)));
  const wanted = new Map<string, Inline>();
  for (const mxid of rungBy(content).slice(0, MOST_NAMES)) {
    const person = refs.people?.get(mxid);
    if (person?.remote === undefined || linked.has(mxid)) continue;
    const mention: Inline = { type: "mention", target: { kind: "person", mxid }, text: person.name };
    for (const name of [mxid, `@${person.name}`, person.name]) if (name.length > 1) wanted.set(name, mention);
  }
  if (ringsRoom(content))
    wanted.set("@room", { type: "mention", target: { kind: "everyone", allowed: refs.everyone ?? false }, text: "@room" });
  if (wanted.size === 0) return body;
  const done = new Set<Inline>();
  return mapTexts(body, (text) => putMentions(text, wanted, done));
}

function putMentions(text: string, wanted: ReadonlyMap<string, Inline>, done: Set<Inline>): Inline[] {
  for (const [name, mention] of wanted) {
    if (done.has(mention)) continue;
    const at = wordAt(text, name);
    if (at < 0) continue;
    done.add(mention);
    return [...putMentions(text.slice(0, at), wanted, done), mention, ...putMentions(text.slice(at + name.length), wanted, done)];
  }
  return text === "" ? [] : [{ type: "text", text }];
}

/** How many people are looked for by name, and how often each name: enough for any message that people write. */
const MOST_NAMES = 20;
const MOST_PLACES = 50;

const EDGE = /[^\p{L}\p{N}_]/u;

/** Where the name stands with no letter or digit beside it; -1 = nowhere. */
function wordAt(text: string, name: string): number {
  let at = text.indexOf(name);
  for (let tried = 0; at >= 0 && tried < MOST_PLACES; tried++, at = text.indexOf(name, at + 1)) {
    const before = text.slice(Math.max(0, at - 1), at);
    const after = text.slice(at + name.length, at + name.length + 1);
    if ((before === "" || EDGE.test(before)) && (after === "" || EDGE.test(after))) return at;
  }
  return -1;
}
