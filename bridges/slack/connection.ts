/** One live login on Slack: a workspace's bot, or a person's own account. They differ in their rights alone. */
import type { Capabilities } from "../../core/capabilities.ts";
import { LoggedOut, Refused, TryLater } from "../../core/model/errors.ts";
import { type Cursor, never } from "../../core/model/events.ts";
import type { RemoteChannelId, RemoteMessageId, RemoteThreadId, RemoteUserId } from "../../core/model/ids.ts";
import type { Person } from "../../core/model/message.ts";
import type { Deed, Found, Hint, Part, Progress, Sent } from "../../core/model/effects.ts";
import type { Channel, Connection, Core, HistoryPage, Login } from "../../core/network.ts";
import { Api } from "./api.ts";
import { OWN, RELAY } from "./capabilities.ts";
import * as census from "./census.ts";
import { type SlackConfig, type WorkspaceConfig, workspaceOf } from "./config.ts";
import { erase, pin, react, topic } from "./deeds.ts";
import { Desk } from "./desk.ts";
import { Directory } from "./directory.ts";
import { codeOf } from "./failures.ts";
import { openFile, sendFile } from "./files.ts";
import { History } from "./history.ts";
import { clientOf } from "./oauth.ts";
import { routeInstall, tokenOf } from "./install.ts";
import { channelId, channelOf, cursorBefore, TIMESTAMP, teamOf, teamOfLogin, userOf } from "./ids.ts";
import { find } from "./look.ts";
import { Pacing } from "./pacing.ts";
import { messageLink } from "./permalinks.ts";
import { openPicture } from "./pictures.ts";
import { edit, isFile, isPost, post, unknownWire } from "./post.ts";
import { Session } from "./session.ts";
import { Votes } from "./votes.ts";
import { filled, record, string } from "./wire.ts";

/** How long until a channel that we are not in is tried again, milliseconds. */
const OUT_OF_REACH = 60_000;

/** Everything that hangs on one token. */
interface Live {
  readonly session: Session;
  readonly desk: Desk;
  readonly history: History;
  readonly votes: Votes;
  readonly token: string;
}

export class SlackConnection implements Connection {
  readonly #config: SlackConfig;
  readonly #login: Login;
  readonly #core: Core;
  readonly #workspace: WorkspaceConfig | undefined;
  readonly #team: string;
  readonly #pacing: Pacing;
  #live: Live;

