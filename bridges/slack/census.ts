/** Lists of people and channels: fetched page by page when somebody asks, never at the start. */
import { Refused } from "../../core/model/errors.ts";
import type { RemoteChannelId, RemoteUserId } from "../../core/model/ids.ts";
import type { Person } from "../../core/model/message.ts";
import type { Deed } from "../../core/model/effects.ts";
import type { Channel } from "../../core/network.ts";
import type { Desk } from "./desk.ts";
import { codeOf } from "./failures.ts";
import { type CommandReply, plainTopic } from "./from-channel.ts";
import { channelId, cursorAt, TIMESTAMP, userOf } from "./ids.ts";
import { isSlacks } from "./hosts.ts";
import { escaped } from "./mrkdwn.ts";
import { personOf, readProfile } from "./profile.ts";
import { filled, type Json, record, records, string, strings } from "./wire.ts";

const ROWS = 200;
const PATIENCE = 60_000;
/** People of whom one channel's list asks one by one; of more the workspace's list is read. */
const ONE_BY_ONE = 40;
/** Pages of the workspace's people that are read for one question: 50 000 people. */
const MOST_PAGES = 250;

async function* pages(desk: Desk, method: string, args: Json, deed: string): AsyncGenerator<Json> {
  let cursor: string | undefined;
  for (let page = 0; page < MOST_PAGES; page++) {
    const answer = await desk.api.call(
      method,
      { ...args, limit: ROWS, ...(cursor === undefined ? {} : { cursor }) },
      { deed, repeatable: true, patience: PATIENCE },
    );
    yield answer;
    cursor = filled(record(answer.response_metadata).next_cursor);
    if (cursor === undefined) return;
  }
}

/** Slack's description of a channel as core knows it. */
export async function toChannel(desk: Desk, info: Json, team: string): Promise<Channel> {
  const place = string(info.id);
  const kind = info.is_im === true ? "direct" : info.is_mpim === true ? "group" : "channel";
  const topic = plainTopic(string(record(info.topic).value), desk.known);
  const purpose = plainTopic(string(record(info.purpose).value), desk.known);
  const shown = topic === "" ? purpose : topic;
  const latest = await latestOf(desk, place);
  return {
    id: channelId(team, desk.firstId(place)),
    name: await nameOf(desk, info, kind),
    kind,
    visibility: info.is_private === true || kind !== "channel" ? "private" : "public",
    archived: info.is_archived === true,
    ...(shown === "" ? {} : { topic: shown }),
    spaces: [{ id: team, name: spaceName(desk, team) }],
    latest,
    ...(info.is_member === false ? { inside: false } : {}),
  };
}

async function nameOf(desk: Desk, info: Json, kind: Channel["kind"]): Promise<string> {
  // A group conversation is called after its people: mpdm-alice--bob-1.
  if (kind === "group")
    return (
      string(info.name)
        .replace(/^mpdm-(.*)-\d+$/, "$1")
        .replaceAll("--", ", ") || string(info.id)
    );
  if (kind === "channel") return filled(info.name) ?? string(info.id);
  const person = await desk.directory.person(string(info.user), desk.self);
  return person?.name ?? string(info.user);
}

/** `https://acme.slack.com/` → `acme`. */
function spaceName(desk: Desk, team: string): string {
  return desk.workspace === undefined ? team : (new URL(desk.workspace).hostname.split(".")[0] ?? team);
}

/** Before everything, and as long as every other place, so that it compares as the first. */
const BEGINNING = "0000000000.000000";

/** The last place in its history; where it cannot be read (we are not in it yet), now. */
async function latestOf(desk: Desk, place: string): Promise<string> {
  const call = { deed: "read a channel's last message", repeatable: true, channel: place };
  const answer = await desk.api.call("conversations.history", { channel: place, limit: 1 }, call).catch((error: unknown) => {
    if (error instanceof Refused) return undefined;
    throw error;
  });
  if (!answer) return cursorAt(Date.now());
  const ts = string(records(answer.messages)[0]?.ts);
  return TIMESTAMP.test(ts) ? ts : BEGINNING;
}

export async function* channelsOf(desk: Desk, team: string, own: boolean): AsyncGenerator<Channel> {
  const types = own ? "public_channel,private_channel,mpim,im" : "public_channel,private_channel";
  const method = own ? "users.conversations" : "conversations.list";
  for await (const page of pages(desk, method, { types, exclude_archived: true }, "list the channels")) {
    for (const info of records(page.channels)) {
      desk.directory.noteChannel(info);
      const topic = plainTopic(string(record(info.topic).value), desk.known);
      const kind = info.is_im === true ? "direct" : info.is_mpim === true ? "group" : "channel";
      yield {
        id: channelId(team, desk.firstId(string(info.id))),
        name: await nameOf(desk, info, kind),
        kind,
        visibility: info.is_private === true || kind !== "channel" ? "private" : "public",
        archived: info.is_archived === true,
        ...(topic === "" ? {} : { topic }),
        spaces: [{ id: team, name: spaceName(desk, team) }],
      };
    }
  }
}

