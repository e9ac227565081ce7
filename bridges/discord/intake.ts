/**
 * What the gateway tells, on its way to core: in order within each channel, and no channel waits for another. An event's ticket ends when
 * it is on disk, or when there was nothing to write.
 */
import { type GatewayDispatchPayload, GatewayDispatchEvents as On, MessageFlags, Routes } from "discord-api-types/v10";
import { LoggedOut, Refused, TryLater } from "../../core/model/errors.ts";
import { isFleeting, type RemoteEvent } from "../../core/model/events.ts";
import type { Facts } from "./facts.ts";
import { fromDelete, fromReaction, fromReactionsGone, fromTyping, momentOf } from "./events.ts";
import { fromMessage, fromUpdate, type GatewayMessage } from "./from-discord.ts";
import { chosenCommand, writtenCommand } from "./commands.ts";
import { absent } from "./guilds.ts";
import { guildEvents, isAboutGuild } from "./guild-events.ts";
import { channelId } from "./ids.ts";
import type { Live } from "./live.ts";
import { tellNews } from "./news.ts";
import { pinsChanged } from "./pins.ts";
import type { PluralKit } from "./pluralkit.ts";
import { Recent } from "./recent.ts";
import type { Ticket } from "./sequence.ts";
import type { Stands } from "./stands.ts";
import { isOurs, type Road, type Stand } from "./view.ts";
import { unreadable } from "./unreadable.ts";
import { Votes } from "./votes.ts";

type Events = readonly RemoteEvent[];
type Reading = Events | Promise<Events>;

export interface IntakeContext {
  readonly live: Live;
  readonly stands: Stands;
  readonly pluralkit: PluralKit;
  readonly facts: Facts;
}

const NOTHING: Events = [];
/** An edit older than this is known, or its attachments are none of its news. */
const FRESH = 60_000;

export class Intake {
  readonly #context: IntakeContext;
  readonly #votes: Votes;
  /** Channels in which something has to be asked for before the next event may go. */
  readonly #busy = new Map<string, Promise<void>>();
  /** What waits for PluralKit, holding back nothing else. */
  readonly #held = new Set<Promise<Events>>();
  /** What is attached to messages that were seen lately, to tell whether an edit changed it. */
  readonly #attached = new Recent<string>(3_000);

  constructor(context: IntakeContext) {
    this.#context = context;
    this.#votes = new Votes(context.live);
  }

  dispatch(payload: GatewayDispatchPayload, ticket: Ticket): void {
    const place = whereOf(payload);
    // What is said in threads stands in one room with the rest of their channel, and keeps its place there.
    const home = this.#context.stands.homeOf(place);
    const guild = `guild ${guildOf(payload.d)}`;
    // A thread that is not known yet may hang from any channel of its server: until that is looked up, all of them wait.
    const where = home ?? (home === null && place !== "" ? guild : place);
    const before = this.#busy.get(where) ?? this.#busy.get(guild);
    if (before)
      return this.#occupy(
        where,
        before.then(() => this.#take(payload, ticket)),
      );
    const taking = this.#take(payload, ticket);
    if (taking) this.#occupy(where, taking);
  }

  #occupy(where: string, work: Promise<void>): void {
    const mine = work.finally(() => {
      if (this.#busy.get(where) === mine) this.#busy.delete(where);
    });
    this.#busy.set(where, mine);
  }

  /** A promise only where something has to be asked for. */
  #take(payload: GatewayDispatchPayload, ticket: Ticket): Promise<void> | undefined {
    try {
      const reading = this.#read(payload, { via: "live", deliveryId: ticket.deliveryId });
      if (!(reading instanceof Promise)) return void this.#give(reading, payload, ticket);
      if (this.#held.delete(reading)) {
        // Nobody else in the channel waits for it.
        void reading.then((events) => this.#give(events, payload, ticket));
        return undefined;
      }
      return reading.then(
        (events) => this.#give(events, payload, ticket),
        (error: unknown) => this.#again(payload, ticket, error),
      );
    } catch (error) {
      return void this.#give(this.#failed(payload, ticket, error), payload, ticket);
    }
  }

