/** The bridge tells the channel who reads along. */
import { Refused } from "../model/errors.ts";
import { plainText } from "../model/richtext.ts";
import { type Telling, tellingId } from "../readers.ts";
import { effect, type OutTurn } from "./out-effect.ts";
import { ownVoice } from "./portal.ts";

export async function outReaders(turn: OutTurn): Promise<void> {
  const { portal, link, row, event } = turn;
  const { readers } = portal.surroundings;
  const { journal } = portal.store;
  const telling = await readers.words(link, event.content as Telling);
  if (telling) {
    // The same words at every attempt, whoever comes meanwhile.
    if (event.content["text"] === undefined) await journal.rewrite(row.id, { ...event, content: telling });
    try {
      await say(turn, telling.text);
      await readers.said(link, telling);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      await readers.unsaid(link, error.message);
    }
  }
  await journal.finish(row.id, {});
}

async function say(turn: OutTurn, text: string): Promise<void> {
  const { portal, link, row, event } = turn;
  const live = portal.logins.serving(link);
  const speaker = ownVoice(portal);
  const parts = live.network.toParts({ speaker, style: "notice", body: plainText(text) }, live.connection.capabilities(link.channel));
  const id = tellingId(link, row.id);
  const done = await portal.store.messages.byEvent(id, link.id);
  for (const [place, part] of parts.entries()) {
    if (done.some((record) => record.part === place)) continue;
    await effect(turn, live, { ...part, channel: link.channel }, { what: id, place }, async (sent) => {
      // Known as ours, should the network show it to us again.
      const remote = sent.id ? { remote: sent.id } : {};
      const at = event.origin_server_ts;
      const record = {
        link: link.id,
        room: link.room,
        event: id,
        ...remote,
        part: place,
        origin: "matrix",
        sender: portal.bot,
        at,
      } as const;
      await portal.store.journal.finish(undefined, { messages: [record] });
    });
  }
}
