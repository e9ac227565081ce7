/**
 * What a server says of itself in 005 (https://modern.ircdocs.horse/#rplisupport-005). Servers leave things out and lie: every value has a
 * default and bounds.
 */
import { type CaseMapping, readCaseMapping } from "./casemap.ts";

export class Isupport {
  readonly #tokens = new Map<string, string>();

  /** The parameters of one 005, our nick and the closing words included. */
  read(params: readonly string[]): void {
    for (const token of params.slice(1, -1)) {
      const [, minus, name = "", value = ""] = /^(-?)([A-Z0-9]{1,32})(?:=(.*))?$/s.exec(token) ?? [];
      if (minus) this.#tokens.delete(name);
      else if (name && this.#tokens.size < 200) this.#tokens.set(name, unescape(value));
    }
  }

  /** The empty string for a token without a value. */
  get(name: string): string | undefined {
    return this.#tokens.get(name);
  }

  has(name: string): boolean {
    return this.#tokens.has(name);
  }

  /** As it stands, when it is a number from `least` to `most`. */
  number(name: string, least: number, most: number, otherwise: number): number {
    const text = this.#tokens.get(name);
    const value = text && /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    return value >= least && value <= most ? value : otherwise;
  }

  get caseMapping(): CaseMapping {
    return readCaseMapping(this.get("CASEMAPPING"));
  }

  get nickLength(): number {
    return Math.min(this.number("NICKLEN", 1, 512, 30), this.number("MAXNICKLEN", 1, 512, 512));
  }

  get channelLength(): number {
    return this.number("CHANNELLEN", 2, 512, 200);
  }

  get topicLength(): number {
    return this.number("TOPICLEN", 1, 4096, 390);
  }

  get reasonLength(): number {
    return this.number("KICKLEN", 1, 4096, 200);
  }

  get channelTypes(): string {
    const types = (this.get("CHANTYPES") ?? "").replace(/[^#&+!]/g, "");
    return types === "" ? "#&" : types;
  }

  isChannel(target: string): boolean {
    return target !== "" && this.channelTypes.includes(target[0] as string);
  }

  /** Signs of rank before a channel's name that address only those of the rank: `@#channel`. */
  get statusSigns(): string {
    return (this.get("STATUSMSG") ?? "").replace(/[#&+!a-z0-9]/gi, "");
  }

  /** Modes of rank with their signs, the highest first. */
  get ranks(): readonly { readonly mode: string; readonly sign: string }[] {
    const [, modes = "", signs = ""] = /^\(([A-Za-z]*)\)(.*)$/.exec(this.get("PREFIX") ?? "") ?? [];
    const pairs = [...modes].map((mode, index) => ({ mode, sign: signs[index] ?? "" }));
    const usable = pairs.length > 0 && pairs.length === signs.length;
    return usable || this.get("PREFIX") === "" ? pairs : commonRanks;
  }

  /** How many channels of this name's kind one connection may be in (CHANLIMIT, MAXCHANNELS). */
  channelsAtMost(name: string): number {
    const limits = (this.get("CHANLIMIT") ?? "").split(",").map((part) => /^([^:]+):(\d{0,6})$/.exec(part));
    const own = limits.find((limit) => limit?.[1]?.includes(name[0] ?? "#"))?.[2];
    return own ? Number(own) : this.number("MAXCHANNELS", 1, 100_000, Number.MAX_SAFE_INTEGER);
  }

  /** How many targets one command may have (TARGMAX). */
  targetsAtMost(command: string): number {
    const limit = (this.get("TARGMAX") ?? "").split(",").find((part) => part.toUpperCase().startsWith(`${command}:`));
    const count = limit?.slice(command.length + 1) ?? "";
    return /^\d{1,4}$/.test(count) ? Math.max(1, Number(count)) : Number.MAX_SAFE_INTEGER;
  }

  /** How many modes with a parameter one MODE may change. */
  get modesAtOnce(): number {
    return this.number("MODES", 1, 20, 3);
  }

  /** Modes by what they do with a parameter: lists, always, when set, never. */
  get channelModes(): readonly [lists: string, always: string, whenSet: string, never: string] {
    const [lists = "b", always = "k", whenSet = "l", never = "imnpst"] = (this.get("CHANMODES") ?? "b,k,l,imnpst").split(",");
    return [lists, always, whenSet, never];
  }

  /** The most messages of one history request; undefined = there is none. */
  get historyLimit(): number | undefined {
    // 0 = no limit of the server's own.
    const limit = this.number("CHATHISTORY", 0, 100_000, -1);
    return limit < 0 ? undefined : limit === 0 ? 100 : Math.min(limit, 100);
  }

  /** The user mode by which bots say what they are. */
  get botMode(): string | undefined {
    const mode = this.get("BOT");
    return mode && /^[A-Za-z]$/.test(mode) ? mode : undefined;
  }

  /** Whether a client-only tag (`+typing`) passes. */
  passesTag(name: string): boolean {
    const denied = (this.get("CLIENTTAGDENY") ?? "").split(",").filter(Boolean);
    const bare = name.replace(/^\+/, "");
    return denied.includes("*") ? denied.includes(`-${bare}`) : !denied.includes(bare);
  }
}

const commonRanks = [
  { mode: "q", sign: "~" },
  { mode: "a", sign: "&" },
  { mode: "o", sign: "@" },
  { mode: "h", sign: "%" },
  { mode: "v", sign: "+" },
];

function unescape(value: string): string {
  return value.replace(/\\x([0-9A-Fa-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}
