/**
 * `kill -9` at random instants under load in both directions. Where the IRC server keeps history: nothing lost, nothing twice, order
 * kept. Where it keeps none: what was said while we were away is missed, and said so; towards IRC a line in flight may come twice.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { IrcPerson } from "../irc-person.ts";
import type { TestHomeserver } from "../matrix-client.ts";
import type { MatrixRoom } from "../matrix-room.ts";
import { setTimeout as pause } from "node:timers/promises";
import { numbered, talk } from "../numbered-talk.ts";
import { chanceOf } from "../core/seeded.ts";
import { openWorld, type World } from "../world.ts";
import type { IrcPlace } from "./irc-stories.ts";

export interface KillOptions {
  startHomeserver(registration: string): Promise<TestHomeserver>;
  startIrc(): Promise<IrcPlace>;
  /** Whether the IRC server gives back what was said while we were away. */
  readonly history: boolean;
  readonly kills: number;
  readonly seed: number;
  /** Every so many kills take the homeserver down too: 0 = never. */
  readonly together: number;
}

const CHANNEL = "#load";

export function killStory(name: string, options: KillOptions): void {
  describe(name, () => {
    test(`${options.kills} kills under load, seed ${options.seed}`, { timeout: 600_000 }, async () => {
      const irc = await options.startIrc();
      const network = { servers: [{ host: irc.host, port: irc.port, tls: false }], nick: "causeway", flood: FAST };
      const config = { irc: { networks: { net: network } } };
      const world = await openWorld({ startHomeserver: options.startHomeserver, config });
      try {
        await run(world, irc, options);
      } catch (error) {
        const kept = join(tmpdir(), `causeway-killed-${options.seed}.log`);
        await writeFile(kept, await world.log());
        throw new Error(`${String(error)}\nThe bridge's log is in ${kept}.`, { cause: error });
      } finally {
        await world.close();
        await irc.stop();
      }
    });
  });
}

const FAST = { burst: 100, per_second: 60, most_per_second: 120 };

async function run(world: World, irc: IrcPlace, options: KillOptions): Promise<void> {
  const chance = chanceOf(options.seed);
  const dave = await (await IrcPerson.connect(irc, "dave")).join(CHANNEL);
  await world.start();
  const ann = await world.hs.user("ann");
  const room = await ann.createRoom({ preset: "public_chat", power_level_content_override: { users: { [world.bot]: 50 } } });
  await room.invite(world.bot);
  await room.next({ sender: world.bot, body: /I am the bridge/ });
  await room.say(`!causeway link irc net ${CHANNEL}`);
  await room.next({ sender: world.bot, body: /now linked/ });

  const going = new AbortController();
  const fromIrc = talk(going.signal, 60, (text) => dave.say(CHANNEL, text));
  // While the homeserver is down its client tries the same message again, as clients do.
  const fromRoom = talk(going.signal, 90, (text) => sayUntilTaken(room, text));
  for (let kill = 1; kill <= options.kills; kill += 1) {
    await pause(100 + chance.whole(900));
    await world.kill();
    if (options.together > 0 && kill % options.together === 0) await world.hs.restart();
    await world.start();
  }
  await pause(500);
  going.abort();
  const saidOnIrc = await fromIrc;
  await fromRoom;
  dave.say(CHANNEL, "the end");
  await room.find({ body: "the end" }, 120_000);
  await room.say("the end");
  await dave.hear(CHANNEL, "<ann> the end", 120_000);
  await judge(room, dave, saidOnIrc, options);
  dave.quit();
}

async function judge(room: MatrixRoom, dave: IrcPerson, saidOnIrc: readonly string[], options: KillOptions): Promise<void> {
  const timeline = await room.timeline();
  const inRoom = timeline.filter((event) => event.sender.includes("_irc_net_dave")).flatMap((event) => numbered(event.content["body"]));
  // What the homeserver holds is what has to be on IRC: it may have taken a message whose answer was lost when it was killed.
  const saidInRoom = timeline.filter((event) => event.sender === room.user.id).flatMap((event) => numbered(event.content["body"]));
  // In the order in which they were sent: each waited for the one before to be taken.
  saidInRoom.sort(byNumber);
  const onIrc = dave.said(CHANNEL, "causeway").flatMap((text) => numbered(text.replace("<ann> ", "")));
  assert.equal(new Set(inRoom).size, inRoom.length, `nothing stands in the room twice: ${doubles(inRoom).join()}`);
  assert.deepEqual(inRoom, [...inRoom].sort(byNumber), "the room's order is kept");
  assert.deepEqual([...new Set(onIrc)], saidInRoom, "everything written in the room is on IRC, in order");
  const twice = doubles(onIrc);
  if (options.history) {
    assert.deepEqual(inRoom, saidOnIrc, "everything said on IRC is in the room");
    assert.deepEqual(twice, [], "nothing is on IRC twice");
    return;
  }
  assert.ok(twice.length <= options.kills, `at most one line in flight a kill comes twice: ${twice.join()}`);
  const missed = saidOnIrc.length - inRoom.length;
  if (missed > 0) await room.find({ body: /did not reach the bridge/ }, 30_000);
}

async function sayUntilTaken(room: MatrixRoom, text: string): Promise<void> {
  const txn = randomUUID();
  for (let tries = 0; ; tries += 1) {
    try {
      await room.send("m.room.message", { msgtype: "m.text", body: text }, txn);
      return;
    } catch (error) {
      if (tries > 200) throw error;
      await pause(100);
    }
  }
}

function byNumber(a: string, b: string): number {
  return Number(a.slice(2)) - Number(b.slice(2));
}

function doubles(list: readonly string[]): string[] {
  return list.filter((one, index) => list.indexOf(one) !== index);
}
