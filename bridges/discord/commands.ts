/**
 * Words to the bridge itself: `/causeway …`, the entries of message menus, and `!causeway …` as text. What they mean is core's; here
 * they become one form, with what their author may do over there.
 *
 * https://discord.com/developers/docs/interactions/application-commands
 */
import {
  type APIApplicationCommandInteractionDataOption,
  type APIInteraction,
  ApplicationCommandOptionType as Option,
  ApplicationCommandType as Kind,
  ApplicationIntegrationType,
  ButtonStyle,
  ComponentType,
  InteractionContextType,
  InteractionResponseType,
  InteractionType,
  MessageFlags,
  type RESTPutAPIApplicationCommandsJSONBody,
  Routes,
} from "discord-api-types/v10";
import type { RemoteCommand } from "../../core/model/events.ts";
import { clip } from "../../core/model/plain.ts";
import { base } from "./events.ts";
import { isDenied } from "./failures.ts";
import type { GatewayMessage } from "./from-discord.ts";
import { channelId, isSnowflake, timeOf } from "./ids.ts";
import type { Live } from "./live.ts";
import { levelOf } from "./members.ts";
import { personOf } from "./people.ts";
import { basePermissions, Bit, has, powerOf } from "./permissions.ts";
import type { Stands } from "./stands.ts";
import { isOurs, type Road, type Stand } from "./view.ts";

/** Where an answer goes. JSON; an interaction's token is good for fifteen minutes and for nothing but its answer. */
type ReplyTo =
  | {
      readonly kind: "interaction";
      readonly id: string;
      readonly token: string;
      /** Words that a button under the answer stands for: the same in all rooms of the server. */
      readonly more?: string;
    }
  | { readonly kind: "message"; readonly channel: string; readonly message: string };

const flag = (name: string, description: string) => ({ type: Option.Boolean as const, name, description, required: false });
const word = (name: string, description: string, required = false) => ({ type: Option.String as const, name, description, required });
const sub = (name: string, description: string, options: (ReturnType<typeof word> | ReturnType<typeof flag>)[] = []) => ({
  type: Option.Subcommand as const,
  name,
  description,
  options,
});

/** Menu entries, and the words that they stand for. */
const MENU: Readonly<Record<string, string>> = {
  "Who is this on Matrix?": "who",
  "Mute on Matrix": "mute",
  "Kick on Matrix": "kick",
  "Ban on Matrix": "ban",
};

/** What a measure takes on Discord, whatever else somebody may do there. */
const TAKES: Readonly<Record<string, bigint>> = {
  mute: Bit.ModerateMembers,
  unmute: Bit.ModerateMembers,
  kick: Bit.KickMembers,
  ban: Bit.BanMembers,
  unban: Bit.BanMembers,
};

/** Options that are switches, and the words that they stand for. */
const ANYWAY = "anyway";
const EVERYWHERE = "everywhere";
const SWITCHES: Readonly<Record<string, string>> = { [ANYWAY]: "--yes", [EVERYWHERE]: "all" };

const measures = () =>
  Object.entries({
    mute: "Nothing that somebody from Matrix writes is heard any more",
    unmute: "Let them be heard again",
    kick: "Remove somebody from Matrix",
    ban: "Keep somebody from Matrix out",
    unban: "Let them come back",
  }).map(([name, description]) =>
    sub(name, description, [
      word("person", "Their Matrix id, or their name as it is shown here", true),
      flag(EVERYWHERE, "In the rooms of all channels of this server"),
      word("reason", "Why"),
    ]),
  );

