/**
 * Words said to a connection itself that are no conversation: services and bots on a person's own connection, which stand in the chat with
 * the bridge's bot; and anybody's to the relay bot, which those who run the bridge hear of.
 */
import type { RemoteEvent, RemoteMessage, RemoteNotice } from "../../core/model/events.ts";
import type { RemoteChannelId } from "../../core/model/ids.ts";
import { toPlain } from "../../core/model/plain.ts";
import type { Clock, Core } from "../../core/network.ts";
import { readable } from "./endings.ts";
import { readChannelId } from "./ids.ts";

export interface CallersOptions {
  readonly networkName: string;
  readonly own: boolean;
  readonly clock: Clock;
  readonly core: Pick<Core, "alarm" | "links" | "log">;
  /** Says something to somebody, in a form that no machine answers. */
  notice(nick: string, text: string): void;
}

const HOUR = 60 * 60_000;
/** Told to the admins, answered: so many in a minute, whoever it is from. */
const MOST_A_MINUTE = 10;
const REMEMBERED = 1000;
const ANSWER = 'This is a bridge, and nobody reads along here. Say "!causeway help" in a channel, or talk to the people themselves.';

export class Callers {
  readonly #options: CallersOptions;
  /** When each nick was last answered. */
  readonly #answered = new Map<string, number>();
  #recent: number[] = [];
  #count = 0;

  constructor(options: CallersOptions) {
    this.#options = options;
  }

  /** What of it is core's to hear, and how. */
  sort(events: readonly RemoteEvent[]): readonly RemoteEvent[] {
    if (!events.some((event) => event.direct === true)) return events;
    return events.flatMap((event) => {
      if (event.direct !== true || event.echo) return [event];
      if (this.#options.own) return [event.kind === "message" && this.#isNoTalk(event) ? toOwner(event) : event];
      if (event.kind === "message") this.#called(event);
      return [event];
    });
  }

  /** Where there is a room for it already, it goes on there. */
  #isNoTalk(event: RemoteMessage): boolean {
    return (event.style === "notice" || event.person?.bot === true) && !this.#options.core.links().includes(event.channel);
  }

  #called(event: RemoteMessage): void {
    const { clock, networkName, core, notice } = this.#options;
    const nick = nickIn(event.channel);
    const now = clock.now();
    this.#recent = this.#recent.filter((at) => now - at < 60_000);
    if (this.#recent.length >= MOST_A_MINUTE) return;
    this.#recent.push(now);
    const name = event.person?.name ?? nick;
    const told = core.alarm?.(
      `query:${event.at}:${++this.#count}`,
      `${readable(name)} to the bridge on ${networkName}: ${readable(toPlain(event.body))}`,
    );
    told?.catch((error: unknown) => core.log.warn({ err: error }, "Nobody was told what was said to the bridge"));
    if (event.style === "notice" || event.person?.bot || now - (this.#answered.get(nick) ?? -HOUR) < HOUR) return;
    this.#answered.set(nick, now);
    if (this.#answered.size > REMEMBERED) this.#answered.delete(this.#answered.keys().next().value as string);
    notice(name, ANSWER);
  }
}

function toOwner({ channel, at, via, body, person }: RemoteMessage): RemoteNotice {
  return { kind: "notice", channel, at, via, body, to: "owner", from: person?.name ?? nickIn(channel) };
}

const nickIn = (channel: RemoteChannelId): string => readChannelId(channel)?.nick ?? "somebody";
