/** An IRC server with one client, the bridge, and next to no cost: it greets, lets it into every channel, and echoes with ids and labels. */
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";

const CAPS = "message-tags server-time echo-message labeled-response batch account-tag";
const HOST = "irc.bench.local";
/** People in each channel, besides the bridge. */
export const PEOPLE = ["ann", "ben", "cleo", "dora", "emil"] as const;

export class LeanIrcServer {
  /** Called for each line that the bridge says in a channel. */
  said: (channel: string, text: string) => void = () => undefined;
  channels = 0;
  readonly #server: Server;
  #socket: Socket | undefined;
  #nick = "*";
  #rest = "";
  #ids = 0;

  constructor() {
    this.#server = createServer((socket) => {
      this.#socket = socket;
      this.#rest = "";
      this.channels = 0;
      socket.setNoDelay(true);
      socket.setEncoding("utf8");
      socket.on("error", () => undefined);
      socket.on("data", (data: string) => this.#take(data));
    });
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  /** Somebody says something in a channel. */
  say(nick: string, channel: string, text: string): void {
    this.#ids += 1;
    const tags = `@time=${new Date().toISOString()};msgid=${this.#ids.toString(36)}i`;
    this.#socket?.write(`${tags} :${nick}!${nick}@people.bench.local PRIVMSG ${channel} :${text}\r\n`);
  }

  #take(data: string): void {
    const lines = (this.#rest + data).split("\r\n");
    this.#rest = lines.pop() ?? "";
    const answer = lines.map((line) => this.#answer(line)).join("");
    if (answer !== "") this.#socket?.write(answer);
  }

  #answer(text: string): string {
    const match = /^(?:@(\S+) )?(\S+) ?(.*)$/.exec(text);
    if (!match) return "";
    const [, tags = "", command = "", rest = ""] = match;
    const label = /(?:^|;)label=([^;]+)/.exec(tags)?.[1];
    return labelled(label, this.#linesFor(command.toUpperCase(), rest));
  }

  #linesFor(command: string, rest: string): string[] {
    const [first = ""] = rest.split(" ", 1);
    switch (command) {
      case "CAP":
        return this.#caps(rest);
      case "NICK":
        this.#nick = first;
        return [];
      case "USER":
        return [];
      case "JOIN":
        return first.split(",").flatMap((channel) => this.#join(channel));
      case "PRIVMSG":
        return [this.#hear(first, rest.slice(rest.indexOf(" :") + 2))];
      case "MODE":
        return [this.#numeric("324", `${first} +nt`), this.#numeric("329", `${first} 1700000000`)];
      case "PING":
        return [`:${HOST} PONG ${HOST} ${rest.startsWith(":") ? rest : `:${rest}`}`];
      default:
        return [];
    }
  }

  #caps(rest: string): string[] {
    if (rest.startsWith("LS")) return [`:${HOST} CAP * LS :${CAPS}`];
    if (rest.startsWith("REQ")) return [`:${HOST} CAP * ACK ${rest.slice(4)}`];
    const isupport = "CHANTYPES=# CASEMAPPING=ascii PREFIX=(ov)@+ CHANMODES=b,k,l,imnpst NICKLEN=30 NETWORK=Bench";
    return [
      this.#numeric("001", ":Welcome"),
      this.#numeric("004", `${HOST} bench-1 iow imnpst`),
      this.#numeric("005", `${isupport} :are supported by this server`),
      this.#numeric("376", ":End of /MOTD command."),
    ];
  }

  #join(channel: string): string[] {
    this.channels += 1;
    return [
      `:${this.#nick}!bridge@bridge.bench.local JOIN ${channel}`,
      this.#numeric("353", `= ${channel} :${this.#nick} ${PEOPLE.join(" ")}`),
      this.#numeric("366", `${channel} :End of /NAMES list.`),
    ];
  }

  #hear(channel: string, text: string): string {
    this.#ids += 1;
    this.said(channel, text);
    const tags = `@time=${new Date().toISOString()};msgid=${this.#ids.toString(36)}o`;
    return `${tags} :${this.#nick}!bridge@bridge.bench.local PRIVMSG ${channel} :${text}`;
  }

  #numeric(code: string, rest: string): string {
    return `:${HOST} ${code} ${this.#nick} ${rest}`;
  }
}

/** https://ircv3.net/specs/extensions/labeled-response: one line carries the label, several make a batch, none is an ACK. */
function labelled(label: string | undefined, lines: readonly string[]): string {
  const [first, ...more] = lines;
  if (label === undefined) return lines.map((line) => `${line}\r\n`).join("");
  if (first === undefined) return `@label=${label} :${HOST} ACK\r\n`;
  if (more.length === 0) return `${withTag(first, `label=${label}`)}\r\n`;
  const name = `b${label}`;
  const inside = lines.map((line) => `${withTag(line, `batch=${name}`)}\r\n`).join("");
  return `@label=${label} :${HOST} BATCH +${name} labeled-response\r\n${inside}:${HOST} BATCH -${name}\r\n`;
}

function withTag(line: string, tag: string): string {
  return line.startsWith("@") ? `@${tag};${line.slice(1)}` : `@${tag} ${line}`;
}
