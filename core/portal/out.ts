/** One turn of a link's lane towards its network. */
import type { Work } from "../lane.ts";
import type { MatrixEvent } from "../matrix/event.ts";
import { translated } from "../matrix/failure.ts";
import { editTarget } from "../matrix/from-matrix.ts";
import { TryLater } from "../model/errors.ts";
import { linkId } from "../model/ids.ts";
import { outEdit, outMessage } from "./out-message.ts";
import { openKey, type OutStep, type OutTurn, TakenBack } from "./out-effect.ts";
import { outPollEnd, outVote } from "./out-poll.ts";
import { outPowers } from "./out-powers.ts";
import { outReact } from "./out-react.ts";
import { outReaders } from "./out-readers.ts";
import { outRedact } from "./out-redact.ts";
import { outMember, outPin, outTopic } from "./out-room.ts";
import { type PortalContext, requireOpen } from "./portal.ts";
import { READERS } from "../readers.ts";
import { putOff } from "./relay.ts";

export function workOut(portal: PortalContext, link: number): Work {
  return async (row, { again }) => {
    const known = await portal.links.link(linkId(link));
    if (!known) return await portal.store.journal.remove([row.id]);
    const event = row.payload as MatrixEvent;
    const turn: OutTurn = { portal, link: known, row, event, again, step: row.step as OutStep | undefined };
    // Cut off by a crash: whatever becomes of the row, nobody waits for that send beyond it.
    const cutOff = openKey(row.step);
    try {
      await requireOpen(portal, known);
      await take(turn);
      if (cutOff !== undefined) portal.unresolved.end(cutOff);
    } catch (error) {
      if (error instanceof TakenBack) return;
      if (error instanceof TryLater && error.scope === "item") putOff(portal, known, event.sender, row, error.after);
      throw translated(error);
    }
    portal.told.delivered(known, "out", event.type, row.at, row.trace);
  };
}

async function take(turn: OutTurn): Promise<void> {
  const { event } = turn;
  switch (event.type) {
    case "m.room.message":
    case "m.sticker":
    case "m.poll.start":
    case "org.matrix.msc3381.poll.start":
      return await (editTarget(event.content) ? outEdit(turn) : outMessage(turn));
    case "m.reaction":
      return await outReact(turn);
    case "m.room.redaction":
      return await outRedact(turn);
    case READERS:
      return await outReaders(turn);
    case "m.room.topic":
      return await outTopic(turn, "topic");
    case "m.room.name":
      return await outTopic(turn, "name");
    case "m.room.pinned_events":
      return await outPin(turn);
    case "m.room.member":
      return await outMember(turn);
    case "m.room.power_levels":
      return await outPowers(turn);
    case "m.poll.response":
    case "org.matrix.msc3381.poll.response":
      return await outVote(turn);
    case "m.poll.end":
    case "org.matrix.msc3381.poll.end":
      return await outPollEnd(turn);
    default:
      return await turn.portal.store.journal.finish(turn.row.id, {});
  }
}
