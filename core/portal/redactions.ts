/**
 * Redactions of ours that come back without our mark, from a homeserver that keeps no further keys of the body of `/redact`: what was
 * written down before the call says on whose behalf each was.
 */
import { isRecord } from "../matrix/event.ts";
import type { Origin } from "../matrix/origin.ts";
import { type EventId, type LinkId, linkId, type Mxid } from "../model/ids.ts";
import type { Clock } from "../network.ts";
import type { SettingStore } from "../store/store.ts";

/** As long as a homeserver may keep back what it has to push. */
const KEPT = 30 * 86_400_000;

export interface OwnRedaction {
  readonly target: EventId;
  /** Who redacts, as far as the room sees. */
  readonly by: Mxid;
  readonly link: LinkId;
  /** As in our mark. */
  readonly remote: string;
}

/** Call it before the redaction is made. */
export async function noteRedaction(settings: SettingStore, clock: Clock, { target, by, link, remote }: OwnRedaction): Promise<void> {
  await settings.set(keyOf(target, by), { link, remote }, clock.now() + KEPT);
}

/** Whose doing it was, where it was ours. */
export async function notedRedaction(settings: SettingStore, target: EventId, by: Mxid): Promise<Origin | undefined> {
  const note = await settings.get(keyOf(target, by));
  if (!isRecord(note) || typeof note["link"] !== "number" || typeof note["remote"] !== "string") return undefined;
  return { link: linkId(note["link"]), remote: note["remote"], part: 0 };
}

/** It came back, and is on disk. */
export async function forgetRedaction(settings: SettingStore, target: EventId, by: Mxid): Promise<void> {
  await settings.set(keyOf(target, by), undefined);
}

function keyOf(target: EventId, by: Mxid): string {
  return `redacting:${target}:${by}`;
}
