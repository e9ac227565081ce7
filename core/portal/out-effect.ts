/** The send step towards a network: one visible effect, made once. What must be known to look for it is on disk before it is made. */
import type { Turn } from "../lane.ts";
import type { LiveLogin } from "../logins.ts";
import type { MatrixEvent } from "../matrix/event.ts";
import { LoggedOut, Refused, StoreFull, TryLater, Uncertain } from "../model/errors.ts";
import { eventId } from "../model/ids.ts";
import type { Found, Part, Progress, Sent } from "../model/effects.ts";
import { keyFor, type PortalContext } from "./portal.ts";
import type { JournalRow, Link } from "../store/store.ts";

export interface OutTurn extends Turn {
  readonly portal: PortalContext;
  readonly link: Link;
  readonly row: JournalRow;
  readonly event: MatrixEvent;
  /** As `row.step` stands now. */
  step: OutStep | undefined;
}

/** The one effect of a row that may be under way. */
export interface OutStep {
  readonly key: string;
  readonly since: number;
  readonly attempt: number;
  readonly saved?: unknown;
}

/** The row was taken away by a redaction before it was tried: nothing is to be done. */
export class TakenBack extends Error {
  override readonly name = "TakenBack";
}

/**
 * Makes the effect and records it. `what` and `place` name it for ever; `record` puts its outcome on disk before anyone who waited for
 * it goes on.
 */
export async function effect(
  turn: OutTurn,
  live: LiveLogin,
  part: Part,
  name: { what: string; place: number },
  record: (sent: Sent) => Promise<void>,
): Promise<void> {
  const { portal, link } = turn;
  const key = keyFor(link, name.what, name.place);
  portal.unresolved.begin(link.id, key, eventId(name.what.split("\n", 1)[0] as string));
  try {
    const sent = (await findEarlier(turn, live, part, key)) ?? (await send(turn, live, part, key));
    await record(sent);
    turn.step = undefined;
    portal.unresolved.end(key);
  } catch (error) {
    // While it is unclear, what could be its echo waits.
    if (!(error instanceof Uncertain)) portal.unresolved.end(key);
    throw error;
  }
}

/** It cannot be told whether it arrived: a person is asked. */
export class Unclear extends Refused {}

/** Parked, and nobody knows whether it stands there. */
export function isUnclear({ state, step }: JournalRow): boolean {
  return state === "parked" && openKey(step) !== undefined;
}

/** The key of the send that a row may have under way; undefined = nothing has left us. */
export function openKey(step: unknown): string | undefined {
  const key = (step as OutStep | undefined)?.key;
  return key?.startsWith("unsent ") ? undefined : key;
}

/** What an earlier attempt with this key has left. Throws `Unclear` when it cannot be told. */
export async function findEarlier(turn: OutTurn, live: LiveLogin, part: Part, key: string): Promise<Sent | undefined> {
  if (turn.step?.key !== key) return undefined;
  const found: Found = await live.connection.find(part, key, progressOf(turn, turn.step));
  switch (found.is) {
    case "arrived":
      return found.sent.pending ? {} : found.sent;
    case "not-arrived":
      return undefined;
    case "unknown":
      throw new Unclear(`It is not certain whether this arrived: ${found.why} React with 🔁 to send it again.`);
  }
}

async function send(turn: OutTurn, live: LiveLogin, part: Part, key: string): Promise<Sent> {
  const { portal, row } = turn;
  const before = turn.step?.key === key || turn.step?.key === `unsent ${key}` ? turn.step : undefined;
  const step: OutStep = { ...before, key, since: before?.since ?? portal.clock.now(), attempt: (before?.attempt ?? 0) + 1 };
  if (!(await portal.store.journal.attempt(row.id, step))) throw new TakenBack();
  turn.step = step;
  const progress = progressOf(turn, step);
  try {
    const sent = await live.connection.send(part, key, progress);
    if (!sent.pending) return sent;
    return (await portal.unresolved.awaitEcho(key, portal.clock)) ?? (await findPending(turn, live, part, key));
  } catch (error) {
    // However the network has told it: there was no room to write down what must be known before the effect.
    if (progress.full) throw progress.full;
    if (isUnsent(error)) await notSent(turn);
    throw isHopeless(error, part, portal.clock.now() - step.since) ? new Refused(`The file could not be sent. ${error.message}`) : error;
  }
}

/** A file that could not be read or sent for so long holds nothing else up, but its author should know. */
const FILE_FAILS_FOR = 3_600_000;

function isHopeless(error: unknown, part: Part, failing: number): error is TryLater {
  return error instanceof TryLater && error.scope === "item" && part.kind === "say" && part.file !== undefined && failing > FILE_FAILS_FOR;
}

function isUnsent(error: unknown): boolean {
  return error instanceof TryLater || error instanceof LoggedOut || (error instanceof Refused && !(error instanceof Unclear));
}

/** No echo came in time: look. */
async function findPending(turn: OutTurn, live: LiveLogin, part: Part, key: string): Promise<Sent> {
  const sent = await findEarlier(turn, live, part, key);
  if (sent) return sent;
  throw new Uncertain("The network took the message, but has not shown it.");
}

/** Nothing left us, so the next attempt need not look; what was saved (an upload) still serves. */
async function notSent(turn: OutTurn): Promise<void> {
  const { step, portal, row } = turn;
  if (!step) return;
  turn.step = { ...step, key: `unsent ${step.key}` };
  await portal.store.journal.save(row.id, turn.step);
}

function progressOf(turn: OutTurn, step: OutStep): Progress & { full?: StoreFull } {
  const progress: Progress & { full?: StoreFull } = {
    attempt: step.attempt,
    since: step.since,
    get saved() {
      return turn.step?.saved;
    },
    save: async (data) => {
      turn.step = { ...(turn.step ?? step), saved: data };
      try {
        await turn.portal.store.journal.save(turn.row.id, turn.step);
      } catch (error) {
        if (error instanceof StoreFull) progress.full = error;
        throw error;
      }
    },
  };
  return progress;
}
