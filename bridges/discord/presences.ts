/**
 * Who is there, by a privileged intent and only where the config asks for it. Each change of each person comes once for every server that
 * they share with the bot: gathered for a moment, and told once.
 *
 * https://discord.com/developers/docs/events/gateway-events#presence-update
 */
import {
  ActivityType,
  type GatewayDispatchPayload,
  GatewayDispatchEvents as On,
  type GatewayPresenceUpdate,
  PresenceUpdateStatus,
} from "discord-api-types/v10";
import type { Presence, RemotePresence } from "../../core/model/events.ts";
import { base } from "./events.ts";
import { channelId, isSnowflake, userId } from "./ids.ts";
import type { Live } from "./live.ts";
import type { Stands } from "./stands.ts";

type Standing = RemotePresence["people"][number];

const GATHER = 2_000;
const GONE = PresenceUpdateStatus.Offline as const;
/** Of a server with more people the rest is told as it changes. */
const MOST = 10_000;

export class Presences {
  readonly #live: Live;
  readonly #stands: Stands;
  readonly #waiting = new Map<string, { readonly guild: string; readonly person: Standing }>();
  /** Whoever was told to be there or away, and in which server. */
  readonly #there = new Map<string, string>();
  #cancel: (() => void) | undefined;

  constructor(live: Live, stands: Stands) {
    this.#live = live;
    this.#stands = stands;
  }

  /** Takes in what is told of presence; everything else is none of its business. */
  observe({ t, d }: GatewayDispatchPayload): void {
    if (!this.#live.config.intents.presences) return;
    if (t === On.PresenceUpdate) this.#take(d.guild_id, d);
    // A new session tells of those who are there; whoever left meanwhile is not told of.
    if (t === On.Ready) for (const [user, guild] of this.#there) this.#take(guild, { user: { id: user }, status: GONE });
    if (t === On.GuildMemberRemove) this.#take(d.guild_id, { user: { id: d.user.id }, status: GONE });
    if (t === On.GuildCreate) for (const one of d.presences ?? []) this.#take(d.id, one);
  }

  close(): void {
    this.#cancel?.();
    this.#waiting.clear();
  }

  #take(guild: string | undefined, one: Partial<GatewayPresenceUpdate>): void {
    const { core, self } = this.#live;
    const user = one.user?.id;
    if (!isSnowflake(user) || !isSnowflake(guild) || user === self.id || this.#waiting.size >= MOST) return;
    const person = standingOf(user, one);
    this.#waiting.set(user, { guild, person });
    if (person.is === "gone") this.#there.delete(user);
    else this.#there.set(user, guild);
    this.#cancel ??= core.clock.timer(GATHER, () => {
      this.#cancel = undefined;
      this.#tell();
    });
  }

  /** One event for each server that has a linked channel. */
  #tell(): void {
    const { core } = this.#live;
    const groups = Map.groupBy(this.#waiting.values(), ({ guild }) => guild);
    this.#waiting.clear();
    for (const [guild, all] of groups) {
      const [channel] = this.#stands.heardIn(guild);
      if (channel === undefined) continue;
      const happened = base({ channel: channelId(channel) }, { via: "live" }, core.clock.now());
      const event: RemotePresence = { ...happened, kind: "presence", people: all.map(({ person }) => person) };
      core.receive(event).catch(() => undefined);
    }
  }
}

function standingOf(user: string, { status, activities }: Partial<GatewayPresenceUpdate>): Standing {
  const custom = activities?.find(({ type }) => type === ActivityType.Custom);
  const own = [custom?.emoji?.id ? undefined : custom?.emoji?.name, custom?.state].filter(Boolean).join(" ");
  const says = own || (status === "dnd" ? "Do not disturb" : "");
  return { person: userId(user), is: PRESENCE[status ?? ""] ?? "gone", ...(says === "" ? {} : { says }) };
}

/** Who does not want to be disturbed is there, and says so. */
const PRESENCE: Readonly<Record<string, Presence>> = { online: "here", dnd: "here", idle: "away" };
