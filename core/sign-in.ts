/**
 * People signing in with a login of their own, in a direct chat with the bot. A network describes the way as steps; here they become
 * questions and answers. Nothing of it is kept until it is done.
 */
import type { Logger } from "pino";
import type { LinkedAccounts } from "./linked-accounts.ts";
import { type DoublePuppets, MATRIX } from "./double-puppets.ts";
import type { Links } from "./links.ts";
import type { Logins } from "./logins.ts";
import { failureOf } from "./matrix/client.ts";
import { Refused } from "./model/errors.ts";
import { type LoginId, type Mxid, mxid, type NetworkId, type RoomId } from "./model/ids.ts";
import type { Clock, Network, SignInContext, SignInField, SignInStep } from "./network.ts";
import type { Notices } from "./notices.ts";
import { declinedKey } from "./own-logins.ts";
import type { Store, StoredLogin, UserStore } from "./store/store.ts";

export interface SignInsContext {
  readonly store: Pick<Store, "settings">;
  readonly users: UserStore;
  readonly links: Links;
  readonly logins: Logins;
  readonly doubles: DoublePuppets;
  readonly notices: Notices;
  readonly accounts: LinkedAccounts;
  readonly clock: Clock;
  readonly log: Logger;
  readonly networks: ReadonlyMap<NetworkId, { readonly network: Network; readonly config: unknown }>;
  /** A way back for a browser, under the public address; absent = none is configured. */
  readonly callback: ((owner: Mxid) => ReturnType<NonNullable<SignInContext["callback"]>>) | undefined;
}

/** Where somebody signs in: a network, or Matrix itself. */
interface Goal {
  readonly id: NetworkId;
  readonly name: string;
}

interface Talk {
  readonly goal: Goal;
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
type Done = Extract<SignInStep, { kind: "done" }>;

const ON_MATRIX: Goal = { id: MATRIX, name: "Matrix" };
const SIGNED_OUT = "Its owner signed out: signed in again, it goes on.";
/** The way that core itself knows: see core/linked-accounts.ts. */
const CODE = "code";

export class SignIns {
  readonly #context: SignInsContext;
  readonly #talks = new Map<Mxid, Talk>();
  /** What is under way, in the chat or in a browser. */
  readonly #open = new Map<Mxid, Abort>();

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
    if (name.toLowerCase() === MATRIX)
      return await this.#go(owner, room, ON_MATRIX, this.#context.doubles.ask(owner), this.#abortLater(owner));
    const found = [...this.#context.networks.values()].find(({ network }) => network.id === name.toLowerCase());
    if (!found) throw new Refused(`There is no network "${name}" here. Configured: ${[...this.#context.networks.keys()].join(", ")}.`);
    const { network, config } = found;
    const ways = network.signIn.filter((one) => one.ready?.(config) ?? true);
    if (network.accounts && (way?.toLowerCase() === CODE || ways.length === 0 || (way === undefined && !this.#context.callback)))
      return await this.#code(owner, network);
    const chosen = way === undefined && ways.length === 1 ? ways[0] : ways.find((one) => one.id === way?.toLowerCase());
    if (ways.length === 0) throw new Refused(`Nobody can sign in on ${network.name} with a login of their own.`);
    if (!chosen) return `How? ${ways.map((one) => `!causeway login ${network.id} ${one.id}: ${one.name}`).join("\n")}`;
    const abort = this.#abortLater(owner);
    const { callback } = this.#context;
    const step = await chosen.start(config, { owner, signal: abort.signal, ...(callback ? { callback: () => callback(owner) } : {}) });
    return await this.#go(owner, room, network, step, abort);
  }

  /** It is proven over there that an account is theirs, and nothing more. */
  async #code(owner: Mxid, network: Network): Promise<string> {
    const code = await this.#context.accounts.code(owner, network.id);
    return `Nobody signs in on ${network.name} here. To show that an account there is yours, write this to the bridge's bot on ${network.name} within an hour: !causeway account ${code}`;
  }

  /** What the person had begun before is given up. */
  #abortLater(owner: Mxid): Abort {
    this.cancel(owner);
    const abort = new AbortController();
    const cancel = this.#context.clock.timer(PATIENCE, () => abort.abort(new Refused("The sign-in took too long: begin again.")));
    const end = (why: Error) => {
      cancel();
      abort.abort(why);
    };
    const begun = { signal: abort.signal, abort: end, over: cancel };
    this.#open.set(owner, begun);
    return begun;
  }

  cancel(owner: Mxid): boolean {
    this.#talks.delete(owner);
    this.#open.get(owner)?.abort(new Refused("The sign-in was given up."));
    return this.#open.delete(owner);
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
    try {
      const step = await talk.step.submit(next.answers);
      this.#talks.delete(owner);
      return await this.#go(owner, talk.room, talk.goal, step, talk.abort);
    } catch (error) {
      // Asked once more, the last question is still this one.
      if (failureOf(error) instanceof Refused) this.cancel(owner);
      else this.#talks.set(owner, talk);
      throw error;
    }
  }

  async #go(owner: Mxid, room: RoomId, goal: Goal, step: SignInStep, abort: Abort): Promise<string> {
    switch (step.kind) {
      case "fields": {
        const talk: Talk = { goal, room, step, answers: {}, abort };
        this.#talks.set(owner, talk);
        return `${step.instructions}\n${question(talk)}`;
      }
      case "visit":
        void this.#wait(owner, room, goal, step.next, abort);
        return `${step.instructions}\n${step.url}`;
      case "done":
        abort.over();
        this.#open.delete(owner);
        return goal.id === MATRIX ? await this.#given(owner, step) : await this.#done(owner, goal, step);
      case "proven":
        abort.over();
        this.#open.delete(owner);
        return await this.#context.accounts.link(owner, goal.id, step.person);
    }
  }

