/** Votes by words, where a poll is only text: `!vote 2`. They count in the room like anybody's. */
import type { Lanes } from "../lanes.ts";
import type { Links } from "../links.ts";
import type { LiveLogin } from "../logins.ts";
import type { MatrixClient } from "../matrix/client.ts";
import { fromMatrix } from "../matrix/from-matrix.ts";
import { Refused } from "../model/errors.ts";
import type { RemoteCommand, RemoteVote } from "../model/events.ts";
import { type EventId, eventId, type RemoteMessageId, remoteMessageId } from "../model/ids.ts";
import type { Link, SettingStore, Store } from "../store/store.ts";

export interface VoteContext {
  readonly store: Store;
  readonly links: Links;
  readonly client: MatrixClient;
  readonly lanes: Lanes;
}

/** Such a message id names the poll by its event: the network has none for it, or many. */
const BY_EVENT = "poll-event:";

/** The poll that was last told in the channel as text. */
function latestKey(link: Link): string {
  return `poll.latest:${link.id}`;
}

export async function pollTold(settings: SettingStore, link: Link, poll: EventId): Promise<void> {
  await settings.set(latestKey(link), poll);
}

export async function pollEnded(settings: SettingStore, link: Link, poll: EventId): Promise<void> {
  if ((await settings.get(latestKey(link))) === poll) await settings.set(latestKey(link), undefined);
}

/** The event of a vote's poll, where it is named by it. */
export function pollNamed(message: RemoteMessageId): EventId | undefined {
  return message.startsWith(BY_EVENT) ? eventId(message.slice(BY_EVENT.length)) : undefined;
}

/** `key` names the command. Answers in a sentence. */
export async function voteByWords(
  context: VoteContext,
  live: LiveLogin,
  event: RemoteCommand,
  words: readonly string[],
  key: string,
): Promise<string> {
  const { store, links, client, lanes } = context;
  const link = await links.of(live.network.id, event.channel);
  const latest = link && (await store.settings.get(latestKey(link)));
  if (!link || typeof latest !== "string") throw new Refused("There is no poll here to vote in.");
  const start = await client.event(link.room, eventId(latest));
  const poll = start && fromMatrix(start.type, start.content, {}).poll;
  if (!poll) throw new Refused("The poll is no longer there.");
  const numbers = [
    ...new Set(
      words
        .flatMap((word) => word.split(","))
        .filter(Boolean)
        .map(Number),
    ),
  ];
  const chosen = numbers.flatMap((number) => poll.answers[number - 1] ?? []);
  const isNone = numbers.length === 1 && numbers[0] === 0;
  if (!isNone && (chosen.length === 0 || chosen.length !== numbers.length))
    throw new Refused(`Which answer? For example: !vote 1 (1 to ${poll.answers.length}; 0 takes your vote back)`);
  if (chosen.length > poll.maxSelections) throw new Refused(`No more than ${poll.maxSelections} of the answers.`);
  const { channel, at, sender, person } = event;
  const vote: RemoteVote = {
    kind: "vote",
    channel,
    at,
    via: "live",
    message: remoteMessageId(`${BY_EVENT}${latest}`),
    sender,
    ...(person ? { person } : {}),
    answers: chosen.map(({ id }) => id),
  };
  const lane = `in:${link.id}`;
  await store.journal.take({ rows: [{ lane, payload: vote, trace: "vote", at, phase: link.phase + 1, once: [`vote:${lane}:${key}`] }] });
  lanes.wake(lane);
  return isNone ? "Your vote is taken back." : `Your vote counts: ${chosen.map(({ text }) => text).join(", ")}`;
}
