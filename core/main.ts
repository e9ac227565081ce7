/** The entrance: config → store → Matrix → HTTP → networks, in this order, and back on a signal. */
import type { Logger } from "pino";
import { Bridge } from "./bridge.ts";
import { redactedKey } from "./intake-matrix.ts";
import { Canary } from "./canary.ts";
import type { Config } from "./config.ts";
import { CALLBACK_PATH, Callbacks } from "./http/callbacks.ts";
import { createPublicMedia, MEDIA_PATH, type MediaLinks, type PublicMedia } from "./http/media.ts";
import { createMetrics } from "./http/metrics.ts";
import { HttpServer } from "./http/server.ts";
import { createAppservice } from "./matrix/appservice.ts";
import { MatrixClient } from "./matrix/client.ts";
import { createNamespace } from "./matrix/namespace.ts";
import { type Registration, readRegistration } from "./matrix/registration.ts";
import { pingUntilHeard } from "./ping.ts";
import { type Mxid, roomId } from "./model/ids.ts";
import type { Clock } from "./network.ts";
import { namedAdmins, permissionsOf } from "./permissions.ts";
import { PuppetTokens } from "./puppet-tokens.ts";
import { keepTidy } from "./tidy.ts";
import { settleRotation } from "./store/reseal.ts";
import { loadSealKey } from "./store/seal.ts";
import { existsSync, readFileSync } from "node:fs";
import { openStore, type SqliteStore } from "./store/sqlite.ts";
import type { SurroundingSettings } from "./surroundings.ts";

export interface Running {
  readonly port: number;
  stop(): Promise<void>;
}

const DAY = 86_400_000;
const MEGABYTE = 1_048_576;

export async function start(config: Config, registration: Registration, clock: Clock, log: Logger): Promise<Running> {
  const { homeserver, appservice, database } = config;
  if (database.key === undefined) settleRotation({ database: database.path, keyFile: database.key_file });
  const sealKey = loadSealKey({ file: database.key_file, text: database.key, make: !existsSync(database.path) });
  const store = await openStore({ path: database.path, sealKey, clock, log });
  const secret = store.signingSecret;
  const networks = [...config.networks.values()];
  const namespace = createNamespace({
    domain: homeserver.domain,
    botLocalpart: registration.sender_localpart,
    prefix: appservice.prefix,
    networks: networks.map(({ network }) => network),
  });
  const isOurs = (whom: Mxid) => whom === namespace.bot || namespace.ownerOf(whom) !== undefined || namespace.isHashed(whom);
  const puppets = new PuppetTokens(doublePuppetToken(appservice.double_puppets), isOurs);
  const { url: homeserverUrl, domain } = homeserver;
  const client = new MatrixClient({ homeserverUrl, domain, asToken: registration.as_token, botMxid: namespace.bot, clock, log, puppets });
  const stopping = new AbortController();
  const media = publicMedia(config, { client, store, secret, clock, log });
  const callbacks = appservice.public_url === undefined ? undefined : new Callbacks(appservice.public_url, clock);
  const metrics = createMetrics({
    journal: () => store.journal.counts(),
    lanes: () => bridge.lanes,
    connections: () => [...bridge.logins.all()].map((live) => ({ network: live.network.id, state: live.state.is })),
  });
  const ping = () => client.ping(registration.id, `causeway-${clock.now()}`).then(() => undefined);
  const lost = async (why: string) => await bridge.tellAdmins(`homeserver silent since ${clock.now()}`, why);
  const canary = new Canary({ client, settings: store.settings, clock, log, signal: stopping.signal, heard: metrics.echo, lost, ping });
  const bridge: Bridge = new Bridge({
    store,
    client,
    namespace,
    networks,
    permissions: permissionsOf(config.permissions),
    metrics,
    canary,
    clock,
    log,
    secret,
    settings: {
      lateAfter: config.bridge.late_minutes * 60_000,
      largestFile: config.media.largest_file_mb * MEGABYTE,
      relay: config.bridge.relay,
      giveUpAfter: config.bridge.give_up_days * DAY,
      adminRoom: config.admin_room?.startsWith("!") ? roomId(config.admin_room) : undefined,
      moderatorsRoom: config.moderators_room,
    },
    links: config.links,
    groups: config.groups,
    directHosts: config.bridge.direct_messages ?? namedAdmins(config.permissions),
    aliases: { rules: config.aliases, mostPerHour: config.bridge.rooms_per_hour },
    surroundings: surroundingsOf(config),
    optOut: config.bridge.optout,
    puppets,
    ghostName: (network, { name }) =>
      config.bridge.ghost_name.replaceAll(/\{(name|network)\}/g, (_all, key) => (key === "name" ? name : nameOf(config, network))),
    mediaLinks: media?.links,
    route: (network, login, path, serve) => void http.route(network, login, path, serve),
    publicUrl: (network, login) => appservice.public_url && `${appservice.public_url}/_causeway/${network}/${login}`,
    callback: callbacks && ((owner) => callbacks.open(owner)),
    ...(media ? { paste: (...page: Parameters<MediaLinks["paste"]>) => media.links.paste(...page) } : {}),
  });
  const calls = {
    transaction: (...given: Parameters<Bridge["matrix"]>) => bridge.matrix(...given),
    user: async (whom: Parameters<Bridge["isGhost"]>[0]) => await bridge.isGhost(whom),
    room: async (alias: Parameters<Bridge["isPortal"]>[0]) => await bridge.isPortal(alias),
    thirdParty: bridge.thirdParty,
  };
  const http: HttpServer = new HttpServer({
    bind: appservice.bind,
    port: appservice.port,
    appservice: createAppservice({ hsToken: registration.hs_token, calls, clock, log }),
    ready: async () => [...(await silence(client, clock)), ...bridge.notReady(canary.trouble)],
    metrics: metrics.registry,
    clock,
    log,
  });
  if (media) http.mount(MEDIA_PATH, media.router);
  if (callbacks) http.mount(CALLBACK_PATH, callbacks.router);
  await bridge.open();
  const { port } = await http.listen();
  log.info({ port }, "Listening");
  const running = run(bridge, client, registration, {
    canary,
    store,
    clock,
    log,
    signal: stopping.signal,
    mapKept: keptFor(database.keep_days),
  });
  return {
    port,
    async stop() {
      stopping.abort(new Error("The bridge is stopping."));
      // Nothing new is begun, while the last pushes are still taken.
      await Promise.all([bridge.stop(), http.close()]);
      await client.close();
      await running.catch(() => undefined);
      await store.close();
    },
  };
}

