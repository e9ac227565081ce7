/**
 * What a connection sees to while it lasts: the nick that it wanted, once that is free, and that the server still has us where we think we
 * are. Both go wrong without a word: services rename, servers forget.
 */
import type { RemoteChannelId } from "../../core/model/ids.ts";
import type { Clock } from "../../core/network.ts";
import type { Attendance } from "./attendance.ts";
import { linesOf } from "./batches.ts";
import { lastParam, type Line, param } from "./line.ts";
import type { Live } from "./live.ts";
import type { Outbox } from "./outbox.ts";

export interface UpkeepOptions {
  readonly clock: Clock;
  readonly outbox: Outbox;
  readonly signal: AbortSignal;
  readonly attendance: Attendance;
}

const LOOK_EVERY = 10 * 60_000;

export class Upkeep {
  readonly #options: UpkeepOptions;
  #cancel: () => void = () => undefined;
  #unwatch: () => void = () => undefined;
  #live: Live | undefined;

  constructor(options: UpkeepOptions) {
    this.#options = options;
  }

  /** `wish` is the nick that we would rather have. */
  begin(live: Live, wish: string): void {
    this.end();
    this.#live = live;
    this.#awaitNick(live, wish);
    const again = (): void => {
      this.#cancel = this.#options.clock.timer(LOOK_EVERY, () => {
        void this.#look(live, wish).catch(() => undefined);
        again();
      });
    };
    again();
  }

  end(): void {
    this.#cancel();
    this.#unwatch();
    this.#live = undefined;
  }

  /** From now on another nick is the one that we would rather have. */
  wish(nick: string): void {
    if (this.#live) this.begin(this.#live, nick);
  }

  /** Whoever holds our nick gives it up: by leaving, by another nick, or as the server tells who was asked to (MONITOR). */
  #awaitNick({ session, book, hearing }: Live, wish: string): void {
    if (book.isMe(wish)) return;
    const limit = session.isupport.number("MONITOR", 0, 100_000, 0);
    const watches = limit > 0 || session.isupport.get("MONITOR") === "";
    if (watches) void session.askLine("MONITOR", "+", wish);
    const wanted = book.fold(wish);
    const freed = hearing.watch((line) => isFreed(line, (nick) => book.fold(nick) === wanted));
    this.#unwatch = freed.stop;
    void freed.line.then(async () => {
      freed.stop();
      if (session.isOver) return;
      if (watches) void session.askLine("MONITOR", "-", wish);
      await session.askLine("NICK", wish);
    });
  }

  async #look({ session, book }: Live, wish: string): Promise<void> {
    const { outbox, signal, attendance } = this.#options;
    await outbox.idleTurn(1, 20, signal);
    if (session.isOver) return;
    if (!book.isMe(wish)) await session.askLine("NICK", wish);
    const answer = await session.askLine("WHOIS", book.me.nick);
    if (answer.is !== "answered") return;
    const lines = answer.items.flatMap(linesOf);
    if (!lines.some(({ command }) => command === "318" || command === "311")) return;
    const inside = new Set(
      lines.filter(({ command }) => command === "319").flatMap((line) => channelsIn(line).map((name) => book.fold(name))),
    );
    for (const id of attendance.inside()) if (!inside.has(book.fold(nameOf(id)))) attendance.doubt(id);
  }
}

function isFreed(line: Line, isIt: (nick: string) => boolean): boolean {
  if (line.command === "731")
    return lastParam(line)
      .split(",")
      .some((nick) => isIt(nick.split("!")[0] ?? ""));
  return (line.command === "QUIT" || line.command === "NICK") && isIt(line.nick);
}

/** Ranks stand before the names. */
function channelsIn(line: Line): string[] {
  return param(line, line.params.length - 1)
    .split(" ")
    .map((name) => name.replace(/^[~&@%+!*]*(?=[#&+!])/, ""))
    .filter(Boolean);
}

const nameOf = (id: RemoteChannelId): string => id.slice(id.indexOf("/") + 1);