  /** The rest happens in a browser; the chat hears how it went. */
  async #wait(owner: Mxid, room: RoomId, goal: Goal, next: Promise<SignInStep>, abort: Abort): Promise<void> {
    const say = (text: string) => this.#context.notices.say(room, `sign-in:${owner}:${this.#context.clock.now()}`, text);
    try {
      await say(await this.#go(owner, room, goal, await orGivenUp(next, abort.signal), abort));
    } catch (error) {
      this.#context.log.info({ network: goal.id, err: error }, "A sign-in failed");
      if (this.#open.get(owner) === abort) this.cancel(owner);
      await say(failureOf(error).message);
    }
  }

  async #given(owner: Mxid, { login }: Done): Promise<string> {
    await this.#context.doubles.give(owner, String(login.secrets["token"]));
    return "What you do on networks where you are signed in appears here under your own name from now on.";
  }

  async #done(owner: Mxid, { id: goal }: Goal, step: Done): Promise<string> {
    const { users, logins, networks } = this.#context;
    const { network, config } = networks.get(goal) as { network: Network; config: unknown };
    const { id, name, secrets } = step.login;
    const person = step.person?.id;
    const before = (await users.logins()).find((one) => one.network === network.id && one.id === id);
    if (before && before.owner !== owner)
      throw new Refused(`Somebody else here is signed in with that account on ${network.name} already.`);
    await users.putLogin({ network: network.id, id, name, owner, secrets, person });
    await this.#context.store.settings.set(declinedKey(owner, network.id, id), undefined);
    await logins.stop(network.id, id);
    await this.#pause(network.id, id, undefined);
    logins.start(network, config, { ...step.login, owner }, person);
    return `Signed in on ${network.name} as ${name}. What you write in bridged rooms goes out as yourself from now on.`;
  }

  /** Private conversations stay where they are while nobody hears them. */
  async #pause(network: NetworkId, login: LoginId, why: string | undefined): Promise<void> {
    for await (const link of this.#context.links.ofLogin(network, login)) {
      if (why === undefined ? link.paused === SIGNED_OUT : link.paused === undefined)
        await this.#context.links.update(link, { paused: why });
    }
  }

  async list(owner: Mxid): Promise<string> {
    const mine = await this.#context.users.loginsOf(owner);
    const stateOf = ({ network, id }: StoredLogin): string => {
      if (network === MATRIX) return this.#context.doubles.isLost(owner) ? "not working any more" : "in use";
      return this.#context.logins.get(network, id)?.state.is ?? "not running";
    };
    const lines = mine.map((one) => `${one.network} ${one.id}: ${one.name}, ${stateOf(one)}`);
    for (const { network, person, name } of this.#context.accounts.of(owner)) lines.push(`${network} ${person}: ${name}, linked to you`);
    return lines.length > 0 ? lines.join("\n") : "You have no login of your own anywhere. `!causeway login NETWORK` makes one.";
  }

  async end(owner: Mxid, network: string, id: string | undefined): Promise<string> {
    const mine = (await this.#context.users.loginsOf(owner)).filter((one) => one.network === network.toLowerCase());
    const chosen = id === undefined && mine.length === 1 ? mine[0] : mine.find((one) => one.id === id);
    const unlinked = chosen ? undefined : await this.#context.accounts.unlink(owner, network, id);
    if (unlinked !== undefined) return unlinked;
    if (!chosen) return mine.length === 0 ? `You have no login on ${network}.` : `Which one? ${mine.map((one) => one.id).join(", ")}`;
    if (chosen.network === MATRIX) {
      await this.#context.doubles.forget(owner);
      return "Your access token is forgotten: your ghosts speak for you again.";
    }
    await this.#pause(chosen.network, chosen.id, SIGNED_OUT);
    await this.#context.logins.stop(chosen.network, chosen.id);
    await this.#context.users.removeLogin(chosen.network, chosen.id);
    await this.#context.store.settings.set(declinedKey(owner, chosen.network, chosen.id), true);
    return `Signed out: ${chosen.name}.`;
  }

  /** At the start: everybody's own logins. */
  async resume(): Promise<void> {
    const { users, logins, networks, log } = this.#context;
    for (const { network, id, name, owner, secrets, person } of await users.logins()) {
      if (network === MATRIX) continue;
      const found = networks.get(network);
      if (found) logins.start(found.network, found.config, { id, name, owner: mxid(owner), secrets }, person);
      else log.warn({ network, login: id }, "A login is kept for a network that the config no longer names");
    }
  }
}

/** A browser that nobody waits for any more brings nothing. */
function orGivenUp(next: Promise<SignInStep>, signal: AbortSignal): Promise<SignInStep> {
  const { promise, reject } = Promise.withResolvers<never>();
  const end = (): void => reject(signal.reason as Error);
  if (signal.aborted) end();
  signal.addEventListener("abort", end, { once: true });
  return Promise.race([next, promise]).finally(() => signal.removeEventListener("abort", end));
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