export const COMMANDS: RESTPutAPIApplicationCommandsJSONBody = [
  {
    type: Kind.ChatInput,
    name: "causeway",
    description: "The bridge to Matrix",
    contexts: [InteractionContextType.Guild, InteractionContextType.BotDM],
    integration_types: [ApplicationIntegrationType.GuildInstall],
    options: [
      sub("link", "Have this channel bridged: gives a code to say on Matrix, or takes the one from there", [
        word("code", "The one-time code from Matrix"),
      ]),
      sub("unlink", "End the bridging of this channel", [flag(ANYWAY, "Even if messages still wait to be delivered")]),
      sub("status", "What this channel is bridged to"),
      sub("pause", "Hold everything back for a while"),
      sub("resume", "Let it flow again"),
      sub("invite", "Invite somebody from Matrix", [word("person", "Their Matrix id: @somebody:example.org", true)]),
      sub("who", "Who somebody from Matrix is", [word("person", "Their name, as it is shown here", true)]),
      ...measures(),
      sub("account", "Say whose account on Matrix yours is", [word("code", 'The code from Matrix; "off": nobody\'s any more')]),
      sub("optout", "Nothing that I write is relayed"),
      sub("optin", "What I write is relayed again"),
      sub("help", "What the bridge can be asked for"),
    ],
  },
  ...Object.keys(MENU).map((name) => ({
    type: Kind.Message as const,
    name,
    contexts: [InteractionContextType.Guild],
    integration_types: [ApplicationIntegrationType.GuildInstall],
    ...(TAKES[MENU[name] ?? ""] === undefined ? {} : { default_member_permissions: String(TAKES[MENU[name] ?? ""]) }),
  })),
];

/** Puts the commands in their place. Done again only when they have changed. */
export async function offerCommands(live: Live): Promise<void> {
  const wanted = live.config.commands ? COMMANDS : [];
  const text = JSON.stringify(wanted);
  if ((await live.core.keep.get("commands")) === text) return;
  await live.rest.put(Routes.applicationCommands(live.self.application), { body: wanted });
  await live.core.keep.set("commands", text);
}

const WRITTEN = /^!(?:causeway(?:\s+|$)|(?=optout\b|optin\b))/i;

/** `!causeway confirm CODE`, `!optout`. */
export function writtenCommand(
  live: Live,
  d: GatewayMessage & { readonly guild_id?: string },
  road: Road,
  stand: Pick<Stand, "channel">,
): RemoteCommand[] {
  if (!WRITTEN.test(d.content ?? "") || isOurs(d, live.view(d.guild_id)) || d.webhook_id !== undefined || d.author.bot === true) return [];
  const guild = d.guild_id === undefined ? undefined : live.guilds.guild(d.guild_id);
  const roles = (d.member as { roles?: readonly string[] } | undefined)?.roles ?? [];
  const member = { id: d.author.id, roles };
  const person = personOf(d.author, d.member, d.guild_id, live.self.id);
  const words = d.content.replace(WRITTEN, "").trim().slice(0, 1000);
  return [
    {
      ...base(stand, road, timeOf(d.id)),
      kind: "command",
      subject: `command:${d.id}`,
      sender: person.id,
      person,
      words,
      reply: { kind: "message", channel: d.channel_id, message: d.id } satisfies ReplyTo,
      power: guild ? powerFor(words, basePermissions(guild, member), levelOf(guild, member, live.config.power_levels)) : 0,
    },
  ];
}

/** A command, an entry of a message's menu, or the button under the answer to one. */
export function chosenCommand(live: Live, stands: Stands, d: APIInteraction, road: Road): RemoteCommand[] {
  const user = d.member?.user ?? d.user;
  const place = d.channel?.id;
  const words = wordsOf(d);
  if (words === undefined || !user || !isSnowflake(place)) return [];
  acknowledge(live, d.id, d.token);
  const power = d.member ? powerFor(words, BigInt(d.member.permissions), powerOf(BigInt(d.member.permissions))) : 0;
  const more =
    d.type === InteractionType.ApplicationCommand && d.data.type === Kind.Message && power > 0 && TAKES[verbOf(words)] !== undefined;
  const home = stands.homeOf(place);
  const person = personOf(user, d.member, d.guild_id, live.self.id);
  return [
    {
      ...base({ channel: channelId(typeof home === "string" ? home : place) }, road, timeOf(d.id)),
      kind: "command",
      subject: `command:${d.id}`,
      sender: person.id,
      person,
      words,
      reply: { kind: "interaction", id: d.application_id, token: d.token, ...(more ? { more: `${words} all` } : {}) } satisfies ReplyTo,
      power,
    },
  ];
}

