/** Channels that are linked and out of reach: whoever is put out of one is told nothing. https://docs.slack.dev/reference/methods/users.conversations */
import type { RemoteChannelId } from "../../core/model/ids.ts";
import type { Core } from "../../core/network.ts";
import type { Desk } from "./desk.ts";
import { channelId, channelOf } from "./ids.ts";
import { filled, record, records, string } from "./wire.ts";

const ROWS = 200;

export interface Lost {
  readonly channel: RemoteChannelId;
  readonly place: string;
  readonly why: string;
}

export interface WithinContext {
  readonly core: Core;
  readonly desk: Desk;
  readonly signal: AbortSignal;
  /** Something was missed that is in the history. */
  back(): void;
}

/** In which of its channels the app is, and which it has lost. */
export class Within {
  readonly #context: WithinContext;
  readonly #gone = new Set<string>();
  #swept: Promise<void> = Promise.resolve();

  constructor(context: WithinContext) {
    this.#context = context;
  }

  left(place: string): void {
    this.#gone.add(place);
  }

  /** Let in again: whatever was said meanwhile is in the history. */
  async entered(place: string): Promise<void> {
    if (!this.#gone.delete(place)) return;
    const { core, desk, signal } = this.#context;
    const channel = await desk.directory.channel(place).catch(() => undefined);
    const facts = { name: string(channel?.name), archived: channel?.is_archived === true };
    const id = channelId(desk.directory.team, desk.firstId(place));
    await core.receive({ kind: "channel-changed", channel: id, at: Date.now(), via: "live", facts });
    if (!signal.aborted) this.#context.back();
  }

  /** Compares our channels with Slack's. One comparison at a time. */
  sweep(): void {
    const { core, signal } = this.#context;
    this.#swept = this.#swept
      .then(() => this.#sweepNow())
      .catch((error: unknown) => {
        if (!signal.aborted) core.log.info({ err: error }, "The channels could not be compared with Slack's");
      });
  }

  async #sweepNow(): Promise<void> {
    const { core, desk, signal } = this.#context;
    for (const { channel, place, why } of await missing(desk, core.links(), signal)) {
      if (this.#gone.has(place) || signal.aborted) continue;
      this.#gone.add(place);
      await core.receive({ kind: "channel-gone", channel, at: Date.now(), via: "live", why });
    }
  }
}

/** A public channel is entered again; what cannot be entered is lost. Nothing is concluded from a list that broke off. */
async function missing(desk: Desk, links: readonly RemoteChannelId[], signal: AbortSignal): Promise<readonly Lost[]> {
  if (links.length === 0) return [];
  const ours = await memberOf(desk);
  const lost: Lost[] = [];
  for (const channel of links) {
    if (channelOf(channel) === undefined) continue;
    const place = desk.place(channel);
    if (ours.has(place) || place.startsWith("D") || signal.aborted) continue;
    const entered = await desk.enter(place).then(
      () => true,
      () => false,
    );
    if (!entered) lost.push({ channel, place, why: await whyNot(desk, place) });
  }
  return lost;
}

async function memberOf(desk: Desk): Promise<ReadonlySet<string>> {
  const ours = new Set<string>();
  let cursor: string | undefined;
  do {
    const args = { types: "public_channel,private_channel", limit: ROWS, ...(cursor === undefined ? {} : { cursor }) };
    const answer = await desk.api.call("users.conversations", args, { deed: "list our channels", repeatable: true, patience: 60_000 });
    for (const channel of records(answer.channels)) ours.add(string(channel.id));
    cursor = filled(record(answer.response_metadata).next_cursor);
  } while (cursor !== undefined);
  return ours;
}

async function whyNot(desk: Desk, place: string): Promise<string> {
  const channel = await desk.directory.channel(place).catch(() => undefined);
  if (channel?.is_archived === true) return "The channel is archived on Slack.";
  return "The Slack app is not in the channel: it was removed, or never invited. Someone there has to /invite it.";
}
