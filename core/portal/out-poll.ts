/** Votes in the room and the end of a poll, on a network that cannot vote for us: the tally stands beside the poll. */
import { fromMatrix, pollTarget, pollVote } from "../matrix/from-matrix.ts";
import type { MatrixEvent } from "../matrix/event.ts";
import { mxid, type EventId, type Mxid, remoteMessageId } from "../model/ids.ts";
import { personKey } from "../opt-out.ts";
import type { Poll } from "../model/message.ts";
import { effect, type OutTurn } from "./out-effect.ts";
import { voiceOf } from "./relay.ts";
import { pollEnded } from "./votes.ts";

export async function outVote(turn: OutTurn): Promise<void> {
  await showTally(turn, false);
}

export async function outPollEnd(turn: OutTurn): Promise<void> {
  await showTally(turn, true);
}

async function showTally(turn: OutTurn, closed: boolean): Promise<void> {
  const { portal, link, event, row } = turn;
  const target = pollTarget(event.content);
  const [record] = target ? await portal.store.messages.byEvent(target, link.id) : [];
  const start = target ? await portal.client.event(link.room, target) : undefined;
  const poll = start ? fromMatrix(start.type, start.content, {}).poll : undefined;
  const voice = await voiceOf(portal, link, mxid(event.sender), row);
  const capabilities = voice?.live.connection.capabilities(link.channel);
  const can = capabilities !== undefined && capabilities.poll !== "refused";
  // Closing is its author's business.
  const may = !closed || start?.sender === event.sender;
  if (target && closed && may) await pollEnded(portal.store.settings, link, target);
  // Where messages have no ids, the text that stands for the poll is enough.
  const message = record && (record.remote ?? (capabilities?.ids === false ? remoteMessageId(target ?? "") : undefined));
  if (target && message && poll && voice && can && may) {
    const tally = await count(turn, target, poll, capabilities.poll === "fallback");
    const part = { kind: "poll", channel: link.channel, message, tally, closed, speaker: voice.speaker } as const;
    await effect(turn, voice.live, part, { what: event.event_id, place: 0 }, async () => {});
  }
  await portal.store.journal.finish(row.id, {});
}

/** The last vote of each person counts; ghosts' votes stand on their own network already, unless the poll is only text there. Whoever is not relayed does not count either. */
async function count(turn: OutTurn, target: EventId, poll: Poll, everybody: boolean): Promise<{ text: string; votes: number }[]> {
  const { portal, link } = turn;
  const events = await portal.client.relations(link.room, target, "m.reference", { limit: 1000 });
  const last = new Map<string, MatrixEvent>();
  for (const vote of events.filter((one) => pollVote(one.content) !== undefined).toReversed()) {
    if ((everybody || portal.ghosts.remoteOf(vote.sender)?.network !== link.network) && (await mayVote(turn, vote.sender)))
      last.set(vote.sender, vote);
  }
  const chosen = [...last.values()].flatMap((vote) => pollVote(vote.content) ?? []);
  return poll.answers.map((answer) => ({ text: answer.text, votes: chosen.filter((id) => id === answer.id).length }));
}

async function mayVote({ portal }: OutTurn, who: Mxid): Promise<boolean> {
  const ghost = portal.ghosts.remoteOf(who);
  if (ghost) return !(await portal.optOuts.isOut(personKey(ghost.network, ghost.remote)));
  return portal.permissions.may(who, "relay") && !(await portal.optOuts.isOut(who));
}
