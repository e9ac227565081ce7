/** What can be done in a channel of the toy network. Doing again what is already so is answered as success, and nobody hears of it. */
import type { ChannelFacts } from "../../core/model/events.ts";
import type { Poll } from "../../core/model/message.ts";
import type { Channel } from "../../core/network.ts";
import type { ToyService } from "./toy-network-service.ts";
import type { ToyAnswer, ToyMessage, ToyPost } from "./toy-network-wire.ts";

export interface ToyChannel {
  readonly id: string;
  name: string;
  topic: string;
  /** What else it is: who may see it, who has which power, its picture. */
  facts: ToyFacts;
  /** The groups it lies in; undefined = the realm alone. */
  spaces?: Channel["spaces"];
  readonly members: Set<string>;
  readonly banned: Set<string>;
  /** Oldest first. */
  messages: ToyMessage[];
}

export type ToyFacts = Omit<ChannelFacts, "name" | "topic">;

export function newChannel(id: string, members: readonly string[]): ToyChannel {
  return { id, name: id.slice(id.indexOf("/") + 1), topic: "", facts: {}, members: new Set(members), banned: new Set(), messages: [] };
}

export interface Deed {
  readonly service: ToyService;
  readonly channel: ToyChannel;
  readonly account: string;
  readonly client: string;
  readonly parameters: Record<string, unknown>;
}

/** A page of the history holds at most so many messages. */
export const PAGE = 20;

const done = (value: unknown = null): ToyAnswer => ({ ok: true, value });
const failed = (code: "forbidden" | "unknown" | "bad-request"): ToyAnswer => ({ ok: false, code });

export const deeds: Readonly<Record<string, (deed: Deed) => ToyAnswer>> = {
  post,
  edit,
  delete: erase,
  react: (deed) => changeReaction(deed, true),
  unreact: (deed) => changeReaction(deed, false),
  pin: (deed) => changePin(deed, true),
  unpin: (deed) => changePin(deed, false),
  channel: changeChannel,
  kick: (deed) => remove(deed, "kick"),
  ban: (deed) => remove(deed, "ban"),
  unban: ({ channel, parameters }) => (channel.banned.delete(String(parameters["account"])), done()),
  invite: (deed) => join(deed, String(deed.parameters["account"])),
  leave: ({ service, channel, account, client }) => {
    service.tell(channel.id, client, { type: "member", account, change: "leave", turn: service.nextTurn() });
    channel.members.delete(account);
    return done();
  },
  type: ({ service, channel, account, client }) => {
    service.typists.push({ channel: channel.id, account });
    service.tell(channel.id, client, { type: "typing", account });
    return done();
  },
  command: ({ service, channel, account, client, parameters }) => {
    service.tell(channel.id, client, { type: "command", account, words: String(parameters["words"]), turn: service.nextTurn() });
    return done();
  },
  answer: ({ service, parameters }) => {
    service.answers.push({ account: String(parameters["account"]), text: String(parameters["text"]) });
    return done();
  },
  history: ({ channel, parameters }) => {
    const later = channel.messages.filter(({ id }) => id > String(parameters["after"]));
    return done({ messages: later.slice(0, PAGE), more: later.length > PAGE });
  },
  message: ({ channel, parameters }) => done(channel.messages.find(({ id }) => id === parameters["id"])),
  describe: ({ channel: { name, topic, facts, spaces, messages } }) =>
    done({ name, topic, facts, spaces, latest: messages.at(-1)?.id ?? "" }),
  members: ({ service, channel }) => {
    const all = [...channel.members].flatMap((id) => service.accounts.get(id) ?? []).map(({ id, name }) => ({ id, name }));
    return done(service.hidesMembers ? { people: all.slice(0, 2), complete: false } : { people: all, complete: true });
  },
};

/** Only those who came in may do anything, so joining stands apart. */
export function join({ service, channel, client }: Deed, account: string): ToyAnswer {
  if (channel.banned.has(account)) return failed("forbidden");
  if (channel.members.has(account)) return done();
  channel.members.add(account);
  service.tell(channel.id, client, { type: "member", account, change: "join", turn: service.nextTurn() });
  return done();
}

