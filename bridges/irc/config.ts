/** The `irc` section of the config file. */
import { z } from "zod";
import { foldAscii } from "./casemap.ts";
import { isKnownEncoding } from "./encoding.ts";
import { isChannelName, networkNamePattern } from "./ids.ts";

const oneLine = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .regex(/^[^\p{Cc}]*$/u, "must be one line without control characters");

const word = (most: number) => oneLine(most).regex(/^[^\s:][^\s]*$/, "must be one word that does not begin with a colon");

const serverSchema = z.strictObject({
  host: word(255).describe("Name or address of the server.").meta({ example: "irc.libera.chat" }),
  port: z.int().min(1).max(65535).optional().describe("6697 with TLS and 6667 without it, when left out."),
  tls: z.boolean().default(true).describe("Speak TLS. Without it everybody on the way can read along, passwords too."),
  fingerprints: z
    .array(
      z
        .string()
        .transform((text) => text.replaceAll(":", "").toLowerCase())
        .pipe(z.string().regex(/^[0-9a-f]{64}$/, "must be a SHA-256 fingerprint: 64 hexadecimal digits, with or without colons")),
    )
    .default([])
    .describe(
      "SHA-256 fingerprints of the server's certificate. When there are any, only these are trusted: for servers that sign their own.",
    ),
});

const saslSchema = z
  .strictObject({
    mechanism: z
      .enum(["plain", "external", "scram-sha-256"])
      .default("plain")
      .describe("How to sign in. `external` means by client certificate."),
    account: oneLine(100).optional().describe("The services account; the nick is never taken for it."),
    password: oneLine(300).optional().describe("Its password, best as `${NAME}` from the environment."),
    certificate: z.string().optional().describe("For `external`: the client certificate, as PEM text or the path of a file."),
    key: z.string().optional().describe("For `external`: its private key, as PEM text or the path of a file."),
  })
  .refine((sasl) => (sasl.mechanism === "external" ? sasl.certificate && sasl.key : sasl.account && sasl.password), {
    message: "`plain` and `scram-sha-256` need `account` and `password`; `external` needs `certificate` and `key`",
  });

const nickservSchema = z.strictObject({
  nick: word(64).default("NickServ").describe("Whom to tell the password."),
  account: word(100).optional().describe("The account, where it is another name than the nick."),
  password: oneLine(300).describe("The password, best as `${NAME}` from the environment."),
});

const floodSchema = z.strictObject({
  burst: z.number().min(1).max(1000).default(5).describe("Lines that may leave at once after a pause."),
  per_second: z.number().min(0.05).max(1000).default(0.5).describe("Lines a second in the long run, to begin with."),
  most_per_second: z.number().min(0.05).max(1000).default(1).describe("Lines a second at most, when the server proves patient."),
  learn: z.boolean().default(true).describe("Find the pace that the server takes, between a tenth of `per_second` and `most_per_second`."),
});

const relaySchema = z.strictObject({
  prefix: oneLine(64)
    .refine((text) => text.includes("{name}"), "must hold {name}")
    .default("<{name}> ")
    .describe("What stands before each line of somebody who has no connection of their own."),
  max_lines: z
    .int()
    .min(1)
    .max(100)
    .default(8)
    .describe("A text of more lines becomes a link to a page of the bridge, where a public address is set."),
  calm_names: z
    .boolean()
    .default(false)
    .describe("Put an invisible character into the names before lines, so that they ring nobody of the same nick."),
  relaymsg: z
    .boolean()
    .default(false)
    .describe("Speak under each person's own nick by RELAYMSG, where the server and the channel allow it (Ergo)."),
});

const ownSchema = z.strictObject({
  enabled: z.boolean().default(false).describe("Let Matrix people have connections of their own. Ask the network's staff first."),
  for: z
    .enum(["speakers", "asked"])
    .default("speakers")
    .describe(
      "Who gets one: `speakers`, whoever may sign in and says something in a linked channel; `asked`, who has asked for it by `!causeway login irc`.",
    ),
  nick: oneLine(100)
    .default("{localpart}[m]")
    .describe("Nick of a person who has chosen none. Holds {localpart}, {server}, {name} or {mxid}."),
  user: oneLine(100).default("{localpart}").describe("User name: what network staff see before the @ and can trace a person by."),
  real_name: oneLine(200).default("{mxid}").describe("Real name that WHOIS shows."),
  most: z.int().min(0).max(10_000).default(100).describe("Connections of people at once."),
  away_after_minutes: z.number().min(0).default(15).describe("Marked away after so long without a word; 0 = never."),
  quit_after_hours: z.number().min(0).default(0).describe("Disconnected after so long without a word, until they speak again; 0 = never."),
  channels: z.int().min(1).max(1000).default(50).describe("Channels that one person's connection is in at most."),
  per_minute: z.number().min(0.1).max(600).default(20).describe("New connections a minute, reconnections included."),
  ipv6_prefix: z
    .string()
    .regex(/^[0-9a-f:]+\/(64|80|96|112)$/i, "must be a prefix as 2001:db8:1:2::/64")
    .optional()
    .describe("Give each person an IPv6 address of this range, which must be routed to this machine."),
  webirc: z
    .strictObject({ password: oneLine(200), gateway: word(64).default("causeway") })
    .optional()
    .describe("Tell the server each person's address by WEBIRC, where the network has given a password for it."),
});

