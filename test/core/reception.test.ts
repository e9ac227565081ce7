import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import type { CatchUp } from "../../core/catch-up.ts";
import type { Lanes } from "../../core/lanes.ts";
import type { Links } from "../../core/links.ts";
import type { LiveLogin, Logins } from "../../core/logins.ts";
import type { RemoteEvent, RemoteMessage } from "../../core/model/events.ts";
import { linkId, loginId, networkId, remoteChannelId, remoteMessageId, remoteUserId } from "../../core/model/ids.ts";
import { plainText } from "../../core/model/richtext.ts";
import { Reception } from "../../core/reception.ts";
import { StoreFull } from "../../core/model/errors.ts";
import type { Intake, Journal, Link } from "../../core/store/store.ts";
import { Unresolved } from "../../core/unresolved.ts";
import { QuickClock } from "../fakes/test-core.ts";

const channel = remoteChannelId("town/plaza");
const login = { id: loginId("bot"), name: "bot", secrets: {} };
const link = { id: linkId(1), network: networkId("toy"), channel, login: login.id, phase: 0, behind: false } as unknown as Link;
const live = { network: { id: link.network, name: "Toy" }, login, state: { is: "connected", resumed: true } } as unknown as LiveLogin;

const said = (id: string): RemoteMessage => ({
  kind: "message",
  channel,
  message: remoteMessageId(id),
  sender: remoteUserId("town/u1"),
  at: 1,
  via: "live",
  style: "text",
  body: plainText(id),
});

/** What lies on a disk that takes nothing while `full` says so, and the reception that writes to it. */
function onDisk(full: (call: number) => boolean): { reception: Reception; written: string[]; begun: number[] } {
  const written: string[] = [];
  const begun: number[] = [];
  let calls = 0;
  const take = async (intake: Intake) => {
    calls += 1;
    if (full(calls)) throw new StoreFull("The disk is full.");
    written.push(...intake.rows.map((row) => String((row.payload as RemoteEvent & { message: string }).message)));
    return intake.rows.map((_, index) => index + 1);
  };
  const catchUp = {
    begin: async () => {
      calls += 1;
      if (full(calls)) throw new StoreFull("The disk is full.");
      begun.push(calls);
    },
    run: async () => undefined,
  };
  const reception = new Reception({
    journal: { take } as unknown as Journal,
    links: { of: async () => link } as unknown as Links,
    logins: () => ({ get: () => live }) as unknown as Logins,
    lanes: () => ({ wake: () => undefined, names: () => [] }) as unknown as Lanes,
    unresolved: new Unresolved(),
    catchUp: () => catchUp as unknown as CatchUp,
    clock: new QuickClock(1_000),
    log: pino({ level: "silent" }),
    connected: async () => undefined,
    loggedIn: async () => undefined,
  } as unknown as ConstructorParameters<typeof Reception>[0]);
  return { reception, written, begun };
}

test("while the disk is full nothing is lost, and what comes when it has room again does not overtake what waits", async () => {
  // The second delivery would fit where the first does not.
  const { reception, written } = onDisk((call) => call === 1 || (call > 2 && call < 6));
  const first = reception.received(live, [said("first")]);
  await new Promise((resolve) => setImmediate(resolve));
  await Promise.all([first, reception.received(live, [said("second")]), reception.received(live, [said("third")])]);
  assert.deepEqual(written, ["first", "second", "third"]);
});

test("that a connection may have missed something is written down before anything that comes by it, room or not", async () => {
  const { reception, written, begun } = onDisk((call) => call < 4);
  reception.changed(live, { is: "connecting" });
  await reception.received(live, [said("after it")]);
  assert.deepEqual(begun, [4]);
  assert.deepEqual(written, ["after it"]);
});
