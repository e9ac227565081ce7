/** A person with an IRC client: one connection, as many of IRCv3's extensions as the server has, and every line that comes. */
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { type Line, readLine, writeLine } from "../../bridges/irc/line.ts";

const WANTED = ["message-tags", "echo-message", "server-time", "batch", "labeled-response", "draft/message-redaction", "extended-join"];

export class IrcPerson {
  readonly nick: string;
  readonly has = new Set<string>();
  readonly #socket: Socket;
  readonly #heard: (line: Line) => unknown;
  readonly #waiting = new Set<(line: Line) => void>();

  private constructor(nick: string, socket: Socket, heard: (line: Line) => unknown) {
    this.nick = nick;
    this.#socket = socket;
    this.#heard = heard;
    // A server that goes away is what some demonstrations are about: nothing to say about it here.
    socket.on("error", () => undefined);
    const lines = createInterface({ input: socket, crlfDelay: Infinity });
    lines.on("line", (text) => this.#take(readLine(text))).on("error", () => undefined);
  }

  /** Resolves once the person is in the channel. */
  static async arrive(port: number, nick: string, channel: string, heard: (line: Line) => unknown): Promise<IrcPerson> {
    const person = new IrcPerson(nick, connect(port, "127.0.0.1"), heard);
    const welcome = person.#next((line) => line.command === "001");
    person.send("CAP", "LS", "302");
    person.send("NICK", nick);
    person.send("USER", nick, "0", "*", nick);
    const offered = new Set<string>();
    await person.#next(({ command, params }) => {
      if (command !== "CAP" || params[1] !== "LS") return false;
      for (const cap of (params.at(-1) ?? "").split(" ")) offered.add(cap.replace(/=.*/, ""));
      // A list that is too long for one line comes in several, each but the last marked by a star.
      return params[2] !== "*";
    });
    const wanted = WANTED.filter((cap) => offered.has(cap));
    if (wanted.length > 0) {
      person.send("CAP", "REQ", wanted.join(" "));
      const answer = await person.#next((line) => line.command === "CAP" && ["ACK", "NAK"].includes(line.params[1] ?? ""));
      if (answer.params[1] === "ACK") for (const cap of wanted) person.has.add(cap);
    }
    person.send("CAP", "END");
    await welcome;
    person.send("JOIN", channel);
    await person.#next((line) => line.command === "366");
    return person;
  }

  send(command: string, ...params: string[]): void {
    this.sendTagged({}, command, ...params);
  }

  sendTagged(tags: Readonly<Record<string, string>>, command: string, ...params: string[]): void {
    this.#socket.write(
      `${writeLine(
        command,
        params.map((word) => word.replaceAll(/[\r\n\0]/g, " ")),
        tags,
      )}\r\n`,
    );
  }

  /** Sends, and resolves with our own echo of it (where the server echoes), or rejects with the server's refusal in a sentence. */
  async say(tags: Readonly<Record<string, string>>, command: string, target: string, text: string): Promise<string | undefined> {
    const mine = (line: Line): boolean => line.command === command && line.nick === this.nick;
    const refused = (line: Line): boolean => /^4\d\d$/.test(line.command) || line.command === "FAIL";
    const answered = this.#next((line) => mine(line) || refused(line) || (line.command === "PONG" && line.params.at(-1) === "said"));
    this.sendTagged(tags, command, target, text);
    if (!this.has.has("echo-message")) this.send("PING", "said");
    const answer = await answered;
    if (refused(answer)) throw new Error(`The IRC server says: ${answer.params.at(-1)}`);
    return answer.tags["msgid"];
  }

  quit(): void {
    this.send("QUIT", "Good night");
    this.#socket.end();
  }

  #take(line: Line): void {
    if (line.command === "PING") this.send("PONG", line.params.at(-1) ?? "");
    for (const waiting of [...this.#waiting]) waiting(line);
    this.#heard(line);
  }

  #next(match: (line: Line) => boolean): Promise<Line> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        this.#waiting.delete(waiting);
        clearTimeout(late);
      };
      const waiting = (line: Line): void => {
        if (!match(line)) return;
        done();
        resolve(line);
      };
      const late = setTimeout(() => {
        done();
        reject(new Error("The IRC server did not answer."));
      }, 10_000);
      this.#waiting.add(waiting);
    });
  }
}
