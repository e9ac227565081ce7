/**
 * People signing in with a login of their own, in a direct chat with the bot. A network describes the way as steps; here they become
 * questions and answers. Nothing of it is kept until it is done.
 */
import type { Logger } from "pino";
import type { Logins } from "./logins.ts";
import { failureOf } from "./matrix/client.ts";
import { Refused } from "./model/errors.ts";
import { type Mxid, mxid, type NetworkId, type RoomId } from "./model/ids.ts";
import type { Clock, Network, SignInContext, SignInField, SignInStep } from "./network.ts";
import type { Notices } from "./notices.ts";
import type { UserStore } from "./store/store.ts";

export interface SignInsContext {
  readonly users: UserStore;
  readonly logins: Logins;
  readonly notices: Notices;
  readonly clock: Clock;
  readonly log: Logger;
  readonly networks: ReadonlyMap<NetworkId, { readonly network: Network; readonly config: unknown }>;
  /** A way back for a browser, under the public address; absent = none is configured. */
  readonly callback: ((owner: Mxid) => ReturnType<NonNullable<SignInContext["callback"]>>) | undefined;
}

interface Talk {
  readonly network: NetworkId;
  readonly room: RoomId;
  readonly step: Extract<SignInStep, { kind: "fields" }>;
  readonly answers: Readonly<Record<string, string>>;
  readonly abort: Abort;
}

/** Ends a sign-in that is given up, or that takes too long. */
interface Abort {
  readonly signal: AbortSignal;
  abort(why: Error): void;
  /** It is done: nothing is to be ended any more. */
  over(): void;
}

const PATIENCE = 15 * 60_000;

export class SignIns {
  readonly #context: SignInsContext;
  readonly #talks = new Map<Mxid, Talk>();

  constructor(context: SignInsContext) {
    this.#context = context;
  }

  /** Whether the person's next words are an answer. */
  isAsked(owner: Mxid, room: RoomId): boolean {
    return this.#talks.get(owner)?.room === room;
  }

  /** Whether that answer is a secret, which should not stand in the room any longer than it takes to read it. */
  isSecret(owner: Mxid): boolean {
    const talk = this.#talks.get(owner);
    return talk !== undefined && nextField(talk)?.secret === true;
  }

  async begin(owner: Mxid, room: RoomId, name: string, way: string | undefined): Promise<string> {
    const found = [...this.#context.networks.values()].find(({ network }) => network.id === name.toLowerCase());
    if (!found) throw new Refused(`There is no network "${name}" here. Configured: ${[...this.#context.networks.keys()].join(", ")}.`);
    const { network, config } = found;
    const ways = network.signIn;
    const chosen = way === undefined && ways.length === 1 ? ways[0] : ways.find((one) => one.id === way?.toLowerCase());
    if (ways.length === 0) throw new Refused(`Nobody can sign in on ${network.name} with a login of their own.`);
    if (!chosen) return `How? ${ways.map((one) => `!causeway login ${network.id} ${one.id}: ${one.name}`).join("\n")}`;
    this.cancel(owner);
    const abort = this.#abortLater();
    const { callback } = this.#context;
    const step = await chosen.start(config, { owner, signal: abort.signal, ...(callback ? { callback: () => callback(owner) } : {}) });
    return await this.#go(owner, room, network, step, abort);
  }

  #abortLater(): Abort {
    const abort = new AbortController();
    const cancel = this.#context.clock.timer(PATIENCE, () => abort.abort(new Refused("The sign-in took too long: begin again.")));
    const end = (why: Error) => {
      cancel();
      abort.abort(why);
    };
    return { signal: abort.signal, abort: end, over: cancel };
  }

  cancel(owner: Mxid): boolean {
    this.#talks.get(owner)?.abort.abort(new Refused("The sign-in was given up."));
    return this.#talks.delete(owner);
  }

