/** People with a login of their own on the network: what concerns it concerns them alone. */
import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import type { MatrixUser } from "../matrix-client.ts";
import type { MatrixRoom } from "../matrix-room.ts";
import { BOT, openTown, type Town, type TownOptions, until } from "./town.ts";

describe("A person's own login that is logged out", () => {
  let town: Town;
  afterEach(() => town.close());

  interface Guest {
    readonly user: MatrixUser;
    readonly room: MatrixRoom;
    readonly chat: MatrixRoom;
    /** On the network. */
    readonly account: string;
  }

  /** Two people who sign in with logins of their own. */
  async function open(options: TownOptions): Promise<readonly [mira: Guest, nora: Guest]> {
    town = await openTown(options);
    const account = (name: string) => [...town.service.accounts.values()].find((one) => one.name === name) ?? town.service.addAccount(name);
    const guests: Guest[] = [];
    for (const name of ["mira", "nora"]) {
      const { id, token } = account(`${name}_l`);
      town.service.channels.get("town/plaza")?.members.add(id);
      const user = await town.hs.user(name);
      const chat = await user.createRoom({ preset: "trusted_private_chat", is_direct: true, invite: [BOT] });
      await chat.next({ sender: BOT, body: /!causeway link/ });
      await chat.say("login toy");
      await chat.next({ sender: BOT, body: /token/i });
      await chat.say(token);
      await chat.next({ sender: BOT, body: /Signed in on Toy/ });
      await town.room.invite(user.id);
      guests.push({ user, room: await user.join(town.room.id), chat, account: id });
    }
    const [mira, nora] = guests;
    assert.ok(mira && nora);
    for (const { room, user } of [mira, nora]) await room.say(`${user.id} as myself`);
    await town.seen((all) => all.filter((one) => /as myself/.test(one.text)).length === 2, "both speak as themselves");
    return [mira, nora];
  }

  async function logOut({ account, chat }: Guest): Promise<void> {
    town.service.revoke(account);
    await chat.find({ sender: BOT, body: /^Your login on Toy .* has ended: .*`!causeway login toy` signs you in again/ });
  }

  const said = async (text: string) => (await town.channel()).find((one) => one.text.endsWith(text));

  test("falls back to being relayed where the room allows it", async () => {
    const [mira, nora] = await open({ permissions: { "*": "user" } });
    await logOut(mira);
    await mira.room.say("still heard");
    await nora.room.say("as ever");
    await town.seen((all) => all.some((one) => one.text === "as ever"), "the other's message");
    await until(async () => (await said("still heard")) !== undefined, "her message, relayed");
    assert.equal((await said("still heard"))?.name, "mira");
    assert.equal((await said("as ever"))?.name, "nora_l");
  });

  test("parks what they say where it does not, and only that", async () => {
    const [mira, nora] = await open({ permissions: { "*": "user" }, settings: { relay: false } });
    await logOut(mira);
    const lost = await mira.room.say("not heard");
    const notice = await town.room.find((event) => event.sender === BOT && event.content["io.causeway.about"] === lost);
    assert.match(String(notice.content["body"]), /did not reach Toy: Toy \(.*\) is logged out: .*React with 🔁/);
    await nora.room.say("as ever");
    await town.toy.alice.say("and inwards");
    await town.seen((all) => all.some((one) => one.text === "as ever"), "the other's message");
    await town.room.find({ body: "and inwards" });
    assert.equal(await said("not heard"), undefined);
    const { token } = town.service.accounts.get(mira.account) ?? {};
    await mira.chat.say("login toy");
    await mira.chat.next({ sender: BOT, body: /token/i });
    await mira.chat.say(String(token));
    await mira.chat.next({ sender: BOT, body: /Signed in on Toy/ });
    await mira.room.react(lost, "🔁");
    await until(async () => (await said("not heard"))?.name === "mira_l", "tried again, it is heard");
  });
});
