/** Reactions on a network, in the room. */
import { senderOf } from "./in-gather.ts";
import { type InTurn, knownMessage, speakIn } from "./in-message.ts";
import { Earlier, redactIn, sendIn } from "./in-send.ts";
import { reactionText } from "../matrix/reaction-key.ts";
import { reactionContent } from "../matrix/to-matrix.ts";
import { TryLater } from "../model/errors.ts";
import type { RemoteReact, RemoteReactionsAre } from "../model/events.ts";
import type { EventId, RemoteUserId } from "../model/ids.ts";
import type { ReactionKey } from "../model/message.ts";
import { personKey } from "../opt-out.ts";
import type { ReactionRecord } from "../store/store.ts";

/** How long a reaction waits for a message that was put off. */
const PATIENCE = 10_000;
/** And for one of which nothing is known. */
const BEHIND = 3_000;

export async function inReact(turn: InTurn, event: RemoteReact): Promise<void> {
  const target = await targetOf(turn, event);
  const done = target ? await (event.kind === "react" ? add : remove)(turn, target, event.sender, event.key, event) : {};
  await turn.portal.store.journal.finish(turn.row.id, done);
}

/** What stands in the room is brought to what the network says, no more and no less. */
export async function inReactionsAre(turn: InTurn, event: RemoteReactionsAre): Promise<void> {
  const { portal, link, row } = turn;
  const { journal, messages } = portal.store;
  const target = await targetOf(turn, event);
  if (!target) return await journal.finish(row.id, {});
  const only = event.only ? (await keyText(turn, event.only)).key : undefined;
  const standing = (await messages.reactions(link.id, target)).filter((one) => one.origin === "remote" && (!only || one.key === only));
  const wanted = new Map<string, { key: ReactionKey; person: RemoteUserId }>();
  for (const { key, people } of event.reactions) {
    const text = (await keyText(turn, key)).key;
    for (const person of people) {
      if (await portal.optOuts.isOut(personKey(link.network, person))) continue;
      wanted.set(`${portal.ghosts.mxidOf(link.network, person)} ${text}`, { key, person });
    }
  }
  for (const one of standing) {
    if (wanted.delete(`${one.sender} ${one.key}`)) continue;
    await redactIn(portal, link, one.event, one.sender, `unreact:${event.message}`);
    await journal.finish(undefined, { unreact: [{ link: link.id, event: one.event }] });
  }
  for (const { key, person } of wanted.values()) await journal.finish(undefined, await add(turn, target, person, key, event));
  await journal.finish(row.id, {});
}

type Happened = Pick<RemoteReact, "message" | "at"> & { readonly person?: RemoteReact["person"] };

async function add(turn: InTurn, target: EventId, sender: RemoteUserId, key: ReactionKey, event: Happened) {
  const { portal, link, live } = turn;
  const as = await speakIn(turn, await senderOf(live.connection, sender, event.person));
  const { key: text, name } = await keyText(turn, key);
  const standing = await portal.store.messages.reactions(link.id, target);
  if (standing.some((one) => one.sender === as && one.key === text)) return {};
  const content = reactionContent(target, text, name);
  // The same person may take it away and give it again: each time is a new event.
  const remote = `react:${event.message}:${sender}:${text}:${turn.row.id}`;
  const earlier = new Earlier(portal, link, turn.again);
  const sent = await sendIn(portal, link, earlier, { type: "m.reaction", content, as, remote, part: 0, at: event.at });
  const record: ReactionRecord = { link: link.id, event: sent, target, sender: as, key: text, origin: "remote" };
  return { reactions: [key.kind === "custom" && key.id ? { ...record, remoteKey: key.id } : record] };
}

async function remove(turn: InTurn, target: EventId, sender: RemoteUserId, key: ReactionKey, event: Happened) {
  const { portal, link } = turn;
  const { key: text } = await keyText(turn, key);
  const ghost = portal.ghosts.mxidOf(link.network, sender);
  const standing = await portal.store.messages.reactions(link.id, target);
  const double = portal.logins.ownerOf(link.network, sender);
  const mine = standing.filter((one) => one.origin === "remote" && (one.sender === ghost || one.sender === double) && one.key === text);
  for (const one of mine) await redactIn(portal, link, one.event, one.sender, `unreact:${event.message}:${turn.row.id}`);
  return { unreact: mine.map((one) => ({ link: link.id, event: one.event })) };
}

/** The first event of the message; a reaction to what never came here says nothing. */
async function targetOf(turn: InTurn, { message, via }: RemoteReact | RemoteReactionsAre): Promise<EventId | undefined> {
  const [first] = await knownMessage(turn, message);
  if (first) return first.event;
  const { portal, link, row } = turn;
  const waiting = await portal.store.journal.about(`${link.id}:${message}`);
  const isComing = waiting.some(({ state, payload }) => state === "waiting" && (payload as { kind?: string }).kind === "message");
  // Where events come in no order, it may be a moment behind.
  const mayCome = via === "live" && !(await portal.store.messages.isTombstone(link.id, message));
  if (portal.clock.now() - row.at < (isComing ? PATIENCE : mayCome ? BEHIND : 0)) {
    throw new TryLater("The message that this reacts to has not come yet.", 500, "item");
  }
  return undefined;
}

async function keyText(turn: InTurn, key: ReactionKey): Promise<{ key: string; name?: string }> {
  if (key.kind === "unicode") return { key: reactionText(key.text) };
  const { portal, link, live } = turn;
  const uri =
    key.mxc ??
    (key.id && key.url ? await portal.media.emoji(live.connection, link.network, { id: key.id, name: key.name, url: key.url }) : undefined);
  return uri ? { key: uri, name: key.name } : { key: `:${key.name}:` };
}
