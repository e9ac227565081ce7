/** A workspace with the bridge's bot in it, alive: what tests of its behaviour begin with. */
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test, type TestContext } from "node:test";
import { ownLoginId, channelId, messageId, personId, SLACK } from "../../bridges/slack/ids.ts";
import { slack } from "../../bridges/slack/index.ts";
import type { SlackConfig } from "../../bridges/slack/config.ts";
import type { RemoteEvent } from "../../core/model/events.ts";
import { loginId, mxid, type RemoteChannelId, type RemoteMessageId } from "../../core/model/ids.ts";
import type { OutFile, OutMessage, Speaker } from "../../core/model/message.ts";
import { toPlain } from "../../core/model/plain.ts";
import type { RichText } from "../../core/model/richtext.ts";
import type { Part, Progress, SayPart, Sent } from "../../core/model/effects.ts";
import type { Connection, Login } from "../../core/network.ts";
import type { Channel } from "../fakes/slack/state.ts";
import { Disk, QuickClock, TestCore } from "../fakes/test-core.ts";
import { configOf, raise, type Stage, type Way } from "./harness.ts";

export const ANNA: Speaker = { mxid: mxid("@anna:example.org"), name: "Anna", avatarUrl: "https://example.org/a/1", own: false };

export const saying = (text: string): RichText => [{ type: "paragraph", content: [{ type: "text", text }] }];

export interface LiveOptions {
  readonly way?: Way;
  /** A person's own login in place of the bot's. */
  readonly own?: boolean;
  readonly speed?: number;
  /** Called before anything connects. */
  readonly before?: (stage: Stage) => void;
  /** Further keys of the workspace in the config. */
  readonly workspace?: Record<string, unknown>;
  readonly links?: (stage: Stage) => readonly RemoteChannelId[];
  /** Whether to wait until it is connected. Default: true. */
  readonly wait?: boolean;
}

type Kind = RemoteEvent["kind"];
/** Some events are of two kinds (`react` and `unreact`), so `Extract` would find none. */
type Of<K extends Kind> = RemoteEvent extends infer Each
  ? Each extends { kind: infer Own }
    ? K extends Own
      ? Each
      : never
    : never
  : never;

export class Live {
  readonly stage: Stage;
  readonly config: SlackConfig;
  readonly login: Login;
  readonly disk = new Disk();
  readonly way: Way;
  readonly #clock: QuickClock;
  core!: TestCore;
  connection!: Connection;

  constructor(stage: Stage, config: SlackConfig, login: Login, way: Way, clock: QuickClock) {
    this.stage = stage;
    this.config = config;
    this.login = login;
    this.way = way;
    this.#clock = clock;
  }

  get place(): RemoteChannelId {
    return channelId(this.stage.team.id, this.stage.channel.id);
  }

