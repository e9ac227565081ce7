/** One live bot: REST, gateway and what is known between them, held together. */
import { type APIApplication, type APIUser, GatewayDispatchEvents as On, type GatewayDispatchPayload, Routes } from "discord-api-types/v10";
import { Broken, LoggedOut, Refused, TryLater } from "../../core/model/errors.ts";
import { never } from "../../core/model/events.ts";
import type { Channel, Connection, Core, Found, Hint, Part, Progress, Sent } from "../../core/network.ts";
import { capabilitiesIn } from "./capabilities.ts";
import { answer, offerCommands } from "./commands.ts";
import { act } from "./deeds.ts";
import type { DiscordConfig } from "./config.ts";
import { channelOf, linkableChannels } from "./channels.ts";
import { edit, pin, react, remove, rename, tally } from "./effects.ts";
import { find } from "./find.ts";
import { Gateway } from "./gateway.ts";
import { factsIn } from "./guild-events.ts";
import { Guilds } from "./guilds.ts";
import { history } from "./history.ts";
import { isSnowflake } from "./ids.ts";
import { Intake } from "./intake.ts";
import type { Live } from "./live.ts";
import { Members } from "./members.ts";
import { open } from "./opening.ts";
import { PluralKit } from "./pluralkit.ts";
import { Recent } from "./recent.ts";
import { BAD_TOKEN, BLOCKED, Rest } from "./rest.ts";
import { say } from "./say.ts";
import { Stands } from "./stands.ts";
import { whereOf } from "./effects.ts";
import { Webhooks } from "./webhooks.ts";

/** How long the guilds may take to come after a new session has begun. */
const GUILDS_WITHIN = 5_000;
const ROUND = 5_000;

export function connect(config: DiscordConfig, core: Core): Connection {
  const lights = new Lights(core);
  const rest = new Rest({
    apiUrl: config.api_url,
    token: config.token,
    clock: core.clock,
    log: core.log,
    blocked: (until) => {
      lights.blocked(until, () => rest.get(Routes.user()));
      core.keep.set("blocked", { until, times: rest.blocks }).catch(() => undefined);
    },
    loggedOut: (why) => lights.fatal(why),
  });
  const live = liveOf(config, core, rest);
  const stands = new Stands(core, config, live.guilds, rest);
  const pluralkit = new PluralKit(live);
  const intake = new Intake({ live, stands, pluralkit });
  const gateway = new Gateway({
    config,
    core,
    rest,
    dispatch: (payload, ticket) => {
      lights.seen(payload);
      intake.dispatch(payload, ticket);
    },
    up: (resumed) => void beUp(resumed),
    down: (why) => lights.down(why),
    fatal: (why) => lights.fatal(why),
  });
  let closed = false;

  /** Nothing is sent any more once the bot is logged out or closed; its webhooks would still take it. */
  const whileUp = <T>(run: () => Promise<T>): Promise<T> =>
    inFive(() => {
      if (lights.ended !== undefined) throw new LoggedOut(lights.ended);
      if (closed) throw new TryLater("The connection to Discord is closed.", 1_000, "login");
      return run();
    });

  async function start(): Promise<void> {
    core.state({ is: "connecting" });
    const kept = (await core.keep.get("blocked")) as { until?: number; times?: number } | undefined;
    if (typeof kept?.until === "number" && kept.until > core.clock.now()) rest.resumeBlock(kept.until, kept.times ?? 1);
    for (let failures = 0; !core.signal.aborted && !closed; failures++) {
      try {
        await introduce(live);
        await pluralkit.load();
        await offerCommands(live).catch((error: unknown) => core.log.warn({ why: messageOf(error) }, "The commands could not be offered"));
        await gateway.connect();
        return;
      } catch (error) {
        if (error instanceof LoggedOut) return lights.fatal(BAD_TOKEN);
        lights.down(`Discord cannot be reached: ${messageOf(error)}`);
        const wait = error instanceof TryLater ? error.after : Math.min(60_000, 1_000 * 2 ** Math.min(failures, 6));
        await core.clock.sleep(wait, core.signal).catch(() => undefined);
      }
    }
  }

  /** A resumed session tells nothing again: the guilds of the linked channels are read before anything is said there. */
  async function beUp(resumed: boolean): Promise<void> {
    const known = resumed ? readGuilds(live, stands) : lights.guildsKnown();
    await Promise.race([known, core.clock.sleep(GUILDS_WITHIN, core.signal)]).catch(() => undefined);
    for (const id of stands.heard()) remember(live, stands, id);
    if (!closed) lights.up(resumed);
  }

  start().catch((error: unknown) => core.log.error({ err: error }, "The start failed"));

  return {
    capabilities(channel) {
      const place = live.guilds.place(channel);
      const guild = place?.guild === undefined ? undefined : live.guilds.guild(place.guild);
      return capabilitiesIn({
        permissions: live.guilds.myPermissions(channel),
        tier: guild?.tier ?? 0,
        direct: place !== undefined && place.guild === undefined,
        mirrored: config.moderation === "mirrored",
        typing: config.typing,
      });
    },
    send: (part, key, progress) => whileUp(() => send(live, part, key, progress)),
    find: (part, key, progress): Promise<Found> => whileUp(() => find(live, part, key, progress)),
    hint: (hint) => hinted(live, hint).catch(() => undefined),
    person: (id) => inFive(() => live.members.person(id)),
    channel: (id) =>
      inFive(async (): Promise<Channel | undefined> => {
        const channel = await channelOf(live, id);
        if (channel && stands.isHeard(id)) remember(live, stands, id);
        return channel;
      }),
    members: (channel) => inFive(() => live.members.of(channel)),
    resolve: (text, channel) => inFive(() => live.members.resolve(text, channel)),
    channels: () => linkableChannels(live),
    async join(channel) {
      stands.join(channel);
      await inFive(() => live.guilds.findWhole(channel));
      remember(live, stands, channel);
    },
    async leave(channel) {
      stands.leave(channel);
    },
    act: (deed) => whileUp(() => act(live, deed)),
    permalink(channel, message, thread) {
      const guild = live.guilds.place(channel)?.guild;
      const where = thread ?? channel;
      if (!isSnowflake(where)) return undefined;
      const address = `https://discord.com/channels/${guild ?? "@me"}/${where}`;
      return message === undefined ? address : `${address}/${message}`;
    },
    history: (channel, after) => whileUp(() => history(live, stands, channel, after)),
    before: (_channel, message) => (isSnowflake(message) && message !== "1" ? (BigInt(message) - 1n).toString() : undefined),
    open: (ref) => whileUp(() => open(live, ref)),
    answer: (reply, text) => whileUp(() => answer(live, reply, text)),
    async close() {
      closed = true;
      lights.close();
      await Promise.race([gateway.close(), new Promise((resolve) => setTimeout(resolve, ROUND - 1_000).unref())]);
      await rest.close();
    },
  };
}

