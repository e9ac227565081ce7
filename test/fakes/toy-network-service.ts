/**
 * The service behind the toy network: accounts, channels, sessions that can be resumed, and faults. Everything crosses as JSON, and an
 * event is delivered before the answer to the call that made it.
 */
import { randomUUID } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import { deeds, newChannel, type ToyChannel } from "./toy-network-deeds.ts";
import { messageId, type ToyAccount, type ToyAnswer, type ToyEvent, type ToyFile, type ToyHappening, ToyLost } from "./toy-network-wire.ts";

export interface ToySocket {
  readonly session: string;
  readonly resumed: boolean;
  /** Everything up to `seq` is safe with the client. */
  ack(seq: number): void;
  close(): void;
}

export interface ToyEars {
  event(event: ToyEvent): void;
  closed(): void;
}

interface Session {
  readonly id: string;
  readonly account: string;
  seq: number;
  /** Not yet acknowledged. */
  pending: ToyEvent[];
  last?: ToyEvent;
  forgotten: boolean;
  ears: ToyEars | undefined;
}

const copy = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value)) as Value;

export class ToyService {
  readonly accounts = new Map<string, ToyAccount>();
  readonly channels = new Map<string, ToyChannel>();
  readonly files = new Map<string, { file: ToyFile; bytes: Buffer }>();
  readonly typists: { channel: string; account: string }[] = [];
  readonly answers: { account: string; text: string }[] = [];
  readonly muted = new Set<string>();
  readonly #sessions = new Map<string, Session>();
  #messages = 0;
  #turns = 0;

  /** Faults. Each stays until it is taken back, those called `…Once` until they struck. */
  isDown = false;
  hangs = false;
  slowness = 0;
  loseReplyOnce = false;
  loseSendOnce = false;
  /** What was said cannot be looked through. */
  cannotSearch = false;
  limitOnce: { channel: string; seconds: number } | undefined;
  /** How files are given out: broken off half-way, silent half-way, without an end, longer or shorter than was said, or only on another day. */
  filesAre: "whole" | "cut" | "silent" | "endless" | "longer" | "shorter" | "away" = "whole";
  /** Only the first two members of a channel are told, as of a large server's. */
  hidesMembers = false;
  /** Counts of votes that were to be shown, which it cannot. */
  readonly tallies: (readonly { readonly text: string; readonly votes: number }[])[] = [];
  /** Channels that clients have said they no longer listen to. */
  readonly left: string[] = [];

  addAccount(name: string): ToyAccount {
    const account = { id: `u${this.accounts.size + 1}`, name, token: `toy-${randomUUID()}` };
    this.accounts.set(account.id, account);
    return account;
  }

  addChannel(id: string, members: readonly ToyAccount[]): void {
    const ids = members.map((account) => account.id);
    this.channels.set(id, newChannel(id, ids));
  }

  /** The token becomes worthless, and whoever lives on it is thrown out. */
  revoke(account: string): void {
    const known = this.#account(account);
    this.accounts.set(account, { ...known, token: `toy-${randomUUID()}` });
    this.cut(account);
  }

