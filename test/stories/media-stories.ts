/** Files for people who have no account here: signed links, long texts, pictures of people. The same on the fakes and on real servers. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import sharp from "sharp";
import { raise as raiseDiscord, type Stage as DiscordStage, standing } from "../discord/harness.ts";
import { IrcPerson } from "../irc-person.ts";
import type { MatrixUser, TestHomeserver } from "../matrix-client.ts";
import type { MatrixRoom } from "../matrix-room.ts";
import { openWorld, type World } from "../world.ts";
import type { IrcPlace } from "./irc-stories.ts";
import { until } from "./town.ts";

export interface MediaStoryOptions {
  startHomeserver(registration: string): Promise<TestHomeserver>;
  startIrc(): Promise<IrcPlace>;
}

const CHANNEL = "#pictures";
const picture = (colour: string): Promise<Buffer> =>
  sharp({ create: { width: 640, height: 320, channels: 3, background: colour } })
    .png()
    .toBuffer();

export function mediaStories(name: string, options: MediaStoryOptions): void {
  describe(name, () => {
    let world: World;
    let irc: IrcPlace;
    let discord: DiscordStage;
    let dave: IrcPerson;
    let ann: MatrixUser;
    let room: MatrixRoom;

    before(async () => {
      irc = await options.startIrc();
      discord = await raiseDiscord(1);
      dave = await (await IrcPerson.connect(irc, "dave")).join(CHANNEL);
      world = await openWorld({
        startHomeserver: options.startHomeserver,
        open: true,
        config: {
          irc: { networks: { one: { servers: [{ host: irc.host, port: irc.port, tls: false }], flood: FAST } } },
          discord: { token: discord.fake.bot.token, api_url: discord.fake.apiUrl, cdn_url: discord.fake.cdnUrl },
        },
      });
      await world.start();
      ann = await world.hs.user("ann");
      room = await ann.createRoom({ preset: "public_chat", power_level_content_override: { users: { [world.bot]: 50 } } });
      await room.invite(world.bot);
      await room.next({ sender: world.bot, body: /I am the bridge/ });
      for (const channel of [`irc one ${CHANNEL}`, `discord ${discord.channel}`]) {
        await room.say(`!causeway link ${channel}`);
        await room.next({ sender: world.bot, body: /now linked/ });
      }
    });
    after(async () => {
      dave?.quit();
      await world?.close();
      await irc?.stop();
      await discord?.fake.stop();
    });

    /** What IRC is told of a file: its address. */
    async function addressOf(name: string): Promise<string> {
      const { text } = await dave.hear(CHANNEL, new RegExp(`^<ann> .*${name}.*http`));
      return /https?:\/\/\S+/.exec(text)?.[0] as string;
    }

    async function sent(name: string, type: string, bytes = Buffer.from(`the bytes of ${name}`)): Promise<{ event: string; url: string }> {
      const event = await room.sendFile(bytes, { name, type });
      return { event, url: await addressOf(name) };
    }

    test("a file is an address on IRC, and behind it are its bytes, its type and its name", async () => {
      const { url } = await sent("notes.txt", "text/plain");
      const answer = await fetch(url);
      assert.deepEqual([answer.status, await answer.text()], [200, "the bytes of notes.txt"]);
      assert.equal(answer.headers.get("content-type"), "text/plain; charset=utf-8");
      assert.match(answer.headers.get("content-disposition") ?? "", /^inline; filename="notes.txt"/);
      const part = await fetch(url, { headers: { range: "bytes=4-8" } });
      assert.deepEqual([part.status, await part.text()], [206, "bytes"]);
    });

    test("what could run in a browser is only ever offered as a file", async () => {
      for (const [file, type] of [
        ["page.html", "text/html"],
        ["drawing.svg", "image/svg+xml"],
      ] as const) {
        const answer = await fetch((await sent(file, type)).url);
        assert.equal(answer.headers.get("content-type"), "application/octet-stream");
        assert.match(answer.headers.get("content-disposition") ?? "", /^attachment;/);
        assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
      }
    });

    test("an address made up from another one gives nothing", async () => {
      const [one, other] = [(await sent("one.txt", "text/plain")).url, (await sent("other.txt", "text/plain")).url];
      const [a, b] = [one.split("/"), other.split("/")];
      const swapped = (place: number) => a.map((part, index) => (index === place ? b[place] : part)).join("/");
      const last = a.length - 1;
      const forged = [
        swapped(last - 3),
        swapped(last - 2),
        swapped(last - 1),
        swapped(last),
        `${one}.exe`,
        one.replace(/\/[^/]+$/, "/..%2f..%2fx"),
        one.replace("/file/", "/file/../file/x/"),
      ];
      for (const url of forged) assert.ok([403, 404].includes((await fetch(url)).status), url);
      assert.equal((await fetch(one)).status, 200);
    });

    test("a redacted message's file is gone, and stays so over a restart; another's is there still", async () => {
      const [kept, gone] = [await sent("kept.txt", "text/plain"), await sent("gone.txt", "text/plain")];
      await room.redact(gone.event);
      await until(async () => (await fetch(gone.url)).status === 410, "the link is dead");
      await world.restart("SIGTERM");
      assert.deepEqual([(await fetch(gone.url)).status, (await fetch(kept.url)).status], [410, 200]);
    });

    test("a text too long for IRC is a page, which ends with its message", async () => {
      const text = Array.from({ length: 60 }, (_, line) => `verse ${line} of a long song <b>${"la ".repeat(30)}</b>`).join("\n");
      const event = await room.say(text);
      const { text: line } = await dave.hear(CHANNEL, /^<ann> verse 0.*… http\S+\/paste\//);
      const url = /https?:\/\/\S+/.exec(line)?.[0] as string;
      const answer = await fetch(url);
      assert.equal(answer.headers.get("content-type"), "text/plain; charset=utf-8");
      assert.match(await answer.text(), /verse 59 of a long song <b>/);
      await room.redact(event);
      await until(async () => (await fetch(url)).status === 410, "the page is gone");
    });

    test("a person's picture on Discord has one short address, still and small, ready before it is asked for", async () => {
      const speakAs = async (text: string): Promise<string> => {
        await room.say(text);
        const post = () => standing(discord.fake, discord.channel).find((one) => one.text === text);
        await until(async () => post() !== undefined, `"${text}" on Discord`);
        return String(discord.fake.acts.avatarUrls.get(String(post()?.id)));
      };
      await ann.setAvatar(await ann.upload(await picture("#3060a0"), { name: "ann.png", type: "image/png" }));
      await until(async () => (await speakAs(`hello ${Date.now()}`)).includes("/avatar/"), "a picture's address");
      const first = await speakAs("with my picture");
      assert.match(first, /^http:\/\/127\.0\.0\.1:\d+\/_causeway\/media\/avatar\/[\w-]{22}\.png$/);
      const answer = await fetch(first);
      const { format, width, height } = await sharp(Buffer.from(await answer.arrayBuffer())).metadata();
      assert.deepEqual([answer.headers.get("content-type"), format, width, height], ["image/png", "png", 256, 256]);
      assert.match(answer.headers.get("cache-control") ?? "", /immutable/);
      assert.equal(await speakAs("the same again"), first);
      await ann.setAvatar(await ann.upload(await picture("#a03030"), { name: "ann.png", type: "image/png" }));
      await until(async () => (await speakAs(`changed ${Date.now()}`)) !== first, "another picture, another address");
      assert.equal((await fetch(first)).status, 200, "what was said before keeps its picture");
    });

    test("a file from Discord lies on Matrix, behind authentication", async () => {
      discord.alice.say(discord.channel, "see", { files: [{ name: "map.png", type: "image/png", bytes: await picture("#208040") }] });
      const event = await room.find((one) => String(one.content["url"] ?? "").startsWith("mxc://") && one.sender !== ann.id);
      const mxc = String(event.content["url"]);
      assert.equal((await sharp((await ann.download(mxc)).bytes).metadata()).width, 640);
      const open = await fetch(`${world.hs.url}/_matrix/client/v1/media/download/${mxc.slice("mxc://".length)}`);
      assert.equal(open.status, 401);
    });
  });
}

const FAST = { burst: 50, per_second: 30, most_per_second: 60 };
