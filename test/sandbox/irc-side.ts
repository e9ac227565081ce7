/** The IRC side: people with their clients on the fake server, and the channel as the first of them sees it. */
import { fromFormatting, toLines } from "../../bridges/irc/formatting.ts";
import type { Line } from "../../bridges/irc/line.ts";
import { wrap } from "../../bridges/irc/lines.ts";
import { toPlain } from "../../core/model/plain.ts";
import { IrcPerson } from "./irc-person.ts";
import { type Action, ChannelLog, type Deed, message, type MessageState, type PersonState, type Side } from "./side.ts";
import { readTyped } from "./typed.ts";

export interface IrcSideOptions {
  readonly port: number;
  readonly channel: string;
  readonly people: readonly string[];
  /** The bridge's nick. */
  readonly bridge: string;
  readonly changed: ConstructorParameters<typeof ChannelLog>[2];
}

const RPL_TOPIC = "332";
/** Bytes of text in one line that surely arrive. */
const LINE = 380;

export class IrcSide implements Side {
  readonly id = "irc";
  readonly name = "IRC";
  readonly people: readonly PersonState[];
  readonly channels: readonly ChannelLog[];
  readonly deeds: readonly Deed[];
  readonly #options: IrcSideOptions;
  readonly #persons: readonly IrcPerson[];
  readonly #log: ChannelLog;
  #count = 0;

  static async open(options: IrcSideOptions): Promise<IrcSide> {
    const log = new ChannelLog(options.channel, options.channel, options.changed);
    let side: IrcSide | undefined;
    const early: Line[] = [];
    const persons: IrcPerson[] = [];
    for (const nick of options.people) {
      const isFirst = persons.length === 0;
      const heard = (line: Line): unknown => isFirst && (side ? side.hear(line) : early.push(line));
      persons.push(await IrcPerson.arrive(options.port, nick, options.channel, heard));
    }
    side = new IrcSide(options, persons, log);
    for (const line of early) side.hear(line);
    return side;
  }

  private constructor(options: IrcSideOptions, persons: readonly IrcPerson[], log: ChannelLog) {
    this.#options = options;
    this.#persons = persons;
    this.#log = log;
    this.channels = [log];
    this.people = persons.map(({ nick }) => ({ id: nick, name: nick }));
    const has = (cap: string): boolean => persons.every((person) => person.has.has(cap));
    this.deeds = [
      "say",
      "action",
      "topic",
      ...(has("message-tags") ? (["reply", "react"] as const) : []),
      ...(has("draft/message-redaction") ? (["delete"] as const) : []),
    ];
  }

  async act(action: Action): Promise<string | undefined> {
    const person = this.#persons.find(({ nick }) => nick === action.as.id);
    if (!person) throw new Error(`${action.as.name} is not on IRC.`);
    const { channel } = this.#options;
    const target = action.to?.id ?? "";
    switch (action.do) {
      case "say":
        return this.#say(person, action.text, {});
      case "reply":
        return this.#say(person, action.text, { "+draft/reply": target });
      case "action":
        return person.say({}, "PRIVMSG", channel, `\u0001ACTION ${this.#lines(action.text).join(" ")}\u0001`);
      case "react":
        person.sendTagged({ "+draft/react": action.text, "+draft/reply": target }, "TAGMSG", channel);
        return target;
      case "delete":
        person.send("REDACT", channel, target, "");
        return target;
      case "topic":
        person.send("TOPIC", channel, action.text);
        return undefined;
      default:
        throw new Error(`There is no "${action.do}" on IRC.`);
    }
  }

  async stop(): Promise<void> {
    for (const person of this.#persons) person.quit();
  }

  async #say(person: IrcPerson, text: string, tags: Readonly<Record<string, string>>): Promise<string | undefined> {
    let first: string | undefined;
    for (const line of this.#lines(text)) first ??= await person.say(tags, "PRIVMSG", this.#options.channel, line);
    return first;
  }

  #lines(text: string): readonly string[] {
    return toLines(readTyped(text, () => false)).flatMap((line) => wrap(line, { limit: LINE }));
  }

  hear(line: Line): void {
    if (line.command === RPL_TOPIC) return this.#log.setTopic(line.params.at(-1) ?? "");
    const target = line.params[0]?.toLowerCase();
    if (target !== this.#options.channel.toLowerCase() && line.command !== "NICK") return;
    const text = line.params.at(-1) ?? "";
    switch (line.command) {
      case "PRIVMSG":
      case "NOTICE":
        return this.#log.add(this.#message(line, text));
      case "TOPIC":
        return this.#log.setTopic(text);
      case "REDACT":
        return this.#log.erase(line.params[1] ?? "");
      case "TAGMSG":
        return this.#tagged(line);
      case "KICK":
        return this.#log.add({ ...this.#message(line, `${line.nick} kicked ${line.params[1]}: ${text}`), style: "event" });
    }
  }

  #message(line: Line, given: string): MessageState {
    const action = /^\u0001ACTION ([^]*?)\u0001?$/.exec(given);
    const text = action?.[1] ?? given;
    const body = fromFormatting(text);
    const target = line.tags["+draft/reply"] ?? line.tags["+reply"];
    const answered = target === undefined ? undefined : this.#log.get(target);
    return message({
      id: line.tags["msgid"] ?? `line-${++this.#count}`,
      who: { id: line.nick, name: line.nick, from: this.#from(line.nick) },
      at: Date.parse(line.tags["time"] ?? "") || Date.now(),
      style: action ? "emote" : line.command === "NOTICE" ? "notice" : "text",
      body,
      text: toPlain(body),
      raw: rawOf(line),
      ...(answered && { replyTo: { id: answered.id, name: answered.who.name, text: answered.text } }),
    });
  }

  #from(nick: string): MessageState["who"]["from"] {
    return this.#options.people.includes(nick) ? "here" : "bridge";
  }

  #tagged({ tags, nick }: Line): void {
    const target = tags["+draft/reply"] ?? tags["+reply"] ?? "";
    const on = tags["+draft/react"];
    const off = tags["+draft/unreact"];
    const key = on ?? off;
    if (key !== undefined) this.#log.react(target, key, { id: nick, name: nick }, on !== undefined);
  }
}

/** As it would stand in a client's raw window: control codes shown by their numbers. */
function rawOf({ tags, prefix, command, params }: Line): string {
  const known = Object.entries(tags).map(([name, value]) => (value ? `${name}=${value}` : name));
  const words = [...params.slice(0, -1), `:${params.at(-1) ?? ""}`];
  const line = `${known.length > 0 ? `@${known.join(";")} ` : ""}:${prefix} ${command} ${words.join(" ")}`;
  return line.replaceAll(/[\u0000-\u001f]/g, (code) => `\\x${code.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
