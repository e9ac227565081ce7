/** From a network towards the journal: which link is it about, has it been seen, and when may it have its turn. */
import { randomUUID } from "node:crypto";
import type { Links } from "./links.ts";
import type { LiveLogin, Logins } from "./logins.ts";
import { isFleeting, type RemoteEvent } from "./model/events.ts";
import type { Clock } from "./network.ts";
import type { Intake, Link, NewRow } from "./store/store.ts";
import type { Unresolved } from "./unresolved.ts";

export interface RemoteIntakeContext {
  readonly links: Links;
  readonly logins: Logins;
  readonly unresolved: Unresolved;
  readonly clock: Clock;
  /** Typing and read marks: late, they are worth nothing. */
  fleeting(link: Link, event: RemoteEvent): void;
}

/** What goes into the journal, undefined = nothing. Call it for one batch of a login after the other: rows keep that order. */
export async function prepareRemote(
  context: RemoteIntakeContext,
  live: LiveLogin,
  events: readonly RemoteEvent[],
  keep: Readonly<Record<string, unknown>> | undefined,
): Promise<Intake | undefined> {
  const rows: NewRow[] = [];
  const watermarks: NonNullable<Intake["watermarks"]>[number][] = [];
  const inDelivery = new Map<string, number>();
  for (const event of events) {
    const link = await context.links.of(live.network.id, event.channel);
    const lane = laneOf(context, live, link, event);
    if (lane === undefined) continue;
    rows.push(rowOf(context, live, link, event, lane, inDelivery));
    if (!link) continue;
    // What another login heard while the link's own was away lies beyond a gap: the link's own history fills it.
    const counts = event.via === "history" || (!link.behind && link.login === live.login.id);
    if (event.cursor !== undefined && counts) watermarks.push({ link: link.id, cursor: event.cursor });
  }
  const kept = keep ? { network: live.network.id, login: live.login.id, values: keep } : undefined;
  if (rows.length === 0 && !kept) return undefined;
  return { rows, watermarks, ...(kept ? { keep: kept } : {}) };
}

/** The lane that the event goes into; undefined = it needs no turn. */
function laneOf(context: RemoteIntakeContext, live: LiveLogin, link: Link | undefined, event: RemoteEvent): string | undefined {
  if (event.kind === "notice" && event.to === "owner") return live.login.owner ? `dm:${live.network.id}/${live.login.id}` : undefined;
  if (event.kind === "command") return `do:${live.network.id}/${live.login.id}`;
  // A profile is shown when its ghost next speaks, as the network tells it then.
  if (event.kind === "person-changed") return undefined;
  const hasRooms = live.login.owner !== undefined || live.network.accounts === true;
  if (!link) return event.direct && hasRooms && !event.echo ? `dm:${live.network.id}/${live.login.id}` : undefined;
  if (isEcho(context, event)) return undefined;
  if (isFleeting(event)) {
    context.fleeting(link, event);
    return undefined;
  }
  // Several logins hear one channel: the link's own counts; another stands in while that one is away.
  const isSource = link.login === live.login.id || context.logins.get(link.network, link.login)?.state.is !== "connected";
  return isSource ? `in:${link.id}` : undefined;
}

/** What we did ourselves is known by evidence in the event, and told to whoever waits for its id. */
function isEcho(context: RemoteIntakeContext, event: RemoteEvent): boolean {
  if (!event.echo) return false;
  if (event.echo.key !== undefined && event.kind === "message") context.unresolved.echo(event.echo.key, { id: event.message });
  return true;
}

function rowOf(
  context: RemoteIntakeContext,
  live: LiveLogin,
  link: Link | undefined,
  event: RemoteEvent,
  lane: string,
  inDelivery: Map<string, number>,
): NewRow {
  const once: string[] = [];
  if (event.deliveryId !== undefined) {
    // One delivery may carry several events: the place among them is part of the name.
    const place = inDelivery.get(event.deliveryId) ?? 0;
    inDelivery.set(event.deliveryId, place + 1);
    once.push(`d:${live.network.id}/${live.login.id}:${event.deliveryId}:${place}`);
  }
  if (event.subject !== undefined) once.push(`s:${link?.id ?? lane}:${event.channel}:${event.subject}`);
  const phase = link ? phaseOf(link, event) : 0;
  const about = link && "message" in event ? `${link.id}:${event.message}` : undefined;
  const trace = randomUUID().slice(0, 8);
  const moves = event.via === "history" && event.subject !== undefined ? { moves: hasSubject(event.subject) } : {};
  return { lane, payload: event, trace, at: context.clock.now(), phase, once, ...(about ? { about } : {}), ...moves };
}

/** Who may read a channel is judged before anything that waits, which may wait for just that. */
function phaseOf(link: Link, event: RemoteEvent): number {
  if (event.kind === "channel-changed" || event.kind === "channel-gone") return -1;
  return link.phase + (event.via === "history" ? 0 : 1);
}

function hasSubject(subject: string): (payload: unknown) => boolean {
  return (payload) => (payload as RemoteEvent).subject === subject;
}
