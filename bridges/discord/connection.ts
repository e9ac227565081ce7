/** One live bot: REST, gateway and what is known between them, held together. */
import { type APIApplication, type APIUser, Routes } from "discord-api-types/v10";
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
import { Facts } from "./facts.ts";
import { Guilds } from "./guilds.ts";
import { history } from "./history.ts";
import { isSnowflake } from "./ids.ts";
import { Intake } from "./intake.ts";
import type { Live } from "./live.ts";
import { Members } from "./members.ts";
import { open } from "./opening.ts";
import { PluralKit } from "./pluralkit.ts";
import { Recent } from "./recent.ts";
import { Lights } from "./lights.ts";
import { BAD_TOKEN, Rest } from "./rest.ts";
import { say } from "./say.ts";
import { readSession, sessionKey } from "./sequence.ts";
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
  const facts = new Facts(live, stands);
  const intake = new Intake({ live, stands, pluralkit, facts });
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
        await facts.load();
        await offerCommands(live).catch((error: unknown) => core.log.warn({ why: messageOf(error) }, "The commands could not be offered"));
        // What changed while nobody listened is told before what was said meanwhile.
        if (readSession(await core.keep.get(sessionKey(0)))) await news();
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

  async function news(): Promise<void> {
    const events = await facts.changes();
    if (events.length > 0) await core.receive(events);
  }

  /** After a new session the guilds come one by one: who may read what is known before anything is said. */
  async function beUp(resumed: boolean): Promise<void> {
    await Promise.race([lights.guildsKnown(), core.clock.sleep(GUILDS_WITHIN, core.signal)]).catch(() => undefined);
    await news().catch((error: unknown) => core.log.warn({ why: messageOf(error) }, "The linked channels could not be looked at"));
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
        if (channel && stands.isHeard(id)) facts.remember(id);
        return channel;
      }),
    members: (channel) => inFive(() => live.members.of(channel)),
    resolve: (text, channel) => inFive(() => live.members.resolve(text, channel)),
    channels: () => linkableChannels(live),
    async join(channel) {
      stands.join(channel);
      await inFive(() => live.guilds.findWhole(channel));
    },
    async leave(channel) {
      stands.leave(channel);
      facts.forget(channel);
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
  const guilds = new Guilds(rest, core.clock, me);
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