  constructor(config: SlackConfig, login: Login, core: Core) {
    this.#config = config;
    this.#login = login;
    this.#core = core;
    this.#team = teamOfLogin(login);
    this.#workspace = workspaceOf(config, login);
    this.#pacing = new Pacing(core.clock);
    const configured = string(login.secrets.token);
    this.#live = this.#with(configured);
    const client = login.owner === undefined ? clientOf(config, this.#team) : undefined;
    if (client && core.publicUrl !== undefined) {
      routeInstall({ config, client, team: this.#team, core, configured, installed: (token) => this.#installed(token) });
      void this.#begin(configured);
    } else this.#live.session.start();
  }

  #with(token: string): Live {
    const { clock, log, keep } = this.#core;
    const calls = new AbortController();
    const context = { url: this.#config.api_url, clock, log, signal: calls.signal };
    // A person's own is mended by signing in again, which core tells them.
    const api = new Api(token, { ...context, pacing: this.#pacing, ...(this.#login.owner === undefined ? {} : { mend: "" }) });
    const directory = new Directory(this.#team, api, clock);
    const desk = new Desk({ api, directory, clock, log, signal: calls.signal, apiUrl: this.#config.api_url });
    const votes = new Votes(desk, keep);
    const history = new History(desk);
    const session = new Session({ config: this.#config, login: this.#login, core: this.#core, desk, votes, history });
    desk.tellNameless = () => session.tellNameless();
    session.signal.addEventListener("abort", () => calls.abort(new Error("The connection is closed.")), { once: true });
    return { session, desk, history, votes, token };
  }

  /** The last installation counts, unless the config has been changed since. */
  async #begin(configured: string): Promise<void> {
    const token = await tokenOf(this.#core, configured);
    if (token !== configured) this.#live = this.#with(token);
    if (token !== "") return this.#live.session.start();
    this.#live.session.logOut(new LoggedOut(`The app is not installed in the workspace yet: open ${this.#core.publicUrl}/install`));
  }

  /** Installed again: what ended with the old token goes on with the new one. */
  #installed(token: string): void {
    if (this.#core.signal.aborted) return;
    this.#live.session.close();
    this.#live = this.#with(token);
    this.#live.session.start();
  }

  get #desk(): Desk {
    return this.#live.desk;
  }

  get #session(): Session {
    return this.#live.session;
  }

  capabilities(_channel: RemoteChannelId): Capabilities {
    const { api, nameless } = this.#desk;
    if (this.#session.isOwn) return { ...OWN, ...(api.may("files:write") ? {} : { files: "fallback" }) };
    return {
      ...RELAY,
      ...(this.#workspace?.replies === "quote" ? { reply: "partial" } : {}),
      ...(nameless || !api.may("chat:write.customize") ? { speaker: "fallback" } : {}),
      ...(this.#workspace?.files === "thread" ? { files: "partial" } : {}),
      ...(this.#workspace?.files === "link" || !api.may("files:write") ? { files: "fallback" } : {}),
      ...(api.may("reactions:write") ? {} : { react: "refused" }),
    };
  }

  send(part: Part, key: string, progress: Progress): Promise<Sent> {
    return this.#do(() => this.#within(() => this.#send(part, key, progress)));
  }

  async #send(part: Part, key: string, progress: Progress): Promise<Sent> {
    switch (part.kind) {
      case "say":
        if (isPost(part.wire)) return await post(this.#desk, part, part.wire, key);
        if (isFile(part.wire)) return await sendFile(this.#desk, part, part.wire, key, progress);
        throw unknownWire();
      case "edit":
        return await edit(this.#desk, part);
      case "delete":
        if (!part.own && !this.#session.isOwn) throw new Refused("The Slack app may not delete what others wrote.");
        return await erase(this.#desk, part);
      case "react":
      case "unreact":
        return await react(this.#desk, part);
      case "pin":
      case "unpin":
        return await pin(this.#desk, part);
      case "topic":
      case "name":
        return await topic(this.#desk, part);
      case "poll":
        return await this.#live.votes.tell(part);
      default:
        return never(part);
    }
  }

  find(part: Part, key: string, progress: Progress): Promise<Found> {
    return this.#do(() => this.#within(() => find(this.#desk, part, key, progress)));
  }

  /** Every deed ends in what it was for, or in one of the five errors; a token that Slack no longer takes ends the session. */
  async #do<Value>(deed: () => Promise<Value>): Promise<Value> {
    if (this.#session.ended) throw this.#session.ended;
    if (this.#session.signal.aborted) throw new TryLater("The connection to Slack is closed.", 1_000, "login");
    try {
      return await deed();
    } catch (error) {
      if (error instanceof LoggedOut) this.#session.logOut(error);
      throw error;
    }
  }

  /**
   * Out of a private channel, there seems to be none. What the bot has to say waits until somebody lets it in again; one person's words
   * hold nobody up.
   */
  async #within<Value>(deed: () => Promise<Value>): Promise<Value> {
    try {
      return await deed();
    } catch (error) {
      const code = codeOf(error);
      if (code !== "channel_not_found" && code !== "not_in_channel") throw error;
      if (this.#session.isOwn) throw new Refused("You are not in that channel on Slack: enter it there, or have yourself invited.");
      this.#session.sweep();
      throw new TryLater((error as Error).message, OUT_OF_REACH, "channel", { cause: error });
    }
  }

  /** Slack has no typing for apps. A person's own login marks what they have read. */
  async hint(hint: Hint): Promise<void> {
    if (hint.kind !== "read" || !this.#session.isOwn) return;
    await this.#do(async () => {
      const place = this.#desk.place(hint.channel);
      const call = { deed: "mark what was read", repeatable: true, channel: place };
      await this.#desk.api.call("conversations.mark", { channel: place, ts: hint.message }, call);
    }).catch(() => undefined);
  }

  async person(id: RemoteUserId): Promise<Person | undefined> {
    const user = userOf(id);
    if (user === undefined || teamOf(id) !== this.#team) return undefined;
    // Under the name of one post stands the app or the webhook that made it.
    const account = user.split(".")[0] as string;
    const person = await this.#do(() => this.#desk.directory.person(account, this.#desk.self));
    return person && { ...person, id };
  }

  async channel(id: RemoteChannelId): Promise<Channel | undefined> {
    if (channelOf(id) === undefined || teamOf(id) !== this.#team) return undefined;
    return await this.#do(async () => {
      const info = await this.#desk.directory.channel(this.#desk.place(id));
      return info && (await census.toChannel(this.#desk, info, this.#team));
    });
  }

  members(channel: RemoteChannelId): Promise<{ people: readonly Person[]; complete: boolean }> {
    return this.#do(() => census.membersOf(this.#desk, channel));
  }

  resolve(text: string): Promise<Person | undefined> {
    return this.#do(() => census.resolve(this.#desk, text));
  }

  channels(): AsyncIterable<Channel> {
    return census.channelsOf(this.#desk, this.#team, this.#session.isOwn);
  }

  async talk(people: readonly RemoteUserId[]): Promise<RemoteChannelId> {
    return await this.#do(async () => channelId(this.#team, await census.openTalk(this.#desk, people, this.#session.isOwn)));
  }

  async join(channel: RemoteChannelId): Promise<void> {
    await this.#do(async () => {
      const place = this.#desk.place(channel);
      const info = await this.#desk.directory.channel(place);
      this.#session.joined();
      if (info?.is_member === true || info?.is_im === true || info?.is_mpim === true) return;
      if (info && info.is_private !== true) return await this.#desk.enter(place);
      throw new Refused("The Slack app is not in that channel, and a private one cannot be entered: someone there has to /invite it.");
    });
  }

  /** A public channel can be entered again at any time; into a private one nobody would let us back. */
  async leave(channel: RemoteChannelId): Promise<void> {
    if (this.#session.isOwn) return;
    await this.#do(async () => {
      const place = this.#desk.place(channel);
      const info = await this.#desk.directory.channel(place);
      if (!info || info.is_member !== true || info.is_private === true) return;
      await this.#desk.api.call("conversations.leave", { channel: place }, { deed: "leave the channel", repeatable: true, channel: place });
    });
  }

  act(deed: Deed): Promise<void> {
    return this.#do(() => census.act(this.#desk, deed, this.#session.isOwn));
  }

  permalink(channel: RemoteChannelId, message?: RemoteMessageId, thread?: RemoteThreadId): string | undefined {
    return messageLink(this.#desk.workspace, channel, message, thread);
  }

  history(channel: RemoteChannelId, after: Cursor): Promise<HistoryPage> {
    return this.#do(() => this.#within(() => this.#live.history.page(channel, after)));
  }

  before(_channel: RemoteChannelId, message: RemoteMessageId): Cursor | undefined {
    return TIMESTAMP.test(message) ? cursorBefore(message) : undefined;
  }

  open(ref: unknown): ReturnType<Connection["open"]> {
    return this.#do(async () => {
      const { file, url } = record(ref);
      const address = filled(url);
      if (filled(file) !== undefined) return await openFile(this.#desk, this.#live.token, string(file), address);
      if (address === undefined) throw new Refused("There is nothing to fetch.");
      return await openPicture(this.#desk, address);
    });
  }

  answer(reply: unknown, text: string): Promise<void> {
    return this.#do(() => census.answer(this.#desk, reply, text));
  }

  async close(): Promise<void> {
    this.#session.close();
  }
}
