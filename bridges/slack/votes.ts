/**
 * What became of our polls: who on Slack has pressed what, and how Matrix has voted. Both are kept, because a press says nothing of the
 * presses before it, and the results in the message are the sum.
 */
import type { RemoteEvent } from "../../core/model/events.ts";
import type { Sent, VotePart } from "../../core/model/effects.ts";
import type { Keep } from "../../core/network.ts";
import type { Desk } from "./desk.ts";
import { happening } from "./from-message.ts";
import { messageId, personId } from "./ids.ts";
import { messageAt } from "./look.ts";
import { answersIn, chosen, type Pressed, readPressed, tallied } from "./polls.ts";
import { filled, type Json, record, string } from "./wire.ts";

interface Kept {
  /** By person, the answers that they have chosen now. */
  readonly votes: Readonly<Record<string, readonly string[]>>;
  /** How Matrix stands, in the order of the answers. */
  readonly tally: readonly { readonly text: string; readonly votes: number }[];
  readonly closed: boolean;
}

const NONE: Kept = { votes: {}, tally: [], closed: false };

export interface Taken {
  readonly events: readonly RemoteEvent[];
  /** To be kept in the same write. */
  readonly keep: Readonly<Record<string, unknown>>;
}

export class Votes {
  readonly #desk: Desk;
  readonly #keep: Keep;
  /** What was kept, once it has been read: presses come quickly. */
  readonly #known = new Map<string, Kept>();

  constructor(desk: Desk, keep: Keep) {
    this.#desk = desk;
    this.#keep = keep;
  }

  /** Reads what is known of the poll beforehand, so that `press` need not wait. */
  async ready(payload: Json): Promise<void> {
    const pressed = readPressed(payload);
    if (pressed) await this.#read(keyOf(pressed.channel, pressed.message));
  }

  press(payload: Json): Taken | undefined {
    const pressed = readPressed(payload);
    if (!pressed) return undefined;
    const key = keyOf(pressed.channel, pressed.message);
    const before = this.#known.get(key) ?? NONE;
    if (before.closed) return { events: [], keep: {} };
    const answers = chosen(before.votes[pressed.user] ?? [], pressed.answer, pressed.maxSelections);
    const after: Kept = { ...before, votes: { ...before.votes, [pressed.user]: answers } };
    this.#known.set(key, after);
    return { events: [this.#event(pressed, answers, payload)], keep: { [key]: after } };
  }

  #event(pressed: Pressed, answers: readonly string[], payload: Json): RemoteEvent {
    const { known } = this.#desk;
    const deliveryId = filled(payload.trigger_id);
    const road = { via: "live" as const, channel: pressed.channel, ...(deliveryId === undefined ? {} : { deliveryId }) };
    return {
      kind: "vote",
      ...happening(road, known),
      at: Date.now(),
      sender: personId(known.team, pressed.user),
      message: messageId(pressed.message),
      answers,
    };
  }

  /** The results as they are after a press. Nobody waits for it, and the next press shows them again. */
  async show(payload: Json): Promise<void> {
    const pressed = readPressed(payload);
    if (!pressed) return;
    const kept = await this.#read(keyOf(pressed.channel, pressed.message));
    await this.#update(pressed.channel, pressed.message, record(payload.message).blocks, kept);
  }

  /** The poll now stands so on Matrix. */
  async tell(part: VotePart): Promise<Sent> {
    const place = this.#desk.place(part.channel);
    const key = keyOf(place, part.message);
    const message = await messageAt(this.#desk, place, part.message, part.thread);
    const kept: Kept = { ...(await this.#read(key)), tally: part.tally, closed: part.closed };
    this.#known.set(key, kept);
    await this.#keep.set(key, kept);
    await this.#update(place, part.message, message?.blocks, kept);
    return {};
  }

  async #read(key: string): Promise<Kept> {
    const known = this.#known.get(key) ?? ((await this.#keep.get(key)) as Kept | undefined) ?? NONE;
    this.#known.set(key, known);
    return known;
  }

  async #update(place: string, ts: string, standing: unknown, kept: Kept): Promise<void> {
    const answers = answersIn(standing);
    if (answers.length === 0) return;
    const votes = Object.values(kept.votes).flat();
    const tally = answers.map(({ id, text }, index) => ({
      text: kept.tally[index]?.text ?? text,
      votes: (kept.tally[index]?.votes ?? 0) + votes.filter((vote) => vote === id).length,
    }));
    const blocks = tallied(standing, { tally, closed: kept.closed });
    if (!blocks) return;
    const text = [string(tally[0]?.text), ...tally.slice(1).map((line) => line.text)].join(", ").slice(0, 1000);
    const call = { deed: "show the results of the poll", repeatable: true, channel: place };
    await this.#desk.api.call("chat.update", { channel: place, ts, text: text || " ", blocks }, call);
  }
}

function keyOf(place: string, ts: string): string {
  return `poll/${place}/${ts}`;
}