export async function membersOf(desk: Desk, channel: RemoteChannelId): Promise<{ people: readonly Person[]; complete: boolean }> {
  const place = desk.place(channel);
  const users = new Set<string>();
  for await (const page of pages(desk, "conversations.members", { channel: place }, "list the channel's people"))
    for (const user of strings(page.members)) users.add(user);
  const unknown = [...users].filter((user) => desk.directory.known(user) === undefined);
  if (unknown.length > ONE_BY_ONE) await readEverybody(desk);
  const people: Person[] = [];
  for (const user of users) {
    const person = await desk.directory.person(user, desk.self);
    if (person) people.push(person);
  }
  return { people, complete: people.length === users.size };
}

async function readEverybody(desk: Desk): Promise<void> {
  for await (const page of pages(desk, "users.list", {}, "list the workspace's people"))
    for (const user of records(page.members)) desk.directory.note(readProfile(user, desk.directory.team));
}

/** A name, an id or a mention. Who is not the only one of a name is nobody. */
export async function resolve(desk: Desk, text: string): Promise<Person | undefined> {
  const wanted = text.trim().replace(/^@/, "");
  if (wanted === "") return undefined;
  const id = /^(?:<@)?([UW][A-Z0-9]{2,20})(?:\|[^>]*)?>?$/.exec(wanted)?.[1];
  if (id !== undefined) {
    const person = await desk.directory.person(id, desk.self);
    if (person) return person;
  }
  const found = new Map<string, Person>();
  for await (const page of pages(desk, "users.list", {}, "look for a person"))
    for (const user of records(page.members)) {
      const profile = readProfile(user, desk.directory.team);
      const names = [profile.name, string(user.name), string(user.real_name)].map((name) => name.toLowerCase());
      if (profile.deleted || !names.includes(wanted.toLowerCase())) continue;
      desk.directory.note(profile);
      found.set(profile.user, personOf(profile, desk.directory.team, profile.user === desk.self.user));
    }
  const [only, ...more] = found.values();
  return more.length === 0 ? only : undefined;
}

export async function act(desk: Desk, deed: Deed, own: boolean): Promise<void> {
  const user = userOf(deed.person);
  if (user === undefined) throw new Refused("That is nobody on Slack.");
  switch (deed.kind) {
    case "direct":
      await openTalk(desk, [deed.person], own);
      return;
    case "kick": {
      if (!own) throw new Refused("The Slack app removes nobody: someone on Slack has to.");
      const place = desk.place(deed.channel);
      const call = { deed: "remove the person", repeatable: true, channel: place };
      await fine(desk.api.call("conversations.kick", { channel: place, user }, call), "not_in_channel");
      return;
    }
    case "invite": {
      const place = desk.place(deed.channel);
      const call = { deed: "invite the person", repeatable: true, channel: place };
      await fine(desk.api.call("conversations.invite", { channel: place, users: user }, call), "already_in_channel");
      return;
    }
    default:
      throw new Refused("Slack knows no bans from a channel.");
  }
}

/** Eight people besides oneself, at most. https://docs.slack.dev/reference/methods/conversations.open */
const MOST_IN_TALK = 8;

/** Slack's id of the conversation. */
export async function openTalk(desk: Desk, people: readonly RemoteUserId[], own: boolean): Promise<string> {
  if (!own) throw new Refused("Only someone's own login opens a conversation with a person.");
  const users = people.map((person) => userOf(person));
  const wrong = users.findIndex((user) => user === undefined || !/^[UW]/.test(user));
  if (users.length === 0 || wrong >= 0) throw new Refused("That is nobody on Slack whom one could write to.");
  if (users.length > MOST_IN_TALK) throw new Refused(`A conversation on Slack has at most ${MOST_IN_TALK} people besides yourself.`);
  const call = { deed: "open the conversation", repeatable: true };
  const answer = await desk.api.call("conversations.open", { users: users.join(","), return_im: true }, call);
  const channel = record(answer.channel);
  const id = filled(channel.id);
  if (id === undefined) throw new Refused("Slack did not open the conversation.");
  return id;
}

async function fine(deed: Promise<unknown>, code: string): Promise<void> {
  try {
    await deed;
  } catch (failure) {
    if (codeOf(failure) !== code) throw failure;
  }
}

/** Seen by its author alone: at the address that Slack gave for it, else as a message to them in the channel. */
export async function answer(desk: Desk, reply: unknown, text: string): Promise<void> {
  const { channel, user, thread, url } = record(reply) as Partial<CommandReply>;
  if (url !== undefined && (await answeredAt(desk, url, text))) return;
  if (channel === undefined || user === undefined) throw new Refused("There is nobody left to answer.");
  const args = { channel, user, text: escaped(text), ...(thread === undefined ? {} : { thread_ts: thread }) };
  await desk.within(channel, () => desk.api.call("chat.postEphemeral", args, { deed: "answer", repeatable: true, channel }));
}

async function answeredAt(desk: Desk, url: string, text: string): Promise<boolean> {
  if (!isSlacks(desk.apiUrl, url)) return false;
  const body = JSON.stringify({ response_type: "ephemeral", text: escaped(text) });
  const headers = { "content-type": "application/json" };
  return await fetch(url, { method: "POST", headers, body, signal: desk.signal, redirect: "error" }).then(
    (response) => response.ok,
    () => false,
  );
}
