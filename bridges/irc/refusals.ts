/** What a server's "no" means, in one sentence and with what to do next. */
import { Refused, TryLater } from "../../core/model/errors.ts";
import { readable } from "./endings.ts";
import { lastParam, type Line, param } from "./line.ts";

/** Of a channel that we wanted to enter. `again` is when to try next, growing with each time; absent = never by itself. */
export interface Barrier {
  readonly why: string;
  readonly again?: number;
}

const MINUTE = 60_000;

/** Undefined = the line does not keep us out. */
export function barrierOf(line: Line, channel: string, own = false): Barrier | undefined {
  const us = own ? "you" : "the bridge";
  const why = (text: string): string => `${channel} ${text}.`;
  switch (line.command) {
    case "403":
    case "476":
    case "479":
      return { why: why(`is no channel that the server knows or allows (${readable(lastParam(line))})`) };
    case "405":
      return { why: why(`is one channel more than the server lets ${us} be in`), again: 30 * MINUTE };
    case "437":
    case "480":
      return { why: why(`cannot be entered for the moment (${readable(lastParam(line))})`), again: MINUTE };
    case "470":
      return { why: why(`sends newcomers on to ${readable(param(line, 2))}: somebody there has to let ${us} in`), again: 10 * MINUTE };
    case "471":
      return { why: why("is full"), again: 2 * MINUTE };
    case "473":
      return { why: why(`is open to those who were invited alone: somebody there has to invite ${us}`), again: 5 * MINUTE };
    case "474":
      return { why: why(`has banned ${us}: an operator there has to lift the ban`), again: 10 * MINUTE };
    case "475":
      return {
        why: why(
          own
            ? "has a key that you have not given: `!irc join #CHANNEL KEY`"
            : "has a key that the bridge does not know: set it in the config under `channels`",
        ),
        again: 10 * MINUTE,
      };
    case "477":
      return {
        why: why(
          own
            ? "is open to those who are signed in alone: `!irc identify` in a direct chat with me"
            : "is open to those who are signed in alone: set `sasl` in the config",
        ),
        again: 10 * MINUTE,
      };
    case "489":
      return { why: why("is open to encrypted connections alone: set `tls` in the config"), again: 30 * MINUTE };
    case "520":
    case "519":
      return { why: why("is open to the network's staff alone"), again: 30 * MINUTE };
    default:
      return /^[45]\d\d$/.test(line.command)
        ? { why: why(`cannot be entered (${readable(lastParam(line))})`), again: 5 * MINUTE }
        : undefined;
  }
}

/** Of a message, a topic, a kick. `deed` as in "the message was not sent". */
export function errorOf(line: Line, target: string, deed: string, own = false): Refused | TryLater {
  const us = own ? "you" : "the bridge";
  const said = readable(lastParam(line));
  switch (line.command) {
    case "263":
      return new TryLater(`${deed}: the server is busy (${said}).`, 10_000, "login");
    case "439":
      return new TryLater(`${deed}: the server wants a pause (${said}).`, secondsIn(said, 60) * 1000, "channel");
    case "401":
      return new Refused(`${deed}: there is nobody called ${target} on IRC now.`);
    case "403":
    case "442":
      return new TryLater(`${deed}: ${own ? "you are" : "the bridge is"} not in ${target} now.`, 10_000, "channel");
    case "404":
      return new Refused(`${deed}: ${us} may not speak in ${target} (${said}).`);
    case "417":
      return new Refused(`${deed}: the server finds the line too long.`);
    case "482":
    case "481":
      return new Refused(`${deed}: ${own ? "you are" : "the bridge is"} no operator in ${target}.`);
    default:
      return new Refused(`${deed}: the server says "${said}".`);
  }
}

/** What one person's connection cannot do is told to that person, and holds up nobody else. `barrier`: why they are kept out of the channel. */
export function ofOnePerson(error: unknown, barrier: string | undefined): unknown {
  if (error instanceof Refused) return new Refused(error.message, { cause: error, to: "sender" });
  if (!(error instanceof TryLater)) return error;
  if (barrier !== undefined) return new Refused(barrier, { cause: error, to: "sender" });
  return new TryLater(error.message, error.after, "item", { cause: error });
}

function secondsIn(said: string, otherwise: number): number {
  const seconds = Number(/(\d{1,5})\s*s/.exec(said)?.[1] ?? otherwise);
  return Math.min(Math.max(seconds, 1), 3600);
}
