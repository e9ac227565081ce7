/** A person at a real IRC server, with whatever the server offers: says things, and sees what stands in its channels. */
import { connect, type Socket } from "node:net";
import { type Message, parse, write } from "../fakes/irc/message.ts";

const wanted = ["batch", "draft/message-redaction", "draft/multiline", "echo-message", "message-tags", "server-time", "account-tag"];

/** One message as it stands, batches put together. */
export interface Seen {
  readonly channel: string;
  readonly nick: string;
  readonly command: string;
  readonly text: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** One message over several lines. */
function inPieces(target: string, text: string, tags: Record<string, string>): string[] {
  const pieces = text.match(/.{1,90}/gsu) ?? [];
  const lines = pieces.map((piece, index) => {
    const joined = index === 0 ? {} : { "draft/multiline-concat": "" };
    return write({ tags: { batch: "m", ...joined }, command: "PRIVMSG", params: [target, piece] });
  });
  return [write({ tags, command: "BATCH", params: ["+m", "draft/multiline", target] }), ...lines, "BATCH -m"];
}

export class IrcClient {
  readonly nick: string;
  readonly caps = new Set<string>();
  readonly heard: Message[] = [];
  readonly seen: Seen[] = [];
  readonly #socket: Socket;
  readonly #waiters = new Set<(line: Message) => void>();
  readonly #batches = new Map<string, { opening: Message; lines: { text: string; joined: boolean }[] }>();
  #rest = "";
  #pings = 0;

  private constructor(nick: string, socket: Socket) {
    this.nick = nick;
    this.#socket = socket;
    socket.setEncoding("utf8");
    socket.on("data", (data: string) => this.#take(data));
    socket.on("error", () => undefined);
  }

  static async connect(server: { readonly host: string; readonly port: number }, nick: string): Promise<IrcClient> {
    const client = new IrcClient(nick, connect(server.port, server.host));
    const offered: string[] = [];
    const listed = client.wait(({ command, params }) => {
      if (command !== "CAP" || params[1] !== "LS") return command === "421" || command === "001";
      offered.push(...(params.at(-1) ?? "").split(" ").map((name) => name.split("=")[0] as string));
      return params[2] !== "*";
    });
    client.send("CAP LS 302", `NICK ${nick}`, `USER ${nick} 0 * :${nick}`);
    await listed;
    const caps = wanted.filter((name) => offered.includes(name));
    if (caps.length > 0) {
      const acknowledged = client.wait(({ command, params }) => command === "CAP" && params[1] === "ACK");
      client.send(`CAP REQ :${caps.join(" ")}`);
      await acknowledged;
      for (const cap of caps) client.caps.add(cap);
    }
    const welcome = client.wait(({ command }) => command === "376" || command === "422");
    client.send("CAP END");
    await welcome;
    return client;
  }

  send(...lines: readonly string[]): void {
    this.#socket.write(lines.map((line) => `${line}\r\n`).join(""));
  }

  wait(fits: (line: Message) => boolean, within = 8000): Promise<Message> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.delete(waiter);
        reject(new Error(`${this.nick} waited in vain; last: ${this.heard.slice(-3).map(write).join(" | ")}`));
      }, within);
      const waiter = (line: Message): void => {
        if (!fits(line)) return;
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        resolve(line);
      };
      this.#waiters.add(waiter);
    });
  }

  /** Sends lines; resolves when the server has worked through them, with what it said meanwhile. */
  async ask(...lines: readonly string[]): Promise<readonly Message[]> {
    const token = `p${++this.#pings}`;
    const before = this.heard.length;
    const answered = this.wait(({ command, params }) => command === "PONG" && params.at(-1) === token);
    this.send(...lines, `PING ${token}`);
    await answered;
    return this.heard.slice(before);
  }

  async join(channel: string): Promise<this> {
    await this.ask(`JOIN ${channel}`);
    return this;
  }

  /** The id of what was said, where the server gives ids. */
  async say(target: string, text: string, tags: Record<string, string> = {}): Promise<string | undefined> {
    const long = Buffer.byteLength(text) > 380 && this.caps.has("draft/multiline");
    const heard = await this.ask(...(long ? inPieces(target, text, tags) : [write({ tags, command: "PRIVMSG", params: [target, text] })]));
    return heard.find(({ command, prefix }) => /^(PRIVMSG|BATCH)$/.test(command) && prefix?.startsWith(`${this.nick}!`))?.tags?.["msgid"];
  }

  async tag(target: string, tags: Record<string, string>): Promise<void> {
    await this.ask(write({ tags, command: "TAGMSG", params: [target] }));
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(data: string): void {
    this.#rest += data;
    for (let end = this.#rest.indexOf("\n"); end >= 0; end = this.#rest.indexOf("\n")) {
      const line = parse(this.#rest.slice(0, end).replace(/\r$/, ""));
      this.#rest = this.#rest.slice(end + 1);
      this.heard.push(line);
      if (line.command === "PING") this.send(`PONG :${line.params[0]}`);
      this.#note(line);
      for (const waiter of [...this.#waiters]) waiter(line);
    }
  }

  #note(line: Message): void {
    const [first = "", second = ""] = line.params;
    if (line.command === "BATCH") return this.#batch(line, first);
    const batch = this.#batches.get(line.tags?.["batch"] ?? "");
    if (batch) batch.lines.push({ text: second, joined: "draft/multiline-concat" in (line.tags ?? {}) });
    else if (/^(PRIVMSG|NOTICE|TAGMSG|REDACT)$/.test(line.command)) this.#see(line, first, second);
  }

  #batch(line: Message, mark: string): void {
    const name = mark.slice(1);
    if (mark.startsWith("+") && line.params[1] === "draft/multiline") this.#batches.set(name, { opening: line, lines: [] });
    const batch = this.#batches.get(name);
    if (!mark.startsWith("-") || !batch) return;
    this.#batches.delete(name);
    const text = batch.lines.reduce((all, each, index) => all + (each.joined || index === 0 ? "" : "\n") + each.text, "");
    this.#see({ ...batch.opening, command: "PRIVMSG" }, batch.opening.params[2] ?? "", text);
  }

  #see(line: Message, channel: string, text: string): void {
    this.seen.push({ channel, nick: (line.prefix ?? "").split("!")[0] ?? "", command: line.command, text, tags: line.tags ?? {} });
  }
}
