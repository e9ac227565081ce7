/** Votes and the end of a poll on a network, in the room. */
import { senderOf } from "./in-gather.ts";
import { type InTurn, knownMessage, speakIn } from "./in-message.ts";
import { Earlier, sendIn } from "./in-send.ts";
import { pollEndContent, voteContent } from "../matrix/to-matrix.ts";
import type { RemotePollClosed, RemoteVote } from "../model/events.ts";

export async function inVote(turn: InTurn, event: RemoteVote): Promise<void> {
  const { portal, link, live, row } = turn;
  const [record] = await knownMessage(turn, event.message);
  if (record) {
    const as = await speakIn(turn, await senderOf(live.connection, event.sender, event.person));
    const remote = `vote:${event.message}:${event.sender}:${row.id}`;
    const earlier = new Earlier(portal, link, turn.again);
    await sendIn(portal, link, earlier, { ...voteContent(record.event, event.answers), as, remote, part: 0, at: event.at });
  }
  await portal.store.journal.finish(row.id, {});
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
