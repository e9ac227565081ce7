/** One live bot: REST, gateway and what is known between them, held together. */
import { type APIApplication, type APIUser, type GatewayDispatchPayload, Routes } from "discord-api-types/v10";
import { Broken, LoggedOut, Refused, TryLater, Uncertain } from "../../core/model/errors.ts";
import { never } from "../../core/model/events.ts";
import type { Capabilities } from "../../core/capabilities.ts";
import type { RemoteChannelId, RemoteMessageId, RemoteThreadId, RemoteUserId } from "../../core/model/ids.ts";
import type { Person } from "../../core/model/message.ts";
import type { Deed, Found, Hint, Part, Progress, Rule, Sent } from "../../core/model/effects.ts";
import type { Channel, Connection, Core, HistoryPage } from "../../core/network.ts";
import { capabilitiesIn } from "./capabilities.ts";
import { channelOf, linkableChannels } from "./channels.ts";
import { answer, offerCommands } from "./commands.ts";
import type { DiscordConfig } from "./config.ts";
import { act, rule, talk } from "./deeds.ts";
import { edit, pin, react, remove, rename, tally, whereOf } from "./effects.ts";
import { Code, isDenied } from "./failures.ts";
import { Facts } from "./facts.ts";
import { find } from "./find.ts";
import { Gateway } from "./gateway.ts";
import { Guilds } from "./guilds.ts";
import { history } from "./history.ts";
import { isSnowflake } from "./ids.ts";
import { Intake } from "./intake.ts";
import { Lights } from "./lights.ts";
import type { Live } from "./live.ts";
import { Members } from "./members.ts";
import { open } from "./opening.ts";
import { Presences } from "./presences.ts";
import { PluralKit } from "./pluralkit.ts";
import { Recent } from "./recent.ts";
import { BAD_TOKEN, Rest } from "./rest.ts";
import { say } from "./say.ts";
import { readSession, sessionKey, type Ticket } from "./sequence.ts";
import { Stands } from "./stands.ts";
import { Tallies } from "./tallies.ts";
import { Webhooks } from "./webhooks.ts";

/** How long the guilds may take to come after a new session has begun. */
const GUILDS_WITHIN = 5_000;
/** On the wall: the process is waiting to end. */
const CLOSE_WITHIN = 4_000;
const LONGEST_WAIT = 60_000;

export class DiscordConnection implements Connection {
  readonly #live: Live;
  readonly #lights: Lights;
  readonly #stands: Stands;
  readonly #facts: Facts;
  readonly #pluralkit: PluralKit;
  readonly #intake: Intake;
  readonly #presences: Presences;
  readonly #gateway: Gateway;
  #closed = false;