  async answer(owner: Mxid, text: string): Promise<string> {
    const talk = this.#talks.get(owner);
    if (!talk) throw new Refused("Nothing was asked.");
    const field = nextField(talk) as SignInField;
    const value = field.optional && text === "-" ? "" : text;
    if (field.choices && !field.choices.includes(value)) return `One of these: ${field.choices.join(", ")}`;
    const next: Talk = { ...talk, answers: { ...talk.answers, [field.id]: value } };
    this.#talks.set(owner, next);
    if (nextField(next)) return question(next);
    this.#talks.delete(owner);
    const { network } = this.#context.networks.get(talk.network) as { network: Network };
    return await this.#go(owner, talk.room, network, await talk.step.submit(next.answers), talk.abort);
  }

  async #go(owner: Mxid, room: RoomId, network: Network, step: SignInStep, abort: Abort): Promise<string> {
    switch (step.kind) {
      case "fields": {
        const talk: Talk = { network: network.id, room, step, answers: {}, abort };
        this.#talks.set(owner, talk);
        return `${step.instructions}\n${question(talk)}`;
      }
      case "visit":
        void this.#wait(owner, room, network, step.next, abort);
        return `${step.instructions}\n${step.url}`;
      case "done":
        abort.over();
        return await this.#done(owner, network, step);
    }
  }

  /** The rest happens in a browser; the chat hears how it went. */
  async #wait(owner: Mxid, room: RoomId, network: Network, next: Promise<SignInStep>, abort: Abort): Promise<void> {
    const say = (text: string) => this.#context.notices.say(room, `sign-in:${owner}:${this.#context.clock.now()}`, text);
    try {
      await say(await this.#go(owner, room, network, await next, abort));
    } catch (error) {
      this.#context.log.info({ network: network.id, err: error }, "A sign-in failed");
      await say(failureOf(error).message);
    }
  }

  async #done(owner: Mxid, network: Network, step: Extract<SignInStep, { kind: "done" }>): Promise<string> {
    const { users, logins, networks } = this.#context;
    const { id, name, secrets } = step.login;
    const person = step.person?.id;
    await users.putLogin({ network: network.id, id, name, owner, secrets, person });
    await logins.stop(network.id, id);
    logins.start(network, networks.get(network.id)?.config, { ...step.login, owner }, person);
    return `Signed in on ${network.name} as ${name}. What you write in bridged rooms goes out as yourself from now on.`;
  }

  async list(owner: Mxid): Promise<string> {
    const mine = await this.#context.users.loginsOf(owner);
    const lines = mine.map(
      ({ network, id, name }) => `${network} ${id}: ${name}, ${this.#context.logins.get(network, id)?.state.is ?? "not running"}`,
    );
    return lines.length > 0 ? lines.join("\n") : "You have no login of your own anywhere. `!causeway login NETWORK` makes one.";
  }

  async end(owner: Mxid, network: string, id: string | undefined): Promise<string> {
    const mine = (await this.#context.users.loginsOf(owner)).filter((one) => one.network === network.toLowerCase());
    const chosen = id === undefined && mine.length === 1 ? mine[0] : mine.find((one) => one.id === id);
    if (!chosen) return mine.length === 0 ? `You have no login on ${network}.` : `Which one? ${mine.map((one) => one.id).join(", ")}`;
    await this.#context.logins.stop(chosen.network, chosen.id);
    await this.#context.users.removeLogin(chosen.network, chosen.id);
    return `Signed out: ${chosen.name}.`;
  }

  /** At the start: everybody's own logins. */
  async resume(): Promise<void> {
    const { users, logins, networks, log } = this.#context;
    for (const { network, id, name, owner, secrets, person } of await users.logins()) {
      const found = networks.get(network);
      if (found) logins.start(found.network, found.config, { id, name, owner: mxid(owner), secrets }, person);
      else log.warn({ network, login: id }, "A login is kept for a network that the config no longer names");
    }
  }
}

function nextField(talk: Talk): SignInField | undefined {
  return talk.step.fields.find((field) => !(field.id in talk.answers));
}

function question(talk: Talk): string {
  const field = nextField(talk) as SignInField;
  const choices = field.choices ? ` (${field.choices.join(", ")})` : "";
  const optional = field.optional ? ' ("-" for none)' : "";
  return `${field.name}${choices}${optional}?`;
}
