/** One connection to one server, from the first byte to the last: registered, kept alive, its batches and answers put together. */
import type { Logger } from "pino";
import type { Clock } from "../../core/network.ts";
import { Asks, type Answer, type Question } from "./asks.ts";
import { Batches, type Item, isBatch } from "./batches.ts";
import { type CaseMapping, fold } from "./casemap.ts";
import type { Caps } from "./caps.ts";
import { type Ending, endingOf } from "./endings.ts";
import type { Isupport } from "./isupport.ts";
import { lastParam, type Line, readLine, type Tags, writeLine } from "./line.ts";
import { type Identity, Registration } from "./registration.ts";
import { Wire, type WireOptions } from "./wire.ts";

export interface SessionOptions {
  readonly server: WireOptions;
  readonly identity: Identity;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface SessionEvents {
  /** Registered: our nick is known and the server has told what it can do. */
  ready(): void;
  /**
   * Everything that the server says, in order: a line, or a batch when it is whole. `mark` is that of the question which the item answers,
   * or may answer.
   */
  happened(item: Item, mark: string | undefined): void;
  /** The answer to a question with this mark came after its limit. */
  late(mark: string, items: readonly Item[]): void;
  /** Once. Nothing comes after it. */
  over(ending: Ending): void;
  /** `asking`: an answer without a label may be under way. */
  skip?(bytes: Buffer, start: number, end: number, asking: boolean): boolean;
}

/** From the look-up of the name to the end of the registration. */
const REGISTER_WITHIN = 20_000;
/** After so long without a byte the server is asked whether it is there, and has as long again to say so. */
const QUIET = 60_000;

export class Session {
  readonly #options: SessionOptions;
  readonly #events: SessionEvents;
  readonly #wire: Wire;
  readonly #registration: Registration;
  readonly #batches = new Batches();
  readonly #asks: Asks;
  #deadline: () => void;
  #heard = 0;
  #ready = false;
  /** What the server said last about why it ends, before it does. */
  #parting: Ending | undefined;
  #over = false;

  constructor(options: SessionOptions, events: SessionEvents) {
    this.#options = options;
    this.#events = events;
    const { clock, identity, server } = options;
    this.#asks = new Asks({
      clock,
      send: (lines) => this.#wire.together(() => lines.forEach((line) => this.#write(line))),
      late: (mark, items) => events.late(mark, items),
      labels: () => this.caps.has("labeled-response") && this.caps.has("batch"),
    });
    this.#registration = new Registration(identity, server.tls, {
      send: (line) => this.#write(line),
      done: () => this.#registered(),
      failed: (ending) => this.end(ending),
    });
    this.#deadline = clock.timer(REGISTER_WITHIN, () =>
      this.end({ kind: "lost", why: "the server did not finish the greeting within 20 seconds" }),
    );
    this.#wire = new Wire(server, {
      open: () => this.#registration.begin(),
      line: (text) => this.#take(text),
      closed: (why) => this.end({ kind: "lost", why }),
      ...(events.skip
        ? { skip: (bytes, start, end) => this.#ready && (events.skip?.(bytes, start, end, this.#asks.isFenced) ?? false) }
        : {}),
    });
  }

  get caps(): Caps {
    return this.#registration.caps;
  }

  get isupport(): Isupport {
    return this.#registration.isupport;
  }

  /** As of the registration. */
  get nick(): string {
    return this.#registration.nick;
  }

  /** When the server last said anything. */
  get lastHeard(): number {
    return this.#heard;
  }

  /** The nick that we would rather have. */
  get wishedNick(): string {
    return this.#options.identity.nick;
  }

  get account(): string | undefined {
    return this.#registration.account;
  }

  get version(): string {
    return this.#registration.version;
  }

  get caseMapping(): CaseMapping {
    return this.isupport.caseMapping;
  }

  fold(text: string): string {
    return fold(text, this.caseMapping);
  }

  /** Whether messages have ids, ours too. */
  get echoes(): boolean {
    return this.caps.has("echo-message") && this.caps.has("message-tags");
  }

  /** Client-only tags pass, at least this one. */
  passesTag(name: string): boolean {
    return this.caps.has("message-tags") && this.isupport.passesTag(name);
  }

  get isOver(): boolean {
    return this.#over;
  }

  ask(question: Question): Promise<Answer> {
    return this.#over ? Promise.resolve({ is: "lost" }) : this.#asks.ask(question);
  }

  /** For one line without tags. */
  askLine(command: string, ...params: readonly string[]): Promise<Answer> {
    return this.ask({ lines: [{ command, params }] });
  }

  /** For what nobody answers: typing. */
  tell(command: string, params: readonly string[], tags: Tags = {}): void {
    if (!this.#over) this.#write(writeLine(command, params, tags));
  }

  /** A whole line, as somebody wrote it in the config. */
  raw(line: string): void {
    if (!this.#over) this.#write(line);
  }

  /** Ends it from our side. */
  quit(words: string): void {
    this.end({ kind: "lost", why: "we left" }, this.#ready ? writeLine("QUIT", [words]) : undefined);
  }

  end(ending: Ending, lastWords?: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#deadline();
    this.#asks.end();
    this.#wire.close(ending.why, lastWords);
    this.#events.over(this.#parting && ending.kind === "lost" ? this.#parting : ending);
  }

  #write(line: string): void {
    // The words of a line are somebody's message or a password: only what it is goes into the log.
    this.#options.log.trace({ sent: line.replace(/^@\S+ /, "").split(" ", 2)[0] }, "Sent a line");
    this.#wire.send(line);
  }

  #take(text: string): void {
    this.#heard = this.#options.clock.now();
    try {
      this.#read(readLine(text));
    } catch (error) {
      // One line that we cannot digest must not take the connection with it.
      this.#options.log.error({ err: error }, "A line from the server could not be taken in");
    }
  }

  #read(line: Line): void {
    switch (line.command) {
      case "":
        return;
      case "PING":
        return this.#write(writeLine("PONG", line.params.slice(0, 1)));
      case "ERROR":
        this.#parting = endingOf(lastParam(line));
        break;
    }
    if (!this.#ready || isAboutTheServer(line)) this.#registration.take(line);
    if (this.#over || !this.#ready) return;
    const item = this.#batches.take(line);
    if (!item) return;
    const mark = this.#asks.take(item);
    if (isBatch(item) || (item.command !== "PONG" && item.command !== "ACK")) this.#events.happened(item, mark);
  }

  #registered(): void {
    this.#ready = true;
    if (this.isupport.has("UTF8ONLY")) this.#wire.speakUtf8();
    this.#deadline();
    this.#watch();
    this.#events.ready();
  }

  /** Asks after a server that has fallen silent, and leaves when it says nothing. */
  #watch(): void {
    const { clock } = this.#options;
    const since = this.#heard;
    this.#deadline = clock.timer(QUIET, () => {
      if (this.#heard !== since) return this.#watch();
      this.#write("PING :causeway-alive");
      this.#deadline = clock.timer(QUIET, () => {
        if (this.#heard !== since) return this.#watch();
        this.end({ kind: "lost", why: "the server has fallen silent" });
      });
    });
  }
}

/** Capabilities and limits may change, and services log us in and out, long after the registration. */
function isAboutTheServer({ command }: Line): boolean {
  return command === "CAP" || command === "005" || command === "900" || command === "901";
}