  constructor(config: DiscordConfig, core: Core) {
    this.#lights = new Lights(core);
    this.#live = liveOf(config, core, this.#rest(config, core));
    const { rest, guilds } = this.#live;
    this.#stands = new Stands(core, config, guilds, rest);
    this.#facts = new Facts(this.#live, this.#stands);
    this.#presences = new Presences(this.#live, this.#stands);
    this.#pluralkit = new PluralKit(this.#live);
    this.#intake = new Intake({ live: this.#live, stands: this.#stands, pluralkit: this.#pluralkit, facts: this.#facts });
    this.#gateway = new Gateway({
      config,
      core,
      rest,
      dispatch: (payload, ticket) => this.#dispatch(payload, ticket),
      up: (resumed) => void this.#up(resumed),
      down: (why) => this.#lights.down(why),
      fatal: (why) => this.#lights.fatal(why),
    });
    this.#start().catch((error: unknown) => core.log.error({ err: error }, "The start failed"));
  }

  #rest(config: DiscordConfig, core: Core): Rest {
    const rest: Rest = new Rest({
      apiUrl: config.api_url,
      token: config.token,
      clock: core.clock,
      log: core.log,
      blocked: (until) => {
        this.#lights.blocked(until, () => rest.get(Routes.user()));
        core.keep.set("blocked", { until, times: rest.blocks }).catch(() => undefined);
      },
      loggedOut: (why) => this.#lights.fatal(why),
    });
    return rest;
  }

  async #start(): Promise<void> {
    const { core, rest } = this.#live;
    core.state({ is: "connecting" });
    const kept = (await core.keep.get("blocked")) as { until?: number; times?: number } | undefined;
    if (typeof kept?.until === "number" && kept.until > core.clock.now()) rest.resumeBlock(kept.until, kept.times ?? 1);
    for (let failures = 0; !core.signal.aborted && !this.#closed; failures++) {
      try {
        return await this.#connect();
      } catch (error) {
        if (error instanceof LoggedOut) return this.#lights.fatal(BAD_TOKEN);
        this.#lights.down(`Discord cannot be reached: ${messageOf(error)}`);
        const wait = error instanceof TryLater ? error.after : Math.min(LONGEST_WAIT, 1_000 * 2 ** Math.min(failures, 6));
        await core.clock.sleep(wait, core.signal).catch(() => undefined);
      }
    }
  }

  /** Everything that can fail comes before a session is begun. */
  async #connect(): Promise<void> {
    const { core } = this.#live;
    await introduce(this.#live);
    await this.#pluralkit.load();
    await this.#facts.load();
    await this.#live.members.load(core);
    await this.#live.tallies.load();
    await offerCommands(this.#live).catch((error: unknown) =>
      core.log.warn({ why: messageOf(error) }, "The commands could not be offered"),
    );
    // What changed while nobody listened is told before what was said meanwhile.
    if (readSession(await core.keep.get(sessionKey(0)))) await this.#tellNews();
    await this.#gateway.connect();
  }

  async #tellNews(): Promise<void> {
    const events = await this.#facts.changes();
    if (events.length > 0) await this.#live.core.receive(events);
  }

  #dispatch(payload: GatewayDispatchPayload, ticket: Ticket): void {
    this.#lights.seen(payload);
    this.#presences.observe(payload);
    this.#intake.dispatch(payload, ticket);
  }

  /** After a new session the guilds come one by one: who may read what is known before anything is said. */
  async #up(resumed: boolean): Promise<void> {
    const { clock, signal, log } = this.#live.core;
    await Promise.race([this.#lights.guildsKnown(), clock.sleep(GUILDS_WITHIN, signal)]).catch(() => undefined);
    await this.#tellNews().catch((error: unknown) => log.warn({ why: messageOf(error) }, "The linked channels could not be looked at"));
    if (!this.#closed) this.#lights.up(resumed);
  }

  /** Nothing is asked any more once the bot is logged out or closed; its webhooks would still take what is said. */
  async #whileUp<T>(run: () => Promise<T>): Promise<T> {
    return await inFive(() => {
      if (this.#lights.ended !== undefined) throw new LoggedOut(this.#lights.ended);
      if (this.#closed) throw new TryLater("The connection to Discord is closed.", 1_000, "login");
      return run();
    });
  }

  capabilities(channel: RemoteChannelId): Capabilities {
    const { guilds, config } = this.#live;
    const place = guilds.place(channel);
    const guild = place?.guild === undefined ? undefined : guilds.guild(place.guild);
    return capabilitiesIn({
      permissions: guilds.myPermissions(channel),
      tier: guild?.tier ?? 0,
      direct: place !== undefined && place.guild === undefined,
      mirrored: config.moderation === "mirrored",
      typing: config.typing,
    });
  }

  send(part: Part, key: string, progress: Progress): Promise<Sent> {
    return this.#whileUp(() => inSight(() => send(this.#live, part, key, progress)));
  }

  find(part: Part, key: string, progress: Progress): Promise<Found> {
    return this.#whileUp(() => find(this.#live, part, key, progress));
  }

  async hint(hint: Hint): Promise<void> {
    await hinted(this.#live, hint).catch(() => undefined);
  }

  person(id: RemoteUserId): Promise<Person | undefined> {
    return this.#whileUp(() => this.#live.members.person(id));
  }

  channel(id: RemoteChannelId): Promise<Channel | undefined> {
    return this.#whileUp(async () => {
      const channel = await channelOf(this.#live, id);
      if (channel && this.#stands.isHeard(id)) this.#facts.remember(id);
      return channel;
    });
  }

  members(channel: RemoteChannelId): Promise<{ people: readonly Person[]; complete: boolean }> {
    return this.#whileUp(() => this.#live.members.of(channel));
  }

  mayRead(channel: RemoteChannelId, person: RemoteUserId): Promise<boolean | undefined> {
    return this.#whileUp(() => this.#live.members.mayRead(channel, person));
  }

  resolve(text: string, channel?: RemoteChannelId): Promise<Person | undefined> {
    return this.#whileUp(() => this.#live.members.resolve(text, channel));
  }

  channels(): AsyncIterable<Channel> {
    return linkableChannels(this.#live);
  }

  async join(channel: RemoteChannelId): Promise<void> {
    this.#stands.join(channel);
    await this.#live.webhooks.recall(channel);
    await this.#whileUp(() => this.#live.guilds.findWhole(channel));
  }

  async leave(channel: RemoteChannelId): Promise<void> {
    this.#stands.leave(channel);
    this.#facts.forget(channel);
  }

  act(deed: Deed): Promise<void> {
    return this.#whileUp(() => act(this.#live, deed));
  }

  rule(wish: Rule): Promise<void> {
    return this.#whileUp(() => rule(this.#live, wish));
  }

  /** A bot has conversations with one person each. https://discord.com/developers/docs/resources/user#create-dm */
  talk(people: readonly RemoteUserId[]): Promise<RemoteChannelId> {
    return this.#whileUp(() => talk(this.#live, people));
  }

  permalink(channel: RemoteChannelId, message?: RemoteMessageId, thread?: RemoteThreadId): string | undefined {
    const where = thread ?? channel;
    if (!isSnowflake(where)) return undefined;
    const address = `https://discord.com/channels/${this.#live.guilds.place(channel)?.guild ?? "@me"}/${where}`;
    return message === undefined ? address : `${address}/${message}`;
  }

  history(channel: RemoteChannelId, after: string): Promise<HistoryPage> {
    return this.#whileUp(() => history(this.#live, this.#stands, channel, after));
  }

  before(_channel: RemoteChannelId, message: RemoteMessageId): string | undefined {
    return isSnowflake(message) && message !== "1" ? (BigInt(message) - 1n).toString() : undefined;
  }

  open(ref: unknown): ReturnType<typeof open> {
    return this.#whileUp(() => open(this.#live, ref));
  }

  answer(reply: unknown, text: string): Promise<void> {
    return this.#whileUp(() => answer(this.#live, reply, text));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#lights.close();
    this.#presences.close();
    this.#live.tallies.close();
    await Promise.race([this.#gateway.close(), new Promise((resolve) => setTimeout(resolve, CLOSE_WITHIN).unref())]);
    await this.#live.rest.close();
  }
}

function liveOf(config: DiscordConfig, core: Core, rest: Rest): Live {
  const self = { id: "", application: "" };
  const me = () => self.id;
  const guilds = new Guilds(rest, core.clock, me);
  const webhooks = new Webhooks(rest, core.keep, config.relay.webhook_name, () => self.application);
  const members = new Members(rest, guilds, me, config.power_levels, config.intents.members);
  const ours = new Recent<string>(5_000);
  return {
    config,
    core,
    rest,
    guilds,
    webhooks,
    members,
    ours,
    tallies: new Tallies({ core, rest, ours }),
    nonces: new Recent(1_000),
    voices: new Map(),
    setByUs: new Map(),
    doneByUs: new Recent(1_000),
    self,
    view: (guild) => ({
      me: self.id,
      application: self.application,
      hooks: webhooks.ids,
      cdn: config.cdn_url,
      guild,
      system: config.system_messages,
      person: (id) => members.seen(id)?.person.name,
      role: (id) => (guild === undefined ? undefined : guilds.guild(guild)?.roles.get(id)?.name.replace(/^@/, "")),
      channel: (id) => guilds.place(id)?.name,
    }),
  };
}

/** Who we are; a token that is no good shows here, before any session is begun. */
async function introduce(live: Live): Promise<void> {
  const user = await live.rest.get<APIUser>(Routes.user());
  const application = await live.rest.get<APIApplication>(Routes.currentApplication());
  live.self.id = user.id;
  live.self.application = application.id;
}

async function send(live: Live, part: Part, key: string, progress: Progress): Promise<Sent> {
  switch (part.kind) {
    case "say":
      return await say(live, part, key, progress);
    case "edit":
      return await edit(live, part);
    case "delete":
      return await remove(live, part);
    case "react":
    case "unreact":
      return await react(live, part);
    case "pin":
    case "unpin":
      return await pin(live, part);
    case "topic":
    case "name":
      return await rename(live, part);
    case "poll":
      return await tally(live, part, key);
    default:
      return never(part);
  }
}

/** https://discord.com/developers/docs/resources/channel#trigger-typing-indicator */
async function hinted(live: Live, hint: Hint): Promise<void> {
  if (hint.kind !== "typing" || !hint.on || !live.config.typing) return;
  await live.rest.post(Routes.channelTyping(await whereOf(live, hint)));
}

/** What the bot may not see for a while is kept, as what it was removed from: it goes when the right is given back. */
async function inSight<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!isDenied(error, Code.MissingAccess)) throw error;
    throw new TryLater("The bot may not see that channel on Discord: it needs the permission View Channel there.", 60_000, "channel");
  }
}

/** The contract's five errors, and no others. */
async function inFive<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if ([Refused, TryLater, Uncertain, LoggedOut, Broken].some((kind) => error instanceof kind)) throw error;
    throw new Broken(`The Discord bridge made a mistake: ${messageOf(error)}`);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
