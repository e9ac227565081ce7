/** One network on stage: its fake, a connection to it as core would hold it, and the words in which the promises are told. */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { Capabilities, Degree } from "../../core/capabilities.ts";
import { Broken, LoggedOut, Refused, TryLater, Uncertain } from "../../core/model/errors.ts";
import type { RemoteEvent, RemoteMessage } from "../../core/model/events.ts";
import { mxid } from "../../core/model/ids.ts";
import type { OutMessage, Speaker } from "../../core/model/message.ts";
import { plainText } from "../../core/model/richtext.ts";
import type { Part, Progress, SayPart, Sent } from "../../core/model/effects.ts";
import type { Connection, Login } from "../../core/network.ts";
import { Disk, QuickClock, TestCore } from "../fakes/test-core.ts";
import type { Fault, Harness, Scene, Standing } from "./harness.ts";

export const mira: Speaker = { mxid: mxid("@mira:example.org"), name: "Mira Lind", own: false };
export const otto: Speaker = { mxid: mxid("@otto:example.org"), name: "Otto", own: false };

export const can = (degree: Degree): boolean => degree === "full" || degree === "partial";

let counter = 0;
/** A word that no other test says: lower case letters and digits, so that every network leaves it alone. */
export const word = (hint: string): string => `${hint}${(++counter).toString(36)}q`;
/** As core makes them: link, event, part. */
export const newKey = (): string => `7:$Zt4kmVfN2h1xW-0s_dYp9uLqE3cRgB8jXoQ6a${String(++counter).padStart(5, "0")}:0`;

/** The words of a formatted text, in order, whatever stands around them. */
export function textOf(node: unknown): string {
  if (Array.isArray(node)) return node.map(textOf).join("");
  if (typeof node !== "object" || node === null) return "";
  if ("type" in node && (node.type === "break" || node.type === "divider")) return "\n";
  if ("text" in node && typeof node.text === "string") return node.text;
  return Object.values(node).map(textOf).join("");
}

export function newProgress(): Progress & { attempt: number } {
  const progress = {
    attempt: 1,
    since: Date.now(),
    saved: undefined as unknown,
    save: async (data: unknown) => {
      progress.saved = JSON.parse(JSON.stringify(data));
      assert.deepEqual(progress.saved, data, "what is saved on the way is plain JSON");
    },
  };
  return progress;
}

/** The events of one kind, also where one type has two kinds. */
type EventOf<Kind> = RemoteEvent extends infer Event
  ? Event extends { kind: infer Own }
    ? Kind extends Own
      ? Event
      : never
    : never
  : never;

export class Live<Config = unknown> {
  readonly harness: Harness<Config>;
  readonly scene: Scene<Config>;
  readonly core: TestCore;
  readonly connection: Connection;
  #ended = false;

  constructor(harness: Harness<Config>, scene: Scene<Config>, core: TestCore, login: Login) {
    this.harness = harness;
    this.scene = scene;
    this.core = core;
    this.connection = watched(harness.network.connect(scene.config, login, core), scene.secrets, core.breaches);
  }

  get capabilities(): Capabilities {
    return this.connection.capabilities(this.scene.channel);
  }

  /** Resolves at the `times`-th "connected". */
  async connected(times = 1): Promise<void> {
    await this.core.until(() => this.core.states.filter((state) => state.is === "connected").length >= times, "to be connected");
  }

  /** A part on its way into the scene's channel. */
  parts(message: Partial<OutMessage> & { text?: string }): SayPart[] {
    const { text, ...given } = message;
    const whole: OutMessage = { speaker: mira, style: "text", body: plainText(text ?? ""), ...given };
    return this.harness.network.toParts(whole, this.capabilities).map((part) => ({ ...part, channel: this.scene.channel }));
  }

  part(message: Partial<OutMessage> & { text?: string }): SayPart {
    const [first, ...more] = this.parts(message);
    assert.ok(first && more.length === 0, "a short message is one part");
    return first;
  }

  send(part: Part, key = newKey(), progress: Progress = newProgress()): Promise<Sent> {
    return this.connection.send(part, key, progress);
  }

  /** Sends as core does: waits when told to, and looks before it sends again. */
  async deliver(part: Part, key = newKey(), progress: Progress & { attempt: number } = newProgress()): Promise<Sent> {
    for (; ; progress.attempt++) {
      try {
        return await this.connection.send(part, key, progress);
      } catch (error) {
        if (progress.attempt > 20) throw error;
        if (error instanceof TryLater) await this.core.clock.sleep(error.after);
        else if (!(error instanceof Uncertain)) throw error;
        else {
          const found = await this.connection.find(part, key, progress);
          if (found.is === "arrived") return found.sent;
          if (found.is === "unknown") throw error;
        }
      }
    }
  }

  /** Says something as a relayed person, and returns how it stands on the network. */
  async say(text: string, message: Partial<OutMessage> = {}): Promise<Standing> {
    for (const part of this.parts({ text, ...message })) await this.deliver(part);
    return this.standing(text);
  }

  /** The one message on the network that holds `text`. */
  async standing(text: string): Promise<Standing> {
    const all = await this.allStanding(text);
    assert.equal(all.length, 1, `"${text}" stands ${all.length} times on the network: ${JSON.stringify(all)}`);
    return all[0] as Standing;
  }

  async allStanding(text: string): Promise<readonly Standing[]> {
    return (await this.scene.standing(this.scene.channel)).filter((message) => message.text.includes(text));
  }

