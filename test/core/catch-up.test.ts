import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import { CatchUp } from "../../core/catch-up.ts";
import { createClock } from "../../core/clock.ts";
import type { Links } from "../../core/links.ts";
import type { LiveLogin } from "../../core/logins.ts";
import { Refused, TryLater } from "../../core/model/errors.ts";
import type { HistoryPage } from "../../core/network.ts";
import type { Link } from "../../core/store/store.ts";

/** A pass over one link whose history answers as the script says, page after page. */
async function pass(
  answers: (HistoryPage | Error)[],
  heard?: number,
): Promise<{ asked: string[]; told: string[]; compared: number; behind: boolean; missed: number }> {
  let link = { id: 1, network: "toy", channel: "plaza", watermark: "1", behind: true } as unknown as Link;
  const seen = { asked: [] as string[], told: [] as string[], compared: 0, behind: true, missed: 0 };
  const links = {
    link: async () => link,
    update: async (_link: Link, change: Partial<Link>) => (link = { ...link, ...change }),
    async *ofLogin() {
      yield link;
    },
  };
  const history = async (_channel: string, after: string) => {
    seen.asked.push(after);
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const live = { network: { id: "toy" }, login: { id: "town", name: "Town" }, connection: { history }, state: { is: "connected" } };
  const catchUp = new CatchUp({
    links: links as unknown as Links,
    signal: new AbortController().signal,
    clock: createClock({ speed: 1000, since: Date.now() }),
    log: pino({ level: "silent" }),
    receive: async () => undefined,
    refresh: async () => undefined,
    caughtUp: ({ behind }) => void (seen.behind = behind),
    compare: async () => void (seen.compared += 1),
    tell: async (_link, _key, text) => void seen.told.push(text),
    lastHeard: async () => heard,
    missed: () => void (seen.missed += 1),
  });
  await catchUp.run(live as unknown as LiveLogin, false);
  return seen;
}

test("a history that may be asked for a page a minute is read through all the same, each page once", async () => {
  const limit = () => new TryLater("one page a minute", 60_000, "login");
  const page = (next?: string): HistoryPage => ({ events: [], complete: true, ...(next ? { next } : {}) });
  const { asked, told, behind, compared } = await pass([page("2"), limit(), page("3"), limit(), page()]);
  assert.deepEqual(asked, ["1", "2", "2", "3", "3"]);
  assert.deepEqual([told, behind, compared], [[], false, 1]);
});

test("a history with holes is told of once, and no deletion is concluded from it", async () => {
  const holed = (next?: string): HistoryPage => ({ events: [], complete: false, why: "it forgets.", ...(next ? { next } : {}) });
  const { told, behind, compared, missed } = await pass([holed("2"), holed("3"), holed()]);
  assert.deepEqual(told, ["Some messages from while the bridge was away may be missing: it forgets."]);
  assert.deepEqual([behind, compared, missed], [false, 0, 1]);
});

test("where it is known when something last came, the room is told from when to when something may be missing", async () => {
  const { told } = await pass([{ events: [], complete: false, why: "it forgets." }], Date.now() - 3 * 86_400_000);
  assert.match(told[0] ?? "", /^Some messages from between \d{4}-\d\d-\d\d \d\d:\d\d and \d{4}-\d\d-\d\d \d\d:\d\d UTC may be missing/);
});

test("a history that is refused is told of with the time, counted, and waited for no longer", async () => {
  const at = Date.now() - 60_000;
  const { told, behind, missed, compared } = await pass([new Refused("the bridge may not read it.")], at);
  assert.match(told[0] ?? "", /^What was said between .* UTC could not be fetched: the bridge may not read it\.$/);
  assert.deepEqual([behind, missed, compared], [false, 1, 0]);
});
