/** The parts of irc-framework that carry the traffic: its socket with TLS and SOCKS, and the grammar of a line. It brings no types. */

declare module "irc-framework/src/transports/net.js" {
  import type { EventEmitter } from "node:events";
  import type { Socket } from "node:net";

  interface NetOptions {
    host: string;
    port: number;
    tls?: boolean;
    rejectUnauthorized?: boolean;
    client_certificate?: { private_key: string; certificate: string } | undefined;
    outgoing_addr?: string | undefined;
    socks?: { host: string; port: number; user?: string | undefined; pass?: string | undefined } | undefined;
    encoding?: string;
    ping_interval?: number;
    ping_timeout?: number;
  }

  /** Emits `open`, `line`, `close` (the error, or false), and `debug`. */
  class NetTransport extends EventEmitter {
    constructor(options: NetOptions);
    options: NetOptions;
    socket: Socket | null;
    encoding: string;
    connect(): void;
    close(force?: boolean): void;
    disposeSocket(): void;
    setEncoding(encoding: string): boolean;
    writeLine(line: string, done?: () => void): void;
    onSocketData(data: Buffer): void;
    onSocketFullyConnected(): void;
    onSocketError(error: Error): void;
    _onSocketCreate(options: NetOptions, socket: Socket): void;
    getAddressFamily(address: string | undefined): 4 | 6 | undefined;
  }
  export default NetTransport;
}

declare module "irc-framework/src/irclineparser.js" {
  export interface ParsedLine {
    tags: Record<string, string>;
    prefix: string;
    nick: string;
    ident: string;
    hostname: string;
    command: string;
    params: string[];
  }
  export default function parseLine(line: string): ParsedLine;
}

declare module "irc-framework/src/messagetags.js" {
  export function encode(tags: Readonly<Record<string, string | true>>, separator?: string): string;
}
