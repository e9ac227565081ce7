/** When a payload defeats us: a word in the room, and the next event goes on. */
import { type APIMessage, type GatewayDispatchPayload, GatewayDispatchEvents as On } from "discord-api-types/v10";
import type { RemoteEvent } from "../../core/model/events.ts";
import type { RemoteChannelId } from "../../core/model/ids.ts";
import { fromMessage, type GatewayMessage } from "./from-discord.ts";
import { channelId, isSnowflake, messageId, timeOf, userId } from "./ids.ts";
import type { Road, Stand, View } from "./view.ts";

export function unreadable(
  { t, d }: GatewayDispatchPayload,
  deliveryId: string,
  homeOf: (id: string) => string | undefined | null,
): RemoteEvent[] {
  if (t !== On.MessageCreate || !isSnowflake(d?.channel_id)) return [];
  const home = homeOf(d.channel_id);
  return typeof home === "string" ? wordFor(d, channelId(home), { via: "live", deliveryId }) : [];
}

/** As `fromMessage`; but a message that cannot be read is no reason to read none behind it. `failed` hears why. */
export function legible(message: GatewayMessage, view: View, stand: Stand, road: Road, failed: (error: unknown) => void): RemoteEvent[] {
  try {
    return fromMessage(message, view, stand, road);
  } catch (error) {
    failed(error);
    return wordFor(message, stand.channel, road);
  }
}

function wordFor(message: APIMessage, channel: RemoteChannelId, { via, deliveryId }: Road): RemoteEvent[] {
  const { id } = message;
  const sender = message.author?.id;
  if (!isSnowflake(id) || !isSnowflake(sender)) return [];
  return [
    {
      kind: "message",
      channel,
      ...(deliveryId === undefined ? {} : { deliveryId }),
      subject: `message:${id}`,
      at: timeOf(id),
      cursor: id,
      via,
      sender: userId(sender),
      message: messageId(id),
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
