/** Text that is too long for a network, to be read behind a link. */
import { randomBytes } from "node:crypto";
import { isRecord } from "../matrix/event.ts";
import { Refused } from "../model/errors.ts";
import type { EventId } from "../model/ids.ts";
import type { SettingStore } from "../store/store.ts";

export interface Paste {
  readonly title: string;
  readonly text: string;
  readonly at: number;
  /** Whose text it is: when that message is redacted, the page ends. */
  readonly event?: EventId;
}

/** Bytes. An event of Matrix's is smaller. */
const LARGEST = 1024 * 1024;

/** Returns the page's id, which nobody can guess. */
export async function savePaste(settings: SettingStore, paste: Paste): Promise<string> {
  if (Buffer.byteLength(paste.text) > LARGEST) throw new Refused("The text is too long even for a page of its own.");
  const id = randomBytes(16).toString("base64url");
  await settings.set(settingOf(id), paste);
  return id;
}

export async function findPaste(settings: SettingStore, id: string): Promise<Paste | undefined> {
  if (!/^[A-Za-z0-9_-]{22}$/.test(id)) return undefined;
  const found = await settings.get(settingOf(id));
  return isRecord(found) && typeof found.text === "string" ? (found as unknown as Paste) : undefined;
}

/** The text itself goes, not only the way to it. */
export async function removePaste(settings: SettingStore, id: string): Promise<void> {
  await settings.set(settingOf(id), undefined);
}

function settingOf(id: string): string {
  return `paste:${id}`;
}