function post({ service, channel, account, client, parameters }: Deed): ToyAnswer {
  const { threadOf, thread, file, ...given } = parameters["post"] as ToyPost;
  const root = threadOf ?? channel.messages.find((message) => message.thread?.id === thread)?.thread?.root;
  const { file: attached } = (file !== undefined && service.files.get(file)) || {};
  if ((file !== undefined && !attached) || (thread !== undefined && root === undefined)) return failed("bad-request");
  const message: ToyMessage = {
    ...given,
    id: service.nextMessage(),
    channel: channel.id,
    account,
    client,
    at: Date.now(),
    ...(attached && { file: attached }),
    ...(root !== undefined && { thread: { id: `t-${root}`, root } }),
    version: 0,
    reactions: [],
    pinned: false,
  };
  channel.messages.push(message);
  service.tell(channel.id, client, { type: "posted", message });
  return done({ id: message.id, thread: message.thread?.id });
}

/** Replaces a message by what `change` makes of it; undefined = it is not there. */
function replace(channel: ToyChannel, id: unknown, change: (message: ToyMessage) => ToyMessage): ToyMessage | undefined {
  const index = channel.messages.findIndex((message) => message.id === id);
  const old = channel.messages[index];
  if (!old) return undefined;
  const next = change(old);
  channel.messages[index] = next;
  return next;
}

function edit({ service, channel, account, client, parameters }: Deed): ToyAnswer {
  const { style, body } = parameters["post"] as ToyPost;
  const old = channel.messages.find(({ id }) => id === parameters["id"]);
  if (!old) return failed("unknown");
  if (old.account !== account) return failed("forbidden");
  if (JSON.stringify(old.body) === JSON.stringify(body)) return done();
  const message = replace(channel, old.id, (before) => ({ ...before, style, body, version: before.version + 1 }));
  if (message) service.tell(channel.id, client, { type: "edited", message, by: account });
  return done();
}

function erase({ service, channel, account, client, parameters }: Deed): ToyAnswer {
  const old = channel.messages.find(({ id }) => id === parameters["id"]);
  if (!old) return done();
  channel.messages = channel.messages.filter((message) => message !== old);
  service.tell(channel.id, client, { type: "deleted", id: old.id, by: account });
  return done();
}

function changeReaction({ service, channel, account, client, parameters }: Deed, on: boolean): ToyAnswer {
  const emoji = String(parameters["emoji"]);
  const mine = (reaction: { emoji: string; by: string }): boolean => reaction.emoji === emoji && reaction.by === account;
  const old = channel.messages.find(({ id }) => id === parameters["id"]);
  if (!old) return on ? failed("unknown") : done();
  if (old.reactions.some(mine) === on) return done();
  const others = old.reactions.filter((reaction) => !mine(reaction));
  replace(channel, old.id, (message) => ({ ...message, reactions: on ? [...others, { emoji, by: account }] : others }));
  service.tell(channel.id, client, { type: on ? "reacted" : "unreacted", id: old.id, emoji, by: account, turn: service.nextTurn() });
  return done();
}

function changePin({ service, channel, account, client, parameters }: Deed, pinned: boolean): ToyAnswer {
  const old = channel.messages.find(({ id }) => id === parameters["id"]);
  if (!old) return pinned ? failed("unknown") : done();
  if (old.pinned === pinned) return done();
  replace(channel, old.id, (message) => ({ ...message, pinned }));
  service.tell(channel.id, client, { type: pinned ? "pinned" : "unpinned", id: old.id, by: account, turn: service.nextTurn() });
  return done();
}

function changeChannel({ service, channel, account, client, parameters }: Deed): ToyAnswer {
  const { topic = channel.topic, name = channel.name, facts } = parameters as { topic?: string; name?: string; facts?: ToyFacts };
  if (topic === channel.topic && name === channel.name && !facts) return done();
  const changed = { ...(topic !== channel.topic && { topic }), ...(name !== channel.name && { name }), ...(facts && { facts }) };
  Object.assign(channel, changed, { facts: { ...channel.facts, ...facts } });
  service.tell(channel.id, client, { type: "channel", ...changed, by: account, turn: service.nextTurn() });
  return done();
}

function remove({ service, channel, client, parameters }: Deed, change: "kick" | "ban"): ToyAnswer {
  const account = String(parameters["account"]);
  if (change === "ban") channel.banned.add(account);
  if (!channel.members.has(account)) return done();
  service.tell(channel.id, client, { type: "member", account, change, turn: service.nextTurn() });
  channel.members.delete(account);
  return done();
}

/** A poll's question with its answers as people see them. */
export const pollText = (poll: Poll): string => [poll.question, ...poll.answers.map(({ text }) => text)].join(" / ");
