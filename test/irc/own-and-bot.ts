/** One person's own connection and the relay bot's, on one fake server. */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { irc } from "../../bridges/irc/index.ts";
import type { FakeIrc, Profile } from "../fakes/irc.ts";
import { Disk, QuickClock, TestCore } from "../fakes/test-core.ts";
import { causeway, Stage, stage } from "./stage.ts";

const OWNER = "@mira:example.org";

export interface Both {
  readonly relay: Stage;
  readonly person: Stage;
  readonly server: FakeIrc;
  /** Asks as the person does, of their own connection. */
  ask(line: string): Promise<string>;
  /** Of the bot's. */
  askBot(line: string, channel?: string): Promise<string>;
  /** The person's connection ends and begins again, with what it has kept. */
  again(): Promise<Stage>;
}

export async function ownAndBot(
  t: TestContext,
  profile: Profile,
  { own = {}, more = {}, server }: { own?: Record<string, unknown>; more?: Record<string, unknown>; server?: FakeIrc } = {},
): Promise<Both> {
  const config = { own: { enabled: true, per_minute: 600, ...own }, ...more };
  const relay = await stage(t, { profile, ...(server ? { server } : {}), config });
  const made = irc.ownLogin?.(relay.config, OWNER, { channel: causeway });
  assert.ok(made);
  const disk = new Disk();
  const open = async (): Promise<Stage> => {
    const core = await TestCore.open({ network: irc.id, login: made.login.id, disk, clock: new QuickClock(20) });
    const one = new Stage(relay.server, core, relay.config, made.login);
    t.after(() => one.close());
    return one;
  };
  const person = await open();
  await person.connected();
  let now = person;
  const asking = (line: string, channel?: string) => {
    const [, verb = "", words = ""] = /^(\S+)\s*(.*)$/s.exec(line) ?? [];
    return { verb, words, by: OWNER, ...(channel === undefined ? {} : { channel: channel as typeof causeway }) };
  };
  return {
    relay,
    person,
    server: relay.server,
    ask: async (line) => (await now.connection.ask?.(asking(line))) ?? "",
    askBot: async (line, channel) => (await relay.connection.ask?.(asking(line, channel))) ?? "",
    again: async () => {
      await now.close();
      now = await open();
      return now;
    },
  };
}
