/** Who speaks on the network for a Matrix person: their own login where they have one, else the shared one under their name and picture. */
import type { LiveLogin } from "../logins.ts";
import { notConnected } from "../logins.ts";
import { Lru } from "../lru.ts";
import { isAutomatic } from "../matrix/automatic.ts";
import type { MatrixEvent } from "../matrix/event.ts";
import { Refused, TryLater } from "../model/errors.ts";
import type { LinkId, Mxid } from "../model/ids.ts";
import type { Speaker } from "../model/message.ts";
import { hiddenMxid } from "../opt-out.ts";
import type { PortalContext } from "./portal.ts";
import type { JournalRow, Link } from "../store/store.ts";

export interface Voice {
  readonly live: LiveLogin;
  readonly speaker: Speaker;
}

/** How long messages wait for their author's own login to come (back), before they are relayed. */
const PATIENCE = 30_000;
const LOOK_AGAIN = 500;
/** For so long of that, everybody waits with them: a restart, or a first word, puts nothing out of order. Once in `PATIENCE` for each link. */
const TOGETHER = 5_000;
/** What was put off has its turn so much later than it should at most. */
const SLACK = 2_000;

/** Undefined = what this person says does not cross, and they have been told. */
export async function voiceOf(portal: PortalContext, link: Link, sender: Mxid, row: JournalRow): Promise<Voice | undefined> {
  if (await silent(portal, link, sender, row)) return undefined;
  const isHidden = await portal.optOuts.isOut(sender);
  const own = isHidden ? undefined : await ownLogin(portal, link, sender);
  requireTurn(portal, link, sender, row);
  if (own?.state.is === "connected") return { live: own, speaker: await speakerOf(portal, link, sender, true) };
  if (own && own.state.is !== "logged-out") {
    own.connection.hurry?.();
    // One that has been away for longer keeps nobody waiting.
    if (portal.clock.now() - own.since < PATIENCE)
      throw new TryLater(notConnected(own), LOOK_AGAIN, waitsTogether(portal, link) ? "channel" : "item");
  }
  const relayed = portal.settings.relay && (link.settings.relay ?? true);
  if (!relayed) {
    throw new Refused(own ? notConnected(own) : "Only people with a login of their own are heard there: `!causeway login` makes one.");
  }
  return { live: portal.logins.serving(link), speaker: await speakerOf(portal, link, sender, false) };
}

/** When everybody of a link began to wait for one login. */
const together = new WeakMap<PortalContext, Lru<LinkId, number>>();

function waitsTogether(portal: PortalContext, link: Link): boolean {
  const begun = together.get(portal) ?? new Lru<LinkId, number>(1_000);
  together.set(portal, begun);
  const now = portal.clock.now();
  const since = begun.get(link.id) ?? Number.NEGATIVE_INFINITY;
  if (now - since < TOGETHER) return true;
  if (now - since < PATIENCE) return false;
  begun.set(link.id, now);
  return true;
}

/** Rows that wait for their author's own login, by link and author, each with the moment until which it counts. */
const waiting = new WeakMap<PortalContext, Map<string, Map<number, number>>>();

function rowsOf(portal: PortalContext, link: Link, sender: Mxid): Map<number, number> {
  const all = waiting.get(portal) ?? new Map<string, Map<number, number>>();
  waiting.set(portal, all);
  const key = `${link.id} ${sender}`;
  const rows = all.get(key) ?? new Map<number, number>();
  all.set(key, rows);
  if (rows.size === 0) queueMicrotask(() => rows.size === 0 && all.delete(key));
  return rows;
}

/** A row was put off, for its author's own login alone. */
export function putOff(portal: PortalContext, link: Link, sender: Mxid, row: JournalRow, after: number): void {
  // Taken back meanwhile, it holds up nobody for longer than this.
  if (portal.logins.ownOf(sender, link)) rowsOf(portal, link, sender).set(row.id, portal.clock.now() + after + SLACK);
}

/** Throws while something that the person said before is waiting, so that their words keep their order. */
function requireTurn(portal: PortalContext, link: Link, sender: Mxid, row: JournalRow): void {
  const rows = rowsOf(portal, link, sender);
  const now = portal.clock.now();
  for (const [id, until] of rows) if (until <= now) rows.delete(id);
  if ([...rows.keys()].some((id) => id < row.id)) throw new TryLater("What you said before this is about to go out.", LOOK_AGAIN, "item");
  rows.delete(row.id);
}

/** Made with the person's first word, where the network's config has it so. */
async function ownLogin(portal: PortalContext, link: Link, sender: Mxid): Promise<LiveLogin | undefined> {
  const known = portal.logins.ownOf(sender, link);
  if (known?.connection.speaksIn?.(link.channel) === false) return undefined;
  if (known || portal.ghosts.remoteOf(sender) || sender === portal.bot) return known;
  return await portal.ownLogins.make(sender, link.network, { channel: link.channel });
}

async function silent(portal: PortalContext, link: Link, sender: Mxid, row: JournalRow): Promise<boolean> {
  // Ghosts of another network were judged when they were let in.
  if (portal.ghosts.remoteOf(sender) || sender === portal.bot) return false;
  if (await portal.optOuts.isSilent(sender)) return true;
  if (portal.permissions.may(sender, "relay")) return false;
  const text = `What ${sender} writes does not cross: the bridge's permissions do not allow it.`;
  if (!isAutomatic(row.payload as MatrixEvent)) await portal.notices.say(link.room, `blocked:${sender}`, text);
  return true;
}

export async function speakerOf(portal: PortalContext, link: Link, sender: Mxid, own: boolean): Promise<Speaker> {
  const hidden = await portal.optOuts.hiddenName(sender);
  if (hidden) return { mxid: hiddenMxid(hidden), name: hidden, own: false };
  const member = await portal.members.member(link.room, sender);
  if (!own) portal.members.spoke(link.room, sender, member.name);
  const avatarUrl = portal.media.avatar(member.avatar);
  return { mxid: sender, name: member.name, ...(avatarUrl ? { avatarUrl } : {}), own };
}
