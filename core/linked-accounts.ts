/**
 * Accounts on networks that Matrix people have proven to be theirs, where nobody can sign in as them: who mentions the one means the
 * other, and what the account says is theirs. Proven by a code that they say over there, or in a browser by the network itself.
 */
import { Lru } from "./lru.ts";
import { Refused } from "./model/errors.ts";
import type { Mxid, NetworkId, RemoteUserId } from "./model/ids.ts";
import type { Person } from "./model/message.ts";
import type { Clock } from "./network.ts";
import { oneTimeCode } from "./one-time-code.ts";
import type { SettingStore } from "./store/store.ts";

export interface LinkedAccount {
  readonly network: NetworkId;
  readonly person: RemoteUserId;
  /** As the network called them when it was proven. */
  readonly name: string;
  readonly owner: Mxid;
  readonly at: number;
}

export interface LinkedAccountsContext {
  readonly settings: SettingStore;
  readonly clock: Clock;
  /** An account is somebody's from now on, or nobody's any more. */
  changed(account: LinkedAccount, linked: boolean): void;
  /** Says something to one person alone. */
  tell(person: Mxid, key: string, text: string): Promise<void>;
}

interface Code {
  readonly network: NetworkId;
  readonly owner: Mxid;
  readonly until: number;
}

const KEY = "accounts";
const GOOD_FOR = 3_600_000;
/** Wrong codes by one person within an hour; more are not even looked up. */
const MOST_WRONG = 10;

export class LinkedAccounts {
  readonly #context: LinkedAccountsContext;
  readonly #accounts = new Map<string, LinkedAccount>();
  readonly #wrong = new Lru<string, { readonly since: number; readonly times: number }>(1_000);

  constructor(context: LinkedAccountsContext) {
    this.#context = context;
  }

  /** Call once before use. */
  async load(): Promise<void> {
    const kept = (await this.#context.settings.get(KEY)) as readonly LinkedAccount[] | undefined;
    for (const account of kept ?? []) this.#accounts.set(keyOf(account.network, account.person), account);
  }

  ownerOf(network: NetworkId, person: RemoteUserId): Mxid | undefined {
    return this.#accounts.get(keyOf(network, person))?.owner;
  }

  /** Of several the one that was proven last. */
  personOf(owner: Mxid, network: NetworkId): RemoteUserId | undefined {
    return this.of(owner)
      .filter((one) => one.network === network)
      .at(-1)?.person;
  }

  /** The one that was proven last comes last. */
  of(owner: Mxid): readonly LinkedAccount[] {
    return [...this.#accounts.values()].filter((one) => one.owner === owner);
  }

  all(network: NetworkId): readonly LinkedAccount[] {
    return [...this.#accounts.values()].filter((one) => one.network === network);
  }

  /** What whoever says it on the network within an hour proves: that they are this person. */
  async code(owner: Mxid, network: NetworkId): Promise<string> {
    const code = oneTimeCode(10);
    const until = this.#context.clock.now() + GOOD_FOR;
    await this.#context.settings.set(`account:${code}`, { network, owner, until } satisfies Code, until);
    return code;
  }

  /** Somebody said a code over there. Returns what to tell them there. */
  async confirm(network: NetworkId, person: Person, said: string): Promise<string> {
    const { settings, clock } = this.#context;
    this.#requireFewWrong(network, person.id);
    const code = said.trim().toUpperCase();
    const known = /^[A-Z0-9]{10}$/.test(code) ? ((await settings.get(`account:${code}`)) as Code | undefined) : undefined;
    if (!known || known.network !== network || known.until < clock.now()) {
      this.#countWrong(network, person.id);
      throw new Refused("That code is not known here, or has run out.");
    }
    await settings.set(`account:${code}`, undefined);
    const text = await this.link(known.owner, network, person);
    await this.#context.tell(known.owner, `account:${code}`, text);
    return `This account belongs to ${known.owner} on Matrix from now on. If that is not you, say \`account off\` to the bridge here.`;
  }

  /** It is proven. Returns what to tell the owner. */
  async link(owner: Mxid, network: NetworkId, { id: person, name }: Person): Promise<string> {
    const { clock, tell } = this.#context;
    const before = this.#accounts.get(keyOf(network, person));
    const account: LinkedAccount = { network, person, name: name.slice(0, 100), owner, at: clock.now() };
    this.#accounts.delete(keyOf(network, person));
    this.#accounts.set(keyOf(network, person), account);
    await this.#save();
    if (before && before.owner !== owner) {
      this.#context.changed(before, false);
      const text = `${before.name} on ${network} is no longer linked to you: ${owner} has proven that it is theirs.`;
      await tell(before.owner, `account lost:${person}:${account.at}`, text);
    }
    this.#context.changed(account, true);
    return `${account.name} on ${network} is yours: who mentions you rings you there, and what you write there is shown as yours where the bridge may speak as you.`;
  }

  /** Ends it, from the Matrix side. `person` absent = the only one there. */
  async unlink(owner: Mxid, network: string, person: string | undefined): Promise<string | undefined> {
    const mine = this.of(owner).filter((one) => one.network === network.toLowerCase());
    const chosen = person === undefined && mine.length === 1 ? mine[0] : mine.find((one) => one.person === person);
    if (!chosen) return mine.length === 0 ? undefined : `Which one? ${mine.map((one) => `${one.person} (${one.name})`).join(", ")}`;
    await this.#remove(chosen);
    return `${chosen.name} on ${chosen.network} is no longer linked to you.`;
  }

  /** Ends it, from the network's side: whoever holds the account has the last word. */
  async leave(network: NetworkId, person: RemoteUserId): Promise<string> {
    const account = this.#accounts.get(keyOf(network, person));
    if (!account) return "This account is linked to nobody on Matrix.";
    await this.#remove(account);
    const text = `${account.name} on ${network} is no longer linked to you: that was said there.`;
    await this.#context.tell(account.owner, `account left:${person}:${account.at}`, text);
    return `This account is no longer linked to ${account.owner}.`;
  }

  async #remove(account: LinkedAccount): Promise<void> {
    this.#accounts.delete(keyOf(account.network, account.person));
    await this.#save();
    this.#context.changed(account, false);
  }

  async #save(): Promise<void> {
    await this.#context.settings.set(KEY, [...this.#accounts.values()]);
  }

  #requireFewWrong(network: NetworkId, person: RemoteUserId): void {
    const known = this.#wrong.get(keyOf(network, person));
    if (known && known.times >= MOST_WRONG && this.#context.clock.now() - known.since < GOOD_FOR)
      throw new Refused("Too many wrong codes: try again in an hour.");
  }

  #countWrong(network: NetworkId, person: RemoteUserId): void {
    const key = keyOf(network, person);
    const now = this.#context.clock.now();
    const known = this.#wrong.get(key);
    const { since, times } = known && now - known.since < GOOD_FOR ? known : { since: now, times: 0 };
    this.#wrong.set(key, { since, times: times + 1 });
  }
}

function keyOf(network: NetworkId, person: RemoteUserId): string {
  return `${network} ${person}`;
}
