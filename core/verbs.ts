/** What people ask of a network itself: `!irc whois dave`. A network lists its verbs as data; here they are read, allowed and handed on. */
import type { LiveLogin, Logins } from "./logins.ts";
import type { Links } from "./links.ts";
import type { MatrixClient } from "./matrix/client.ts";
import type { MatrixEvent } from "./matrix/event.ts";
import { LoggedOut, Refused } from "./model/errors.ts";
import type { Mxid, NetworkId, RemoteChannelId } from "./model/ids.ts";
import type { Network, Verb } from "./network.ts";
import type { OwnLogins } from "./own-logins.ts";
import type { Permissions, Wish } from "./permissions.ts";
import type { Store } from "./store/store.ts";

export interface VerbContext {
  readonly store: Pick<Store, "users">;
  readonly links: Links;
  readonly logins: Logins;
  readonly ownLogins: OwnLogins;
  readonly permissions: Permissions;
  readonly client: MatrixClient;
  readonly bot: Mxid;
  readonly networks: ReadonlyMap<NetworkId, { readonly network: Network; readonly config: unknown }>;
}

/** What was asked, and where. */
interface Wanted {
  readonly event: MatrixEvent;
  readonly network: Network;
  /** As it was named; absent = it has to be told from the room. */
  readonly part: string | undefined;
  readonly channel: RemoteChannelId | undefined;
}

const WISHES: Readonly<Record<Verb["needs"], Wish>> = { anyone: "ask", login: "login", admin: "administer" };

export class Verbs {
  readonly #context: VerbContext;

  constructor(context: VerbContext) {
    this.#context = context;
  }

  /** The network that is asked; undefined = these are no words to one. */
  networkIn(content: Readonly<Record<string, unknown>>): Network | undefined {
    const { body } = content;
    const name = typeof body === "string" ? /^!([a-z][a-z0-9_-]*)(?=\s|$)/i.exec(body)?.[1]?.toLowerCase() : undefined;
    const network = name === undefined ? undefined : this.#context.networks.get(name as NetworkId)?.network;
    return network?.verbs ? network : undefined;
  }

