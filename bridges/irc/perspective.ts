/** How things look from this connection: names of channels as core knows them, places in history, and who is ours. */
import type { LoginId, RemoteChannelId } from "../../core/model/ids.ts";
import type { Clock } from "../../core/network.ts";
import type { Attendance } from "./attendance.ts";
import { foldAscii } from "./casemap.ts";
import { channelId } from "./ids.ts";
import type { Kin } from "./kin.ts";
import type { Live } from "./live.ts";
import { Places } from "./places.ts";
import type { View } from "./view.ts";

export interface PerspectiveOptions {
  readonly network: string;
  readonly login: LoginId;
  readonly own: boolean;
  readonly clock: Clock;
  readonly kin: Kin;
  readonly attendance: Attendance;
  current(): Live | undefined;
  hasHistory(): boolean;
}

export class Perspective {
  readonly #options: PerspectiveOptions;
  readonly #places = new Map<RemoteChannelId, Places>();
  #count = 0;

  constructor(options: PerspectiveOptions) {
    this.#options = options;
  }

  channelId(name: string): RemoteChannelId {
    const { attendance, network, current } = this.#options;
    return attendance.idOf(name, (text) => current()?.book.fold(text) ?? foldAscii(text)) ?? channelId(network, name);
  }

  /** `past` counts the places of a stretch of history; without it, those of what is heard now. */
  view(past?: Places): View {
    const { network, login, own, kin, clock, attendance, hasHistory } = this.#options;
    const { book, session } = this.#options.current() as Live;
    const now = clock.now();
    return {
      book,
      isupport: session.isupport,
      network,
      login,
      own,
      version: session.version,
      via: past ? "history" : "live",
      now,
      tagsPass: session.caps.has("message-tags"),
      cursor: (channel, time) => (time === undefined || !hasHistory() ? undefined : (past ?? this.#placesOf(channel)).next(time)),
      channelId: (name) => this.channelId(name),
      knownChannel: (name) => attendance.idOf(name, (text) => book.fold(text)),
      isOurs: (nick) => book.isMe(nick) || kin.has(book.fold(nick), now),
      count: () => ++this.#count,
    };
  }

  forget(channel: RemoteChannelId): void {
    this.#places.delete(channel);
  }

  /** Another session counts anew. */
  reset(): void {
    this.#places.clear();
  }

  #placesOf(channel: RemoteChannelId): Places {
    const places = this.#places.get(channel) ?? new Places();
    this.#places.set(channel, places);
    return places;
  }
}
