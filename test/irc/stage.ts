/** A fake server, the bridge's connection to it, and words to look at what happened. */
import type { TestContext } from "node:test";
import type { IrcConfig } from "../../bridges/irc/config.ts";
import { irc } from "../../bridges/irc/index.ts";
import type { RemoteEvent } from "../../core/model/events.ts";
import { mxid, remoteChannelId, remoteMessageId } from "../../core/model/ids.ts";
import type { OutMessage } from "../../core/model/message.ts";
import { plainText, type RichText } from "../../core/model/richtext.ts";
import type { Progress, SayPart, Sent } from "../../core/model/effects.ts";
import type { Connection, Login } from "../../core/network.ts";
import { FakeIrc, type FakeIrcOptions } from "../fakes/irc.ts";
import { Disk, QuickClock, TestCore } from "../fakes/test-core.ts";

export const causeway = remoteChannelId("fake/#causeway");
export const mira = { mxid: mxid("@mira:example.org"), name: "Mira", own: false };

export interface StageOptions extends FakeIrcOptions {
  /** Of the network's section of the config. */
  readonly config?: Record<string, unknown>;
  readonly servers?: readonly Record<string, unknown>[];
  readonly links?: readonly string[];
  readonly disk?: Disk;
  readonly server?: FakeIrc;
  readonly speed?: number;
  /** Wait until it is connected and in its channels. Default true. */
  readonly connected?: boolean;
  readonly login?: (config: IrcConfig) => Login;
}

let keys = 0;
export const newKey = (): string => `7:$key${++keys}:0`;

export class Stage {
  readonly server: FakeIrc;
  readonly core: TestCore;
  readonly connection: Connection;
  readonly config: IrcConfig;

  constructor(server: FakeIrc, core: TestCore, config: IrcConfig, login: Login) {
    this.server = server;
    this.core = core;
    this.config = config;
    this.connection = irc.connect(config, login, core);
  }

  get events(): readonly RemoteEvent[] {
    return this.core.offered;
  }

  connected(times = 1): Promise<unknown> {
    return this.core.until(() => this.core.states.filter(({ is }) => is === "connected").length >= times, "to be connected");
  }

  until<Value>(look: () => Value | undefined | false, what: string): Promise<Value> {
    return this.core.until(look, what);
  }

  /** Looks again and again, for what the fake does without telling core. */
  async eventually<Value>(look: () => Value | undefined | false, what: string): Promise<Value> {
    for (const end = performance.now() + 5000; performance.now() < end; await new Promise((resolve) => setTimeout(resolve, 2))) {
      const value = look();
      if (value !== undefined && value !== false) return value;
    }
    throw new Error(`Waited in vain: ${what}`);
  }

  of<Kind extends RemoteEvent["kind"]>(kind: Kind): Extract<RemoteEvent, { kind: Kind }>[] {
    return this.events.filter((event): event is Extract<RemoteEvent, { kind: Kind }> => event.kind === kind);
  }

  heard<Kind extends RemoteEvent["kind"]>(
    kind: Kind,
    fits: (event: Extract<RemoteEvent, { kind: Kind }>) => boolean = () => true,
  ): Promise<Extract<RemoteEvent, { kind: Kind }>> {
    return this.core.until<Extract<RemoteEvent, { kind: Kind }>>(() => this.of(kind).find(fits), `to hear a ${kind}`);
  }

  /** Everything that happened up to now has been heard. */
  async caughtUp(): Promise<void> {
    const mark = `mark${++keys}`;
    const person = this.server.network.find("marker") ?? this.server.person("marker").user;
    this.server.network.join(person, "#causeway");
    this.server.network.say(person, "PRIVMSG", "#causeway", mark);
    await this.heard("message", ({ body }) => JSON.stringify(body).includes(mark));
  }

  notices(): string[] {
    return this.of("notice").map(({ body }) => JSON.stringify(body));
  }

  parts(message: Partial<OutMessage> & { text?: string }): SayPart[] {
    const { text, ...given } = message;
    const whole: OutMessage = { speaker: mira, style: "text", body: plainText(text ?? ""), ...given };
    return irc.toParts(whole, this.connection.capabilities(causeway)).map((part) => ({ ...part, channel: causeway }));
  }

  /** Sends all parts of a message, one after the other. */
  async say(text: string | RichText, message: Partial<OutMessage> = {}): Promise<Sent[]> {
    const sent: Sent[] = [];
    const parts = this.parts({ ...(typeof text === "string" ? { text } : { body: text }), ...message });
    for (const part of parts) sent.push(await this.connection.send(part, newKey(), progress()));
    return sent;
  }

  /** Texts of the channel, actions and formats as they came. */
  log(name = "#causeway"): string[] {
    return this.server
      .channel(name)
      .log.filter(({ command }) => command !== "TAGMSG")
      .map(({ text }) => text);
  }

  async close(): Promise<void> {
    await this.connection.close();
    await this.core.close();
  }
}

export function progress(): Progress & { saved: unknown } {
  const made = { attempt: 1, since: Date.now(), saved: undefined as unknown, save: async (data: unknown) => void (made.saved = data) };
  return made;
}

/** Starts all of it; ends with the test. */
export async function stage(t: TestContext, options: StageOptions = {}): Promise<Stage> {
  const server = options.server ?? (await FakeIrc.start(options));
  const config = irc.config.parse({
    networks: {
      fake: {
        servers: options.servers ?? [{ host: "127.0.0.1", port: server.port, tls: server.isTls }],
        flood: { burst: 100, per_second: 50, most_per_second: 50 },
        ...options.config,
      },
    },
  });
  const login = options.login?.(config) ?? (irc.logins(config)[0] as Login);
  const links = (options.links ?? ["#causeway"]).map((name) => remoteChannelId(`fake/${name}`));
  const clock = new QuickClock(options.speed ?? 20);
  const core = await TestCore.open({ network: irc.id, login: login.id, links, clock, disk: options.disk ?? new Disk() });
  const made = new Stage(server, core, config, login);
  t.after(async () => {
    await made.close();
    await server.stop();
  });
  if (options.connected !== false) await made.connected();
  return made;
}

export const messageId = remoteMessageId;
