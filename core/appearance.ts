/** A room looks like its channel: name, topic and picture follow it, where the room is the bridge's, and the topic wherever it changes. */
import type { Readable } from "node:stream";
import { hash } from "node:crypto";
import type { Logger } from "pino";
import type { Links } from "./links.ts";
import type { LiveLogin } from "./logins.ts";
import { type Content, failureOf, type MatrixClient } from "./matrix/client.ts";
import { ORIGIN, signOrigin } from "./matrix/origin.ts";
import { limited } from "./matrix/streams.ts";
import { Broken, Refused } from "./model/errors.ts";
import type { ChannelFacts } from "./model/events.ts";
import type { MxcUri, Mxid } from "./model/ids.ts";
import type { Notices } from "./notices.ts";
import { shownName } from "./shown-name.ts";
import type { Shown, ShownBook } from "./shown.ts";
import type { Link } from "./store/store.ts";

export interface AppearanceContext {
  readonly client: MatrixClient;
  readonly links: Links;
  readonly shown: ShownBook;
  readonly notices: Notices;
  readonly bot: Mxid;
  readonly secret: Buffer;
  readonly log: Logger;
}

const LARGEST_PICTURE = 8 * 1024 * 1024;
const WORDS = { "m.room.name": "name", "m.room.topic": "topic", "m.room.avatar": "picture" } as const;

export class Appearance {
  readonly #context: AppearanceContext;

  constructor(context: AppearanceContext) {
    this.#context = context;
  }

  /** The channel changed. What the room does not let the bot set is told there. */
  async changed(link: Link, live: LiveLogin, change: ChannelFacts, nameBefore: string | undefined): Promise<void> {
    if (change.topic !== undefined) await this.#topic(link, change.topic);
    const leads = await this.#leads(link);
    if (change.name !== undefined) await this.#renamed(link, live, change.name, { leads, before: nameBefore });
    if (leads && change.avatar !== undefined) await this.#picture(link, live, change.avatar);
  }

  /** The room of one channel takes its new name. A room of several hears of it. */
  async #renamed(link: Link, live: LiveLogin, name: string, was: { leads: boolean; before: string | undefined }): Promise<void> {
    const { links, notices } = this.#context;
    const only = (await links.inRoom(link.room)).length === 1;
    if (was.leads || (only && was.before !== undefined)) return await this.#name(link, name);
    if (was.before === undefined) return;
    const text = `The ${live.network.name} channel ${was.before} is called ${name} now.`;
    await notices.say(link.room, `renamed:${link.id}:${was.before}:${name}`, text);
  }

  /** The channel was looked at: what differs from what we last showed is shown. What people set in the room meanwhile stays. */
  async looked(link: Link, live: LiveLogin, facts: ChannelFacts): Promise<void> {
    const shown = await this.#context.shown.of(link.room);
    const leads = await this.#leads(link);
    if (facts.topic !== undefined && facts.topic !== (shown.topic ?? "") && (leads || (await this.#hasNoTopic(link)))) {
      await this.#topic(link, facts.topic);
    }
    if (!leads) return;
    if (facts.name !== undefined && shownName(facts.name, link.channel) !== shown.name) await this.#name(link, facts.name);
    if (facts.avatar !== undefined) await this.#picture(link, live, facts.avatar);
  }

  /** In a room that the bridge made, the channel that it was made for; where there are several, the first. */
  async #leads(link: Link): Promise<boolean> {
    const { shown, links } = this.#context;
    return (await shown.isMade(link.room)) && (await links.inRoom(link.room))[0]?.id === link.id;
  }

  async #hasNoTopic(link: Link): Promise<boolean> {
    const { client, links } = this.#context;
    if ((await links.inRoom(link.room)).length > 1) return false;
    const topic = (await client.stateEvent(link.room, "m.room.topic", ""))?.["topic"];
    return topic === undefined || topic === "" || topic === (await this.#context.shown.of(link.room)).topic;
  }

  async #topic(link: Link, topic: string): Promise<void> {
    if (await this.#set(link, "m.room.topic", { topic })) await this.#remember(link, { topic });
  }

  async #name(link: Link, remote: string): Promise<void> {
    const name = shownName(remote, link.channel);
    if (await this.#set(link, "m.room.name", { name })) await this.#remember(link, { name });
  }

  async #picture(link: Link, live: LiveLogin, avatar: ChannelFacts["avatar"]): Promise<void> {
    const { shown, log } = this.#context;
    const before = (await shown.of(link.room)).avatar;
    if (avatar?.id === before?.id) return;
    if (!avatar) {
      if (await this.#set(link, "m.room.avatar", {})) {
        await shown.change(link.room, ({ avatar: _avatar, ...others }) => others);
      }
      return;
    }
    try {
      const mxc = await this.#upload(live, avatar.ref);
      if (await this.#set(link, "m.room.avatar", { url: mxc })) await this.#remember(link, { avatar: { id: avatar.id, mxc } });
    } catch (error) {
      log.warn({ link: link.id, err: error }, "The channel's picture could not be had");
    }
  }

  async #upload(live: LiveLogin, ref: unknown): Promise<MxcUri> {
    const { stream, size, mimetype = "image/png" } = await live.connection.open(ref);
    if (!mimetype.startsWith("image/") || (size ?? 0) > LARGEST_PICTURE) {
      stream.destroy();
      throw new Broken(`A picture that is none, or too large: ${mimetype}, ${size} bytes.`);
    }
    const body: Readable = limited(stream, LARGEST_PICTURE, "The picture is too large.");
    return await this.#context.client.upload(body, { mimetype, name: "avatar", ...(size === undefined ? {} : { size }) });
  }

  async #remember(link: Link, what: Partial<Shown>): Promise<void> {
    await this.#context.shown.change(link.room, (shown) => ({ ...shown, ...what }));
  }

  /** Set by the bot, marked with the link it came by. False = the room does not let it. */
  async #set(link: Link, type: keyof typeof WORDS, content: Content): Promise<boolean> {
    const { client, secret, bot, log, notices } = this.#context;
    try {
      const now = (await client.stateEvent(link.room, type, "")) ?? {};
      if (Object.entries(content).every(([key, value]) => (now[key] ?? "") === value) && Object.keys(content).length > 0) return true;
      const remote = `${type}:${hash("sha256", JSON.stringify(content), "hex").slice(0, 16)}`;
      const origin = signOrigin(secret, { room: link.room, sender: bot, link: link.id, remote, part: 0 });
      await client.setState(link.room, type, "", { ...content, [ORIGIN]: origin });
      return true;
    } catch (error) {
      const failure = failureOf(error);
      if (!(failure instanceof Refused)) throw failure;
      log.info({ room: link.room, err: failure }, `${type} could not be set`);
      const text = `The channel's ${WORDS[type]} changed, but the bridge bot may not set it here.`;
      await notices.say(link.room, `state:${link.id}:${type}`, text);
      return false;
    }
  }
}
