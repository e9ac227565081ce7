/** A bridge's half on the pretended Discord, for tests of one behaviour each. */
import type { TestContext } from "node:test";
import { channelId } from "../../bridges/discord/ids.ts";
import { discord } from "../../bridges/discord/index.ts";
import type { RemoteEvent } from "../../core/model/events.ts";
import { mxid } from "../../core/model/ids.ts";
import type { OutMessage, Speaker } from "../../core/model/message.ts";
import { toPlain } from "../../core/model/plain.ts";
import { plainText, type RichText } from "../../core/model/richtext.ts";
import type { Part, Progress, SayPart, Sent } from "../../core/model/effects.ts";
import type { Connection } from "../../core/network.ts";
import { Disk, QuickClock, TestCore } from "../fakes/test-core.ts";
import { configOf, login, raise, type Stage } from "./harness.ts";

export const mira: Speaker = { mxid: mxid("@mira:example.org"), name: "Mira Lind", own: false };

const SPEED = 20;

type EventOf<Kind extends RemoteEvent["kind"]> = { [E in RemoteEvent as E["kind"]]: E }[Kind];

export interface Bridge {
  readonly core: TestCore;
  readonly connection: Connection;
  readonly disk: Disk;
  /** Says something as Mira, in the stage's channel unless another is named; in as many parts as it takes. */
  say(message: Partial<OutMessage> & { readonly text?: string; readonly channel?: string }): Promise<Sent[]>;
  parts(message: Partial<OutMessage> & { readonly text?: string; readonly channel?: string }): SayPart[];
  send(part: Part, key?: string, progress?: Progress): Promise<Sent>;
  heard<Kind extends RemoteEvent["kind"]>(kind: Kind, match?: (event: EventOf<Kind>) => boolean): Promise<EventOf<Kind>>;
  /** What was said up to now has been heard when this resolves. */
  settled(): Promise<void>;
  kill(): Promise<void>;
  close(): Promise<void>;
}

export interface Scene extends Stage {
  start(options?: {
    readonly config?: object;
    readonly disk?: Disk;
    readonly links?: readonly string[];
    readonly connected?: boolean;
  }): Promise<Bridge>;
}

let count = 0;

export function newProgress(): Progress & { saved: unknown; attempt: number } {
  const progress = {
    attempt: 1,
    since: Date.now(),
    saved: undefined as unknown,
    save: async (data: unknown) => {
      progress.saved = JSON.parse(JSON.stringify(data));
    },
  };
  return progress;
}

/** Everything is closed when the test ends. */
export async function scene(t: TestContext, prepare?: (stage: Stage) => void, speed = SPEED): Promise<Scene> {
  const stage = await raise(speed);
  prepare?.(stage);
  const bridges: Bridge[] = [];
  const clock = new QuickClock(speed);
  const disk = new Disk();
  t.after(async () => {
    for (const bridge of bridges) await bridge.close();
    await stage.fake.stop();
  });
  return {
    ...stage,
    async start(options = {}) {
      const links = (options.links ?? [stage.channel]).map(channelId);
      const bridge = await open(stage, clock, options.disk ?? disk, links, options.config ?? {});
      bridges.push(bridge);
      if (options.connected === false) return bridge;
      await bridge.core.until(() => bridge.core.states.some((state) => state.is === "connected"), "to be connected");
      for (const id of links) await bridge.connection.join(id);
      return bridge;
    },
  };
}

async function open(stage: Stage, clock: QuickClock, disk: Disk, links: ReturnType<typeof channelId>[], more: object): Promise<Bridge> {
  const core = await TestCore.open({ network: discord.id, login: login.id, disk, links, clock });
  const connection = discord.connect(configOf(stage, more), login, core);
  let ended = false;
  const parts: Bridge["parts"] = ({ text, channel, ...given }) => {
    const where = channelId(channel ?? stage.channel);
    const message: OutMessage = { speaker: mira, style: "text", body: plainText(text ?? ""), ...given };
    return discord.toParts(message, connection.capabilities(where)).map((part) => ({ ...part, channel: where }));
  };
  const send: Bridge["send"] = (part, key = `key ${++count}`, progress = newProgress()) => connection.send(part, key, progress);
  const end = async (): Promise<void> => {
    if (ended) return;
    ended = true;
    core.abort();
    await Promise.race([connection.close().catch(() => undefined), new Promise((resolve) => setTimeout(resolve, 500))]);
    await core.close();
  };
  return {
    core,
    connection,
    disk,
    parts,
    send,
    async say(message) {
      const sent: Sent[] = [];
      for (const part of parts(message)) sent.push(await send(part));
      return sent;
    },
    heard: (kind, match = () => true) => {
      const found = () => core.events.find((event) => event.kind === kind && match(event as never)) as never;
      return core.until(found, `to hear "${kind}"`);
    },
    async settled() {
      const mark = `mark ${++count}`;
      stage.bob.say(stage.channel, mark);
      await core.until(() => core.offered.some((event) => JSON.stringify(event).includes(mark)), "to hear the mark");
    },
    async kill() {
      core.kill();
      await end();
    },
    close: end,
  };
}

/** What a message says, in plain words. */
export function plainOf(event: { readonly body: RichText }): string {
  return toPlain(event.body);
}

/** The bodies of requests to the API whose method and path match, in order. */
export function asked({ fake }: Pick<Stage, "fake">, match: RegExp): Record<string, unknown>[] {
  return fake.http.seen.filter(({ method, path }) => match.test(`${method} ${path}`)).map(({ body }) => body);
}
