/** Votes and the end of a poll on a network, in the room. */
import { senderOf } from "./in-gather.ts";
import { type InTurn, knownMessage, speakIn } from "./in-message.ts";
import { Earlier, sendIn } from "./in-send.ts";
import { chosenOf, pollOf } from "../matrix/from-poll.ts";
import { pollEndContent, voteContent } from "../matrix/to-matrix.ts";
import type { RemotePollClosed, RemoteVote } from "../model/events.ts";
import type { EventId } from "../model/ids.ts";
import { eventIn } from "./portal.ts";
import { pollNamed } from "./votes.ts";

export async function inVote(turn: InTurn, event: RemoteVote): Promise<void> {
  const { portal, link, live, row } = turn;
  const [record] = await knownMessage(turn, event.message);
  const poll = pollNamed(event.message) ?? record?.event;
  if (poll) {
    const as = await speakIn(turn, await senderOf(live.connection, event.sender, event.person));
    const answers = record?.origin === "matrix" ? await ownAnswers(turn, record.event, event.answers) : event.answers;
    const remote = `vote:${event.message}:${event.sender}:${row.id}`;
    const earlier = new Earlier(portal, link, turn.again);
    await sendIn(portal, link, earlier, { ...voteContent(poll, answers), as, remote, part: 0, at: event.at });
  }
  await portal.store.journal.finish(row.id, {});
}

/** What was chosen of a poll that began in the room, as the room knows its answers. */
async function ownAnswers({ portal, link }: InTurn, poll: EventId, numbers: readonly string[]): Promise<readonly string[]> {
  const start = await eventIn(portal, link.room, poll);
  const known = start && pollOf(start.content);
  return known ? chosenOf(known, numbers) : [];
}

export async function inPoll(turn: InTurn, event: RemotePollClosed): Promise<void> {
  const { portal, link, row } = turn;
  const [record] = await knownMessage(turn, event.message);
  if (record) {
    const as = record.origin === "remote" ? record.sender : portal.bot;
    const earlier = new Earlier(portal, link, turn.again);
    const end = pollEndContent(record.event, event.results ?? []);
    await sendIn(portal, link, earlier, { ...end, as, remote: `poll-closed:${event.message}`, part: 0, at: event.at });
  }
  await portal.store.journal.finish(row.id, {});
}