  /** Discord cannot be asked now: this channel waits, and is asked about again. */
  async #again(payload: GatewayDispatchPayload, ticket: Ticket, error: unknown): Promise<void> {
    const { clock, signal } = this.#context.live.core;
    if (!(error instanceof TryLater)) return this.#give(this.#failed(payload, ticket, error), payload, ticket);
    try {
      await clock.sleep(error.after, signal);
    } catch {
      return;
    }
    await this.#take(payload, ticket);
  }

  /** A mistake of ours costs one event, never the channel; a message leaves a word behind. */
  #failed(payload: GatewayDispatchPayload, ticket: Ticket, error: unknown): Events {
    const known = error instanceof Refused || error instanceof LoggedOut;
    if (!known) this.#context.live.core.log.error({ err: error, event: payload.t }, "An event of Discord's could not be read");
    return known ? NOTHING : unreadable(payload, ticket.deliveryId, (id) => this.#context.stands.homeOf(id));
  }

  #give(events: Events, payload: GatewayDispatchPayload, ticket: Ticket): void {
    const { core } = this.#context.live;
    const lasting = events.filter((event) => !isFleeting(event));
    const fleeting = events.filter(isFleeting);
    if (fleeting.length > 0) core.receive(fleeting).catch(() => undefined);
    if (lasting.length === 0) return ticket.done();
    core.receive(lasting, ticket.keep()).then(ticket.done, (error: unknown) => {
      core.log.error({ err: error, event: payload.t }, "What Discord told could not be written down");
      ticket.failed();
    });
  }

  #read(payload: GatewayDispatchPayload, road: Road): Reading {
    if (isAboutGuild(payload.t)) return this.#aboutGuild(payload, road);
    this.#context.live.guilds.apply(payload);
    const { t, d } = payload;
    const at = (channel: string, message: string, read: (stand: Stand) => Reading) => this.#withStand(channel, message, guildOf(d), read);
    switch (t) {
      case On.MessageCreate: {
        const direct = d.guild_id === undefined && !this.#context.stands.isHeard(d.channel_id);
        if (direct) return this.#writtenToUs(d, road);
        return at(d.channel_id, d.id, (stand) => this.#said(d, stand, road));
      }
      case On.MessageUpdate:
        return at(d.channel_id, d.id, (stand) => this.#updated(d, stand, road));
      case On.MessageDelete:
        this.#context.pluralkit.deleted(d.id);
        return at(d.channel_id, d.id, (stand) => [this.#deleted([d.id], stand, road, this.#moment(d.id))]);
      case On.MessageDeleteBulk:
        return at(d.channel_id, d.channel_id, (stand) => [this.#deleted(d.ids, stand, road, this.#moment(d.channel_id))]);
      case On.MessageReactionAdd:
      case On.MessageReactionRemove: {
        const kind = t === On.MessageReactionAdd ? "react" : "unreact";
        return at(d.channel_id, d.message_id, (stand) => [
          fromReaction(kind, d, this.#view(d.guild_id), stand, road, this.#moment(d.message_id)),
        ]);
      }
      case On.MessageReactionRemoveAll:
      case On.MessageReactionRemoveEmoji:
        return at(d.channel_id, d.message_id, (stand) => [
          fromReactionsGone(d, this.#view(d.guild_id), stand, road, this.#moment(d.message_id)),
        ]);
      case On.TypingStart:
        return at(d.channel_id, d.channel_id, (stand) => [fromTyping(d, this.#view(d.guild_id), stand, road)]);
      case On.ChannelPinsUpdate:
        return at(d.channel_id, d.channel_id, (stand) => pinsChanged(this.#context.live, d.channel_id, stand, road));
      case On.MessagePollVoteAdd:
      case On.MessagePollVoteRemove: {
        const added = t === On.MessagePollVoteAdd;
        return at(d.channel_id, d.message_id, (stand) => this.#votes.changed(d, added, stand, road));
      }
      case On.InteractionCreate:
        return this.#votes.pressed(d, road, this.#context.stands) ?? chosenCommand(this.#context.live, this.#context.stands, d, road);
      default:
        return NOTHING;
    }
  }

  #aboutGuild(payload: GatewayDispatchPayload, road: Road): Reading {
    const { live, stands, facts } = this.#context;
    live.members.observe(payload);
    const events = guildEvents(live, stands, facts, payload, road);
    tellNews(live.core, payload);
    return events;
  }

  #withStand(channel: string, message: string, guild: string | undefined, read: (stand: Stand) => Reading): Reading {
    const stand = this.#context.stands.of(channel, message, guild);
    if (stand instanceof Promise) return stand.then((known) => (known ? read(known) : NOTHING));
    return stand ? read(stand) : NOTHING;
  }

  #view(guild: string | undefined) {
    return this.#context.live.view(guild);
  }

  #moment(about: string): number {
    return momentOf(this.#context.live.core.clock.now(), about);
  }

  #said(d: GatewayMessage & { readonly guild_id?: string }, stand: Stand, road: Road): Reading {
    const { live, pluralkit } = this.#context;
    const view = this.#view(d.guild_id);
    for (const user of d.mentions ?? []) live.members.mentioned(user, d.guild_id);
    const command = writtenCommand(live, d, road, stand);
    if (command.length > 0) return command;
    this.#attached.set(d.id, attachedTo(d));
    const events = fromMessage(d, view, stand, road);
    for (const event of events) if (event.kind === "message" && event.person) live.members.saw(event.person, d.guild_id, stand.channel);
    const mine = isOurs(d, view) ? this.#named(d, events) : events;
    const powers = live.members.powers(d, stand.channel, road);
    const all = [...powers, ...mine];
    const held = pluralkit.hold(d, all);
    if (held) this.#held.add(held);
    return held ?? all;
  }

  /** In private, where no room is yet: words to the bridge, or the beginning of a conversation. */
  #writtenToUs(d: GatewayMessage, road: Road): Events {
    const { live } = this.#context;
    const stand = { channel: channelId(d.channel_id) };
    const command = writtenCommand(live, d, road, stand);
    if (command.length > 0) return command;
    this.#attached.set(d.id, attachedTo(d));
    const events = fromMessage(d, this.#view(undefined), stand, road);
    for (const event of events) if (event.kind === "message" && event.person) live.members.saw(event.person, undefined);
    return events.map((event): RemoteEvent => ({ ...event, direct: true }));
  }

  /** Our own: with the key of the send that it is the echo of, where Discord gave that back. */
  #named(d: GatewayMessage, events: Events): Events {
    const { nonces, ours } = this.#context.live;
    const key = ours.get(d.id) ?? (d.nonce === undefined ? undefined : nonces.get(String(d.nonce)));
    return key === undefined ? events : events.map((event) => (event.echo ? { ...event, echo: { key } } : event));
  }

  /** Of what we deleted ourselves nobody need be told; of the others that went with it they must. */
  #deleted(ids: readonly string[], stand: Stand, road: Road, at: number): RemoteEvent {
    const { doneByUs } = this.#context.live;
    const others = ids.filter((id) => !doneByUs.has(`delete:${id}`));
    return others.length > 0 ? fromDelete(others, stand, road, at) : { ...fromDelete(ids, stand, road, at), echo: {} };
  }

  #updated(d: GatewayMessage & { readonly guild_id?: string }, stand: Stand, road: Road): Reading {
    if (d.author === undefined) return d.edited_timestamp ? this.#whole(d, stand, road) : NOTHING;
    const now = attachedTo(d);
    const known = this.#attached.get(d.id);
    const edited = Date.parse(d.edited_timestamp ?? "");
    const files = known === undefined ? this.#context.live.core.clock.now() - edited < FRESH && now !== "" : known !== now;
    if (!((d.flags ?? 0) & MessageFlags.Loading)) this.#attached.set(d.id, now);
    const event = fromUpdate(d, this.#view(d.guild_id), stand, road, files);
    return event ? [event] : NOTHING;
  }

  /** An edit that tells only what changed: the whole is asked for. */
  async #whole(
    d: { readonly id: string; readonly channel_id: string; readonly guild_id?: string },
    stand: Stand,
    road: Road,
  ): Promise<Events> {
    const path = Routes.channelMessage(d.channel_id, d.id);
    const message = await absent(this.#context.live.rest.get<GatewayMessage>(path));
    return message
      ? await this.#updated({ ...message, ...(d.guild_id === undefined ? {} : { guild_id: d.guild_id }) }, stand, road)
      : NOTHING;
  }
}

/**
 * Everything about one channel stays in order; what is about none goes by itself. Interactions have to be answered within three seconds,
 * whatever their channel waits for: only those with one message keep their order.
 */
function whereOf({ t, d }: GatewayDispatchPayload): string {
  if (t === On.InteractionCreate) return `interaction:${d.message?.id ?? d.id}`;
  return typeof d === "object" && d !== null && "channel_id" in d && typeof d.channel_id === "string" ? d.channel_id : "";
}

function guildOf(d: unknown): string | undefined {
  const guild = (d as { readonly guild_id?: unknown } | null)?.guild_id;
  return typeof guild === "string" ? guild : undefined;
}

function attachedTo(d: GatewayMessage): string {
  return (d.attachments ?? []).map(({ id }) => id).join(" ");
}