function liveOf(config: DiscordConfig, core: Core, rest: Rest): Live {
  const self = { id: "", application: "" };
  const me = () => self.id;
  const guilds = new Guilds(rest, me);
  const members = new Members(rest, guilds, me, config.power_levels);
  return {
    config,
    core,
    rest,
    guilds,
    webhooks: new Webhooks(rest, core.keep, config.relay.webhook_name, () => self.application),
    members,
    ours: new Recent(5_000),
    nonces: new Recent(1_000),
    voices: new Map(),
    setByUs: new Map(),
    doneByUs: new Recent(1000),
    self,
    view: (guild) => ({
      me: self.id,
      application: self.application,
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
  const [user, application] = [
    await live.rest.get<APIUser>(Routes.user()),
    await live.rest.get<APIApplication>(Routes.currentApplication()),
  ];
  live.self.id = user.id;
  live.self.application = application.id;
}

async function readGuilds(live: Live, stands: Stands): Promise<void> {
  await Promise.all(stands.heard().map((id) => live.guilds.findWhole(id).catch(() => undefined)));
}

function remember(live: Live, stands: Stands, id: string): void {
  const facts = factsIn(live, id);
  if (facts && !stands.told.has(id)) stands.told.set(id, facts);
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

/** The contract's five errors, and no others. */
async function inFive<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const known = [Refused, TryLater, LoggedOut, Broken].some((kind) => error instanceof kind) || (error as Error).name === "Uncertain";
    if (known) throw error;
    throw new Broken(`The Discord bridge made a mistake: ${messageOf(error)}`);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What core is told of the connection: the gateway's state, and whether REST is shut out. */
class Lights {
  readonly #core: Core;
  readonly #waiting = new Set<string>();
  #known: (() => void) | undefined;
  #isUp = false;
  #isBlocked = false;
  #closed = false;
  /** Why nothing goes on until a person acts. */
  ended: string | undefined;
  #cancel: (() => void) | undefined;

  constructor(core: Core) {
    this.#core = core;
  }

  /** READY names the guilds that follow one by one. */
  seen(payload: GatewayDispatchPayload): void {
    if (payload.t === On.Ready) for (const { id } of payload.d.guilds) if (!this.#early.has(id)) this.#waiting.add(id);
    if (payload.t === On.GuildCreate || payload.t === On.GuildDelete) {
      this.#early.add(payload.d.id);
      this.#waiting.delete(payload.d.id);
      if (this.#waiting.size === 0) this.#known?.();
    }
  }

  readonly #early = new Set<string>();

  guildsKnown(): Promise<void> {
    return new Promise((resolve) => {
      this.#known = resolve;
      if (this.#waiting.size === 0) resolve();
    });
  }

  up(resumed: boolean): void {
    this.#isUp = true;
    this.#early.clear();
    if (!this.#isBlocked) this.#tell({ is: "connected", resumed });
  }

  down(why: string): void {
    this.#isUp = false;
    this.#tell({ is: "disconnected", why });
  }

  fatal(why: string): void {
    if (this.ended !== undefined) return;
    this.#tell({ is: "logged-out", why });
    this.ended = why;
  }

  /** Told once, however often the wait grows; over when Discord answers again. */
  blocked(until: number, probe: () => Promise<unknown>): void {
    if (!this.#isBlocked) this.#tell({ is: "disconnected", why: BLOCKED });
    this.#isBlocked = true;
    this.#cancel?.();
    this.#cancel = this.#core.clock.timer(until - this.#core.clock.now() + 100, () => {
      probe().then(
        () => {
          this.#isBlocked = false;
          if (this.#isUp) this.#tell({ is: "connected", resumed: true });
        },
        (error: unknown) => {
          // Still shut out: `blocked` was called again. Anything else shows by itself.
          if (!(error instanceof TryLater)) this.#isBlocked = false;
        },
      );
    });
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
  }

  #tell(state: Parameters<Core["state"]>[0]): void {
    if (!this.#closed && this.ended === undefined) this.#core.state(state);
  }
}
