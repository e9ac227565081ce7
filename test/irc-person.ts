/** A person with an IRC client, for stories: a socket and lines, so that any server will do. */
import { connect, type Socket } from "node:net";

export interface Heard {
  readonly nick: string;
  readonly command: string;
  readonly params: readonly string[];
  /** The last parameter. */
  readonly text: string;
}

export class IrcPerson {
  readonly nick: string;
  /** Everything that came, oldest first. */
  readonly heard: Heard[] = [];
  readonly #socket: Socket;
  readonly #waiters = new Set<() => void>();
  #rest = "";

  private constructor(nick: string, socket: Socket) {
    this.nick = nick;
    this.#socket = socket;
    socket.setEncoding("utf8");
    socket.on("data", (data: string) => this.#take(data));
    socket.on("error", () => undefined);
  }

  static async connect(server: { host: string; port: number }, nick: string): Promise<IrcPerson> {
    const person = new IrcPerson(nick, connect(server.port, server.host));
    person.send(`NICK ${nick}`, `USER ${nick} 0 * :${nick}`);
    await person.wait((line) => line.command === "001", `${nick} is let in`);
    return person;
  }

  send(...lines: readonly string[]): void {
    this.#socket.write(lines.map((line) => `${line}\r\n`).join(""));
  }

  async join(channel: string): Promise<this> {
    this.send(`JOIN ${channel}`);
    await this.wait((line) => line.command === "366" && line.params.includes(channel), `${this.nick} joins ${channel}`);
    return this;
  }

  say(channel: string, text: string): void {
    this.send(`PRIVMSG ${channel} :${text}`);
  }

  action(channel: string, text: string): void {
    this.say(channel, `\x01ACTION ${text}\x01`);
  }

  /** What was said in the channel by others, oldest first. */
  said(channel: string, by?: string): string[] {
    const lines = this.heard.filter((line) => line.command === "PRIVMSG" && line.params[0]?.toLowerCase() === channel.toLowerCase());
    return lines.filter((line) => by === undefined || line.nick === by).map((line) => line.text);
  }

  /** The first line that fits, those that came before included. */
  async wait(fits: (line: Heard) => boolean, what: string, within = 15_000): Promise<Heard> {
    const end = Date.now() + within;
    for (;;) {
      const found = this.heard.find(fits);
      if (found) return found;
      const left = end - Date.now();
      if (left <= 0) throw new Error(`Waited in vain: ${what}. ${this.nick} heard last: ${JSON.stringify(this.heard.slice(-4))}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#waiters.add(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  async hear(channel: string, text: string | RegExp, within?: number): Promise<Heard> {
    const fits = (line: Heard) =>
      ["PRIVMSG", "NOTICE"].includes(line.command) &&
      line.params[0]?.toLowerCase() === channel.toLowerCase() &&
      (typeof text === "string" ? line.text === text : text.test(line.text));
    return await this.wait(fits, `${this.nick} hears ${text} in ${channel}`, within);
  }

  quit(): void {
    this.#socket.end("QUIT\r\n");
  }

  #take(data: string): void {
    const lines = (this.#rest + data).split(/\r?\n/);
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#line(line);
    for (const wake of this.#waiters) wake();
    this.#waiters.clear();
  }

  #line(line: string): void {
    const match = /^(?:@\S+ )?(?::(\S+) )?(\S+)(?: (.*))?$/.exec(line);
    if (!match) return;
    const [, source = "", command = "", rest = ""] = match;
    if (command === "PING") this.send(`PONG ${rest}`);
    const [head = "", ...tail] = ` ${rest}`.split(" :");
    const params = head.split(" ").filter((word) => word !== "");
    if (tail.length > 0) params.push(tail.join(" :"));
    this.heard.push({ nick: source.split("!")[0] ?? "", command, params, text: params.at(-1) ?? "" });
  }
}
