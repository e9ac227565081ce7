/**
 * Reactions in the room, on a network. People with a login of their own react themselves. For everyone else the shared login's
 * reaction exists if and only if one live reaction by a relayed person does: what is sent converges to that.
 */
import { reactionLine } from "../fit.ts";
import { reactionOf } from "../matrix/from-matrix.ts";
import { reactionText } from "../matrix/reaction-key.ts";
import { TryLater } from "../model/errors.ts";
import { type EventId, eventId, mxid } from "../model/ids.ts";
import type { ReactionKey } from "../model/message.ts";
import type { ReactPart } from "../model/effects.ts";
import { effect, type OutTurn } from "./out-effect.ts";
import { excerptOf } from "./out-gather.ts";
import { speakerOf, type Voice, voiceOf } from "./relay.ts";
import type { MessageRecord, ReactionRecord } from "../store/store.ts";

export async function outReact(turn: OutTurn): Promise<void> {
  const { portal, link, event, row } = turn;
  const { journal, messages } = portal.store;
  const reaction = reactionOf(event.content);
  const target = reaction ? (await messages.byEvent(eventId(reaction.target), link.id))[0] : undefined;
  if (reaction && !target) await stillComing(turn, eventId(reaction.target));
  const voice = reaction && target ? await voiceOf(portal, link, mxid(event.sender), row) : undefined;
  if (!reaction || !target || !voice) return await journal.finish(row.id, {});
  const capabilities = voice.live.connection.capabilities(link.channel);
  const record: ReactionRecord = {
    link: link.id,
    event: eventId(event.event_id),
    target: target.event,
    sender: mxid(event.sender),
    key: reaction.key,
    origin: "matrix",
  };
  if (capabilities.react === "refused" || capabilities.react === "fallback") {
    if (capabilities.react === "fallback") await sayReaction(turn, voice, reaction.key, target);
    return await journal.finish(row.id, { reactions: [record] });
  }
  const stands = !voice.speaker.own && (await relayed(turn, target.event, reaction.key)).length > 0;
  if (!stands && target.remote) {
    const key = await keyOf(turn, reaction.key, reaction.shortcode);
    const name = { what: `react ${event.event_id}`, place: 0 };
    await effect(turn, voice.live, part(turn, "react", target, key, voice), name, async () => {});
  }
  await journal.finish(row.id, { reactions: [record] });
}

/** How long a reaction waits for a message that was put off. */
const PATIENCE = 30_000;

async function stillComing({ portal, row }: OutTurn, target: EventId): Promise<void> {
  const waiting = (await portal.store.journal.about(target)).filter((other) => other.lane === row.lane && other.id < row.id);
  if (waiting.some(({ state }) => state === "waiting") && portal.clock.now() - row.at < PATIENCE) {
    throw new TryLater("The message that this reacts to waits itself.", 500, "item");
  }
}

export async function unreact(turn: OutTurn, reaction: ReactionRecord): Promise<void> {
  const { portal, link, event, row } = turn;
  const { journal, messages } = portal.store;
  const done = { unreact: [{ link: link.id, event: reaction.event }] };
  const [target] = await messages.byEvent(reaction.target, link.id);
  const voice = target?.remote ? await voiceOf(portal, link, reaction.sender, row) : undefined;
  if (!target || !voice) return await journal.finish(row.id, done);
  const { react } = voice.live.connection.capabilities(link.channel);
  const others = (await relayed(turn, reaction.target, reaction.key)).filter((one) => one.event !== reaction.event);
  const last = voice.speaker.own || others.length === 0;
  if (last && react !== "refused" && react !== "fallback") {
    const name = { what: `unreact ${event.event_id}`, place: 0 };
    const key = await keyOf(turn, reaction.key);
    await effect(turn, voice.live, part(turn, "unreact", target, key, voice), name, async () => {});
    if (voice.speaker.own && others.length === 0) await unreactShared(turn, target, key, reaction);
  }
  await journal.finish(row.id, done);
}

/** It may have been relayed, before they signed in: nobody is left for whom the shared login's would stand. */
async function unreactShared(turn: OutTurn, target: MessageRecord, key: ReactionKey, { sender }: ReactionRecord): Promise<void> {
  const { portal, link, event } = turn;
  const live = portal.logins.get(link.network, link.login);
  if (live?.state.is !== "connected" || live.login.owner !== undefined) return;
  const voice = { live, speaker: await speakerOf(portal, link, sender, false) };
  const name = { what: `unreact ${event.event_id} for all`, place: 0 };
  await effect(turn, live, part(turn, "unreact", target, key, voice), name, async () => {});
}

/** The live reactions that the shared login stands for. One emoji has two spellings, with and without U+FE0F, and clients send both. */
async function relayed(turn: OutTurn, target: EventId, key: string): Promise<readonly ReactionRecord[]> {
  const { portal, link } = turn;
  const all = await portal.store.messages.reactions(link.id, target);
  return all.filter(
    (one) => one.origin === "matrix" && reactionText(one.key) === reactionText(key) && !portal.logins.ownOf(one.sender, link),
  );
}

async function keyOf(turn: OutTurn, key: string, shortcode?: string): Promise<ReactionKey> {
  if (!key.startsWith("mxc://")) return { kind: "unicode", text: key };
  return (await turn.portal.media.knownEmoji(turn.link.network, key)) ?? { kind: "custom", name: shortcode ?? "emoji" };
}

function part(turn: OutTurn, kind: "react" | "unreact", target: MessageRecord, key: ReactionKey, voice: Voice): ReactPart {
  const message = target.remote as NonNullable<MessageRecord["remote"]>;
  return { kind, channel: turn.link.channel, ...(target.thread ? { thread: target.thread } : {}), message, key, speaker: voice.speaker };
}

/** Where messages cannot carry reactions, a line may say so: by setting, because it rings in everybody's eyes. */
async function sayReaction(turn: OutTurn, voice: Voice, key: string, target: MessageRecord): Promise<void> {
  const { portal, link, event } = turn;
  if (!link.settings.reactions) return;
  const { text: excerpt } = await excerptOf(portal, link.room, target.event);
  const authorName = await portal.members.name(link.room, target.sender);
  const body = reactionLine(voice.speaker.name, key, { authorName, excerpt });
  const parts = voice.live.network.toParts(
    { speaker: voice.speaker, style: "notice", body },
    voice.live.connection.capabilities(link.channel),
  );
  for (const [place, one] of parts.entries()) {
    await effect(turn, voice.live, { ...one, channel: link.channel }, { what: `react ${event.event_id}`, place }, async () => {});
  }
}