const ANSWER_WITHIN = 2_000;

/** A sentence when the homeserver does not answer. */
async function silence(client: MatrixClient, clock: Clock): Promise<string[]> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const cancel = clock.timer(ANSWER_WITHIN, () => resolve(false));
  const answers = await Promise.race([
    client.versions().then(
      () => true,
      () => false,
    ),
    late,
  ]);
  cancel();
  return answers ? [] : ["The homeserver does not answer."];
}

interface Rest {
  readonly canary: Canary;
  readonly store: SqliteStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly mapKept: number | undefined;
}

function keptFor(days: number | undefined): number | undefined {
  return days === undefined ? undefined : days * DAY;
}

/** What goes on once the listener is up: the homeserver has to know us before anything is sent. */
async function run(
  bridge: Bridge,
  client: MatrixClient,
  registration: Registration,
  { canary, store, clock, log, signal, mapKept }: Rest,
): Promise<void> {
  const quiet = (error: unknown) => {
    if (!signal.aborted) log.error({ err: error }, "A background task ended");
  };
  await pingUntilHeard({ client, registration, clock, log, signal });
  await bridge.start();
  canary.run().catch(quiet);
  keepTidy({ store, clock, log, signal, ...(mapKept === undefined ? {} : { mapKept }) }).catch(quiet);
}

/** Of the second registration, where there is one. */
function doublePuppetToken(file: string | undefined): string | undefined {
  return file === undefined ? undefined : readRegistration(readFileSync(file, "utf8"), file).as_token;
}

function surroundingsOf({ bridge }: Config): SurroundingSettings {
  return {
    spaces: bridge.spaces,
    directory: bridge.directory,
    joinsPerMinute: bridge.joins_per_minute,
    relay: bridge.relay,
    mostMembers: bridge.most_members,
    changesPerHour: bridge.changes_per_hour,
  };
}

function nameOf(config: Config, network: string): string {
  return [...config.networks.values()].find((one) => one.network.id === network)?.network.name ?? network;
}

type MediaParts = Pick<Rest, "store" | "clock" | "log"> & { client: MatrixClient; secret: Buffer };

function publicMedia(config: Config, { client, store, secret, clock, log }: MediaParts): PublicMedia | undefined {
  const publicUrl = config.appservice.public_url;
  if (publicUrl === undefined) return undefined;
  const largest = config.media.largest_file_mb * MEGABYTE;
  const alive = async (event: Parameters<typeof redactedKey>[0]) => (await store.settings.get(redactedKey(event))) === undefined;
  const days = config.media.links_expire_days;
  const expires = days === undefined ? {} : { expiresAfter: days * DAY };
  return createPublicMedia({ publicUrl, client, settings: store.settings, secret, alive, largest, ...expires, clock, log });
}
