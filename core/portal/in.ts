/** One turn of a link's lane towards Matrix. */
import { inDelete, inEdit, inMessage, type InTurn } from "./in-message.ts";
import { inPoll, inVote } from "./in-poll.ts";
import { inReact, inReactionsAre } from "./in-react.ts";
import { inChannelChanged, inChannelGone, inIdChanged, inMembership, inMissed, inNotice, inPin } from "./in-room.ts";
import { MatrixError, translated } from "../matrix/failure.ts";
import { Broken, Refused, TryLater } from "../model/errors.ts";
import { never, type RemoteEvent } from "../model/events.ts";
import { linkId } from "../model/ids.ts";
import type { Work } from "../lane.ts";
import { type PortalContext, requireOpen } from "./portal.ts";
import type { Link } from "../store/store.ts";

export function workIn(portal: PortalContext, link: number): Work {
  return async (row, { again }) => {
    const known = await portal.links.link(linkId(link));
    if (!known) return await portal.store.journal.remove([row.id]);
    const event = row.payload as RemoteEvent;
    const live = portal.logins.hearing(known);
    if (!live) throw new TryLater(`There is no login "${known.login}" for ${known.network}: see the config.`, 60_000, "login");
    // A channel that turned private, or vanished, is judged before anything else that waits; it is never itself held back.
    try {
      if (event.kind !== "channel-changed" && event.kind !== "channel-gone") {
        await requireOpen(portal, known);
        await portal.surroundings.readers.require(known);
      }
      if (await portal.optOuts.leavesOut(known.network, event)) return await portal.store.journal.finish(row.id, {});
      await take({ portal, link: known, live, row, again }, event);
    } catch (error) {
      throw await judgedAnew(portal, known, translated(error));
    }
    portal.told.delivered(known, "in", event.kind, row.at, row.trace);
  };
}

/** A room that was replaced, or closed, in the very moment refuses what was on its way: that waits, like all that comes after it. */
async function judgedAnew(portal: PortalContext, link: Link, failure: unknown): Promise<unknown> {
  const cause = failure instanceof Refused ? failure.cause : undefined;
  if (!(cause instanceof MatrixError) || cause.status !== 403) return failure;
  portal.rooms.forget(link.room);
  return await requireOpen(portal, link).then(
    () => failure,
    (why: unknown) => translated(why),
  );
}

async function take(turn: InTurn, event: RemoteEvent): Promise<void> {
  switch (event.kind) {
    case "message":
      return await inMessage(turn, event);
    case "edit":
      return await inEdit(turn, event);
    case "delete":
      return await inDelete(turn, event);
    case "react":
    case "unreact":
      return await inReact(turn, event);
    case "reactions-are":
      return await inReactionsAre(turn, event);
    case "membership":
      return await inMembership(turn, event);
    case "channel-changed":
      return await inChannelChanged(turn, event);
    case "channel-gone":
      return await inChannelGone(turn, event);
    case "pin":
    case "unpin":
      return await inPin(turn, event);
    case "vote":
      return await inVote(turn, event);
    case "poll-closed":
      return await inPoll(turn, event);
    case "notice":
      return await inNotice(turn, event);
    case "missed":
      return await inMissed(turn, event);
    case "id-changed":
      return await inIdChanged(turn, event);
    case "person-changed":
    case "command":
      throw new Broken(`A ${event.kind} has no place in a link's queue.`);
    case "typing":
    case "read":
    case "presence":
      throw new Broken(`A ${event.kind} skips the journal.`);
    default:
      return never(event);
  }
}
