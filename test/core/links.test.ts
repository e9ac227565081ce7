import assert from "node:assert/strict";
import { test } from "node:test";
import { Links } from "../../core/links.ts";
import { linkId, loginId, networkId, remoteChannelId, roomId } from "../../core/model/ids.ts";
import type { Link, PortalStore } from "../../core/store/store.ts";

const before = {
  id: linkId(1),
  network: networkId("irc"),
  login: loginId("libera"),
  channel: remoteChannelId("libera/#causeway"),
  room: roomId("!room"),
  phase: 0,
  behind: false,
} as Link;

/** A store whose answers wait until they are let go. */
function slowStore() {
  let link = before;
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const late = async <Value>(read: Value): Promise<Value> => gate.then(() => read);
  const store = {
    link: () => late(link),
    linkOf: () => late(link),
    linksIn: () => late([link]),
    nextPhase: async () => void (link = { ...before, phase: 2, behind: true }),
  };
  return { links: new Links(store as unknown as PortalStore), open };
}

for (const [name, look] of Object.entries({
  "by its number": (links: Links) => links.link(before.id),
  "by its channel": (links: Links) => links.of(before.network, before.channel),
  "by its room": (links: Links) => links.inRoom(before.room),
}))
  test(`what was read ${name} before a link changed is not taken for true afterwards`, async () => {
    const { links, open } = slowStore();
    const reading = look(links);
    await links.nextPhase(before.network, before.login);
    open();
    await reading;
    assert.equal((await links.link(before.id))?.behind, true);
  });
