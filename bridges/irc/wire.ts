/**
 * The socket: irc-framework's transport (TCP, TLS, SOCKS) with what it lacks — bounded lines, the encoding of old clients, pinned
 * certificates — and the one place where every line passes on its way out.
 */
import { createRequire } from "node:module";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type NetTransport from "irc-framework/src/transports/net.js";
import { fallbackDecoder, isOther } from "./encoding.ts";

const require = createRequire(import.meta.url);
const Transport = require("irc-framework/src/transports/net.js") as typeof NetTransport;

export interface WireOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** SHA-256 of certificates, 64 hex digits. When there are any, only these are trusted. */
  readonly fingerprints: readonly string[];
  /** PEM texts. */
  readonly client?: { readonly key: string; readonly certificate: string } | undefined;
  readonly localAddress?: string | undefined;
  readonly proxy?:
    | { readonly host: string; readonly port: number; readonly user?: string | undefined; readonly password?: string | undefined }
    | undefined;
  readonly encoding: string;
}

export interface WireEvents {
  open(): void;
  /** Without its line end. */
  line(text: string): void;
  /** Once, whoever ended it; nothing comes after it. `why` is a sentence's end: "the connection was reset". */
  closed(why: string): void;
  /** Lines to let go unread, told from the bytes alone: for connections that hear what another listens to. */
  skip?(bytes: Buffer, start: number, end: number): boolean;
}

/** Tags and text together; longer lines are let go of. */
const LONGEST_LINE = 32 * 1024;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
/** What servers take, without its end. */
const LONGEST_SENT = 510;
const NOTHING = Buffer.alloc(0);

export class Wire {
  readonly #transport: CausewayTransport;
  readonly #events: WireEvents;
  #over = false;

  constructor(options: WireOptions, events: WireEvents) {
    this.#events = events;
    this.#transport = new CausewayTransport(options, events);
    this.#transport.on("open", () => this.#opened(options));
    this.#transport.on("line", (text: string) => {
      if (!this.#over) events.line(text);
    });
    this.#transport.on("close", (error: Error | false) => this.#end(error ? reasonOf(error, options) : "the connection was closed"));
    this.#transport.connect();
  }

  /**
   * Everything that goes out passes here: CR, LF and NUL would let a text begin a line of its own, and a line over the limit costs the
   * connection on some servers.
   */
  send(line: string): void {
    if (this.#over) return;
    this.#transport.writeLine(cutToSize(line.replace(/[\r\n\0]/g, "")));
  }

  /** Whatever the config says: the server takes nothing else (https://ircv3.net/specs/extensions/utf8-only). */
  speakUtf8(): void {
    this.#transport.setEncoding("utf8");
  }

  /** Lines sent within `run` leave in one packet. */
  together(run: () => void): void {
    const { socket } = this.#transport;
    socket?.cork();
    run();
    socket?.uncork();
  }

  /** `lastWords` leave before the end, if they can at once. */
  close(why: string, lastWords?: string): void {
    if (lastWords !== undefined) this.send(lastWords);
    this.#transport.abandon(lastWords !== undefined);
    this.#end(why);
  }

  #opened(options: WireOptions): void {
    const stranger = this.#stranger(options);
    if (stranger) this.close(stranger);
    else this.#events.open();
  }

  #stranger({ fingerprints }: WireOptions): string | undefined {
    const { socket } = this.#transport;
    // Pins may wait for a server that asks for TLS by itself.
    if (fingerprints.length === 0 || !(socket instanceof TLSSocket)) return undefined;
    const shown = socket.getPeerX509Certificate()?.fingerprint256.replaceAll(":", "").toLowerCase();
    if (shown !== undefined && fingerprints.includes(shown)) return undefined;
    return `the server's certificate is not one of those that are pinned (it shows ${shown ?? "none"})`;
  }

  #end(why: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#events.closed(why);
  }
}

