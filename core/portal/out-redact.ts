/** What is taken back in the room, on a network: messages, edits, reactions. */
import type { MatrixEvent } from "../matrix/event.ts";
import { Refused } from "../model/errors.ts";
import { type EventId, eventId, mxid } from "../model/ids.ts";
import type { Part } from "../model/effects.ts";
import { effect, isUnclear, type OutTurn } from "./out-effect.ts";
import { applyEdit, textBefore } from "./out-message.ts";
import { unreact } from "./out-react.ts";
import { resolveUnclear } from "./out-unclear.ts";
import { speakerOf, type Voice } from "./relay.ts";
import type { MessageRecord } from "../store/store.ts";

export async function outRedact(turn: OutTurn): Promise<void> {
  const { portal, link, event, row } = turn;
  const { messages, journal } = portal.store;
  const target = redacted(event);
  if (!target) return await journal.finish(row.id, {});
  // What failed before is not tried again for somebody who took it back.
  const parked = (await journal.about(target)).filter((other) => other.lane === row.lane && other.state === "parked");
  const unclear = parked.find((other) => isUnclear(other) && (other.payload as MatrixEvent).event_id === target);
  if (unclear) await resolveUnclear(turn, unclear);
  await journal.remove(parked.map((other) => other.id));
  const edited = await messages.editTarget(target);
  if (edited) return await restore(turn, edited);
  const reaction = (await messages.reactionByEvent(target)).find((one) => one.link === link.id);
  if (reaction) return await unreact(turn, reaction);
  for (const record of await messages.byEvent(target, link.id)) await remove(turn, record);
  await journal.finish(row.id, { forget: [{ link: link.id, event: target }] });
}

/** Room version 11 moved the key into the content. */
export function redacted(event: { redacts?: string | undefined; content: Readonly<Record<string, unknown>> }): EventId | undefined {
  const target = event.redacts ?? event.content["redacts"];
  return typeof target === "string" ? eventId(target) : undefined;
}

/** An edit was taken back: the text before it stands again. */
async function restore(turn: OutTurn, target: EventId): Promise<void> {
  const records = await turn.portal.store.messages.byEvent(target, turn.link.id);
  if (records.length === 0) return await turn.portal.store.journal.finish(turn.row.id, {});
  await applyEdit(turn, target, await textBefore(turn, target), records);
}

async function remove(turn: OutTurn, record: MessageRecord): Promise<void> {
  const { link, event } = turn;
  if (!record.remote) return;
  const { live, speaker } = await deleterOf(turn, record);
  const capabilities = live.connection.capabilities(link.channel);
  const own = record.origin === "matrix";
  const degree = own ? capabilities.delete : capabilities.deleteOthers;
  // Links to the message's files die with it; the text itself stays there.
  if (degree === "fallback") return;
  if (degree === "refused") return await tellOnce(turn, own);
  const reason = event.content["reason"];
  const part: Part = {
    kind: "delete",
    channel: link.channel,
    ...(record.thread ? { thread: record.thread } : {}),
    message: record.remote,
    speaker,
    own,
    ...(typeof reason === "string" ? { reason } : {}),
  };
  try {
    await effect(turn, live, part, { what: `delete ${event.event_id}`, place: record.part }, async () => {});
  } catch (error) {
    if (!(error instanceof Refused) || own) throw error;
    await tellOnce(turn, own, error.message);
  }
}

/** The login that sent a message deletes it; another's is deleted with the deleter's own rights, else the shared login's. */
async function deleterOf(turn: OutTurn, record: MessageRecord): Promise<Voice> {
  const { portal, link, event } = turn;
  const sent = record.login ? portal.logins.get(link.network, record.login) : portal.logins.ownOf(mxid(event.sender), link);
  const live = sent?.state.is === "connected" ? sent : portal.logins.serving(link);
  const own = live.login.owner === event.sender;
  return { live, speaker: await speakerOf(portal, link, mxid(event.sender), own) };
}

async function tellOnce(turn: OutTurn, own: boolean, why?: string): Promise<void> {
  const { portal, link } = turn;
  const what = own ? "Deletions do not cross to this network" : "Deleting what others wrote does not cross to this network";
  await portal.notices.say(link.room, `delete:${link.id}:${own}`, `${what}${why ? `: ${why}` : "."}`);
}
