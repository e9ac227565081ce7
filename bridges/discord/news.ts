/** What core derives from more than single channels, told to look anew. */
import { type GatewayDispatchPayload, GatewayDispatchEvents as On } from "discord-api-types/v10";
import type { Core } from "../../core/network.ts";
import { isSnowflake, userId } from "./ids.ts";

/** Call it when what the event says is known. */
export function tellNews(core: Core, { t, d }: GatewayDispatchPayload): void {
  switch (t) {
    case On.GuildCreate:
    case On.ChannelCreate:
    case On.ChannelUpdate:
      core.news?.({ kind: "channels" });
      return core.news?.({ kind: "rights" });
    case On.GuildUpdate:
    case On.GuildRoleCreate:
    case On.GuildRoleUpdate:
    case On.GuildRoleDelete:
      return core.news?.({ kind: "rights" });
    case On.GuildMemberAdd:
    case On.GuildMemberUpdate:
    case On.GuildMemberRemove:
      if (isSnowflake(d.user.id)) core.news?.({ kind: "rights", person: userId(d.user.id) });
      return;
    default:
      return;
  }
}
