/** When a payload defeats us: a word in the room, and the next event goes on. */
import { type GatewayDispatchPayload, GatewayDispatchEvents as On } from "discord-api-types/v10";
import type { RemoteEvent } from "../../core/model/events.ts";
import { channelId, isSnowflake, messageId, timeOf, userId } from "./ids.ts";

export function unreadable(
  { t, d }: GatewayDispatchPayload,
  deliveryId: string,
  homeOf: (id: string) => string | undefined | null,
): RemoteEvent[] {
  if (t !== On.MessageCreate || !isSnowflake(d?.id) || !isSnowflake(d.channel_id)) return [];
  const home = homeOf(d.channel_id);
  const sender = d.author?.id;
  if (typeof home !== "string" || !isSnowflake(sender)) return [];
  return [
    {
      kind: "message",
      channel: channelId(home),
      deliveryId,
      subject: `message:${d.id}`,
      at: timeOf(d.id),
      cursor: d.id,
      via: "live",
      sender: userId(sender),
      message: messageId(d.id),
      style: "notice",
      body: [
        {
          type: "paragraph",
          content: [{ type: "italic", content: [{ type: "text", text: "(a message that the bridge could not read)" }] }],
        },
      ],
    },
  ];
}
