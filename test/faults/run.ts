/**
 * `npm run faults`: the bridge in a process of its own, people on all sides who go on talking, and everything that can go wrong. In the
 * end every side is compared with what was done. Says the seed first, and the verdict last.
 */
import { copyFileSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import Database from "better-sqlite3";
import { chanceOf } from "../core/seeded.ts";
import { Actors } from "./actors.ts";
import { FAILINGS, type Failing, type Finding, judge } from "./judge.ts";
import { kill, planKill } from "./kills.ts";
import { load } from "./load.ts";
import { type Options, readOptions } from "./options.ts";
import { databaseOf, openStage, type Stage } from "./stage.ts";
import { befall, planTrouble } from "./troubles.ts";

/** Milliseconds of the wall between two deeds in one room. */
const PACE = 250;
/** Kills after which everything is left to settle, and compared. */
const ROUND = 25;
const SETTLE_WITHIN = 180_000;
/** What has not changed for so long will not. */
const UNCHANGED = 40_000;

interface Tally {
  kills: number;
  between: number;
  readonly faults: Map<string, number>;
}

async function main(options: Options): Promise<number> {
  const { seed, kills, faults } = options;
  say(`seed ${seed}: ${kills} kills, ${faults} faults, sides ${options.sides.join()}`);
  const stage = await openStage(options.sides);
  const actors = stage.rooms.map((shores, index) => new Actors(seed * 1_000 + index, shores));
  const tally: Tally = { kills: 0, between: 0, faults: new Map() };
  const findings: Finding[] = [];
  try {
    findings.push(...(await rounds(stage, actors, options, tally)));
    await stage.world.kill("SIGTERM");
    findings.push(...left(databaseOf(stage.world)));
  } finally {
    if (findings.length > 0) keep(stage);
    await stage.close();
  }
  return report(findings, actors, tally);
}

/** Until all kills and faults are done, or time is up, or something was found. */
async function rounds(stage: Stage, actors: readonly Actors[], options: Options, tally: Tally): Promise<Finding[]> {
  const chance = chanceOf(options.seed);
  const begun = performance.now();
  const incidents = incidentsOf(options);
  for (let next = 0; next < incidents.length && performance.now() - begun < options.minutes * 60_000; ) {
    const talking = new AbortController();
    const talk = talkOn(stage, actors, talking.signal);
    for (const end = tally.kills + ROUND; next < incidents.length && tally.kills < end; next += 1) {
      await incident(stage, incidents[next] as Incident, chance, options, tally);
    }
    talking.abort();
    await talk;
    const findings = await settle(actors);
    const minutes = ((performance.now() - begun) / 60_000).toFixed(1);
    say(`${minutes} min: ${summary(tally, actors)}, ${findings.length} found`);
    if (findings.length > 0) return findings;
  }
  return [];
}

type Incident = "kill" | Options["troubles"][number];

/** Faults spread evenly among the kills, each kind as often as the others. */
function incidentsOf({ kills, faults, troubles }: Options): Incident[] {
  const incidents: Incident[] = [];
  let spread = 0;
  for (let n = 1; n <= kills; n += 1) {
    incidents.push("kill");
    for (; spread < Math.floor((n * faults) / kills); spread += 1) incidents.push(troubles[spread % troubles.length] as Incident);
  }
  return incidents;
}

async function incident(stage: Stage, what: Incident, chance: ReturnType<typeof chanceOf>, options: Options, tally: Tally): Promise<void> {
  if (what === "kill") {
    const plan = planKill(chance, options.sides);
    if (await kill(stage, plan)) tally.between += 1;
    tally.kills += 1;
    await stage.world.start("health");
  } else {
    const plan = planTrouble(chance, what, options.sides);
    await befall(stage, plan);
    tally.faults.set(what, (tally.faults.get(what) ?? 0) + 1);
  }
}

async function talkOn({ silence }: Stage, actors: readonly Actors[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    if (!silence.now) for (const each of actors) each.next();
    await pause(PACE);
  }
}

/** Waits until every side is as it has to be, and a little longer: what comes twice may come late. */
async function settle(actors: readonly Actors[]): Promise<Finding[]> {
  const end = performance.now() + SETTLE_WITHIN;
  const done = Promise.all(actors.map((each) => each.settled())).then(() => true);
  const all = () => actors.flatMap(({ model, shores }) => judge(model, shores));
  await Promise.race([done, pause(UNCHANGED)]);
  let since = performance.now();
  for (let before = ""; performance.now() < end; ) {
    const now = JSON.stringify(all());
    if (now === "[]" || performance.now() - since > UNCHANGED) break;
    if (now !== before) since = performance.now();
    before = now;
    await pause(1_500);
  }
  await pause(1_500);
  return all();
}

/** Someone was faster with a deletion: nothing is left to do, and whoever it concerns was told. */
const NOT_OURS = /not (?:there|on \w+) any more/;

/** What is left in the journal of a bridge that has had all the time it wanted. */
function left(path: string): Finding[] {
  const db = new Database(path, { readonly: true });
  const rows = db.prepare<[], { lane: string; state: string; reason: string | null }>("SELECT lane, state, reason FROM journal").all();
  db.close();
  const ours = rows.filter(({ reason }) => !NOT_OURS.test(reason ?? ""));
  return ours.map(({ lane, state, reason }) => ({ failing: "stuck", what: `${lane}, ${state}: ${reason ?? "no reason"}` }));
}

/** So that what went wrong can be looked at. */
function keep({ world }: Stage): void {
  const folder = mkdtempSync(join(tmpdir(), "causeway-faults-kept-"));
  copyFileSync(join(world.folder, "bridge.log"), join(folder, "bridge.log"));
  copyFileSync(databaseOf(world), join(folder, "causeway.db"));
  say(`The bridge's log and database are in ${folder}.`);
}

function summary(tally: Tally, actors: readonly Actors[]): string {
  const sent = actors.reduce((sum, { model }) => sum + model.sent, 0);
  const faults = [...tally.faults.values()].reduce((sum, count) => sum + count, 0);
  return `${tally.kills} kills (${tally.between} between effect and reply), ${faults} faults, ${sent} sent`;
}

function report(findings: readonly Finding[], actors: readonly Actors[], tally: Tally): number {
  for (const { failing, what } of findings.slice(0, 60)) say(`${failing}: ${what}`);
  for (const [kind, count] of tally.faults) say(`  ${kind}: ${count}`);
  say(summary(tally, actors));
  const count = (failing: Failing): number => findings.filter((finding) => finding.failing === failing).length;
  const faults = [...tally.faults.values()].reduce((sum, each) => sum + each, 0);
  const sent = actors.reduce((sum, { model }) => sum + model.sent, 0);
  const [lost, doubled, disordered, wrong, stuck] = FAILINGS.map(count);
  say(
    `kills ${tally.kills}, faults ${faults}, sent ${sent}, lost ${lost}, doubled ${doubled}, out of order ${disordered}, wrong ${wrong}, stuck ${stuck}`,
  );
  return findings.length > 0 ? 1 : 0;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

const words = process.argv.slice(2);
process.exitCode = words[0] === "load" ? await load(words.slice(1), say) : await main(readOptions(words));
process.exit();
