/** Votes: in polls of Discord's own, and on the buttons of polls that are too large for one. */
import { type APIPollAnswer, ComponentType, InteractionResponseType, InteractionType, MessageFlags, Routes } from "discord-api-types/v10";
import type { RemoteEvent } from "../../core/model/events.ts";
import { fromVote, momentOf } from "./events.ts";
import { absent } from "./guilds.ts";
import type { Live } from "./live.ts";
import { buttonLabels, type Choice, choiceFrom, VOTE } from "./polls.ts";
import { Recent } from "./recent.ts";
import type { Stands } from "./stands.ts";
import type { Road, Stand } from "./view.ts";
import type { Dispatch } from "./wire.ts";

type Vote = Dispatch<"MESSAGE_POLL_VOTE_ADD">;

interface Known {
  readonly multiple: boolean;
  readonly answers: readonly string[];
}

interface Press {
  readonly id: string;
  readonly token: string;
  readonly channel: string;
  readonly message: string;
  readonly user: string;
  readonly answer: string;
  /** Of all the buttons, in order. */
  readonly labels: readonly string[];
}

export class Votes {
  readonly #live: Live;
  readonly #polls = new Recent<Known>(500);
  /** What someone has chosen, by message and person. */
  readonly #chosen = new Recent<readonly string[]>(5_000);

  constructor(live: Live) {
    this.#live = live;
  }

  /** Discord tells one answer at a time; core wants all that the person has chosen now. */
  async changed(d: Vote, added: boolean, stand: Stand, road: Road): Promise<readonly RemoteEvent[]> {
    if (d.user_id === this.#live.self.id) return [];
    const key = `${d.message_id} ${d.user_id}`;
    const answer = String(d.answer_id);
    const poll = await this.#poll(d.channel_id, d.message_id);
    const before = this.#chosen.get(key) ?? (poll.multiple ? await this.#asked(d, poll) : []);
    const others = before.filter((one) => one !== answer);
    const now = added ? (poll.multiple ? [...others, answer].toSorted() : [answer]) : others;
    this.#chosen.set(key, now);
    return [fromVote(d, now, stand, road, momentOf(this.#live.core.clock.now(), d.message_id))];
  }

  async #poll(channel: string, message: string): Promise<Known> {
    const known = this.#polls.get(message);
    if (known) return known;
    const found = await absent(
      this.#live.rest.get<{ poll?: { allow_multiselect: boolean; answers: APIPollAnswer[] } }>(Routes.channelMessage(channel, message)),
    );
    const poll = {
      multiple: found?.poll?.allow_multiselect ?? false,
      answers: (found?.poll?.answers ?? []).map(({ answer_id }) => String(answer_id)),
    };
    this.#polls.set(message, poll);
    return poll;
  }

  /** Whether the person stands among the voters of each answer: those after the id just below theirs, the first. */
  async #asked(d: Vote, poll: Known): Promise<string[]> {
    const chosen: string[] = [];
    const after = (BigInt(d.user_id) - 1n).toString();
    for (const answer of poll.answers) {
      const path = Routes.pollAnswerVoters(d.channel_id, d.message_id, Number(answer));
      const found = await absent(this.#live.rest.get<{ users: { id: string }[] }>(path, { query: { after, limit: 1 } }));
      if (found?.users[0]?.id === d.user_id) chosen.push(answer);
    }
    return chosen;
  }

  /** A button of a poll was pressed; undefined = the interaction is something else. */
  pressed(d: Dispatch<"INTERACTION_CREATE">, road: Road, stands: Stands): Promise<readonly RemoteEvent[]> | undefined {
    if (d.type !== InteractionType.MessageComponent || d.data.component_type !== ComponentType.Button) return undefined;
    const answer = VOTE.exec(d.data.custom_id)?.[1];
    const user = (d.member?.user ?? d.user)?.id;
    if (answer === undefined || user === undefined) return undefined;
    const labels = buttonLabels(d.message);
    return this.#take(
      { id: d.id, token: d.token, channel: d.message.channel_id, message: d.message.id, user, answer, labels },
      road,
      stands,
    );
  }

  /** Pressed again, the answer is taken back. What was pressed is kept: nobody else remembers it. */
  async #take(press: Press, road: Road, stands: Stands): Promise<readonly RemoteEvent[]> {
    const { core, tallies } = this.#live;
    if (await tallies.isClosed(press.message)) {
      const data = { content: "The poll has ended.", flags: MessageFlags.Ephemeral };
      await this.#reply(press, { type: InteractionResponseType.ChannelMessageWithSource, data });
      return [];
    }
    const key = `votes:${press.message}`;
    const all = (await core.keep.get(key)) as Record<string, unknown> | undefined;
    const before = choiceFrom(all?.[press.user]);
    const isBack = before.answer === press.answer;
    // Told once more after a restart, it is still one press.
    const now: Choice = before.by === press.id ? before : { ...(isBack ? {} : { answer: press.answer }), by: press.id };
    await core.keep.set(key, { ...all, [press.user]: now });
    await this.#reply(press, { type: InteractionResponseType.DeferredMessageUpdate });
    await tallies.pressed(press.channel, press.message, press.labels);
    const stand = await stands.of(press.channel, press.message);
    if (!stand) return [];
    const at = momentOf(core.clock.now(), press.message);
    return [fromVote({ user_id: press.user, message_id: press.message }, now.answer === undefined ? [] : [now.answer], stand, road, at)];
  }

  async #reply(press: Press, body: object): Promise<void> {
    const path = Routes.interactionCallback(press.id, press.token);
    await this.#live.rest.post(path, { body, anonymous: true }).catch(() => undefined);
  }
}