  /** One line for each network that can be asked. */
  help(): string[] {
    const asked = [...this.#context.networks.values()].filter(({ network }) => network.verbs);
    return asked.map(({ network }) => `!${network.id} help: what can be asked of ${network.name}`);
  }

  /** The answer, several lines at most. `Refused` in a sentence. */
  async answer(network: Network, event: MatrixEvent): Promise<string> {
    const { text, part } = this.#partIn(network, String(event.content["body"]).replace(/^!\S+\s*/, ""));
    const [, name = "help", rest = ""] = /^(\S+)\s*([^]*)$/.exec(text) ?? [];
    const verb = network.verbs?.find((one) => one.name === name.toLowerCase());
    const isSecret = verb?.secret?.(rest.trim()) ?? false;
    if (isSecret) await this.#hide(event);
    if (verb && !this.#may(event.sender, verb)) throw new Refused(`The bridge's permissions do not let you ask for ${verb.name}.`);
    if (!verb) return this.#helpOn(network, event.sender, name);
    if (isSecret && !(await this.#isDirect(event)))
      throw new Refused("Not here, where others can read it (it has been taken back): say it in a direct chat with me.");
    const words = rest.replaceAll(/\s*[\r\n\0]+\s*/g, " ").trim();
    const wanted = { event, network, part, channel: await this.#channelIn(network, event, part) };
    const live = await this.#loginFor(wanted, verb);
    const { ask } = live.connection;
    if (!ask) throw new Refused(`${network.name} cannot be asked.`);
    const channel = wanted.channel && network.ids.serves(live.login, wanted.channel) ? { channel: wanted.channel } : {};
    try {
      return await ask.call(live.connection, { verb: verb.name, words, by: event.sender, ...channel });
    } catch (error) {
      if (error instanceof LoggedOut) throw new Refused(error.message);
      throw error;
    }
  }

  #may(who: Mxid, verb: Verb): boolean {
    return this.#context.permissions.may(who, WISHES[verb.needs]);
  }

  #helpOn(network: Network, who: Mxid, name: string): string {
    const parts = this.#parts(network);
    const lines = (network.verbs ?? []).filter((verb) => this.#may(who, verb));
    const first = lines[0];
    return [
      ...(name === "help" ? [] : [`There is no command "${name.slice(0, 32)}" of ${network.name}'s.`]),
      ...lines.map((verb) => `!${network.id} ${[verb.name, verb.usage].filter(Boolean).join(" ")}: ${verb.about}`),
      ...(parts.length > 1 && first
        ? [`Of another network than this room's: !${network.id} ${parts[0]} ${first.name} … (${parts.join(", ")})`]
        : []),
    ].join("\n");
  }

  /** `!irc libera whois dave`: the part of the network may stand before the verb. */
  #partIn(network: Network, text: string): { text: string; part: string | undefined } {
    const [, first = "", rest = ""] = /^(\S+)\s*([^]*)$/.exec(text.trim()) ?? [];
    const isVerb = network.verbs?.some((verb) => verb.name === first.toLowerCase());
    const part = isVerb ? undefined : this.#parts(network).find((one) => one.toLowerCase() === first.toLowerCase());
    return { text: part === undefined ? text.trim() : rest, part };
  }

  #parts(network: Network): string[] {
    const shared = this.#context.logins.ofNetwork(network.id).filter((live) => live.login.owner === undefined);
    return [...new Set(shared.map((live) => partOf(live)))];
  }

  async #channelIn(network: Network, { room_id: room }: MatrixEvent, part: string | undefined): Promise<RemoteChannelId | undefined> {
    const links = (await this.#context.links.inRoom(room)).filter((link) => link.network === network.id);
    const { logins } = this.#context;
    const fits = links.filter((link) => {
      const live = logins.get(network.id, link.login);
      return part === undefined || (live !== undefined && partOf(live) === part);
    });
    // Two channels of one network in a room: the verb has to name which.
    return fits.length === 1 ? fits[0]?.channel : undefined;
  }

  async #loginFor(wanted: Wanted, verb: Verb): Promise<LiveLogin> {
    const { network, event } = wanted;
    const part = this.#chosenPart(wanted);
    const all = this.#context.logins.ofNetwork(network.id).filter((live) => partOf(live) === part);
    const shared = all.find((live) => live.login.owner === undefined);
    if (verb.of === "shared") return found(shared, network, part);
    const own = all.find((live) => live.login.owner === event.sender) ?? (await this.#made(wanted, part, verb));
    if (own) return own;
    if (verb.of === "own")
      throw new Refused(`You have no login of your own there: say \`!causeway login ${network.id}\` in a direct chat with me.`);
    return found(shared, network, part);
  }

  /** Who asks for what only a login of their own can do gets one, where that is the custom. */
  async #made({ network, event }: Wanted, part: string, verb: Verb): Promise<LiveLogin | undefined> {
    return verb.of === "own" ? await this.#context.ownLogins.make(event.sender, network.id, { part }) : undefined;
  }

  #chosenPart({ network, part, channel, event }: Wanted): string {
    if (part !== undefined) return part;
    const { logins } = this.#context;
    const live = logins.ofNetwork(network.id);
    const ofRoom = channel && live.find((one) => one.login.owner === undefined && network.ids.serves(one.login, channel));
    if (ofRoom) return partOf(ofRoom);
    const parts = this.#parts(network);
    const own = [...new Set(live.filter((one) => one.login.owner === event.sender).map(partOf))];
    const [only, ...others] = parts.length === 1 ? parts : own;
    if (only !== undefined && others.length === 0) return only;
    throw new Refused(`Of which network? For example: !${network.id} ${parts[0] ?? "NAME"} … (${parts.join(", ")})`);
  }

  /** A secret does not stand in the room once it has been read. */
  async #hide({ room_id: room, event_id: id }: MatrixEvent): Promise<void> {
    await this.#context.client.redact(room, id, { txnId: `secret-${id.slice(1, 40)}`, reason: "a secret" }).catch(() => undefined);
  }

  async #isDirect({ sender, room_id: room }: MatrixEvent): Promise<boolean> {
    return (await this.#context.store.users.directRoom(sender, this.#context.bot)) === room;
  }
}

function partOf({ network, login }: LiveLogin): string {
  return network.ids.partOf?.(login) ?? login.id;
}

function found(live: LiveLogin | undefined, network: Network, part: string): LiveLogin {
  if (live) return live;
  throw new Refused(`There is no login for "${part}" on ${network.name}: see the config.`);
}
