/**
 * Every channel of a workspace, server or category, linked at once, each to a room of its own; channels that come to be later too. Asked for
 * by the config's `groups`, or by an admin of the bridge with `!causeway link NETWORK all ID`.
 */
import type { Logger } from "pino";
import type { Linking, Named } from "./linking.ts";
import type { Links } from "./links.ts";
import type { LiveLogin, Logins } from "./logins.ts";
import { failureOf } from "./matrix/client.ts";
import { Refused } from "./model/errors.ts";
import { type Mxid, type NetworkId, networkId } from "./model/ids.ts";
import type { Channel, Clock } from "./network.ts";
import { matchesGlob } from "./permissions.ts";
import type { LinkSettings, SettingStore } from "./store/store.ts";

export interface GroupRule {
  readonly network: NetworkId;
  /** The id of a workspace, server or category. */
  readonly space: string;
  /** Of names and ids, `*` for any run of characters. */
  readonly channel: string;
  readonly invite: readonly Mxid[];
  readonly settings: LinkSettings;
}

export interface GroupLinkContext {
  readonly rules: readonly GroupRule[];
  readonly settings: SettingStore;
  readonly linking: Linking;
  readonly links: Links;
  readonly logins: Logins;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

const BY_COMMAND = "groups";
/** Which links came by a group: channel → group. */
const MADE = "groups.made";
/** In place of a group that nobody asks for any more: its links stay. */
const KEPT = "";
/** Several channels come at once. */
const GATHER = 1_000;
const AGAIN = 30_000;

export class GroupLinks {
  readonly #context: GroupLinkContext;
  #byCommand: readonly GroupRule[] = [];
  #made: Readonly<Record<string, string>> = {};
  /** Logins that are being looked through: true = once more afterwards. */
  readonly #going = new Map<LiveLogin, boolean>();

  constructor(context: GroupLinkContext) {
    this.#context = context;
  }

  /** Call once before use. */
  async load(): Promise<void> {
    const { settings } = this.#context;
    this.#byCommand = ((await settings.get(BY_COMMAND)) as readonly GroupRule[] | undefined) ?? [];
    this.#made = ((await settings.get(MADE)) as Readonly<Record<string, string>> | undefined) ?? {};
  }

  /** Whether this link came by a group that is still asked for. */
  isNamed({ network, channel }: Named): boolean {
    const space = this.#made[`${network} ${channel}`];
    const isIt = (rule: GroupRule) => rule.network === network && rule.space === space;
    return space === KEPT || [...this.#context.rules, ...this.#byCommand].some(isIt);
  }

  /** An admin of the bridge asks for it. Returns what to tell them. */
  async add(network: string, space: string, by: Mxid): Promise<string> {
    const id = networkId(network.toLowerCase());
    const live = this.#context.logins.ofNetwork(id).find((one) => one.login.owner === undefined);
    if (!live) throw new Refused(`There is no network "${network}" here.`);
    const found = await this.#countIn(id, space);
    if (found === 0)
      throw new Refused(`The bridge sees no channel in "${space}" on ${live.network.name}: name a server's or category's id.`);
    const rule: GroupRule = { network: id, space, channel: "*", invite: [by], settings: {} };
    await this.#keep([...this.#byCommand.filter((one) => one.network !== id || one.space !== space), rule]);
    for (const one of this.#context.logins.ofNetwork(id)) this.look(one);
    return `Linking ${found} channels, each to a room of its own; those that come later too. \`!causeway unlink ${network} all ${space}\` ends that.`;
  }

  /** What comes later is not linked any more; what is linked stays so. */
  async remove(network: string, space: string): Promise<string> {
    const left = this.#byCommand.filter((one) => one.network !== network.toLowerCase() || one.space !== space);
    if (left.length === this.#byCommand.length) return "Nobody asked for that by command; the config's `groups` are changed in the config.";
    await this.#keep(left);
    const isOfIt = ([key, group]: [string, string]) => group === space && key.startsWith(`${network.toLowerCase()} `);
    this.#made = Object.fromEntries(Object.entries(this.#made).map((entry) => (isOfIt(entry) ? [entry[0], KEPT] : entry)));
    await this.#context.settings.set(MADE, this.#made);
    return "New channels there are not linked any more. Those that are linked stay so until they are unlinked.";
  }

  /** Looks through a login's channels for such as have to be linked: after it connected, and when channels may have come. */
  look(live: LiveLogin): void {
    const rules = this.#rulesFor(live);
    if (live.login.owner !== undefined || rules.length === 0) return;
    if (this.#going.has(live)) return void this.#going.set(live, true);
    this.#going.set(live, false);
    void this.#run(live);
  }

  async #run(live: LiveLogin): Promise<void> {
    const { clock, signal, log } = this.#context;
    try {
      for (let more = true; more && live.state.is === "connected" && !signal.aborted; ) {
        await clock.sleep(GATHER, signal);
        this.#going.set(live, false);
        const failed = await this.#through(live);
        if (failed) await clock.sleep(AGAIN, signal);
        more = failed || this.#going.get(live) === true;
      }
    } catch (error) {
      if (!signal.aborted) log.warn({ network: live.network.id, err: error }, "The channels could not be looked through");
    } finally {
      this.#going.delete(live);
    }
  }

  /** True = something could not be done yet. */
  async #through(live: LiveLogin): Promise<boolean> {
    const { log } = this.#context;
    let failed = false;
    for await (const channel of live.connection.channels()) {
      const rule = this.#ruleFor(live, channel);
      if (!rule) continue;
      try {
        await this.#link(live, channel, rule);
      } catch (error) {
        const failure = failureOf(error);
        failed ||= !(failure instanceof Refused);
        log.warn({ network: live.network.id, channel: channel.id }, `A channel of a group cannot be linked yet: ${failure.message}`);
      }
    }
    return failed;
  }

  async #link(live: LiveLogin, channel: Channel, rule: GroupRule): Promise<void> {
    const { links, linking, settings } = this.#context;
    const network = live.network.id;
    if ((await links.of(network, channel.id)) || (await linking.isEnded(network, channel.id))) return;
    if (this.#made[`${network} ${channel.id}`] !== rule.space) {
      this.#made = { ...this.#made, [`${network} ${channel.id}`]: rule.space };
      await settings.set(MADE, this.#made);
    }
    const room = await linking.portalRoom(live.network, channel, rule.invite);
    // As the config's: one that somebody ends by command is not made again.
    await linking.make(network, channel.id, room, "config", rule.settings);
  }

  #rulesFor(live: LiveLogin): readonly GroupRule[] {
    return [...this.#context.rules, ...this.#byCommand].filter((rule) => rule.network === live.network.id);
  }

  #ruleFor(live: LiveLogin, channel: Channel): GroupRule | undefined {
    if (channel.kind !== "channel") return undefined;
    const fits = ({ space, channel: glob }: GroupRule) =>
      channel.spaces.some(({ id }) => id === space) && (matchesGlob(glob, channel.name) || matchesGlob(glob, channel.id));
    return this.#rulesFor(live).find(fits);
  }

  async #countIn(network: NetworkId, space: string): Promise<number> {
    let count = 0;
    for (const live of this.#context.logins.ofNetwork(network)) {
      if (live.login.owner !== undefined || live.state.is !== "connected") continue;
      for await (const channel of live.connection.channels()) if (channel.spaces.some(({ id }) => id === space)) count += 1;
    }
    return count;
  }

  async #keep(rules: readonly GroupRule[]): Promise<void> {
    this.#byCommand = rules;
    await this.#context.settings.set(BY_COMMAND, rules);
  }
}
