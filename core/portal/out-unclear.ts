/** A message that lies parked because nobody knows whether it stands on the network, and is taken back: it is looked for once more. */
import { eventId, mxid } from "../model/ids.ts";
import type { MatrixEvent } from "../matrix/event.ts";
import { Refused } from "../model/errors.ts";
import { findEarlier, openKey, type OutStep, type OutTurn } from "./out-effect.ts";
import { partsOf, sayDone } from "./out-message.ts";
import { keyFor } from "./portal.ts";
import { voiceOf } from "./relay.ts";
import type { JournalRow } from "../store/store.ts";

/** What is found is in the map from then on, and can be deleted like anything else. `turn` is the redaction's, `parked` the message's row. */
export async function resolveUnclear(turn: OutTurn, parked: JournalRow): Promise<void> {
  const event = parked.payload as MatrixEvent;
  try {
    await look({ ...turn, row: parked, event, step: parked.step as OutStep | undefined });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const { portal, link } = turn;
    const text = "It is not certain whether this was there before it was deleted here: where it is, somebody has to delete it.";
    const about = { event: eventId(event.event_id), author: mxid(event.sender) };
    await portal.notices.say(link.room, `unclear:${parked.id}`, text, about);
  }
}

async function look(turn: OutTurn): Promise<void> {
  const { portal, link, event, row } = turn;
  const voice = await voiceOf(portal, link, mxid(event.sender), row);
  if (!voice) return;
  const id = eventId(event.event_id);
  const parts = await partsOf(turn, voice, event.content);
  for (const [place, part] of parts.entries()) {
    const key = keyFor(link, id, place);
    if (key !== openKey(row.step)) continue;
    const sent = await findEarlier(turn, voice.live, { ...part, channel: link.channel }, key);
    if (sent) await portal.store.journal.finish(undefined, sayDone(turn, voice, id, part, place, sent));
  }
}
