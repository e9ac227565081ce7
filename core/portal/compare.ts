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
import type { RemoteMessageId, RemoteThreadId } from "../model/ids.ts";
import type { Clock, HistoryPage } from "../network.ts";
import type { Journal, Link, MessageRecord, MessageStore } from "../store/store.ts";

export interface CompareContext {
  readonly messages: MessageStore;
  readonly journal: Pick<Journal, "head">;
  readonly clock: Clock;
  receive(live: LiveLogin, events: readonly RemoteEvent[]): Promise<void>;
}

const WINDOW = 24 * 3_600_000;
const MOST = 100;

/** What the room has of a message, or will have when its turn has come. */
interface Known {
  readonly remote: RemoteMessageId;
  readonly at: number;
  readonly thread: RemoteThreadId | undefined;
  /** Of its text, where it was said over there. */
  readonly digest: string | undefined;
  /** Absent = it still waits. */
  readonly record?: MessageRecord;
}

interface Past {
  readonly messages: ReadonlyMap<RemoteMessageId, RemoteMessage | RemoteEdit>;
  readonly reactions: ReadonlyMap<RemoteMessageId, RemoteReactionsAre>;
  readonly threads: ReadonlySet<RemoteThreadId>;
  readonly complete: boolean;
}

export async function compare(context: CompareContext, live: LiveLogin, link: Link): Promise<void> {
  const { connection } = live;
  if (!connection.before || !connection.history) return;
  const known = [...(await recorded(context, link)), ...(await waiting(context, link))];
  const from = earliest(known.flatMap(({ remote, at }) => connection.before?.(link.channel, remote, at) ?? []));
  if (from === undefined) return;
  const past = await readPast(live, link, from, new Set(known.map(({ remote }) => remote)));
  // Before it, nothing is certain.
  const since = connection.forgets ? Math.min(...known.filter(({ remote }) => past.messages.has(remote)).map(({ at }) => at)) : undefined;
  const looked = since === undefined ? known : known.filter(({ at }) => at > since);
  const events: RemoteEvent[] = [];
  for (const each of looked) events.push(...(await changesOf(context, live, link, each, past)));
  if (events.length > 0) await context.receive(live, events);
}

async function recorded({ messages, clock }: CompareContext, link: Link): Promise<Known[]> {
  const records = await messages.recent(link.id, clock.now() - WINDOW, MOST);
  return records.flatMap((record) => {
    const { remote, at, part, thread, digest, origin } = record;
    return remote === undefined || part > 0 ? [] : [{ remote, at, thread, digest: origin === "remote" ? digest : undefined, record }];
  });
}

/** What an earlier connection took and had no time to bring: it may have been changed or deleted since as well. */
async function waiting({ journal }: CompareContext, link: Link): Promise<Known[]> {
  const rows = await journal.head(`in:${link.id}`, MOST);
  return rows.flatMap(({ payload }) => {
    const event = payload as RemoteEvent;
    return event.kind === "message" ? [{ remote: event.message, at: event.at, thread: event.thread?.id, digest: digestOf(event) }] : [];
  });
}

/** What was said first in the room need not have come first there: whatever is to be compared has to lie within the range that is read. */
function earliest(cursors: readonly Cursor[]): Cursor | undefined {
  return [...cursors].sort(compareCursors)[0];
}

/** Page by page, and of each only what is compared is kept: however much was said meanwhile, this much memory does. */
async function readPast(live: LiveLogin, link: Link, from: string, wanted: ReadonlySet<RemoteMessageId>): Promise<Past> {
  const messages = new Map<RemoteMessageId, RemoteMessage | RemoteEdit>();
  const reactions = new Map<RemoteMessageId, RemoteReactionsAre>();
  const threads = new Set<RemoteThreadId>();
  let complete = true;
  for (let after: string | undefined = from; after !== undefined; ) {
    const page: HistoryPage | undefined = await live.connection.history?.(link.channel, after);
    if (!page) break;
    for (const event of page.events) {
      if (event.kind !== "message" && event.kind !== "edit" && event.kind !== "reactions-are") continue;
      if (!wanted.has(event.message)) continue;
      if (event.kind === "reactions-are") reactions.set(event.message, event);
      else messages.set(event.message, event);
    }
    for (const thread of page.threads ?? []) threads.add(thread);
    complete &&= page.complete;
    after = page.next;
  }
  return { messages, reactions, threads, complete };
}

async function changesOf(
  context: CompareContext,
  { connection }: LiveLogin,
  link: Link,
  { remote: message, thread, digest: before, record }: Known,
  past: Past,
): Promise<RemoteEvent[]> {
  const base = { channel: link.channel, at: context.clock.now(), via: "history" } as const;
  const there = past.messages.get(message);
  if (!there) {
    // Not read back: deleted, if the range was whole, and its thread was read too.
    if (!past.complete || (thread !== undefined && !past.threads.has(thread))) return [];
    return [{ ...base, kind: "delete", messages: [message], subject: `delete:${message}` }];
  }
  const out: RemoteEvent[] = [];
  const digest = digestOf(there);
  // Where nothing can be edited, names of people who have come or gone are all that can make it read differently.
  if (before !== undefined && before !== digest && connection.capabilities(link.channel).edit === "full") {
    const { style, body, sender, person } = there;
    const said = person ? { sender, person } : { sender };
    const at = (there.kind === "message" ? there.edited : there.at) ?? base.at;
    out.push({ ...base, ...said, at, kind: "edit", message, version: digest, style, body, subject: `edit:${message}:${digest}` });
  }
  // What is forgotten in parts would take away reactions that are there: where reactions are in the history, they came with it.
  if (!record || connection.forgets) return out;
  const standing = (await context.messages.reactions(link.id, record.event)).filter((one) => one.origin === "remote");
  const now = past.reactions.get(message);
  if (now) out.push({ ...now, subject: `${now.subject ?? `reactions:${message}`}:${context.clock.now()}` });
  else if (standing.length > 0 && past.complete && !connection.forgets)
    out.push({ ...base, kind: "reactions-are", message, reactions: [] });
  return out;
}
