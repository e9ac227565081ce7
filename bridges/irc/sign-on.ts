/** What a fresh connection does before it is of use: signs in with services, says that it is a bot, runs what the config wants. */
import type { Clock } from "../../core/network.ts";
import { linesOf } from "./batches.ts";
import type { Book } from "./book.ts";
import type { IrcNetworkConfig } from "./config.ts";
import type { Hearing } from "./hearing.ts";
import { param } from "./line.ts";
import type { Session } from "./session.ts";

export interface SignOnOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly session: Session;
  readonly book: Book;
  readonly hearing: Hearing;
  /** A person's own login is no bot. */
  readonly own: boolean;
  readonly perform: readonly string[];
  readonly nickserv: IrcNetworkConfig["nickserv"];
}

/** Services that do not answer are not waited for longer. */
const SERVICES_WITHIN = 8000;

export async function signOn(options: SignOnOptions): Promise<{ ids: boolean }> {
  const { session, book, nickserv } = options;
  if (nickserv && session.account === undefined) await identify(options, nickserv);
  const bot = session.isupport.botMode;
  if (bot !== undefined && !options.own) await session.askLine("MODE", book.me.nick, `+${bot}`);
  for (const line of options.perform) session.raw(line.replaceAll("{nick}", book.me.nick));
  return { ids: await givesIds(session, book) };
}

/** Channels may let in only those who are signed in, so the answer is waited for, whatever form services give it. */
async function identify(
  { clock, signal, session, hearing, book }: SignOnOptions,
  nickserv: NonNullable<IrcNetworkConfig["nickserv"]>,
): Promise<void> {
  const services = book.fold(nickserv.nick);
  const signed = hearing.watch(
    (line) =>
      line.command === "900" ||
      (line.command === "NOTICE" && book.fold(line.nick) === services) ||
      (line.command === "MODE" && book.isMe(param(line, 0)) && param(line, 1).includes("r")),
  );
  session.tell("PRIVMSG", [nickserv.nick, ["IDENTIFY", nickserv.account, nickserv.password].filter(Boolean).join(" ")]);
  await Promise.race([signed.line, clock.sleep(SERVICES_WITHIN, signal).catch(() => undefined)]);
  signed.stop();
}

/** No server says whether it gives messages ids: a message to ourselves that nobody sees shows it. */
async function givesIds(session: Session, book: Book): Promise<boolean> {
  if (!session.echoes) return false;
  const answer = await session.ask({ lines: [{ command: "TAGMSG", params: [book.me.nick], tags: { "+causeway.io/hello": "1" } }] });
  return (
    answer.is === "answered" && answer.items.flatMap(linesOf).some((line) => line.command === "TAGMSG" && line.tags["msgid"] !== undefined)
  );
}
