/** What is done to the room, on a network: its topic and name, pins, and people removed from it. */
import { Refused } from "../model/errors.ts";
import { type EventId, eventId, type Mxid, mxid } from "../model/ids.ts";
import type { Capabilities } from "../capabilities.ts";
import { effect, type OutTurn } from "./out-effect.ts";
import { ruler } from "./out-powers.ts";
import { speakerOf, voiceOf } from "./relay.ts";

type Content = Readonly<Record<string, unknown>>;

export async function outTopic(turn: OutTurn, kind: "topic" | "name"): Promise<void> {
  const { portal, link, event, row } = turn;
  const voice = await voiceOf(portal, link, mxid(event.sender), row);
  const text = event.content[kind];
  const wanted = voice && goesOut(voice.live.connection.capabilities(link.channel), kind, link.settings.topic);
  if (wanted && typeof text === "string") {
    const part = { kind, channel: link.channel, text, speaker: voice.speaker } as const;
    await effect(turn, voice.live, part, { what: event.event_id, place: 0 }, async () => {});
  } else if (voice && kind === "topic" && voice.live.network.capabilities.topic === "full" && link.settings.topic !== false) {
    const text = `The topic changed in this room only: ${voice.live.network.name} does not let the bridge set it.`;
    await portal.notices.say(link.room, `topic:${link.id}`, text);
  }
  await portal.store.journal.finish(row.id, {});
}

/** Topics go both ways; in names the channel leads. A setting makes it both or neither. */
function goesOut(capabilities: Capabilities, kind: "topic" | "name", setting: boolean | undefined): boolean {
  const degree = capabilities[kind];
  return setting ?? (kind === "topic" && ["full", "partial"].includes(degree));
}

export async function outPin(turn: OutTurn): Promise<void> {
  const { portal, link, event, row } = turn;
  const voice = await voiceOf(portal, link, mxid(event.sender), row);
  const can = voice && ["full", "partial"].includes(voice.live.connection.capabilities(link.channel).pin);
  const before = pinned(event.unsigned?.["prev_content"]);
  const now = pinned(event.content);
  const changes = [
    ...now.filter((id) => !before.includes(id)).map((id) => ({ id, kind: "pin" as const })),
    ...before.filter((id) => !now.includes(id)).map((id) => ({ id, kind: "unpin" as const })),
  ];
  for (const [place, { id, kind }] of changes.entries()) {
    const [record] = await portal.store.messages.byEvent(id, link.id);
    if (!can || !record?.remote) continue;
    const thread = record.thread ? { thread: record.thread } : {};
    const part = { kind, channel: link.channel, ...thread, message: record.remote, speaker: voice.speaker };
    await effect(turn, voice.live, part, { what: event.event_id, place }, async () => {});
  }
  await portal.store.journal.finish(row.id, {});
}

function pinned(content: unknown): readonly EventId[] {
  const list = (content as { pinned?: unknown } | undefined)?.pinned;
  return Array.isArray(list) ? list.filter((one): one is string => typeof one === "string").map(eventId) : [];
}

/** Someone removed a ghost from the room: mirrored where the login may, else the room is told that the person is still there. */
export async function outMember(turn: OutTurn): Promise<void> {
  const { portal, link, event, row } = turn;
  const who = event.state_key as Mxid;
  const ghost = portal.ghosts.remoteOf(who);
  const kind = deedOf(event.content, event.unsigned?.["prev_content"] as Content | undefined, who === event.sender);
  if (ghost && kind) {
    const live = ruler(turn) ?? portal.logins.serving(link);
    const own = live.login.owner !== undefined;
    const reason = event.content["reason"];
    const by = await speakerOf(portal, link, mxid(event.sender), own);
    const why = typeof reason === "string" ? { reason } : {};
    try {
      if (link.settings.membership || own) await live.connection.act({ kind, channel: link.channel, person: ghost.remote, by, ...why });
      else throw new Refused("Removing people is not mirrored for this link.");
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      // Nobody was removed: what cannot be undone over there was not done there.
      if (kind === "unban") return await portal.store.journal.finish(row.id, {});
      const name = (await live.connection.person(ghost.remote))?.name ?? who;
      await portal.notices.say(
        link.room,
        `kick:${event.event_id}`,
        `${name} is removed here only, and still in the channel: ${error.message}`,
      );
    }
  }
  await portal.store.journal.finish(row.id, {});
}

function deedOf(content: Content, before: Content | undefined, own: boolean): "kick" | "ban" | "unban" | undefined {
  if (own) return undefined;
  const now = content["membership"];
  if (now === "ban") return "ban";
  if (now !== "leave") return undefined;
  return before?.["membership"] === "ban" ? "unban" : "kick";
}
