/** The send step towards Matrix: one event, under a ghost, with a key that makes sending it again harmless and our mark that tells whence it came. */
import { failureOf, MatrixError } from "../matrix/client.ts";
import { BOUNCE_LIMIT, NO_BOUNCE, SOME_BOUNCES } from "../matrix/automatic.ts";
import { ORIGIN, readOrigin, signOrigin } from "../matrix/origin.ts";
import { Refused, TryLater } from "../model/errors.ts";
import type { EventId, Mxid } from "../model/ids.ts";
import { keyFor, type PortalContext } from "./portal.ts";
import { noteRedaction } from "./redactions.ts";
import type { Link } from "../store/store.ts";

export interface Outbound {
  readonly type: string;
  readonly content: Readonly<Record<string, unknown>>;
  readonly as: Mxid;
  /** What it is of, in the link: a message id, or `edit:ID:VERSION` and the like. */
  readonly remote: string;
  readonly part: number;
  readonly at: number;
}

const LOOK_BACK = 100;
const PAGES = 5;

/** What an earlier attempt may have left in the room, read once per turn and only when there may be something. */
export class Earlier {
  readonly #portal: PortalContext;
  readonly #link: Link;
  readonly #again: boolean;
  #found: Promise<ReadonlyMap<string, EventId>> | undefined;

  constructor(portal: PortalContext, link: Link, again: boolean) {
    this.#portal = portal;
    this.#link = link;
    this.#again = again;
  }

  async find(remote: string, part: number): Promise<EventId | undefined> {
    if (!this.#again) return undefined;
    this.#found ??= this.#look();
    return (await this.#found).get(`${part} ${remote}`);
  }

  async #look(): Promise<ReadonlyMap<string, EventId>> {
    const { client, secret } = this.#portal;
    const found = new Map<string, EventId>();
    let from: string | undefined;
    for (let page = 0; page < PAGES; page += 1) {
      const back = await client
        .messages(this.#link.room, { dir: "b", limit: LOOK_BACK, ...(from === undefined ? {} : { from }) })
        .catch((error: unknown) => {
          throw failureOf(error);
        });
      for (const event of back.events) {
        const origin = readOrigin(secret, event);
        if (origin?.link === this.#link.id) found.set(`${origin.part} ${origin.remote}`, event.event_id);
      }
      from = back.end;
      if (from === undefined || back.events.length === 0) break;
    }
    return found;
  }
}

const BOUNCING = new Set(["m.room.message", "m.sticker"]);

/** What a bot said over there is answered by none here. */
function limitOf({ content }: Outbound): number {
  return content["msgtype"] === "m.notice" ? NO_BOUNCE : SOME_BOUNCES;
}

export async function sendIn(portal: PortalContext, link: Link, earlier: Earlier, send: Outbound): Promise<EventId> {
  const there = await earlier.find(send.remote, send.part);
  if (there) return there;
  const origin = signOrigin(portal.secret, { room: link.room, sender: send.as, link: link.id, remote: send.remote, part: send.part });
  const ts = Math.min(send.at, portal.clock.now());
  try {
    const content = { ...send.content, ...(BOUNCING.has(send.type) ? { [BOUNCE_LIMIT]: limitOf(send) } : {}), [ORIGIN]: origin };
    return await portal.client.send(link.room, send.type, content, options(portal, link, send, ts));
  } catch (error) {
    const standing = await standingReaction(portal, link, send, error);
    if (standing) return standing;
    await portal.doubles.refused(link.room, send.as, error);
    await notThere(portal, link, send.as, error);
    throw failureOf(error);
  }
}

/** They have reacted so already, in an attempt of which nothing was written down: that one is it. */
async function standingReaction(portal: PortalContext, link: Link, { type, content, as }: Outbound, error: unknown) {
  if (type !== "m.reaction" || !(error instanceof MatrixError) || error.errcode !== "M_DUPLICATE_ANNOTATION") return undefined;
  const { event_id: target, key } = content["m.relates_to"] as { readonly event_id: EventId; readonly key: string };
  const all = await portal.client.relations(link.room, target, "m.annotation").catch(() => []);
  return all.find((one) => one.sender === as && (one.content["m.relates_to"] as { key?: unknown } | undefined)?.key === key)?.event_id;
}

/**
 * Refused because the ghost is not in the room, though we remember it there (someone removed it while nobody listened): what we remember
 * follows the room, and the next attempt joins again. A ban stays a refusal.
 */
async function notThere(portal: PortalContext, link: Link, ghost: Mxid, error: unknown): Promise<void> {
  if (!(error instanceof MatrixError) || error.status !== 403 || ghost === portal.bot) return;
  const member = await portal.client.stateEvent(link.room, "m.room.member", ghost).catch(() => undefined);
  const membership = member?.["membership"];
  if (member === undefined || membership === "join") return;
  await portal.ghosts.removed(link.room, ghost, membership === "ban" ? "ban" : "leave");
  if (membership === "ban") {
    const name = (await portal.store.users.ghost(ghost))?.name ?? ghost;
    throw new Refused(`${name} is banned from this room.`, { cause: error });
  }
  if (portal.ghosts.mayRejoin(link.room, ghost)) throw new TryLater("The ghost has to join the room again.", 1, "channel");
}

function options(portal: PortalContext, link: Link, send: Outbound, ts: number) {
  const txnId = keyFor(link, send.remote, send.part);
  return send.as === portal.bot ? { txnId, ts } : { as: send.as, txnId, ts };
}

/** Takes an event back: by the ghost that wrote it, else by the bot, who may be a moderator where the ghost is not. */
export async function redactIn(
  portal: PortalContext,
  link: Link,
  target: EventId,
  as: Mxid,
  remote: string,
  reason?: string,
): Promise<void> {
  const by = async (who: Mxid) => {
    const origin = signOrigin(portal.secret, { room: link.room, sender: who, link: link.id, remote, part: 0 });
    const txnId = keyFor(link, `${remote}\n${target}\n${who}`, 0);
    await noteRedaction(portal.store.settings, portal.clock, { target, by: who, link: link.id, remote });
    await portal.client.redact(link.room, target, {
      ...(who === portal.bot ? {} : { as: who }),
      txnId,
      ...(reason ? { reason } : {}),
      extra: { [ORIGIN]: origin },
    });
  };
  try {
    await by(as);
  } catch (error) {
    // Whoever's own name fails: the bot takes it back.
    await portal.doubles.refused(link.room, as, error).catch(() => undefined);
    if (!(error instanceof MatrixError) || (error.status !== 403 && error.status !== 401) || as === portal.bot)
      return settleRedaction(error);
    await by(portal.bot).catch(settleRedaction);
  }
}

/** What is gone already is as it should be. */
function settleRedaction(error: unknown): void {
  if (error instanceof MatrixError && error.status === 404) return;
  throw failureOf(error);
}
