/**
 * Edits, deletions and reactions that were missed: the recent past is read once more and compared with what stands in the room. A
 * deletion is concluded only where the whole range was there to read.
 */
import { digestOf } from "./in-message.ts";
import type { LiveLogin } from "../logins.ts";
import {
  compareCursors,
  type Cursor,
  type RemoteEdit,
  type RemoteEvent,
  type RemoteMessage,
  type RemoteReactionsAre,
} from "../model/events.ts";
import type { RemoteMessageId } from "../model/ids.ts";
import type { Clock, HistoryPage } from "../network.ts";
import type { Link, MessageRecord, MessageStore } from "../store/store.ts";

export interface CompareContext {
  readonly messages: MessageStore;
  readonly clock: Clock;
  receive(live: LiveLogin, events: readonly RemoteEvent[]): Promise<void>;
}

const WINDOW = 24 * 3_600_000;
const MOST = 100;

interface Past {
  readonly messages: ReadonlyMap<RemoteMessageId, RemoteMessage | RemoteEdit>;
  readonly reactions: ReadonlyMap<RemoteMessageId, RemoteReactionsAre>;
  readonly complete: boolean;
}

export async function compare(context: CompareContext, live: LiveLogin, link: Link): Promise<void> {
  const { connection } = live;
  if (!connection.before || !connection.history) return;
  const known = await context.messages.recent(link.id, context.clock.now() - WINDOW, MOST);
  const from = earliest(known.flatMap(({ remote }) => (remote === undefined ? [] : (connection.before?.(link.channel, remote) ?? []))));
  if (from === undefined) return;
  const past = await readPast(live, link, from);
  const events: RemoteEvent[] = [];
  for (const record of known) {
    if (record.remote === undefined || record.part > 0) continue;
    events.push(...(await changesOf(context, link, record, record.remote, past)));
  }
  if (events.length > 0) await context.receive(live, events);
}

/** What was said first in the room need not have come first there: whatever is to be compared has to lie within the range that is read. */
function earliest(cursors: readonly Cursor[]): Cursor | undefined {
  return [...cursors].sort(compareCursors)[0];
}

async function readPast(live: LiveLogin, link: Link, from: string): Promise<Past> {
  const messages = new Map<RemoteMessageId, RemoteMessage | RemoteEdit>();
  const reactions = new Map<RemoteMessageId, RemoteReactionsAre>();
  let complete = true;
  for (let after: string | undefined = from; after !== undefined; ) {
    const page: HistoryPage | undefined = await live.connection.history?.(link.channel, after);
    if (!page) break;
    for (const event of page.events) {
      if (event.kind === "message" || event.kind === "edit") messages.set(event.message, event);
      if (event.kind === "reactions-are") reactions.set(event.message, event);
    }
    complete &&= page.complete;
    after = page.next;
  }
  return { messages, reactions, complete };
}

async function changesOf(
  context: CompareContext,
  link: Link,
  record: MessageRecord,
  message: RemoteMessageId,
  past: Past,
): Promise<RemoteEvent[]> {
  const base = { channel: link.channel, at: context.clock.now(), via: "history" } as const;
  const there = past.messages.get(message);
  if (!there) {
    // Not read back: deleted, if the range was whole and the message lies in no thread of its own.
    if (!past.complete || record.thread !== undefined) return [];
    return [{ ...base, kind: "delete", messages: [message], subject: `delete:${message}` }];
  }
  const out: RemoteEvent[] = [];
  const digest = digestOf(there);
  if (record.origin === "remote" && record.digest !== undefined && record.digest !== digest) {
    const { style, body, sender, person } = there;
    const said = person ? { sender, person } : { sender };
    out.push({ ...base, ...said, kind: "edit", message, version: digest, style, body, subject: `edit:${message}:${digest}` });
  }
  const standing = (await context.messages.reactions(link.id, record.event)).filter((one) => one.origin === "remote");
  const now = past.reactions.get(message);
  if (now) out.push({ ...now, subject: `${now.subject ?? `reactions:${message}`}:${context.clock.now()}` });
  else if (standing.length > 0 && past.complete) out.push({ ...base, kind: "reactions-are", message, reactions: [] });
  return out;
}
