/** Who a connection is: the relay bot, or a person. */
import { readFile } from "node:fs/promises";
import type { RemoteChannelId } from "../../core/model/ids.ts";
import type { IrcNetworkConfig } from "./config.ts";
import type { Ending } from "./endings.ts";
import type { Gate } from "./gate.ts";
import type { Live } from "./live.ts";
import type { OwnAccount } from "./own-account.ts";
import type { Identity } from "./registration.ts";
import type { SaslMechanism } from "./sasl.ts";
import type { WireOptions } from "./wire.ts";

export interface Introduction {
  readonly identity: Identity;
  readonly client: WireOptions["client"];
  readonly localAddress: string | undefined;
}

/** What differs between the relay bot and a person's own connection. */
export interface Self {
  readonly own: boolean;
  readonly nickserv: IrcNetworkConfig["nickserv"];
  /** Lines to send after connecting. */
  readonly perform: readonly string[];
  /** When the next attempt may begin: many connections of one bridge go one after the other. */
  turn(signal: AbortSignal): Promise<void>;
  identity(): Promise<Introduction>;
  /** Hears nothing of what others do in channels. */
  isDeaf?(): boolean;
  /** Lines to let go unread, told from their bytes. */
  skip?(bytes: Buffer, start: number, end: number, nick: string, asking: boolean): boolean;
  /** A person's own choices; absent for the relay bot. */
  readonly account?: OwnAccount;
  /** Somebody waits for it to connect. */
  hurry?(): void;
  /** A person who had left wants to be there again. */
  comeBack?(): Promise<void>;
  /** `rest` lets the connection go until it is needed again. `inside`: the channels that it is in. */
  settled?(live: Live, rest: (words: string) => void, inside: () => readonly RemoteChannelId[]): void;
  /** An attempt has ended, or what came of it. */
  ended?(ending: Ending): void;
  /** Something is about to be said. */
  spoke?(): void;
  close?(): void;
}

export function relaySelf(config: IrcNetworkConfig, gate: Gate): Self {
  // Somebody has started it (again): whatever barred the way may be settled.
  gate.barred = undefined;
  return {
    own: false,
    ended: (ending) => bar(gate, ending),
    nickserv: config.nickserv,
    perform: config.perform,
    turn: async () => undefined,
    identity: async () => ({
      identity: {
        nick: config.nick,
        user: config.user,
        realName: config.real_name,
        password: config.password,
        sasl: config.sasl && {
          mechanism: config.sasl.mechanism.toUpperCase() as SaslMechanism,
          account: config.sasl.account ?? "",
          password: config.sasl.password ?? "",
        },
      },
      client: await clientCertificate(config.sasl),
      localAddress: config.local_address,
    }),
  };
}

/** A banned address is banned for everybody: nobody else need knock. */
export function bar(gate: Gate, ending: Ending): void {
  if (ending.kind === "shut-out" && ending.address) gate.barred = ending.why;
}

async function clientCertificate(sasl: IrcNetworkConfig["sasl"]): Promise<WireOptions["client"]> {
  if (!sasl?.certificate || !sasl.key) return undefined;
  const [certificate, key] = await Promise.all([readPem(sasl.certificate), readPem(sasl.key)]);
  return { certificate, key };
}

/** PEM text as it stands, or what the file of this path holds. */
async function readPem(text: string): Promise<string> {
  return text.includes("-----BEGIN") ? text : readFile(text, "utf8");
}
