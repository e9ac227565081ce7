/**
 * Slack, pretended: its Web API, Socket Mode, events over HTTP, OAuth and files, in this process and on the loopback alone. It refuses
 * what Slack's documentation says that Slack refuses; people on it are played through `person(…)`.
 */
import { randomUUID } from "node:crypto";
import { EMOJI } from "../../bridges/slack/emoji-data.ts";
import { BOT_EVENTS, BOT_SCOPES, USER_EVENTS, USER_SCOPES } from "../../bridges/slack/scopes.ts";
import type { Clock } from "../../core/network.ts";
import { Delivery } from "./slack/delivery.ts";
import { Faults } from "./slack/faults.ts";
import { Limits } from "./slack/limits.ts";
import type { Ephemeral } from "./slack/methods-chat.ts";
import { depart, enter, newDirect } from "./slack/methods-conversations.ts";
import { Uploads } from "./slack/methods-files.ts";
import { type Code, OTHER_BOT } from "./slack/methods-rest.ts";
import { Person } from "./slack/people.ts";
import { FakeServer } from "./slack/server.ts";
import { Sockets } from "./slack/sockets.ts";
import { type App, type Channel, type Grant, State, type Stored, type Team, type User } from "./slack/state.ts";
import { messageShape } from "./slack/shapes.ts";
import { publish, tellChange, shapeNow, type Json, type World } from "./slack/world.ts";

const EMOJI_NAMES: ReadonlySet<string> = new Set(
  EMOJI.trim()
    .split(/\s/)
    .flatMap((entry) => (entry.includes("=") ? (entry.split("=")[0] as string).split(",") : [])),
);

type Codes = { readonly bot?: Code; readonly user?: Code };

export class FakeSlack {
  readonly state = new State();
  readonly faults = new Faults();
  readonly sockets: Sockets;
  readonly delivery: Delivery;
  readonly limits: Limits;
  /** What was shown to one person alone. */
  readonly ephemerals: Ephemeral[] = [];
  readonly answers: Json[] = [];
  sharesLag = 20;
  /** Whoever sits at the browser that opens the page of an installation. */
  browser: Person | undefined;
  readonly #codes = new Map<string, Codes>();
  readonly #clock: Clock;
  readonly #timers = new Set<() => void>();
  #ended = false;
  readonly #server: FakeServer;

  static async start(clock: Clock): Promise<FakeSlack> {
    const fake = new FakeSlack(clock);
    await fake.#server.listen();
    return fake;
  }

  private constructor(clock: Clock) {
    this.#clock = this.#tracked(clock);
    this.sockets = new Sockets(this.#clock);
    this.delivery = new Delivery(this.state, this.#clock, this.sockets);
    this.limits = new Limits(this.#clock);
    this.#server = new FakeServer({
      world: () => this.world,
      limits: this.limits,
      faults: this.faults,
      sockets: this.sockets,
      uploads: new Uploads(),
      emojiNames: EMOJI_NAMES,
      ephemerals: this.ephemerals,
      answers: this.answers,
      codes: this.#codes,
      authorize: (url) => this.authorize(url),
    });
  }

  /** Whatever still waits ends with the fake. */
  #tracked(clock: Clock): Clock {
    return {
      now: () => clock.now(),
      sleep: (ms, signal) => clock.sleep(ms, signal),
      timer: (ms, run) => {
        if (this.#ended) return () => {};
        const cancel = clock.timer(ms, () => {
          this.#timers.delete(cancel);
          run();
        });
        this.#timers.add(cancel);
        return () => {
          this.#timers.delete(cancel);
          cancel();
        };
      },
    };
  }

  get host(): string {
    return this.#server.host;
  }

  get apiUrl(): string {
    return `${this.host}/api/`;
  }

  get world(): World {
    return { state: this.state, delivery: this.delivery, clock: this.#clock, host: this.host, sharesLag: this.sharesLag };
  }

  addTeam(name: string): Team {
    const team: Team = {
      id: this.state.newId("T"),
      name,
      domain: name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-"),
      users: new Map(),
      channels: new Map(),
      files: new Map(),
      emoji: new Map(),
      groups: [],
    };
    this.state.teams.set(team.id, team);
    return team;
  }

  addApp(name = "Causeway"): App {
    const app: App = {
      id: this.state.newId("A"),
      name,
      clientId: `1.${randomUUID()}`,
      clientSecret: randomUUID(),
      signingSecret: randomUUID(),
      appToken: `xapp-1-${randomUUID()}`,
      botEvents: new Set(BOT_EVENTS),
      userEvents: new Set(USER_EVENTS),
      declaresMetadata: true,
      restricted: false,
      appTokenRevoked: false,
    };
    this.state.apps.set(app.id, app);
    return app;
  }

  /** The app is installed in the workspace: its bot has an account and a token there. */
  install(app: App, team: Team, scopes = BOT_SCOPES.map(({ name }) => name)): Grant {
    const bot = this.state.newId("B");
    const user = this.#addUser(team, app.name.toLowerCase(), { bot });
    return this.#grant({ team, app, user, bot, scopes: new Set(scopes) }, "xoxb");
  }

  /** The app is installed for a whole organisation: its token is good for every workspace there. */
  installEverywhere(app: App, team: Team): Grant {
    const bot = this.state.newId("B");
    const user = this.#addUser(team, app.name.toLowerCase(), { bot });
    const scopes = new Set(BOT_SCOPES.map(({ name }) => name));
    return this.#grant({ team, app, user, bot, scopes, organisation: this.state.newId("E") }, "xoxb");
  }

  /** A person has let the app act for them. */
  signIn(app: App, person: Person, scopes = USER_SCOPES.map(({ name }) => name)): Grant {
    return this.#grant({ team: person.team, app, user: person.user, scopes: new Set(scopes) }, "xoxp");
  }

  #grant(of: Omit<Grant, "token" | "revoked">, prefix: string): Grant {
    const grant: Grant = { ...of, token: `${prefix}-${randomUUID()}`, revoked: false };
    this.state.grants.set(grant.token, grant);
    return grant;
  }

  #addUser(team: Team, name: string, more: { bot?: string; home?: string } = {}): User {
    const user: User = {
      id: this.state.newId("U"),
      team: more.home ?? team.id,
      name: name.toLowerCase(),
      profile: {
        display_name: name,
        real_name: name,
        avatar_hash: randomUUID().slice(0, 12),
        image_72: `${this.host}/picture/72.png`,
        image_192: `${this.host}/picture/192.png`,
      },
      ...(more.bot === undefined ? {} : { bot: more.bot }),
      deleted: false,
      admin: false,
      owner: false,
    };
    team.users.set(user.id, user);
    return user;
  }