  /** Waits, on the wall, until `look` is content: for what the network does in its own time. */
  async eventually<Value>(look: () => Promise<Value | undefined | false>, what: string): Promise<Value> {
    const end = performance.now() + 5000;
    for (;;) {
      const value = await look();
      if (value !== undefined && value !== false) return value;
      if (performance.now() > end) assert.fail(`Waited in vain: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
  }

  heard<Kind extends RemoteEvent["kind"]>(kind: Kind, match: (event: EventOf<Kind>) => boolean, what: string): Promise<EventOf<Kind>> {
    const fits = (event: RemoteEvent): boolean => event.kind === kind && match(event as EventOf<Kind>);
    return this.core.until(() => this.core.events.find(fits) as EventOf<Kind> | undefined, what);
  }

  hears(text: string): Promise<RemoteMessage> {
    return this.heard("message", (event) => textOf(event.body).includes(text), `to hear "${text}"`);
  }

  /** Everything that was said up to now has been heard when this resolves: a network keeps the order within a channel. */
  async caughtUp(): Promise<void> {
    const mark = word("mark");
    await this.scene.bob.say(mark);
    await this.hears(mark);
  }

  /** As `kill -9`, as far as one process can: what is not on disk never will be. */
  async kill(): Promise<void> {
    this.core.kill();
    this.core.abort();
    await Promise.race([this.connection.close().catch(() => undefined), after(500)]);
    await this.#end();
  }

  async close(): Promise<void> {
    if (this.#ended) return;
    await this.endConnection();
    await this.#end();
  }

  async endConnection(): Promise<void> {
    this.core.abort();
    const ended = await Promise.race([this.connection.close().then(() => true), after(5000)]);
    assert.ok(ended, "close() ends within five seconds");
  }

  async #end(): Promise<void> {
    this.#ended = true;
    await this.core.close();
    assert.deepEqual(this.core.breaches, []);
    for (const secret of this.scene.secrets) {
      assert.ok(!this.core.logged.some((line) => line.includes(secret)), "a secret stands in the log");
      assert.ok(!JSON.stringify([this.core.states, this.core.offered]).includes(secret), "a secret stands in a state or an event");
    }
  }
}

/** On the wall. Keeps nothing up. */
const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms).unref());

/** The scene's stage director: starts connections and ends them all. */
export interface Stage<Config = unknown> {
  readonly scene: Scene<Config>;
  readonly disk: Disk;
  /** Starts the bridge's half: connects, and joins the scene's channel once connected. */
  start(options?: { login?: Login; disk?: Disk; connected?: boolean }): Promise<Live<Config>>;
  /** Brings a fault about. False = it cannot happen here, which the test's output says. */
  cause<Args extends readonly unknown[]>(fault: Fault<Args>, ...args: Args): Promise<boolean>;
}

/** Runs one promise in a scene of its own. */
export function onStage<Config>(harness: Harness<Config>, run: (stage: Stage<Config>) => Promise<void>) {
  return async (t: TestContext): Promise<void> => {
    const scene = await harness.open();
    const lives: Live<Config>[] = [];
    const disk = new Disk();
    const clock = new QuickClock(harness.speed ?? 20);
    const stage: Stage<Config> = {
      scene,
      disk,
      async start(options = {}) {
        const login = options.login ?? scene.login;
        const links = [scene.channel, scene.other];
        const core = await TestCore.open({ network: harness.network.id, login: login.id, disk: options.disk ?? disk, links, clock });
        const live = new Live(harness, scene, core, login);
        lives.push(live);
        if (options.connected === false) return live;
        await live.connected();
        for (const channel of links) await live.connection.join(channel);
        return live;
      },
      async cause(fault, ...args) {
        if (typeof fault === "function") await fault(...args);
        else t.diagnostic(`${harness.network.name}: ${fault.never}`);
        return typeof fault === "function";
      },
    };
    try {
      await run(stage);
      for (const live of lives) await live.close();
    } finally {
      for (const live of lives) await live.close().catch(() => undefined);
      await scene.close();
    }
  };
}

/** A promise that needs one live connection and nothing else. */
export function whenLive<Config>(harness: Harness<Config>, run: (live: Live<Config>, stage: Stage<Config>) => Promise<void>) {
  return onStage(harness, async (stage) => run(await stage.start(), stage));
}

export function isOneOfTheFive(error: unknown): boolean {
  return [Refused, TryLater, Uncertain, LoggedOut, Broken].some((kind) => error instanceof kind);
}

/** Every method of a connection may reject with the five errors and with those only, and no error holds a secret. */
function watched(connection: Connection, secrets: readonly string[], breaches: string[]): Connection {
  const judge = (method: string, error: unknown): void => {
    if (!isOneOfTheFive(error)) breaches.push(`${method} failed with something else than the five errors: ${String(error)}`);
    const shown = showWhole(error);
    if (secrets.some((secret) => shown.includes(secret))) breaches.push(`${method} failed with an error that holds a secret`);
  };
  return new Proxy(connection, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...args: unknown[]): unknown => {
        const result: unknown = value.apply(target, args);
        if (result instanceof Promise) result.catch((error: unknown) => judge(String(name), error));
        return result;
      };
    },
  });
}

function showWhole(error: unknown): string {
  if (!(error instanceof Error)) return JSON.stringify(error) ?? "";
  return `${error.message} ${error.stack} ${JSON.stringify(error)} ${error.cause === undefined ? "" : showWhole(error.cause)}`;
}

/** Asserts that a deed is refused with a sentence, as a capability says. */
export async function refuses(deed: Promise<unknown>): Promise<void> {
  await assert.rejects(deed, (error: unknown) => {
    assert.ok(error instanceof Refused, `expected Refused, got ${String(error)}`);
    assert.match(error.message, /\S+ \S+/, "the person is told in a sentence");
    return true;
  });
}
