/** What a registered client can do at the fake server. */
import type { Client } from "./client.ts";
import { chathistory } from "./history.ts";
import type { Message } from "./message.ts";
import type { Channel, User } from "./model.ts";
import { Numeric } from "./network.ts";

type Command = (client: Client, message: Message) => void;

export function run(client: Client, message: Message): void {
  const command = commands[message.command];
  if (!command) throw new Numeric("421", message.command, "Unknown command");
  if (client.batch && message.command !== "PRIVMSG" && message.command !== "BATCH")
    throw new Numeric("FAIL", "BATCH", "MULTILINE_INVALID", "Invalid multiline batch");
  command(client, message);
}

const clientOnly = (tags: Record<string, string> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(tags).filter(([name]) => name.startsWith("+")));

/** What a message meets on its way: faults, services, and the tags that the sender may set. */
const say: Command = (client, { command, params, tags }) => {
  const { server, user } = client;
  const [target = "", text = ""] = params;
  if (client.batch && tags?.["batch"] === client.batch.name) {
    client.batch.lines.push({ text, joined: "draft/multiline-concat" in tags });
    return;
  }
  if (text === "" && command !== "TAGMSG") throw new Numeric("412", "No text to send");
  lossy(client, () => {
    if (server.services(client, target, text)) return;
    const passing = user.caps.has("message-tags") && server.passesTags ? clientOnly(tags) : {};
    for (const one of target.split(",")) server.network.say(user, command as "PRIVMSG", one, text, passing);
  });
};

/** A send that is lost, or whose answer is. */
function lossy(client: Client, effect: () => void): void {
  const { faults } = client.server;
  if (faults.loseSend) {
    faults.loseSend = false;
    return client.cut();
  }
  const { held } = faults;
  if (held) {
    faults.held = undefined;
    client.capture(effect);
    client.fallSilent();
    return held();
  }
  if (faults.loseReply) {
    faults.loseReply = false;
    client.capture(effect);
    return client.cut();
  }
  effect();
}

const batch: Command = (client, { params, tags }) => {
  const [mark = "", type, target = ""] = params;
  if (mark.startsWith("+") && type === "draft/multiline") {
    client.batch = { name: mark.slice(1), target, opening: { command: "BATCH", params, tags }, lines: [] };
    return;
  }
  const open = client.batch;
  client.batch = undefined;
  if (!open || mark !== `-${open.name}`) throw new Numeric("FAIL", "BATCH", "MULTILINE_INVALID", "Invalid multiline batch");
  const text = open.lines.reduce((all, line, index) => all + (line.joined || index === 0 ? "" : "\n") + line.text, "");
  const work = (): void => {
    if (Buffer.byteLength(text) > 4096)
      throw new Numeric("FAIL", "BATCH", "MULTILINE_MAX_BYTES", "4096", "Multiline batch max-bytes exceeded");
    if (open.lines.length > 100) throw new Numeric("FAIL", "BATCH", "MULTILINE_MAX_LINES", "100", "Multiline batch max-lines exceeded");
    lossy(client, () => client.server.network.say(client.user, "PRIVMSG", open.target, text, clientOnly(open.opening.tags), open.lines));
  };
  const label = open.opening.tags?.["label"];
  if (label === undefined || !client.user.caps.has("labeled-response")) work();
  else client.answer(label, client.capture(work));
};

function sendNames(client: Client, channel: Channel): void {
  const { user } = client;
  const signs: Readonly<Record<string, string>> = { q: "~", a: "&", o: "@", h: "%", v: "+" };
  const entries = [...channel.members].map(([member, ranks]) => {
    const sorted = [..."qaohv"].filter((mode) => ranks.includes(mode)).map((mode) => signs[mode] ?? "");
    const shown = user.caps.has("multi-prefix") ? sorted.join("") : (sorted[0] ?? "");
    return `${shown}${user.caps.has("userhost-in-names") ? member.mask : member.nick}`;
  });
  for (let start = 0; start < entries.length; start += 8)
    client.numeric("353", "=", channel.name, entries.slice(start, start + 8).join(" "));
  client.numeric("366", channel.name, "End of /NAMES list.");
}

const join: Command = (client, { params }) => {
  const keys = (params[1] ?? "").split(",");
  for (const [index, name] of (params[0] ?? "").split(",").entries()) {
    try {
      const already = client.server.network.channel(name)?.members.has(client.user);
      client.server.network.join(client.user, name, keys[index]);
      const channel = client.server.network.channel(name);
      if (!channel || already) continue;
      if (channel.topic !== "") {
        client.numeric("332", channel.name, channel.topic);
        client.numeric("333", channel.name, "someone", "1500000000");
      }
      sendNames(client, channel);
    } catch (error) {
      if (!(error instanceof Numeric)) throw error;
      client.numeric(error.code, ...error.params);
    }
  }
};

