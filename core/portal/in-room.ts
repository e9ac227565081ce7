/** What happens to a channel, in the room: who comes and goes, names and topics, who may read it, what is pinned. */
import { senderOf } from "./in-gather.ts";
import { type InTurn, knownMessage } from "./in-message.ts";
import { Earlier, sendIn } from "./in-send.ts";
import { factsOf, mergeFacts, newsIn } from "../channel-facts.ts";
import { ORIGIN, signOrigin } from "../matrix/origin.ts";
import { noticeContent } from "../matrix/to-matrix.ts";
import {
  never,
  type RemoteChannelChanged,
  type RemoteChannelGone,
  type RemoteIdChanged,
  type RemoteMembership,
  type RemoteMissed,
  type RemoteNotice,
  type RemotePin,
} from "../model/events.ts";
import { eventId } from "../model/ids.ts";
import { writeSpan } from "../time-span.ts";

/** Lazily: a ghost joins when it speaks, unless the link mirrors membership; it leaves when its person did, wherever it is. */
export async function inMembership(turn: InTurn, event: RemoteMembership): Promise<void> {
  const { portal, link, live, row } = turn;
  const { attendance } = portal.surroundings;
  const reason = event.reason ?? "";
  switch (event.change) {
    case "join":
      await attendance.came(link, await senderOf(live.connection, event.person, event.profile));
      break;
    case "leave":
      await attendance.went(link, event.person, reason);
      break;
    case "kick":
    case "ban":
      await attendance.removed(link, event.person, await removedWhy(turn, event));
      await tellOwner(turn, event);
      break;
    case "unban":
    case "invite":
      break;
    default:
      never(event.change);
  }
  await portal.store.journal.finish(row.id, {});
}

async function removedWhy({ live }: InTurn, event: RemoteMembership): Promise<string> {
  const by = event.by && (await live.connection.person(event.by))?.name;
  const deed = event.change === "ban" ? "banned" : "removed";
  return [by ? `${deed} by ${by}` : deed, ...(event.reason ? [event.reason] : [])].join(": ");
}

/** A Matrix person was removed over there, where they are by a login of their own: they and the room are told, and stay here. */
async function tellOwner(turn: InTurn, event: RemoteMembership): Promise<void> {
  const { portal, link, live, row } = turn;
  const owner = portal.logins.ownerOf(link.network, event.person);
  if (!owner) return;
  const name = await portal.members.name(link.room, owner);
  const text = `${name} was ${await removedWhy(turn, event)} in the channel on ${live.network.name}, and is still here.`;
  await portal.notices.say(link.room, `removed:${link.id}:${row.id}`, text);
}

async function tellModerated({ portal, link, row }: InTurn, before: boolean | undefined, now: boolean | undefined): Promise<void> {
  if (now === undefined || now === (before ?? false)) return;
  const text = now ? "Only some may speak in the channel now: it is moderated." : "Everybody may speak in the channel again.";
  await portal.notices.say(link.room, `moderated:${link.id}:${row.id}`, text);
}

/** The same person under another id (a nick that changed): the old ghost makes room for the new one, if it was there at all. */
export async function inIdChanged(turn: InTurn, event: RemoteIdChanged): Promise<void> {
  const { portal, link, row } = turn;
  await portal.surroundings.attendance.renamed(link, event.from, event.to);
  await portal.store.journal.finish(row.id, {});
}

export async function inChannelChanged(turn: InTurn, event: RemoteChannelChanged): Promise<void> {
  const { portal, link, live, row } = turn;
  const { gone, ...before } = factsOf(link);
  const facts = mergeFacts(before, event.facts);
  // Networks tell a channel whole when we enter it: as nearly always, nothing is new. An earlier attempt may have got no further than this.
  const isBegun = turn.again || row.reason !== undefined;
  const isKnown = !isBegun && gone === undefined && JSON.stringify(facts) === JSON.stringify(before);
  if (isKnown) return await portal.store.journal.finish(row.id, {});
  const now = await portal.links.update(link, { facts });
  // Judged before anything more is relayed: a channel that turned private closes the room, or the link waits.
  const verdict = await portal.rooms.judge(now);
  const sight = [event.facts.visibility, event.facts.unlisted, event.facts.archived].some((fact) => fact !== undefined);
  if (gone !== undefined) await portal.surroundings.cameBack(link);
  if (verdict.ok && sight) await portal.surroundings.opened(link.room);
  await portal.surroundings.changed(now, live, newsIn(before, event.facts), before.name);
  await tellModerated(turn, before.moderated, event.facts.moderated);
  if (event.facts.archived)
    await portal.notices.say(
      link.room,
      `archived:${link.id}:${row.id}`,
      "The channel has been archived there: what is written here waits until it is taken out of the archive.",
    );
  await portal.store.journal.finish(row.id, {});
}

export async function inChannelGone(turn: InTurn, event: RemoteChannelGone): Promise<void> {
  const { portal, link, row } = turn;
  const before = factsOf(link);
  await portal.links.update(link, { facts: { ...before, gone: event.why } });
  // Found so once more, after a restart: that is told already.
  if (before.gone === event.why) return await portal.store.journal.finish(row.id, {});
  await portal.notices.say(
    link.room,
    `gone:${link.id}:${row.id}`,
    `${event.why} Nothing crosses until that is mended; what waits is kept.`,
  );
  await portal.store.journal.finish(row.id, {});
}

export async function inNotice(turn: InTurn, event: RemoteNotice): Promise<void> {
  const { portal, link, row } = turn;
  const earlier = new Earlier(portal, link, turn.again);
  const content = noticeContent(event.body);
  await sendIn(portal, link, earlier, {
    type: "m.room.message",
    content,
    as: portal.bot,
    remote: `notice:${row.id}`,
    part: 0,
    at: event.at,
  });
  await portal.store.journal.finish(row.id, {});
}

/** On networks without history, what was said while we were away is gone. It is counted, and said. */
export async function inMissed(turn: InTurn, event: RemoteMissed): Promise<void> {
  const { portal, link, live, row } = turn;
  portal.told.missed(link, event.count ?? 1);
  const what = event.count === undefined ? "Whatever was said" : `${event.count} lines that were said`;
  const text = `${what} on ${live.network.name} ${writeSpan(event.since, event.at)} did not reach the bridge: it was away, and that server keeps no history.`;
  await portal.notices.say(link.room, `missed:${link.id}:${row.id}`, text);
  await portal.store.journal.finish(row.id, {});
}

export async function inPin(turn: InTurn, event: RemotePin): Promise<void> {
  const { portal, link, row } = turn;
  const [record] = await knownMessage(turn, event.message);
  if (record) {
    const origin = { room: link.room, sender: portal.bot, link: link.id, remote: `${event.kind}:${event.message}`, part: 0 };
    const mark = { [ORIGIN]: signOrigin(portal.secret, origin) };
    await portal.rooms.pin(link.room, eventId(record.event), event.kind === "pin", mark);
  }
  await portal.store.journal.finish(row.id, {});
}