  /** `home`: a stranger, whose workspace is another. */
  person(team: Team, name: string, home?: Team): Person {
    return new Person(() => this.world, team, this.#addUser(team, name, home ? { home: home.id } : {}));
  }

  channel(team: Team, name: string, people: readonly (Person | Grant)[], isPrivate = false): Channel {
    const channel: Channel = {
      id: this.state.newId("C"),
      name,
      kind: "channel",
      private: isPrivate,
      archived: false,
      topic: "",
      purpose: "",
      members: new Set(people.map(({ user }) => user.id)),
      messages: [],
      onlyPosters: new Set(),
    };
    team.channels.set(channel.id, channel);
    return channel;
  }

  direct(team: Team, people: readonly (Person | Grant)[]): Channel {
    return newDirect(
      this.world,
      team,
      people.map(({ user }) => user.id),
    );
  }

  /** A post of another app or a webhook, with the name and icon that it gives itself. */
  botPosts(team: Team, channel: Channel, post: Partial<Stored> & { text: string }): Stored {
    const { more, ...rest } = post;
    const stored: Stored = {
      ts: this.state.newTs(),
      channel: channel.id,
      subtype: "bot_message",
      bot_id: OTHER_BOT,
      reactions: [],
      pinned: false,
      ...rest,
      ...(more ? { more } : {}),
    };
    return publish(this.world, team, channel, stored);
  }

  /** Slack adds the preview of a link to a message, a little after it was posted. */
  unfurl(team: Team, channel: Channel, message: Stored, url: string): void {
    const before = shapeNow(this.world, team, message);
    message.attachments = [
      ...(message.attachments ?? []),
      { from_url: url, original_url: url, id: 1, service_name: "Example", title: "A page", fallback: "A page" },
    ];
    tellChange(this.world, team, channel, message, before);
  }

  /** A channel that is shared with another organisation gets another id. */
  changeId(team: Team, channel: Channel): void {
    const old = channel.id;
    team.channels.delete(old);
    channel.id = this.state.newId("C");
    team.channels.set(channel.id, channel);
    const event = { type: "channel_id_changed", old_channel_id: old, new_channel_id: channel.id, event_ts: this.state.newTs() };
    this.delivery.tell(team, channel, "channel_id_changed", () => event);
  }

  /** The bot is put out: it is told by `channel_left`, if it is told at all. */
  expel(grant: Grant, channel: Channel, told = true): void {
    depart(this.world, grant.team, channel, grant.user.id);
    const type = channel.private ? "group_left" : "channel_left";
    if (told) this.delivery.tellApp(grant.app, grant.team, { type, channel: channel.id, actor_id: "U0", event_ts: this.state.newTs() });
  }

  readmit(grant: Grant, channel: Channel): void {
    enter({ world: this.world, grant }, channel, grant.user.id);
  }

  /** Somebody presses a button of a message. */
  press(person: Person, channel: Channel, ts: string, actionId: string, index = 0): void {
    const message = this.state.message(channel, ts);
    if (!message) throw new Error("no such message");
    const shown = messageShape(this.state, person.team, this.host, message, { counters: false, metadata: "all" });
    const buttons = ((message.blocks ?? []) as Json[]).flatMap((block) => {
      const element = block.accessory as Json | undefined;
      return element?.action_id === actionId
        ? [{ ...element, block_id: block.block_id, action_ts: this.state.newTs(), type: "button" }]
        : [];
    });
    const grant = [...this.state.grants.values()].find((each) => each.bot !== undefined && each.bot === message.bot_id);
    if (!grant) throw new Error("nobody's button");
    const body = {
      type: "block_actions",
      user: { id: person.user.id, username: person.user.name, name: person.user.name, team_id: person.team.id },
      api_app_id: grant.app.id,
      token: "verification-token",
      container: { type: "message", message_ts: ts, channel_id: channel.id, is_ephemeral: false },
      trigger_id: randomUUID(),
      team: { id: person.team.id, domain: person.team.domain },
      enterprise: null,
      is_enterprise_install: false,
      channel: { id: channel.id, name: channel.name },
      message: shown,
      state: { values: {} },
      response_url: `${this.host}/commands/answer/${randomUUID()}`,
      actions: [buttons[index]],
    };
    this.delivery.send({ app: grant.app, kind: "interactive", body });
  }

  /** Somebody writes a slash command of the app's. */
  slash(app: App, person: Person, channel: Channel, text: string): void {
    const body = {
      token: "verification-token",
      team_id: person.team.id,
      team_domain: person.team.domain,
      channel_id: channel.id,
      channel_name: channel.name,
      user_id: person.user.id,
      user_name: person.user.name,
      command: "/causeway",
      text,
      api_app_id: app.id,
      is_enterprise_install: "false",
      response_url: `${this.host}/commands/answer/${randomUUID()}`,
      trigger_id: randomUUID(),
    };
    this.delivery.send({ app, kind: "slash_commands", body });
  }

  /** The token is taken back, and the app hears of it. */
  revoke(grant: Grant): void {
    grant.revoked = true;
    const tokens = grant.bot === undefined ? { oauth: [grant.user.id], bot: [] } : { oauth: [], bot: [grant.user.id] };
    this.delivery.tellApp(grant.app, grant.team, { type: "tokens_revoked", tokens, event_ts: this.state.newTs() });
  }

  uninstall(grant: Grant): void {
    grant.revoked = true;
    this.delivery.tellApp(grant.app, grant.team, { type: "app_uninstalled", event_ts: this.state.newTs() });
    this.revoke(grant);
  }

  /** What the person at the browser says yes to. Returns where Slack sends them. */
  authorize(url: URL): string {
    const query = url.searchParams;
    const app = [...this.state.apps.values()].find(({ clientId }) => clientId === query.get("client_id"));
    const redirect = query.get("redirect_uri") ?? "";
    const person = this.browser;
    const allowed = app?.redirects === undefined || app.redirects.some((beginning) => redirect.startsWith(beginning));
    if (!app || !person || !URL.canParse(redirect) || !allowed) return `${this.host}/oauth/error`;
    const back = new URL(redirect);
    const scopesIn = (name: string) => new Set((query.get(name) ?? "").split(",").filter((scope) => scope !== ""));
    const [bot, user] = [scopesIn("scope"), scopesIn("user_scope")];
    const code = randomUUID();
    const installed = [...this.state.grants.values()].find(
      (grant) => grant.app === app && grant.team === person.team && grant.bot !== undefined,
    );
    this.#codes.set(code, {
      ...(bot.size > 0 && installed
        ? { bot: { redirect, grant: { team: person.team, app, user: installed.user, bot: installed.bot as string, scopes: bot } } }
        : {}),
      ...(user.size > 0 ? { user: { redirect, grant: { team: person.team, app, user: person.user, scopes: user } } } : {}),
    });
    back.searchParams.set("code", code);
    back.searchParams.set("state", query.get("state") ?? "");
    return back.href;
  }

  down(): void {
    this.faults.down = true;
    this.delivery.down = true;
    this.sockets.closed = true;
    this.sockets.cut();
    this.#server.cut();
  }

  up(): void {
    this.faults.down = false;
    this.delivery.down = false;
    this.sockets.closed = false;
  }

  hang(): void {
    this.faults.hanging = true;
    this.delivery.hanging = true;
    this.sockets.hanging = true;
  }

  async close(): Promise<void> {
    this.#ended = true;
    for (const cancel of this.#timers) cancel();
    this.sockets.close();
    await this.#server.close();
  }
}
