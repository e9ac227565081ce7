/** CHATHISTORY (https://ircv3.net/specs/extensions/chathistory), the server's side. */
import type { Client } from "./client.ts";
import type { Message } from "./message.ts";
import type { Channel, Entry } from "./model.ts";
import { deliver, Numeric } from "./network.ts";

let batches = 0;

export function chathistory(client: Client, { params }: Message): void {
  const { profile, network } = client.server;
  if (profile.history === undefined) throw new Numeric("421", "CHATHISTORY", "Unknown command");
  const [subcommand = "", target = "", ...rest] = params;
  const channel = network.channel(target);
  if (!channel || !channel.members.has(client.user))
    throw new Numeric("FAIL", "CHATHISTORY", "INVALID_TARGET", subcommand, target, "Messages could not be retrieved");
  const limit = Math.min(Number(rest.at(-1)), profile.history);
  const batch = `h${++batches}`;
  client.user.hear({ prefix: network.serverName, command: "BATCH", params: [`+${batch}`, "chathistory", channel.name] });
  for (const entry of select(client, channel, subcommand.toUpperCase(), rest, limit)) {
    const tags: Record<string, string> = { time: new Date(entry.at).toISOString(), msgid: entry.id, ...entry.tags };
    if (entry.account) tags["account"] = entry.account;
    deliver(client.user, { ...entry, tags }, channel.name, batch);
  }
  client.user.hear({ prefix: network.serverName, command: "BATCH", params: [`-${batch}`] });
}

function select(client: Client, channel: Channel, subcommand: string, rest: readonly string[], limit: number): readonly Entry[] {
  const stored = channel.log.filter((entry) => !entry.redacted && (entry.command !== "TAGMSG" || isKept(client, entry)));
  const [from = "*", to = "*"] = rest;
  const after = (reference: string) => stored.filter((entry) => isAfter(entry, reference, stored));
  switch (subcommand) {
    case "LATEST":
      return (from === "*" ? stored : after(from)).slice(-limit);
    case "AFTER":
      return after(from).slice(0, limit);
    case "BEFORE":
      return stored.filter((entry) => !isAfter(entry, from, stored) && !isAt(entry, from)).slice(-limit);
    case "BETWEEN":
      return after(from)
        .filter((entry) => !isAfter(entry, to, stored) && !isAt(entry, to))
        .slice(0, limit);
    default:
      throw new Numeric("FAIL", "CHATHISTORY", "INVALID_PARAMS", subcommand, "Invalid parameters");
  }
}

/** Reactions are kept for those who ask for events; typing is not. */
function isKept(client: Client, entry: Entry): boolean {
  return client.user.caps.has("draft/event-playback") && ("+draft/react" in entry.tags || "+draft/unreact" in entry.tags);
}

function isAfter(entry: Entry, reference: string, stored: readonly Entry[]): boolean {
  if (reference.startsWith("msgid=")) return stored.indexOf(entry) > stored.findIndex(({ id }) => id === reference.slice(6));
  return entry.at > Date.parse(reference.replace(/^timestamp=/, ""));
}

function isAt(entry: Entry, reference: string): boolean {
  return reference === `msgid=${entry.id}` || Date.parse(reference.replace(/^timestamp=/, "")) === entry.at;
}