const mode: Command = (client, { params }) => {
  const [target = "", letters, ...rest] = params;
  if (!/^[#&]/.test(target)) {
    if (letters?.includes("B")) client.user.bot = letters.startsWith("+");
    if (letters) client.user.hear({ prefix: client.user.mask, command: "MODE", params: [target, letters] });
    return;
  }
  const channel = client.server.network.channel(target);
  if (!channel || (channel.modes.has("s") && !channel.members.has(client.user))) throw new Numeric("403", target, "No such channel");
  if (letters === undefined) {
    const modes = [...channel.modes];
    const values = modes.map(([, value]) => value).filter(Boolean);
    return client.numeric("324", channel.name, `+${modes.map(([letter]) => letter).join("")}`, ...values);
  }
  if (letters.replace("+", "") === "b" && rest.length === 0) {
    for (const mask of channel.bans) client.numeric("367", channel.name, mask, "someone", "1500000000");
    return client.numeric("368", channel.name, "End of channel ban list");
  }
  client.server.network.mode(client.user, target, letters, rest);
};

const whois: Command = (client, { params }) => {
  const nick = params.at(-1) ?? "";
  const user = client.server.network.find(nick);
  if (!user) {
    client.numeric("401", nick, "No such nick/channel");
    return client.numeric("318", nick, "End of /WHOIS list.");
  }
  client.numeric("311", user.nick, user.user, user.host, "*", user.realName);
  const channels = [...user.channels].map((channel) => channel.name).join(" ");
  if (channels !== "") client.numeric("319", user.nick, channels);
  if (user.account) client.numeric("330", user.nick, user.account, "is logged in as");
  if (user.bot) client.numeric("335", user.nick, "is a bot");
  client.numeric("318", user.nick, "End of /WHOIS list.");
};

const who: Command = (client, { params }) => {
  const [target = "", fields = ""] = params;
  const channel = client.server.network.channel(target);
  const users: User[] = channel ? [...channel.members.keys()] : [client.server.network.find(target)].filter((user) => user !== undefined);
  const token = /,(\d+)$/.exec(fields)?.[1];
  for (const user of users) {
    const flags = `${user.away === undefined ? "H" : "G"}${user.bot ? "B" : ""}`;
    if (token === undefined)
      client.numeric("352", target, user.user, user.host, client.server.network.serverName, user.nick, flags, `0 ${user.realName}`);
    else client.numeric("354", token, user.user, user.host, user.nick, flags, user.account ?? "0");
  }
  client.numeric("315", target, "End of /WHO list.");
};

const list: Command = (client) => {
  client.numeric("321", "Channel", "Users Name");
  for (const channel of client.server.network.channels.values()) {
    if (channel.modes.has("s") && !channel.members.has(client.user)) continue;
    client.numeric("322", channel.name, String(channel.members.size), channel.topic);
  }
  client.numeric("323", "End of channel list.");
};

const commands: Readonly<Record<string, Command>> = {
  PING: (client, { params }) => client.reply("PONG", client.server.network.serverName, params[0] ?? ""),
  PONG: () => undefined,
  PRIVMSG: say,
  NOTICE: say,
  TAGMSG: (client, message) => {
    if (!client.user.caps.has("message-tags")) throw new Numeric("421", "TAGMSG", "Unknown command");
    say(client, message);
  },
  BATCH: batch,
  JOIN: join,
  MODE: mode,
  WHOIS: whois,
  WHO: who,
  LIST: list,
  CHATHISTORY: chathistory,
  PART: ({ server, user }, { params }) => server.network.part(user, params[0] ?? "", params[1]),
  KICK: ({ server, user }, { params }) => server.network.kick(user, params[0] ?? "", params[1] ?? "", params[2]),
  TOPIC: ({ server, user }, { params }) => server.network.topic(user, params[0] ?? "", params[1] ?? ""),
  INVITE: (client, { params }) => {
    client.server.network.invite(client.user, params[0] ?? "", params[1] ?? "");
    client.numeric("341", params[0] ?? "", params[1] ?? "");
  },
  NAMES: (client, { params }) => {
    const channel = client.server.network.channel(params[0] ?? "");
    if (channel) sendNames(client, channel);
    else client.numeric("366", params[0] ?? "", "End of /NAMES list.");
  },
  NICK: ({ server, user }, { params }) => {
    if (server.faults.nickInUse) throw new Numeric("433", params[0] ?? "", "Nickname is already in use");
    server.network.nick(user, (params[0] ?? "").slice(0, 30));
  },
  AWAY: (client, { params }) => {
    client.user.away = params[0] || undefined;
    client.server.network.away(client.user);
    client.numeric(params[0] ? "306" : "305", params[0] ? "You have been marked as being away" : "You are no longer marked as being away");
  },
  MARKREAD: (client, { params }) => {
    const [target = "", at = ""] = params;
    if (!("draft/read-marker" in client.server.profile.caps)) throw new Numeric("421", "MARKREAD", "Unknown command");
    if (!/^timestamp=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(at))
      throw new Numeric("FAIL", "MARKREAD", "INVALID_PARAMS", target, "Invalid timestamp");
    client.reply("MARKREAD", target, at);
  },
  SETNAME: ({ user }, { params }) => void (user.realName = params[0] ?? ""),
  REDACT: (client, { params }) => {
    if (!("draft/message-redaction" in client.server.profile.caps)) throw new Numeric("421", "REDACT", "Unknown command");
    client.server.network.redact(client.user, params[0] ?? "", params[1] ?? "", params[2]);
  },
  RELAYMSG: (client, { params }) => {
    if (!("draft/relaymsg" in client.server.profile.caps)) throw new Numeric("421", "RELAYMSG", "Unknown command");
    client.server.relay(client.user, params[0] ?? "", params[1] ?? "", params[2] ?? "");
  },
  MONITOR: () => undefined,
  QUIT: (client, { params }) => {
    client.error(`Quit: ${params[0] ?? ""}`);
    client.gone(`Quit: ${params[0] ?? ""}`);
  },
};
