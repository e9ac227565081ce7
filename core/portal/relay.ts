/** Who speaks on the network for a Matrix person: their own login where they have one, else the shared one under their name and picture. */
import type { LiveLogin } from "../logins.ts";
import { notConnected } from "../logins.ts";
import { isAutomatic } from "../matrix/automatic.ts";
import type { MatrixEvent } from "../matrix/event.ts";
import { Refused, TryLater } from "../model/errors.ts";
import type { Mxid } from "../model/ids.ts";
import type { Speaker } from "../model/message.ts";
import { hiddenMxid } from "../opt-out.ts";
import type { PortalContext } from "./portal.ts";
import type { JournalRow, Link } from "../store/store.ts";

export interface Voice {
  readonly live: LiveLogin;
  readonly speaker: Speaker;
}

/** How long a message waits for its author's own login to come back, before it is relayed. */
const PATIENCE = 30_000;

/** Undefined = what this person says does not cross, and they have been told. */
export async function voiceOf(portal: PortalContext, link: Link, sender: Mxid, row: JournalRow): Promise<Voice | undefined> {
  if (await silent(portal, link, sender, row)) return undefined;
  const isHidden = await portal.optOuts.isOut(sender);
  const own = isHidden ? undefined : await ownLogin(portal, link, sender);
  if (own?.state.is === "connected") return { live: own, speaker: await speakerOf(portal, link, sender, true) };
  const waited = portal.clock.now() - row.at;
  if (own && own.state.is !== "logged-out") own.connection.hurry?.();
  if (own && own.state.is !== "logged-out" && waited < PATIENCE) throw new TryLater(notConnected(own), 2_000, "item");
  const relayed = portal.settings.relay && (link.settings.relay ?? true);
  if (!relayed) {
    throw new Refused(own ? notConnected(own) : "Only people with a login of their own are heard there: `!causeway login` makes one.");
  }
  return { live: portal.logins.serving(link), speaker: await speakerOf(portal, link, sender, false) };
}

/** Made with the person's first word, where the network's config has it so. */
async function ownLogin(portal: PortalContext, link: Link, sender: Mxid): Promise<LiveLogin | undefined> {
  const known = portal.logins.ownOf(sender, link);
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
