/** Everything that goes wrong without the bridge's process ending, one by one. */
import { setTimeout as pause } from "node:timers/promises";
import type { Chance } from "../core/seeded.ts";
import type { Fault as HomeserverFault } from "../fakes/homeserver/faults.ts";
import type { Side } from "./shore.ts";
import { databaseOf, SPEED, type Stage } from "./stage.ts";

export const TROUBLES = [
  "connection reset",
  "server error",
  "rate limit",
  "reply lost",
  "slow for a minute",
  "transaction repeated",
  "transaction repeated under a new id",
  "session invalid",
  "token revoked",
  "disk full",
  "clock jumps",
  "two hours away",
  "older database",
  "never pushed",
] as const;
export type TroubleKind = (typeof TROUBLES)[number];

/** A trouble befalls one side, where it is a side's. */
export interface TroublePlan {
  readonly kind: TroubleKind;
  readonly side: Side;
  readonly wait: number;
  readonly times: number;
}

const OF_THE_HOMESERVER: readonly TroubleKind[] = ["transaction repeated", "transaction repeated under a new id", "never pushed"];

export function planTrouble(chance: Chance, kind: TroubleKind, sides: readonly Side[]): TroublePlan {
  const networks = sides.filter((side) => side !== "matrix");
  const among = OF_THE_HOMESERVER.includes(kind) ? (["matrix"] as const) : kind === "session invalid" ? networks : sides;
  return { kind, side: chance.pick(among), wait: 20 + chance.whole(300), times: 1 + chance.whole(3) };
}

/** Resolves when it is over; what it leaves behind, the bridge has to mend by itself. */
export async function befall(stage: Stage, plan: TroublePlan): Promise<void> {
  await pause(plan.wait);
  switch (plan.kind) {
    case "connection reset":
      return reset(stage, plan);
    case "server error":
      return fail(stage, plan);
    case "rate limit":
      return limit(stage, plan);
    case "reply lost":
      return loseReply(stage, plan);
    case "slow for a minute":
      return await slow(stage, plan);
    case "transaction repeated":
      return strike(stage, { kind: "push-unheard" });
    case "transaction repeated under a new id":
      return strike(stage, { kind: "push-repeated" });
    case "session invalid":
      return invalidate(stage, plan);
    case "token revoked":
      return await revoke(stage, plan);
    case "disk full":
      return await fillDisk(stage);
    case "clock jumps":
      return await misset(stage, plan);
    case "two hours away":
      return await away(stage, plan);
    case "older database":
      return await olderDatabase(stage);
    case "never pushed":
      return await neverPushed(stage);
  }
}

function strike(stage: Stage, fault: HomeserverFault): void {
  stage.hs.faults.add(fault as never);
}

const SENDING = /^POST \/(?:webhooks\/\d+\/[^/]+|channels\/\d+\/messages)$|^(?:PATCH|DELETE|PUT) \//;
const SLACK_CALLS = ["chat.postMessage", "chat.update", "reactions.add"] as const;
const BY_SERVICE = { service: true, method: "PUT" } as const;

function reset({ slack, discord, irc, hs }: Stage, { side, times }: TroublePlan): void {
  switch (side) {
    case "matrix":
      return void hs.faults.add({ kind: "connection-lost", match: { service: true }, times });
    case "slack":
      for (const method of SLACK_CALLS.slice(0, times)) slack.faults.plan(method, { kind: "lose-request" });
      return slack.sockets.cut();
    case "discord":
      discord.http.fault("lose-request", SENDING, times);
      return discord.gateway.drop();
    case "irc":
      return irc.cut();
  }
}

function fail({ slack, discord, irc, hs }: Stage, { side, times }: TroublePlan): void {
  switch (side) {
    case "matrix":
      return void hs.faults.add({ kind: "status", status: times === 1 ? 502 : 500, match: { service: true }, times });
    case "slack":
      for (const method of SLACK_CALLS.slice(0, times)) slack.faults.plan(method, { kind: "status", status: times === 1 ? 503 : 500 });
      return;
    case "discord":
      return discord.http.fault(times === 1 ? "fail-after" : "fail", SENDING, times, times === 1 ? 502 : 500);
    case "irc":
      return irc.kill("causeway", "server error");
  }
}

