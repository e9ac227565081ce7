/** Moderators of a network, by words, over people from Matrix. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import type { MatrixRoom } from "../matrix-room.ts";
import { BOT, openTown, type Town, until } from "./town.ts";

describe("Moderators of any network", () => {
  let town: Town;
  let room: MatrixRoom;
  beforeEach(async () => {
    town = await openTown({});
    room = town.room;
    await room.setPower((levels) => ({ ...levels, users: { ...(levels["users"] as object), [BOT]: 100 } }));
  });
  afterEach(() => town.close());

  /** What the bridge answers to words that are said over there. */
  async function said(who: { command?(words: string): Promise<void> }, words: string): Promise<string> {
    const before = (await town.toy.answers?.())?.length ?? 0;
    await who.command?.(words);
    await until(async () => ((await town.toy.answers?.())?.length ?? 0) > before, `an answer to ${words}`);
    return String((await town.toy.answers?.())?.at(-1));
  }

  test("who somebody is, a mute and its end, a kick and a ban: by name or Matrix id, by those alone who may", async () => {
    const eve = await town.hs.user("eve");
    await room.invite(eve.id);
    const hers = await eve.join(room.id);
    const [founder, other] = [town.toy.alice, town.toy.bob];
    assert.match(await said(other, "who eve"), /eve on Matrix: @eve:test\.local/);
    for (const words of ["mute eve", "kick eve", "ban eve", "invite @zoe:test.local", "pause", "unlink"])
      assert.match(await said(other, words), /do not have the right|Only someone who runs/, words);
    assert.match(await said(founder, "mute eve"), /is muted/);
    await assert.rejects(hers.say("unheard"), /403/);
    assert.match(await said(founder, "unmute @eve:test.local"), /no longer muted/);
    await hers.say("heard");
    await town.seen((all) => all.some(({ text }) => text === "heard"), "what she says");
    assert.match(await said(founder, "kick eve too loud"), /is removed/);
    assert.equal((await room.state("m.room.member", eve.id))["reason"], "too loud (by Alice on Toy)");
    assert.match(await said(founder, "ban @eve:test.local all"), /is banned in 1 of 1 rooms/);
    assert.match(await said(founder, "kick nobody"), /Nobody on Matrix/);
  });

  test("where the bot may not set power, a mute holds all the same: nothing of theirs crosses", async () => {
    const eve = await town.hs.user("eve");
    await room.invite(eve.id);
    const hers = await eve.join(room.id);
    await room
      .setPower((levels) => ({ ...levels, events: { ...(levels["events"] as object), "m.room.power_levels": 101 } }))
      .catch(() => undefined);
    assert.match(await said(town.toy.alice, "mute eve"), /is muted/);
    await hers.say("not across").catch(() => undefined);
    await room.say("across");
    await town.seen((all) => all.some(({ text }) => text === "across"), "what others say");
    assert.ok(!(await town.texts()).includes("not across"));
    await room.find({ sender: BOT, body: /@eve:test\.local is muted: .*!causeway unmute/ });
    await room.say("!causeway unmute @eve:test.local");
    await room.find({ sender: BOT, body: /is heard again/ });
    await hers.say("across again");
    await town.seen((all) => all.some(({ text }) => text === "across again"), "what she says");
  });

  test("whoever sets somebody's power by hand ends the mute", async () => {
    const eve = await town.hs.user("eve");
    await room.invite(eve.id);
    const hers = await eve.join(room.id);
    assert.match(await said(town.toy.alice, "mute eve"), /is muted/);
    await room.setPower((levels) => ({ ...levels, users: { ...(levels["users"] as object), [eve.id]: 0 } }));
    await hers.say("by the room's own will");
    await town.seen((all) => all.some(({ text }) => text === "by the room's own will"), "what she says");
  });

  test("an account is linked to nobody where names change hands", async () => {
    assert.match(await said(town.toy.alice, "account ABCDEFGHJK"), /somebody else's tomorrow/);
  });
});