/** Who may not kick on Discord may not kick from there, however much else they may. */
function powerFor(words: string, permissions: bigint, power: number): number {
  const needed = TAKES[verbOf(words)];
  if (needed === undefined || has(permissions, Bit.Administrator)) return power;
  return has(permissions, needed) ? Math.max(50, power) : 0;
}

function verbOf(words: string): string {
  return (/^\S+/.exec(words)?.[0] ?? "").toLowerCase();
}

const BUTTON = "do:";

function wordsOf(d: APIInteraction): string | undefined {
  if (d.type === InteractionType.MessageComponent)
    return d.data.custom_id.startsWith(BUTTON) ? d.data.custom_id.slice(BUTTON.length) : undefined;
  if (d.type !== InteractionType.ApplicationCommand) return undefined;
  if (d.data.type === Kind.Message) {
    const verb = MENU[d.data.name];
    return verb === undefined ? undefined : `${verb} ${d.data.target_id}`;
  }
  if (d.data.type !== Kind.ChatInput || d.data.name !== "causeway") return undefined;
  const [chosenSub] = d.data.options ?? [];
  if (chosenSub?.type !== Option.Subcommand) return "help";
  const given = new Map((chosenSub.options ?? []).map((option) => [option.name, valueOf(option)]));
  // People fill options in as they like; the words have one order.
  return [chosenSub.name, ...ORDER.flatMap((name) => given.get(name) ?? [])].join(" ").slice(0, 1000);
}

const ORDER = ["code", "person", EVERYWHERE, "reason", ANYWAY];

/** A switch that is off is nothing. */
function valueOf(option: APIApplicationCommandInteractionDataOption): string[] {
  if (!("value" in option)) return [];
  if (typeof option.value !== "boolean") return [String(option.value)];
  const word = SWITCHES[option.name];
  return option.value && word !== undefined ? [word] : [];
}

/** Discord waits three seconds for a first sign; the answer itself may take its time. */
function acknowledge(live: Live, id: string, token: string): void {
  const body = { type: InteractionResponseType.DeferredChannelMessageWithSource, data: { flags: MessageFlags.Ephemeral } };
  live.rest.post(Routes.interactionCallback(id, token), { body, anonymous: true }).catch((error: unknown) => {
    live.core.log.warn({ why: error instanceof Error ? error.message : "" }, "A command could not be acknowledged");
  });
}

/** https://discord.com/developers/docs/components/reference#button */
function everywhere(words: string) {
  const button = { type: ComponentType.Button, style: ButtonStyle.Danger, label: "In all rooms of this server", custom_id: BUTTON + words };
  return { type: ComponentType.ActionRow, components: [button] };
}

export async function answer(live: Live, reply: unknown, text: string): Promise<void> {
  const to = reply as ReplyTo;
  const body = { content: clip(text.trim() || "Done.", 2000), allowed_mentions: { parse: [], replied_user: false } };
  if (to.kind === "interaction") {
    const components = to.more === undefined ? {} : { components: [everywhere(to.more)] };
    const path = Routes.webhookMessage(to.id, to.token, "@original");
    await live.rest.patch(path, { body: { ...body, ...components }, anonymous: true }).catch((error: unknown) => {
      // Too late, or they have closed it: nobody is there any more who could be told.
      if (!isDenied(error)) throw error;
    });
    return;
  }
  const reference = { message_reference: { message_id: to.message, fail_if_not_exists: false } };
  await live.rest.post(Routes.channelMessages(to.channel), { body: { ...body, ...reference } });
}