function cutToSize(line: string): string {
  const tags = line.startsWith("@") ? line.slice(0, line.indexOf(" ") + 1) : "";
  const body = Buffer.from(line.slice(tags.length));
  if (body.length <= LONGEST_SENT) return line;
  let end = LONGEST_SENT;
  // Not within a character: its later bytes begin with the bits 10.
  while (((body[end] ?? 0) & 0xc0) === 0x80) end--;
  return tags + body.subarray(0, end).toString();
}

class CausewayTransport extends Transport {
  readonly #events: WireEvents;
  readonly #decode: (bytes: Buffer) => string;
  #rest: Buffer = NOTHING;
  /** The line that is coming is too long: its end is waited for. */
  #skipping = false;
  #isOpen = false;
  #abandoned = false;

  constructor(options: WireOptions, events: WireEvents) {
    super({
      host: options.host,
      port: options.port,
      tls: options.tls,
      rejectUnauthorized: options.fingerprints.length === 0,
      client_certificate: options.client && { private_key: options.client.key, certificate: options.client.certificate },
      outgoing_addr: options.localAddress,
      socks: options.proxy && {
        host: options.proxy.host,
        port: options.proxy.port,
        user: options.proxy.user,
        pass: options.proxy.password,
      },
      encoding: isOther(options.encoding) ? options.encoding : "utf8",
      ping_interval: 0,
      ping_timeout: 0,
    });
    this.#events = events;
    this.#decode = fallbackDecoder(options.encoding);
  }

  override _onSocketCreate(options: ConstructorParameters<typeof Transport>[0], socket: Socket): void {
    // A proxy may hand over a socket that nobody waits for any more.
    if (this.#abandoned) return void socket.destroy();
    // An error of a socket that was let go of must find somebody who listens.
    socket.on("error", () => undefined);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 60_000);
    super._onSocketCreate(options, socket);
  }

  override onSocketFullyConnected(): void {
    this.#isOpen = true;
    super.onSocketFullyConnected();
  }

  override onSocketError(error: Error): void {
    super.onSocketError(error);
    // When a proxy fails there never was a socket that could be closed.
    if (!this.socket) this.emit("close", error);
  }

  override onSocketData(data: Buffer): void {
    const bytes = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data]);
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      this.#take(bytes, start, end);
      start = end + 1;
    }
    this.#keep(bytes.subarray(start));
  }

  #take(bytes: Buffer, start: number, newline: number): void {
    if (this.#skipping) {
      this.#skipping = false;
      return;
    }
    const end = newline > start && bytes[newline - 1] === RETURN ? newline - 1 : newline;
    if (end === start || end - start > LONGEST_LINE || this.#events.skip?.(bytes, start, end)) return;
    this.emit("line", this.#decode(bytes.subarray(start, end)));
  }

  #keep(rest: Buffer): void {
    if (rest.length > LONGEST_LINE) this.#skipping = true;
    // A copy: a short rest must not hold a long packet in memory.
    this.#rest = this.#skipping || rest.length === 0 ? NOTHING : Buffer.from(rest);
  }

  /** Lets go of the socket, once what was written has left when `finish` is set. */
  abandon(finish: boolean): void {
    this.#abandoned = true;
    if (finish && this.#isOpen && this.socket) this.socket.unref().destroySoon();
    else this.disposeSocket();
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOTFOUND: "its name is not known",
  EAI_AGAIN: "its name could not be looked up",
  ECONNREFUSED: "it refuses connections",
  ECONNRESET: "the connection was reset",
  ETIMEDOUT: "it does not answer",
  EHOSTUNREACH: "there is no way to it",
  ENETUNREACH: "there is no way to it",
  EPIPE: "the connection was closed",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is signed by itself; pin its fingerprint in the config to trust it",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate is signed by an unknown authority; pin its fingerprint in the config to trust it",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate is signed by an unknown authority; pin its fingerprint in the config to trust it",
  CERT_HAS_EXPIRED: "its certificate has expired",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name",
};

function reasonOf(error: Error & { code?: string }, { tls }: WireOptions): string {
  const known = error.code === undefined ? undefined : reasons[error.code];
  if (known) return known;
  return tls && /wrong version number|packet length/.test(error.message) ? "it does not speak TLS on this port" : error.message;
}