  rename(account: string, name: string): void {
    this.accounts.set(account, { ...this.#account(account), name });
    const turn = this.nextTurn();
    for (const { id, members } of this.channels.values())
      if (members.has(account)) this.tell(id, "", { type: "renamed", account, name, turn });
  }

  /** Breaks the connections of one account, or all. Their sessions can be resumed. */
  cut(account?: string): void {
    for (const session of this.#sessions.values()) if (account === undefined || session.account === account) this.#drop(session);
  }

  /** The sessions of an account cannot be resumed any more; those that live go on living. */
  forget(account: string): void {
    for (const session of this.#sessions.values()) if (session.account === account) session.forgotten = true;
  }

  redeliver(account: string): void {
    for (const session of this.#sessions.values()) if (session.account === account && session.last) session.ears?.event(copy(session.last));
  }

  /** Opens the stream of events of an account. Undefined = the token is not good. */
  async connect(token: string, resume: { session: string; seq: number } | undefined, ears: ToyEars): Promise<ToySocket | undefined> {
    await turn();
    if (this.isDown) throw new ToyLost(false);
    const account = this.#byToken(token);
    if (!account) return undefined;
    const known = resume && this.#sessions.get(resume.session);
    if (this.hangs) return new Promise(() => {});
    const resumed = known?.account === account.id && !known.forgotten;
    const session = resumed ? known : { id: randomUUID(), account: account.id, seq: 0, pending: [], forgotten: false, ears: undefined };
    this.#drop(session);
    this.#sessions.set(session.id, session);
    session.ears = ears;
    if (resume && resumed) {
      session.pending = session.pending.filter((event) => event.seq > resume.seq);
      setImmediate(() => session.ears === ears && session.pending.forEach((event) => ears.event(copy(event))));
    }
    return {
      session: session.id,
      resumed,
      ack: (seq) => void (session.pending = session.pending.filter((event) => event.seq > seq)),
      close: () => session.ears === ears && (session.ears = undefined),
    };
  }

  /** One call of a client. Rejects with `ToyLost` when no answer comes. */
  async call(token: string, client: string, method: string, parameters: Record<string, unknown>): Promise<ToyAnswer> {
    await turn();
    if (this.isDown) throw new ToyLost(false);
    const isSend = method === "post";
    if (this.loseSendOnce && isSend) return this.#loseOnce("loseSendOnce");
    const answer = copy(this.#answer(token, client, method, copy(parameters)));
    await turn();
    if (this.loseReplyOnce && isSend) return this.#loseOnce("loseReplyOnce");
    if (this.hangs) return new Promise(() => {});
    if (this.slowness > 0) await new Promise((resolve) => setTimeout(resolve, this.slowness));
    return answer;
  }

  /** Bytes go beside the calls. */
  async upload(token: string, file: Omit<ToyFile, "id" | "size">, bytes: Buffer): Promise<ToyAnswer> {
    await turn();
    if (this.isDown) throw new ToyLost(false);
    if (!this.#byToken(token)) return { ok: false, code: "bad-token" };
    const id = `f${this.files.size + 1}`;
    this.files.set(id, { file: { ...file, id, size: bytes.length }, bytes });
    return { ok: true, value: id };
  }

  /** Something happened in a channel: every session of its members hears it. */
  tell(channel: string, client: string, happening: ToyHappening): void {
    const members = this.channels.get(channel)?.members;
    for (const session of this.#sessions.values()) {
      if (!members?.has(session.account)) continue;
      const event = copy({ seq: ++session.seq, channel, at: Date.now(), client, happening });
      session.pending.push(event);
      session.last = event;
      if (!this.hangs) session.ears?.event(copy(event));
    }
  }

  nextTurn(): number {
    return ++this.#turns;
  }

  nextMessage(): string {
    return messageId(++this.#messages);
  }

  /** Does what a call asks, as `account`. Also how the people of the tests act. */
  perform(account: string, client: string, method: string, parameters: Record<string, unknown>): ToyAnswer {
    const channel = this.channels.get(String(parameters["channel"]));
    const deed = channel && deeds[method];
    if (!deed) return { ok: false, code: "unknown" };
    if (!channel.members.has(account)) return { ok: false, code: "forbidden" };
    return deed({ service: this, channel, account, client, parameters });
  }

  #answer(token: string, client: string, method: string, parameters: Record<string, unknown>): ToyAnswer {
    const account = this.#byToken(token);
    if (!account) return { ok: false, code: "bad-token" };
    const limit = this.limitOnce;
    if (limit && limit.channel === parameters["channel"] && method === "post") {
      this.limitOnce = undefined;
      return { ok: false, code: "rate-limited", seconds: limit.seconds };
    }
    if (this.muted.has(`${account.id} ${String(parameters["channel"])}`) && method === "post") return { ok: false, code: "forbidden" };
    return this.perform(account.id, client, method, parameters);
  }

  #loseOnce(fault: "loseReplyOnce" | "loseSendOnce"): Promise<never> {
    this[fault] = false;
    this.cut();
    return Promise.reject(new ToyLost(true));
  }

  #drop(session: Session): void {
    const { ears } = session;
    session.ears = undefined;
    if (ears) setImmediate(() => ears.closed());
  }

  #byToken(token: string): ToyAccount | undefined {
    return [...this.accounts.values()].find((account) => account.token === token);
  }

  #account(id: string): ToyAccount {
    const account = this.accounts.get(id);
    if (!account) throw new Error(`no account ${id}`);
    return account;
  }
}
