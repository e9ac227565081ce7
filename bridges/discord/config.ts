import { z } from "zod";
import { isSnowflake } from "./ids.ts";

const snowflake = z
  .string()
  .refine(isSnowflake, "This has to be an id of Discord's: switch on Developer Mode there, then right-click and Copy ID.");
const address = z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, ""));

const relay = z
  .strictObject({
    webhook_name: z
      .string()
      .min(1)
      .max(80)
      .default("Causeway")
      .describe("Name of the webhook that the bridge makes in each linked channel."),
    mark: z
      .string()
      .max(20)
      .default("")
      .describe('Stands after the name of everyone who is relayed, so that nobody can pass for somebody else: " (Matrix)".'),
    replies: z
      .enum(["quote", "native"])
      .default("quote")
      .describe(
        "How a reply looks: `quote` is a small line with a link, under the person's own name; `native` is Discord's own, said by the bot.",
      ),
    avatars: z.boolean().default(true).describe("Show people's pictures. Needs a public address."),
  })
  .prefault({});

const intents = z
  .strictObject({
    members: z
      .boolean()
      .default(true)
      .describe("Hear of changed names, joins and leaves. Needs SERVER MEMBERS INTENT in the developer portal."),
    presences: z
      .boolean()
      .default(false)
      .describe("Ask for who is online. Needs PRESENCE INTENT in the developer portal; costs much traffic."),
  })
  .prefault({});

const pluralkit = z
  .strictObject({
    api_url: address
      .optional()
      .describe("PluralKit's API, to know members for certain: https://api.pluralkit.me/v2. Absent = it is never asked.")
      .meta({ example: "https://api.pluralkit.me/v2" }),
    wait_ms: z.int().min(0).max(10_000).default(1500).describe("How long a message of a PluralKit user waits for its proxy."),
  })
  .prefault({});

const oauth = z
  .strictObject({
    client_id: snowflake
      .describe("The application's id, from General Information in the developer portal.")
      .meta({ example: "1234567890" }),
    client_secret: z
      .string()
      .min(1)
      .describe("From OAuth2 → Reset Secret in the developer portal.")
      .meta({ example: "${DISCORD_CLIENT_SECRET}", secret: true }),
  })
  .optional();

export const discordConfig = z
  .strictObject({
    token: z
      .string()
      .min(1)
      .describe("The bot's token, from Bot → Reset Token in the developer portal. Never a person's: Discord forbids that."),
    api_url: address
      .default("https://discord.com/api")
      .describe("Discord's API, without the version.")
      .meta({ example: "https://discord.com/api" }),
    cdn_url: address
      .default("https://cdn.discordapp.com")
      .describe("Where Discord keeps files and pictures.")
      .meta({ example: "https://cdn.discordapp.com" }),
    relay: relay.describe("How people from Matrix and the other networks appear."),
    intents: intents.describe("Which privileged intents to ask for. MESSAGE CONTENT INTENT is always needed."),
    guilds: z
      .record(
        snowflake,
        z.strictObject({
          private_threads: z
            .boolean()
            .default(false)
            .describe("Relay private threads into the room of their channel, where more people may read them."),
        }),
      )
      .default({})
      .describe("Settings of single servers, by id."),
    categories: z.boolean().default(true).describe("A category becomes a space of its own, within the server's space."),
    power_levels: z
      .record(z.string(), z.int().min(-1).max(100))
      .default({})
      .describe("Power in the room by role, by its name or id: `Moderators: 50`."),
    moderation: z
      .enum(["told", "mirrored"])
      .default("told")
      .describe("`mirrored`: a kick or ban in the room is one on the Discord server too. `told`: it is only told."),
    membership: z.boolean().default(false).describe("Tell core who joins and leaves the servers, for links that mirror membership."),
    typing: z.boolean().default(true).describe("Show the bot as typing while someone in the room types."),
    voice_notices: z.boolean().default(false).describe("Tell the room who enters and leaves a linked voice or stage channel."),
    system_messages: z.boolean().default(true).describe("Tell joins, boosts, pins, new threads and the like."),
    commands: z.boolean().default(true).describe("Offer `/causeway` and the entries in message menus."),
    oauth: oauth.describe(
      "Lets people from Matrix show in a browser which Discord account is theirs. Without it they show it by a code that they send to the bot. Needs a public address; register <public_url>/_causeway/sign-in as a redirect in the developer portal.",
    ),
    pluralkit: pluralkit.describe("PluralKit: the proxied message replaces the original."),
  })
  .describe("Discord: one bot, any number of servers.");

export type DiscordConfig = z.infer<typeof discordConfig>;