  async connect(links: readonly RemoteChannelId[] = [this.place]): Promise<void> {
    this.core = await TestCore.open({ network: SLACK, login: this.login.id, disk: this.disk, links, clock: this.#clock });
    const { app } = this.stage;
    const at = this.core.publicUrl;
    if (this.way === "http") app.urls = { events: `${at}/events`, interactivity: `${at}/interactivity`, commands: `${at}/commands` };
    this.connection = slack.connect(this.config, this.login, this.core);
  }

  async close(): Promise<void> {
    await this.connection.close();
    await this.core.close();
    assert.deepEqual(this.core.breaches, []);
  }

  connected(times = 1): Promise<unknown> {
    return this.core.until(() => this.core.states.filter(({ is }) => is === "connected").length >= times, `connected ${times} times`);
  }

  state(is: string): Promise<{ is: string; why?: string }> {
    return this.core.until(() => this.core.states.find((state) => state.is === is) as { is: string; why?: string } | undefined, is);
  }

  /** The first event on disk of the kind, as far as `which` says yes. */
  event<K extends Kind>(kind: K, which: (event: Of<K>) => boolean = () => true): Promise<Of<K>> {
    return this.core.until(() => this.core.events.find((event) => event.kind === kind && which(event as Of<K>)) as Of<K> | undefined, kind);
  }

  said(text: string) {
    return this.event("message", (event) => toPlain(event.body).startsWith(text));
  }

  notice(pattern: RegExp) {
    return this.event("notice", (event) => pattern.test(toPlain(event.body)));
  }

  count(kind: Kind): number {
    return this.core.events.filter((event) => event.kind === kind).length;
  }

  /** Everything that was on its way has arrived: another message after it has. */
  async settled(): Promise<void> {
    const word = `settled ${Math.random()}`;
    this.stage.bob.say(this.stage.channel, word);
    await this.said(word);
  }

  parts(message: Partial<OutMessage>, channel = this.place): SayPart[] {
    const whole: OutMessage = {
      speaker: this.login.owner === undefined ? ANNA : { ...ANNA, own: true },
      style: "text",
      body: [],
      ...message,
    };
    return slack.toParts(whole, this.connection.capabilities(channel)).map((part) => ({ ...part, channel }));
  }

  say(text: string, more: Partial<OutMessage> = {}, key = `key-${text}`): Promise<Sent> {
    const [part] = this.parts({ body: saying(text), ...more });
    return this.connection.send(part as SayPart, key, progress());
  }

  do(part: Part, key = "key"): Promise<Sent> {
    return this.connection.send(part, key, progress());
  }

  /** What stands in the channel, by its text. */
  standing(channel: Channel = this.stage.channel): readonly string[] {
    return channel.messages.map((message) => message.text);
  }
}

export function progress(saved?: unknown): Progress & { readonly saved: unknown } {
  const own = {
    attempt: 1,
    since: Date.now(),
    saved,
    save: async (data: unknown) => {
      own.saved = data;
    },
  };
  return own;
}

export function file(name: string, bytes: string | Buffer, size: number | undefined = Buffer.byteLength(bytes)): OutFile {
  const info = { kind: "file" as const, name, mimetype: "application/octet-stream", ...(size === undefined ? {} : { size }) };
  return {
    ...info,
    open: async () => ({ stream: Readable.from([Buffer.from(bytes)]), ...(size === undefined ? {} : { size }) }),
  } as OutFile;
}

export async function live(t: TestContext, options: LiveOptions = {}): Promise<Live> {
  const clock = new QuickClock(options.speed ?? 20);
  const stage = await raise(clock);
  options.before?.(stage);
  const way = options.way ?? "socket";
  const config = configOf(stage, way);
  const { team, bot, mira, miras } = stage;
  Object.assign(config.workspaces[team.id] as object, options.workspace ?? {});
  const shared = { id: loginId(team.id), name: team.name, secrets: { token: bot.token } };
  const own = { id: ownLoginId(team.id, mira.user.id), name: "mira_l", owner: "@mira:example.org", secrets: { token: miras.token } };
  const alive = new Live(stage, config, options.own ? own : shared, way, clock);
  await alive.connect(options.links?.(stage));
  t.after(async () => {
    await alive.close();
    await stage.fake.close();
  });
  if (options.wait !== false) await alive.connected();
  return alive;
}

/** What must hold whichever way events come. */
export function bothWays(name: string, run: (alive: Live, t: TestContext) => Promise<void>, options: LiveOptions = {}): void {
  for (const way of ["socket", "http"] as const)
    test(`${name} (${way === "socket" ? "Socket Mode" : "HTTP"})`, async (t) => run(await live(t, { ...options, way }), t));
}

/** Resolves with what `look` finds, sooner or later. */
export async function eventually<Value>(look: () => Value | undefined | false, what: string): Promise<Value> {
  for (const end = performance.now() + 5000; performance.now() < end; ) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error(`Waited in vain: ${what}`);
}

export async function listed<Value>(all: AsyncIterable<Value>): Promise<Value[]> {
  const list: Value[] = [];
  for await (const each of all) list.push(each);
  return list;
}

export const idOf = (message: { readonly ts: string }): RemoteMessageId => messageId(message.ts);
export { personId };
