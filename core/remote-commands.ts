/** Words to the bridge that are said on a network: what they mean, and what their author may do, as the network says. */
import { type CommandContext, statusOf } from "./commands.ts";
import type { Work } from "./lane.ts";
import type { Links } from "./links.ts";
import type { LiveLogin } from "./logins.ts";
import { failureOf } from "./matrix/client.ts";
import { Refused } from "./model/errors.ts";
import type { RemoteCommand } from "./model/events.ts";
import { MODERATOR, type Moderator } from "./moderation.ts";
import { personKey } from "./opt-out.ts";
import type { Link } from "./store/store.ts";
import { voteByWords } from "./portal/votes.ts";

const HELP = [
  "This bridge relays between here and Matrix. You can say:",
  "status: what this channel is bridged to",
  "who NAME: who somebody from Matrix is",
  "optout, optin: not be relayed, and be again",
  "account CODE: this account is that of whoever got the code on Matrix (account off: no longer)",
  "For those who run the channel: link [CODE], unlink [--yes], pause, resume, invite @SOMEBODY:SERVER,",
  "mute, unmute, kick, ban, unban NAME [all] [REASON] (all: in every room of this server)",
].join("\n");

/** The lane of one login's commands, said on its network. */
export function workRemoteCommand(context: CommandContext, live: () => LiveLogin | undefined): Work {
  return async (row) => {
    const event = row.payload as RemoteCommand;
    const login = live();
    if (login) {
      const text = await answerRemote(context, login, event, `${row.id}`).catch((error: unknown) => {
        const failure = failureOf(error);
        if (failure instanceof Refused) return failure.message;
        throw failure;
      });
      await login.connection.answer(event.reply, text);
    }
    await context.store.journal.finish(row.id, {});
  };
}

async function answerRemote(context: CommandContext, live: LiveLogin, event: RemoteCommand, key: string): Promise<string> {
  const [verb = "help", ...words] = event.words.trim().split(/\s+/);
  const [first = ""] = words;
  const network = live.network.id;
  const verbs = verb.toLowerCase();
  switch (verbs) {
    case "confirm":
      return await context.linking.confirm(network, event.channel, first, event.power);
    case "link":
      if (first === "") return await context.linking.offer(network, event.channel, event.power);
      return await context.linking.confirm(network, event.channel, first, event.power);
    case "account":
      return await account(context, live, event, first);
    case "vote":
      return await voteByWords(context, live, event, words, key);
    case "optout":
    case "optin":
      return await context.optOuts.set(personKey(network, event.sender), verbs === "optout");
    case "status":
      return await statusOf(context, await linkOf(context.links, event, live));
    case "unlink":
      return await unlink(context, live, event, words);
    case "pause":
    case "resume":
      return await pause(context, live, event, verbs === "pause");
    case "who":
      return await context.moderation.who(await moderator(context, live, event, key), words);
    case "invite":
      return await context.moderation.invite(await moderator(context, live, event, key), words);
    case "mute":
    case "unmute":
    case "kick":
    case "ban":
    case "unban":
      return await context.moderation.take(await moderator(context, live, event, key), verbs, words);
    default:
      return HELP;
  }
}

async function linkOf(links: Links, event: RemoteCommand, live: LiveLogin): Promise<Link> {
  const link = await links.of(live.network.id, event.channel);
  if (!link) throw new Refused("This channel is not bridged.");
  return link;
}

async function moderator(context: CommandContext, live: LiveLogin, event: RemoteCommand, key: string): Promise<Moderator> {
  const link = await linkOf(context.links, event, live);
  const person = event.person ?? (await live.connection.person(event.sender));
  return { live, link, name: person?.name ?? event.sender, id: event.sender, power: event.power, key };
}

async function account(context: CommandContext, live: LiveLogin, event: RemoteCommand, said: string): Promise<string> {
  const { accounts } = context;
  const network = live.network.id;
  if (!live.network.accounts) return `On ${live.network.name} a name may be somebody else's tomorrow: nothing is linked to it.`;
  if (/^off$/i.test(said)) return await accounts.leave(network, event.sender);
  if (said !== "") return await accounts.confirm(network, event.person ?? { id: event.sender, name: event.sender }, said);
  const owner = accounts.ownerOf(network, event.sender);
  return owner
    ? `This account belongs to ${owner} on Matrix. account off: no longer.`
    : `Say "!causeway login ${network}" to ${context.bot} on Matrix: it gives a code to say here.`;
}

async function unlink(context: CommandContext, live: LiveLogin, event: RemoteCommand, words: readonly string[]): Promise<string> {
  const link = await linkOf(context.links, event, live);
  requireRight(live, event);
  const waiting = await context.linking.waiting(link);
  if (waiting > 0 && !words.includes("--yes"))
    return `${waiting} messages still wait to be delivered and would be given up. To end it all the same: unlink --yes`;
  const by = event.person?.name ?? event.sender;
  await context.linking.end(link);
  await context.notices.say(link.room, `unlinked:${link.id}`, `${by} on ${live.network.name} has ended the link to ${link.channel}.`);
  return "This channel is no longer bridged.";
}

/** Why a link is paused that was paused from its own side. */
const PAUSED = "Paused by ";

async function pause(context: CommandContext, live: LiveLogin, event: RemoteCommand, on: boolean): Promise<string> {
  const link = await linkOf(context.links, event, live);
  requireRight(live, event);
  if (!on && link.paused !== undefined && !link.paused.startsWith(PAUSED)) return `It is not for you to resume: ${link.paused}`;
  const by = event.person?.name ?? event.sender;
  await context.links.update(link, { paused: on ? `${PAUSED}${by} on ${live.network.name}.` : undefined });
  for (const lane of [`in:${link.id}`, `out:${link.id}`]) context.lanes.wake(lane, true);
  return on ? "Held back: nothing crosses until resume. What is said meanwhile is kept." : "Crossing again; what waited goes first.";
}

function requireRight(live: LiveLogin, event: RemoteCommand): void {
  if (event.power < MODERATOR) throw new Refused(`Only someone who runs this channel on ${live.network.name} can do that.`);
}
