/** Who enters and leaves linked voice and stage channels. Told only where the config asks for it. */
import type { RemoteEvent } from "../../core/model/events.ts";
import { base } from "./events.ts";
import { channelId, userId } from "./ids.ts";
import type { Live } from "./live.ts";
import { personOf } from "./people.ts";
import type { Stands } from "./stands.ts";
import type { Road } from "./view.ts";
import type { Dispatch } from "./wire.ts";

/** A server tells with itself who is in which channel: who was there before us has not just come. */
export function voicesTold(live: Live, { id, voice_states }: Dispatch<"GUILD_CREATE">): void {
  if (!live.config.voice_notices) return;
  const inside = (voice_states ?? []).flatMap(({ user_id, channel_id }) => (channel_id === null ? [] : [[user_id, channel_id] as const]));
  live.voices.set(id, new Map(inside));
}

export function voiceChanged(
  live: Live,
  stands: Stands,
  d: Dispatch<"VOICE_STATE_UPDATE">,
  road: Road,
  now: number,
): readonly RemoteEvent[] {
  if (!live.config.voice_notices || d.guild_id === undefined) return [];
  const inside = live.voices.get(d.guild_id) ?? new Map<string, string>();
  live.voices.set(d.guild_id, inside);
  const before = inside.get(d.user_id);
  if (d.channel_id === null) inside.delete(d.user_id);
  else inside.set(d.user_id, d.channel_id);
  // Muting oneself is an update too.
  if ((before ?? null) === d.channel_id) return [];
  const name = d.member?.user
    ? personOf(d.member.user, d.member, d.guild_id, live.self.id).name
    : (live.members.seen(d.user_id)?.person.name ?? "Someone");
  const told = (channel: string, words: string): RemoteEvent[] =>
    stands.isHeard(channel)
      ? [
          {
            ...base({ channel: channelId(channel) }, road, now),
            kind: "notice",
            body: [
              {
                type: "paragraph",
                content: [
                  { type: "mention", target: { kind: "person", remote: userId(d.user_id) }, text: name },
                  { type: "text", text: words },
                ],
              },
            ],
          },
        ]
      : [];
  return [
    ...(before === undefined ? [] : told(before, " left the voice channel.")),
    ...(d.channel_id === null ? [] : told(d.channel_id, " is in the voice channel.")),
  ];
}