const channelSchema = z.strictObject({
  key: word(64).optional().describe("The key of a channel that is +k."),
  relay: z.enum(["prefix", "relaymsg"]).optional().describe("How relayed people appear in this channel."),
  own: z.boolean().optional().describe("False: nobody has a connection of their own in this channel, and everybody is relayed."),
  max_lines: z.int().min(1).max(100).optional().describe("As `relay.max_lines`, for this channel."),
});

const ircNetworkSchema = z.strictObject({
  name: oneLine(64).optional().describe("As people call the network: Libera.Chat. The key itself when left out."),
  servers: z.array(serverSchema).min(1).max(50).describe("Tried in turn, each as the one before fails."),
  nick: word(64).default("causeway").describe("Nick of the relay bot."),
  user: word(32).default("causeway").describe("User name of the relay bot: what stands before the @."),
  real_name: oneLine(128).default("Causeway bridge").describe("Real name of the relay bot: say whom to ask about it."),
  password: oneLine(300).optional().describe("Password of the server itself; few have one."),
  sasl: saslSchema
    .optional()
    .describe("Signs in before the connection is used. When it fails, the attempt ends: the bridge does not go on as a guest."),
  nickserv: nickservSchema.optional().describe("Signs in by message, for networks without SASL."),
  identity: z
    .enum(["account", "nick"])
    .default("account")
    .describe("What a ghost belongs to: the services account where the server tells it, or always the nick."),
  encoding: z
    .string()
    .refine(isKnownEncoding, "is no encoding that is known here")
    .default("utf-8")
    .describe("What is written. What is read is taken for UTF-8 first, and for this (or windows-1252) when it is not."),
  perform: z.array(oneLine(400)).max(50).default([]).describe("Lines sent after connecting; {nick} is our nick."),
  channels: z
    .record(
      z.string().refine((name) => isChannelName(name), "is no channel's name: it begins with #, & or +"),
      channelSchema,
    )
    .default({})
    .describe("Settings of single channels."),
  flood: floodSchema.prefault({}).describe("How fast lines leave."),
  relay: relaySchema.prefault({}).describe("People without a connection of their own."),
  own: ownSchema.prefault({}).describe("People with a connection of their own."),
  presence: z.boolean().default(false).describe("Tell who is away, where the server tells it. The homeserver has to want presence too."),
  local_address: z.union([z.ipv4(), z.ipv6()]).optional().describe("Local address to connect from."),
  proxy: z
    .strictObject({ host: word(255), port: z.int().min(1).max(65535), user: oneLine(100).optional(), password: oneLine(300).optional() })
    .optional()
    .describe("SOCKS5 proxy to connect through."),
});

export const configSchema = z.strictObject({
  networks: z
    .record(z.string().regex(networkNamePattern, "must be lower case letters, digits, dots and dashes"), ircNetworkSchema)
    .describe("IRC networks, each under a short name that lasts for ever: it is part of every ghost's name.")
    .meta({ exampleKey: "libera" }),
});

export type IrcConfig = z.output<typeof configSchema>;
export type IrcNetworkConfig = z.output<typeof ircNetworkSchema>;
export type IrcServerConfig = z.output<typeof serverSchema>;
/** Where a person's own client finds the channel. */
export function addressOf({ servers: [server] }: IrcNetworkConfig, channel: string | undefined): string | undefined {
  if (!server || channel === undefined) return undefined;
  const port = server.port === undefined ? "" : `:${server.port}`;
  return `${server.tls ? "ircs" : "irc"}://${server.host}${port}/${encodeURIComponent(channel)}`;
}

/** Of a single channel, however its name is written; none are set for most. */
export function settingsOf(config: IrcNetworkConfig, channel: string | undefined): IrcNetworkConfig["channels"][string] {
  if (channel === undefined) return {};
  const folded = foldAscii(channel);
  return Object.entries(config.channels).find(([name]) => foldAscii(name) === folded)?.[1] ?? {};
}

export type FloodConfig = z.output<typeof floodSchema>;
