/**
 * Words to the bridge itself: `/causeway …`, the entries of message menus, and `!causeway …` as text. What they mean is core's; here
 * they become one form, with what their author may do over there.
 *
 * https://discord.com/developers/docs/interactions/application-commands
 */
import {
  type APIInteraction,
  ApplicationCommandOptionType as Option,
  ApplicationCommandType as Kind,
  ApplicationIntegrationType,
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
import type { GatewayMessage } from "./from-discord.ts";
import { channelId, isSnowflake, timeOf } from "./ids.ts";
import type { Live } from "./live.ts";
import { levelOf } from "./members.ts";
import { personOf } from "./people.ts";
import { powerOf } from "./permissions.ts";
import type { Stands } from "./stands.ts";
import { isOurs, type Road, type Stand } from "./view.ts";

/** Where an answer goes. JSON; an interaction's token is good for fifteen minutes and for nothing but its answer. */
type ReplyTo =
  | { readonly kind: "interaction"; readonly id: string; readonly token: string }
  | { readonly kind: "message"; readonly channel: string; readonly message: string };

const word = (name: string, description: string, required = false) => ({ type: Option.String as const, name, description, required });
const sub = (name: string, description: string, options: ReturnType<typeof word>[] = []) => ({
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

export const COMMANDS: RESTPutAPIApplicationCommandsJSONBody = [
  {
    type: Kind.ChatInput,
    name: "causeway",
    description: "The bridge to Matrix",
    contexts: [InteractionContextType.Guild, InteractionContextType.BotDM],
    integration_types: [ApplicationIntegrationType.GuildInstall],
    options: [
      sub("link", "Agree that this channel is bridged, with the code from Matrix", [word("code", "The one-time code")]),
      sub("unlink", "End the bridging of this channel"),
      sub("status", "What this channel is bridged to"),
      sub("pause", "Hold everything back for a while"),
      sub("resume", "Let it flow again"),
      sub("invite", "Invite somebody from Matrix", [word("person", "Their Matrix id: @somebody:example.org", true)]),
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
  const person = personOf(d.author, d.member, d.guild_id, live.self.id);
  return [
    {
      ...base(stand, road, timeOf(d.id)),
      kind: "command",
      subject: `command:${d.id}`,
      sender: person.id,
      person,
      words: d.content.replace(WRITTEN, "").trim().slice(0, 1000),
      reply: { kind: "message", channel: d.channel_id, message: d.id } satisfies ReplyTo,
      power: guild ? levelOf(guild, { id: d.author.id, roles }, live.config.power_levels) : 0,
    },
  ];
}

export function chosenCommand(live: Live, stands: Stands, d: APIInteraction, road: Road): RemoteCommand[] {
  const user = d.member?.user ?? d.user;
  const place = d.channel?.id;
  if (d.type !== InteractionType.ApplicationCommand || !user || !isSnowflake(place)) return [];
  const words = wordsOf(d);
  if (words === undefined) return [];
  acknowledge(live, d.id, d.token);
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
      reply: { kind: "interaction", id: d.application_id, token: d.token } satisfies ReplyTo,
      power: d.member ? powerOf(BigInt(d.member.permissions)) : 0,
    },
  ];
}

function wordsOf(d: Extract<APIInteraction, { type: InteractionType.ApplicationCommand }>): string | undefined {
  if (d.data.type === Kind.Message) {
    const verb = MENU[d.data.name];
    return verb === undefined ? undefined : `${verb} ${d.data.target_id}`;
  }
  if (d.data.type !== Kind.ChatInput || d.data.name !== "causeway") return undefined;
  const [chosenSub] = d.data.options ?? [];
  if (chosenSub?.type !== Option.Subcommand) return "help";
  const values = (chosenSub.options ?? []).map((option) => ("value" in option ? String(option.value) : ""));
  // With a code in hand it is the yes to a wish from the other side.
  const verb = chosenSub.name === "link" && values.length > 0 ? "confirm" : chosenSub.name;
  return [verb, ...values].join(" ").slice(0, 1000);
}

/** Discord waits three seconds for a first sign; the answer itself may take its time. */
function acknowledge(live: Live, id: string, token: string): void {
  const body = { type: InteractionResponseType.DeferredChannelMessageWithSource, data: { flags: MessageFlags.Ephemeral } };
  live.rest.post(Routes.interactionCallback(id, token), { body, anonymous: true }).catch((error: unknown) => {
    live.core.log.warn({ why: error instanceof Error ? error.message : "" }, "A command could not be acknowledged");
  });
}

export async function answer(live: Live, reply: unknown, text: string): Promise<void> {
  const to = reply as ReplyTo;
  const body = { content: clip(text.trim() || "Done.", 2000), allowed_mentions: { parse: [], replied_user: false } };
  if (to.kind === "interaction") {
    await live.rest.patch(Routes.webhookMessage(to.id, to.token, "@original"), { body, anonymous: true });
    return;
  }
  const reference = { message_reference: { message_id: to.message, fail_if_not_exists: false } };
  await live.rest.post(Routes.channelMessages(to.channel), { body: { ...body, ...reference } });
}
