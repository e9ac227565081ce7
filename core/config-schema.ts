/**
 * The shape of the config file, but for the networks' own sections. Descriptions are what `config.yaml.example` says and what an error
 * repeats; `example` in `meta` is what it shows; `formerly` names the keys that a key was called by before.
 */
import { z } from "zod";
import { type Mxid, mxid, networkId, roomId } from "./model/ids.ts";
import { LEVELS } from "./permissions.ts";
import type { LinkSettings } from "./store/store.ts";

/** Of the file. A newer one is refused. */
export const CONFIG_VERSION = 1;

const address = z
  .url({ protocol: /^https?$/, error: "must be an address that begins with http:// or https://" })
  .overwrite((url) => url.replace(/\/+$/, ""));
/** The one of the homeserver itself: the paths below it are the specification's. */
const origin = address.refine((url) => !URL.canParse(url) || /^https?:\/\/[^/?#]+$/i.test(url), {
  error: "must end after the host and the port: the bridge adds the paths itself",
});
const path = z.string().min(1);
const port = z.int().min(0).max(65535);
const localpart = z.string().regex(/^[a-z0-9._=/+-]+$/, "must be made of a-z, 0-9 and . _ = / + - only");
const serverName = z
  .string()
  .regex(/^(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/, "must be a server's name, without http:// and path");
const person = z
  .string()
  .regex(/^@[^:\s]+:\S+$/, "must be a Matrix name like @alice:example.org")
  .transform((text): Mxid => mxid(text));
const roomOrAlias = z
  .string()
  .regex(/^(?:#[^:\s]+:\S+|!\S+)$/, "must be a room's address like #room:example.org, or its id, which begins with !");

const homeserver = z.strictObject({
  url: origin.describe("Where the bridge reaches the homeserver.").meta({ example: "http://localhost:8008" }),
  domain: serverName.describe("The homeserver's name, as it stands in people's names.").meta({ example: "example.org" }),
});

const appservice = z
  .strictObject({
    id: z
      .string()
      .regex(/^[\w.-]+$/, "must be made of letters, digits and . _ - only")
      .default("causeway"),
    bot: localpart.default("causeway").describe("The bot's name, without @ and domain."),
    prefix: z
      .string()
      .regex(/^[a-z0-9._=-]+$/, "must be made of a-z, 0-9 and . _ = - only")
      .default("_")
      .describe("Stands before the network in the names of ghosts and rooms: @_irc_… Never change it later."),
    address: address.default("http://localhost:9993").describe("Where the homeserver reaches the bridge; it goes into the registration."),
    bind: z.string().min(1).default("127.0.0.1").describe("The address that the bridge listens on; 0.0.0.0 = all of this machine's."),
    port: port.default(9993),
    public_url: address
      .optional()
      .describe(
        "Where everybody reaches the bridge. Networks show files, pictures and long texts by such an address; without it they are left out.",
      )
      .meta({ example: "https://bridge.example.org" }),
    registration: path.default("registration.yaml").describe("Written by `causeway registration`; the homeserver reads the same file."),
    double_puppets: path
      .optional()
      .describe(
        "A second registration, by which what people do on a network appears under their own Matrix name. `causeway registration --double-puppets` writes it.",
      )
      .meta({ example: "registration-double-puppets.yaml" }),
  })
  .describe("How the homeserver and the bridge know each other.")
  .prefault({});

const database = z
  .strictObject({
    path: path.default("data/causeway.db").describe("On a local disk: network file systems damage databases."),
    key_file: path
      .default("data/causeway.key")
      .describe("Seals the passwords and tokens in the database. Made at the first start: keep a copy elsewhere."),
    keep_days: z
      .int()
      .min(1)
      .optional()
      .describe(
        "For how many days it is remembered which messages belong together. Older ones can no longer be edited, deleted or reacted to across. Default: for ever.",
      )
      .meta({ example: 730 }),
    key: z
      .string()
      .min(1)
      .optional()
      .describe("The key itself, in place of the file: 32 bytes in base64.")
      .meta({ example: "${CAUSEWAY_KEY}", secret: true }),
  })
  .describe("Everything that the bridge remembers.")
  .prefault({});

/** A Matrix name without its server would fit nobody; `@bot-*` may, because its star may stand for the server too. */
const PERMITTED = /^(?:@[^:\s]+:\S+|@[^:\s]*\*|[^@\s]+)$/;

const permissions = z
  .record(
    z
      .string()
      .regex(PERMITTED, "must be a whole Matrix name like @alice:example.org, a server's name like example.org, either with *, or *"),
    z.enum(LEVELS),
  )
  .default({ "*": "relay" })
  .describe("Who may do what: block (is not relayed), relay, user (may link rooms and sign in), admin.")
  .meta({ example: { "*": "relay", "example.org": "user", "@admin:example.org": "admin" }, live: true });

const logging = z
  .strictObject({
    level: z
      .enum(["fatal", "error", "warn", "info", "debug", "trace"])
      .default("info")
      .describe("What people said is logged at `trace` only."),
    format: z
      .enum(["auto", "json", "text"])
      .default("auto")
      .describe("json, one object a line; text, for people; auto = text on a terminal."),
  })
  .describe("What the bridge writes about its own doings, on standard output.")
  .prefault({});

const media = z
  .strictObject({
    largest_file_mb: z.number().positive().default(100).describe("Larger files cross as a link, or are told."),
    links_expire_days: z
      .number()
      .positive()
      .optional()
      .describe(
        "How long links to files and pages of text live; without it, as long as their message, since what was said on IRC is kept for long.",
      )
      .meta({ example: 30 }),
  })
  .describe("Files.")
  .prefault({});

const bridge = z
  .strictObject({
    relay: z.boolean().default(true).describe("Whether people without a login of their own on a network are heard there."),
    ghost_name: z
      .string()
      .regex(/\{name\}/, "must hold {name}")
      .default("{name}")
      .describe("How people of the networks are called in Matrix: {name} is their name, {network} that of the network."),
    late_minutes: z.number().nonnegative().default(15).describe("A message that comes later than this rings nobody."),
    give_up_days: z.number().positive().default(7).describe("What cannot be delivered for so long is parked until someone tries it again."),
    spaces: z
      .enum(["made", "all", "none"])
      .default("made")
      .describe(
        "Which rooms stand in a space of their workspace, server or IRC network: those that the bridge made, all that are linked, none.",
      ),
    directory: z
      .boolean()
      .default(false)
      .describe("Whether rooms that the bridge makes for public channels stand in the homeserver's room directory."),
    joins_per_minute: z
      .number()
      .positive()
      .default(60)
      .describe("How many people of the networks join and leave rooms, beyond those who speak: homeservers tire of more."),
    most_members: z.int().positive().default(300).describe("With `membership`: a channel with more people shows only those who speak."),
    changes_per_hour: z
      .int()
      .positive()
      .default(300)
      .describe("With `membership`: if more people come and go in one channel, it is not shown for an hour, and the room is told."),
    optout: z
      .enum(["silent", "hashed"])
      .default("silent")
      .describe(
        "What crosses of people who said `!causeway optout`. silent: nothing; hashed: what they say, under a name that is not theirs.",
      ),
    direct_messages: z
      .array(person)
      .optional()
      .describe(
        "Who gets what is written to the bridge's own accounts in private (the Discord bot): each conversation becomes a room of theirs. Left out: the admins whom `permissions` names in full; empty: nobody.",
      )
      .meta({ example: ["@admin:example.org"] }),
    rooms_per_hour: z.int().nonnegative().default(30).describe("How many rooms are made by `aliases` at most."),
  })
  .describe("How messages cross.")
  .prefault({});

const linkWishes = {
  readers: z
    .enum(["visible", "announced", "open"])
    .optional()
    .describe("Who may read along unseen. visible: nobody; announced: the channel is told; open: anybody.")
    .meta({ example: "announced" }),
  relay: z.boolean().optional().describe("As `bridge.relay`, for this link.").meta({ example: true }),
  reactions: z.boolean().optional().describe("Tell reactions in words where the network has none.").meta({ example: false }),
  membership: z
    .boolean()
    .optional()
    .describe("Show who comes and goes; someone who is removed on one side is removed on the other.")
    .meta({ example: false }),
  topic: z
    .boolean()
    .optional()
    .describe("Topic and name go from the room to the channel too. Left out: the topic alone.")
    .meta({ example: true }),
  everyone: z.boolean().optional().describe("Whether @room rings everybody in the channel.").meta({ example: false }),
  directory: z.boolean().optional().describe("The room stands in the homeserver's room directory.").meta({ example: false }),
  widen: z
    .boolean()
    .optional()
    .describe("Yes, a private channel may be read in a room that more people can enter.")
    .meta({ example: false }),
};

const link = z
  .strictObject({
    network: z.string().min(1).transform(networkId).meta({ example: "irc" }),
    channel: z.string().min(1).describe("As after `!causeway link irc` in a room.").meta({ example: "libera #causeway" }),
    room: roomOrAlias
      .optional()
      .describe("A room that the bot is in, or may join. Left out, the bridge makes one.")
      .meta({ example: "#causeway:example.org" }),
    invite: z
      .array(person)
      .default([])
      .describe("Whom to invite into a room that the bridge makes.")
      .meta({ example: ["@admin:example.org"] }),
    ...linkWishes,
  })
  .transform(({ network, channel, room, invite, ...wishes }) => ({
    network,
    channel,
    ...(room !== undefined && { room }),
    invite: invite as readonly Mxid[],
    settings: withoutAbsent(wishes),
  }));

const { widen: _widen, ...aliasWishes } = linkWishes;
const alias = z
  .strictObject({
    network: z.string().min(1).transform(networkId).meta({ example: "irc" }),
    channel: z.string().min(1).default("*").describe("As in `links`, with * for any run of characters.").meta({ example: "libera #*" }),
    space: z
      .string()
      .min(1)
      .optional()
      .describe("Only channels of this workspace, server or category: its id.")
      .meta({ example: "libera" }),
    ...aliasWishes,
  })
  .transform(({ network, channel, space, ...wishes }) => ({
    network,
    channel,
    ...(space !== undefined && { space }),
    settings: withoutAbsent(wishes),
  }));

const group = z
  .strictObject({
    network: z.string().min(1).transform(networkId).meta({ example: "discord" }),
    space: z.string().min(1).describe("The id of a workspace, server or category.").meta({ example: "41771983423143936" }),
    channel: z.string().min(1).default("*").describe("Names or ids, with * for any run of characters.").meta({ example: "*" }),
    invite: z
      .array(person)
      .default([])
      .describe("Whom to invite into the rooms that the bridge makes.")
      .meta({ example: ["@admin:example.org"] }),
    ...aliasWishes,
  })
  .transform(({ network, space, channel, invite, ...wishes }) => ({
    network,
    space,
    channel,
    invite: invite as readonly Mxid[],
    settings: withoutAbsent(wishes),
  }));

/** Exactly the settings that were written: a link whose config says the same as before is not touched. */
function withoutAbsent(wishes: { readonly [Key in keyof LinkSettings]: LinkSettings[Key] | undefined }): LinkSettings {
  return Object.fromEntries(Object.entries(wishes).filter(([, value]) => value !== undefined));
}

/** In the order of the example file, where the networks' sections stand before `links`. */
export const coreSchema = z.strictObject({
  version: z.literal(CONFIG_VERSION).default(CONFIG_VERSION).describe("Of this file's format.").meta({ live: true }),
  homeserver: homeserver.describe("The Matrix homeserver."),
  permissions,
  links: z
    .array(link)
    .default([])
    .describe("Channels and the rooms that they are linked to. More can be linked by `!causeway link` in a room."),
  aliases: z
    .array(alias)
    .default([])
    .describe(
      "Public channels that are linked when somebody joins their address, such as #_irc_libera_#causeway:example.org. None unless it stands here: ask the channels' people first.",
    ),
  groups: z
    .array(group)
    .default([])
    .describe("Every channel of a server, workspace or category, each linked to a room of its own; those too that come to be later."),
  admin_room: z
    .string()
    .regex(/^!\S+$/, "must be a room's id, which begins with ! (in the room's settings, under Advanced)")
    .transform(roomId)
    .optional()
    .describe("Hears what no other room can be told: a room's id.")
    .meta({ example: "!abcdefgh:example.org" }),
  moderators_room: z
    .string()
    .regex(/^!\S+$/, "must be a room's id, which begins with ! (in the room's settings, under Advanced)")
    .transform(roomId)
    .optional()
    .describe("Where it is written down what moderators of the networks do to people from Matrix (mute, kick, ban, invite): a room's id.")
    .meta({ example: "!ijklmnop:example.org" }),
  bridge,
  appservice,
  database,
  media,
  logging,
});

export type CoreConfig = z.output<typeof coreSchema>;

/** A link that the config asks for. */
export type LinkConfig = CoreConfig["links"][number];
