/** The thread that a message goes into: found, or made. https://discord.com/developers/docs/topics/threads */
import { type APIChannel, type APIThreadChannel, ChannelType, Routes } from "discord-api-types/v10";
import { TryLater } from "../../core/model/errors.ts";
import { Code, isDenied } from "./failures.ts";
import { absent, isForum, isThread, OUTAGE, type Place } from "./guilds.ts";
import { isSnowflake } from "./ids.ts";
import type { Live } from "./live.ts";
import type { SayWire, Trail } from "./wire.ts";

/** Where a message goes: the channel itself, one of its threads, or a post that it begins. */
export interface Target {
  /** The channel that is linked. */
  readonly place: Place;
  /** Absent = the channel itself, or a new post. */
  readonly thread: string | undefined;
  /** The message begins a post in a forum. */
  readonly post: boolean;
}

/** Looks nothing up twice; makes a thread where there is none. `save` puts the thread on disk once it is made. */
export async function targetOf(
  live: Live,
  place: Place,
  wire: SayWire,
  trail: Trail,
  save: (thread: string) => Promise<void>,
): Promise<Target> {
  if (isThread(place.type)) return { place, thread: place.id, post: false };
  const thread = wire.thread ?? (isForum(place.type) ? wire.answers : undefined);
  const known = trail.thread ?? thread?.id;
  if (isSnowflake(known)) return { place, thread: known, post: false };
  if (!thread) return { place, thread: undefined, post: isForum(place.type) };
  // A post's first message and the post itself have one id.
  if (isForum(place.type)) return { place, thread: thread.root, post: thread.root === undefined };
  const made = thread.root === undefined ? await makeBare(live, place, wire.title) : await makeFrom(live, place, thread.root, wire.title);
  await save(made);
  return { place, thread: made, post: false };
}

/** A thread has the id of the message that it hangs from, so making it twice makes one. */
async function makeFrom(live: Live, place: Place, root: string, name: string): Promise<string> {
  try {
    const made = await live.rest.post<APIThreadChannel>(Routes.threads(place.id, root), { body: { name } });
    return made.id;
  } catch (error) {
    if (isDenied(error, Code.ThreadAlreadyCreatedForMessage)) return root;
    // What it hung from is gone, or is a message of Discord's own: the thread stands by itself.
    if (isDenied(error, Code.UnknownMessage, Code.CannotExecuteActionOnSystemMessage)) return await makeBare(live, place, name);
    throw error;
  }
}

/** Not made twice within a few minutes: a thread of ours of that name, made lately, in which nobody has written yet, is this one. */
async function makeBare(live: Live, place: Place, name: string): Promise<string> {
  const active =
    place.guild === undefined
      ? undefined
      : await absent(live.rest.get<{ threads: APIThreadChannel[] }>(Routes.guildActiveThreads(place.guild)));
  const found = active?.threads.find(
    (one) => one.parent_id === place.id && one.owner_id === live.self.id && one.name === name && (one.message_count ?? 0) === 0,
  );
  if (found) return found.id;
  const type = place.type === ChannelType.GuildAnnouncement ? ChannelType.AnnouncementThread : ChannelType.PublicThread;
  const made = await live.rest.post<APIChannel>(Routes.threads(place.id), { body: { name, type } });
  return made.id;
}

/** In an archived thread nothing may be changed. Throws `Denied` where it is locked. */
export async function unarchive(live: Pick<Live, "rest">, thread: string): Promise<void> {
  await live.rest.patch(Routes.channel(thread), { body: { archived: false } });
}

/** Does it, and once more after opening the thread, should that have been the obstacle. */
export async function inOpenThread<T>(live: Pick<Live, "rest">, thread: string | undefined, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (thread === undefined || !isDenied(error, Code.InvalidActionOnArchivedThread)) throw error;
    await unarchive(live, thread);
    return await run();
  }
}

/** An outage on Discord's side: what cannot be found now may well be there. */
export function requireAvailable(live: Live, place: string): void {
  if (live.guilds.isUnavailable(place)) throw new TryLater(OUTAGE, 30_000, "channel");
}