function limit({ slack, discord, hs, irc }: Stage, { side, times }: TroublePlan): void {
  switch (side) {
    case "matrix":
      return void hs.faults.add({ kind: "status", status: 429, retry_after_ms: 30_000, match: BY_SERVICE, times });
    case "slack":
      for (const method of SLACK_CALLS.slice(0, times)) slack.faults.plan(method, { kind: "limit", seconds: 30 });
      return;
    case "discord":
      return discord.http.limits.force((bucket) => bucket.startsWith("POST /webhooks/"), 30, times, times === 3);
    case "irc":
      return irc.kill("causeway", "Excess Flood");
  }
}

function loseReply({ slack, discord, hs, irc }: Stage, { side, times }: TroublePlan): void {
  switch (side) {
    case "matrix":
      return void hs.faults.add({ kind: "reply-lost", match: BY_SERVICE, times });
    case "slack":
      return SLACK_CALLS.slice(0, times).forEach((method) => slack.faults.plan(method, { kind: "lose-reply" }));
    case "discord":
      return discord.http.fault("lose-reply", SENDING, times);
    case "irc":
      irc.faults.loseReply = true;
  }
}

/** A minute of the bridge's clock. */
const MINUTE = 60_000 / SPEED;

async function slow(stage: Stage, { side }: TroublePlan): Promise<void> {
  const { slack, discord, hs, irc } = stage;
  const struck = side === "matrix" ? hs.faults.add({ kind: "slow", ms: 60_000, match: BY_SERVICE, times: 2 }) : undefined;
  if (side === "slack") slack.faults.slowness = MINUTE;
  if (side === "discord") discord.http.delay = MINUTE;
  if (side === "irc") irc.faults.slow = MINUTE;
  await pause(MINUTE / 2);
  struck?.release();
  slack.faults.slowness = 0;
  discord.http.delay = 0;
  irc.faults.slow = 0;
}

function invalidate({ slack, discord, irc }: Stage, { side, times }: TroublePlan): void {
  switch (side) {
    case "slack":
      return slack.sockets.refresh(times === 1 ? "warning" : "refresh_requested", 500);
    case "discord":
      return times === 1 ? discord.gateway.askToReconnect() : discord.gateway.invalidate(times === 2);
    default:
      return irc.kill("causeway", "Session closed by services");
  }
}

/** Given back, somebody has to start the bridge again: it does not knock where it was sent away. */
async function revoke(stage: Stage, { side }: TroublePlan): Promise<void> {
  const { slack, workspaces, discord, hs, irc, world } = stage;
  const [place] = workspaces;
  const token = discord.bot.token;
  const refused =
    side === "matrix"
      ? hs.faults.add({ kind: "status", status: 401, errcode: "M_UNKNOWN_TOKEN", match: { service: true }, times: 0 })
      : undefined;
  if (side === "slack" && place) slack.revoke(place.bot);
  if (side === "discord") {
    discord.bot.token = `${token}-no-more`;
    discord.gateway.close(4004, "Authentication failed.");
  }
  if (side === "irc") {
    irc.faults.banned = "You are banned from this server";
    irc.kill("causeway", "K-lined");
  }
  await pause(800);
  refused?.release();
  if (place) place.bot.revoked = false;
  discord.bot.token = token;
  irc.faults.banned = undefined;
  await world.restart("SIGTERM");
}

/** An hour off, either way, and right again. */
async function misset({ machine }: Stage, { times }: TroublePlan): Promise<void> {
  machine.misset(times === 1 ? 3_600_000 : -3_600_000);
  await pause(1_200);
  machine.misset(0);
}

async function fillDisk({ machine }: Stage): Promise<void> {
  machine.fill(true);
  await pause(1_500);
  machine.fill(false);
}

const TWO_HOURS = 7_200_000;
const HURRY = 240;

async function away(stage: Stage, { side }: TroublePlan): Promise<void> {
  const trouble = stage.troubles.get(side);
  trouble?.down();
  await pause(600);
  // Waiting for an answer for half a minute is a few milliseconds then: what is under way has to be over.
  stage.silence.now = true;
  await pause(1_000);
  stage.machine.hurry(HURRY);
  await pause(TWO_HOURS / SPEED / HURRY);
  stage.machine.calm();
  stage.silence.now = false;
  trouble?.up();
}

async function olderDatabase({ world }: Stage): Promise<void> {
  const { makeOlder } = await import("./older-database.ts");
  await world.kill("SIGKILL");
  makeOlder(databaseOf(world));
  await world.start("health");
}

/** What is said from now on is never pushed, nor told to a bridge that looks; then both go on. */
async function neverPushed({ hs, world }: Stage): Promise<void> {
  const lost = hs.faults.add({ kind: "push-lost", times: 0 });
  await pause(900);
  await world.kill("SIGKILL");
  lost.release();
  await world.start("health");
}
