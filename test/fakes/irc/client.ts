/** One socket at the fake server: bytes to lines, registration, and answers with labels where the client asked for them. */
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { FakeIrc } from "../irc.ts";
import { Authentication } from "./authentication.ts";
import { run } from "./commands.ts";
import { type Message, parse, write } from "./message.ts";
import { User } from "./model.ts";
import { Numeric } from "./network.ts";

let batches = 0;

export class Client {
  readonly server: FakeIrc;
  readonly user: User;
  /** Lines that came, as they came: what the bridge put on the wire. */
  readonly received: string[] = [];
  readonly #socket: Socket;
  readonly #authentication: Authentication;
  #rest = "";
  #registered = false;
  #negotiating = false;
  #password: string | undefined;
  #named = false;
  #ended = false;
  #silent = false;
  #penalty = 0;
  #penaltyAt = Date.now();
  /** Answers to the line that is being worked on, while it has a label. */
  #captured: Message[] | undefined;
  /** A multiline batch that the client is sending. */
  batch: { name: string; target: string; opening: Message; lines: { text: string; joined: boolean }[] } | undefined;

  constructor(server: FakeIrc, socket: Socket) {
    this.server = server;
    this.#socket = socket;
    this.user = new User("*", (message) => this.#hear(message));
    this.user.user = "";
    this.#authentication = new Authentication(this);
    socket.setNoDelay(true);
    socket.on("data", (bytes) => this.#read(bytes));
    socket.on("error", () => undefined);
    socket.on("close", () => this.gone("Connection closed"));
  }

  get registered(): boolean {
    return this.#registered;
  }

  /** SHA-256 of the client's certificate. */
  get fingerprint(): string | undefined {
    return this.#socket instanceof TLSSocket
      ? this.#socket.getPeerX509Certificate()?.fingerprint256.replaceAll(":", "").toLowerCase()
      : undefined;
  }

  get isSecure(): boolean {
    return this.#socket instanceof TLSSocket;
  }

  /** From the server itself. */
  reply(command: string, ...params: readonly string[]): void {
    this.#hear({ prefix: this.server.network.serverName, command, params });
  }

  numeric(code: string, ...params: readonly string[]): void {
    this.reply(code, this.user.nick, ...params);
  }

  /** A raw line, whatever it may be. */
  raw(line: string): void {
    if (!this.#socket.destroyed && !this.server.faults.hang) this.#socket.write(`${line}\r\n`);
  }

  rawBytes(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Stays open, and that is all. */
  fallSilent(): void {
    this.#silent = true;
  }

  /** As a broken cable. */
  cut(): void {
    this.#socket.destroy();
  }

  error(words: string): void {
    if (this.#ended) return;
    this.raw(`ERROR :Closing link: (${words})`);
    // What still comes is read and let go of: closing over unread bytes would take the last words with it.
    this.#ended = true;
    this.#socket.end();
  }

  gone(reason: string): void {
    if (!this.server.clients.delete(this)) return;
    if (this.#registered) this.server.network.quit(this.user, reason);
  }

  #hear(message: Message): void {
    if (this.#captured && message.command !== "ERROR") this.#captured.push(message);
    else this.#send(message);
  }

  #send(message: Message): void {
    const line = write(message);
    const tags = line.startsWith("@") ? line.slice(0, line.indexOf(" ") + 1) : "";
    const cut = Buffer.from(line.slice(tags.length)).subarray(0, 510).toString("latin1");
    const out = Buffer.concat([Buffer.from(tags), Buffer.from(cut, "latin1"), Buffer.from("\r\n")]);
    const { slow, hang } = this.server.faults;
    if (hang || this.#silent || this.#socket.destroyed) return;
    if (slow > 0) setTimeout(() => this.#socket.destroyed || this.#socket.write(out), slow);
    else this.#socket.write(out);
  }

  #read(bytes: Buffer): void {
    if (this.server.faults.hang || this.#silent || this.#ended) return;
    this.#rest += bytes.toString("latin1");
    for (let end = this.#rest.search(/[\r\n]/); end >= 0; end = this.#rest.search(/[\r\n]/)) {
      const line = Buffer.from(this.#rest.slice(0, end), "latin1").toString();
      this.#rest = this.#rest.slice(end + 1);
      if (line !== "" && !this.#socket.destroyed && !this.#ended) this.#line(line);
    }
  }

  #line(line: string): void {
    this.received.push(line);
    this.server.heard(line);
    if (this.#isFlooding()) return this.error("Excess Flood");
    const body = line.startsWith("@") ? line.slice(line.indexOf(" ") + 1) : line;
    if (Buffer.byteLength(body) > 510) {
      if (this.server.profile.longLines === "disconnect") return this.error("Request too long");
      if (this.server.profile.longLines === "refuse") return this.numeric("417", "Input line was too long");
    }
    const message = parse(line);
    this.#labelled(message, () => this.#work(message));
  }

  #isFlooding(): boolean {
    const { flood } = this.server;
    if (!flood || !this.#registered) return false;
    const now = Date.now();
    this.#penalty = Math.max(0, this.#penalty - ((now - this.#penaltyAt) / 1000) * flood.perSecond * (flood.speed ?? 1)) + 1;
    this.#penaltyAt = now;
    return this.#penalty > flood.most;
  }

  /** Gathers the answer to a labelled line and gives it the label (https://ircv3.net/specs/extensions/labeled-response). */
  #labelled(message: Message, work: () => void): void {
    const label = this.user.caps.has("labeled-response") ? message.tags?.["label"] : undefined;
    if (label === undefined) return work();
    this.#captured = [];
    work();
    const answers = this.#captured ?? [];
    this.#captured = undefined;
    // The answer to a multiline batch comes with its end.
    if (this.batch && message.command === "BATCH") {
      this.batch.opening.tags = { ...this.batch.opening.tags, label };
      return;
    }
    if (!this.server.faults.forgetLabels) this.answer(label, answers);
  }

  answer(label: string, answers: readonly Message[]): void {
    const [first, ...more] = answers;
    const last = answers.at(-1);
    if (!first) return this.#send({ tags: { label }, prefix: this.server.network.serverName, command: "ACK", params: [] });
    const oneBatch = first.command === "BATCH" && last?.command === "BATCH" && last.params[0] === `-${first.params[0]?.slice(1)}`;
    if (more.length === 0 || oneBatch) return [{ ...first, tags: { ...first.tags, label } }, ...more].forEach((each) => this.#send(each));
    const batch = `lr${++batches}`;
    this.#send({ tags: { label }, prefix: this.server.network.serverName, command: "BATCH", params: [`+${batch}`, "labeled-response"] });
    for (const each of answers) this.#send(each.tags?.["batch"] ? each : { ...each, tags: { ...each.tags, batch } });
    this.#send({ prefix: this.server.network.serverName, command: "BATCH", params: [`-${batch}`] });
  }

  /** Everything that `work` makes the client hear. */
  capture(work: () => void): Message[] {
    const before = this.#captured;
    this.#captured = [];
    this.#guarded(work);
    const heard = this.#captured;
    this.#captured = before;
    return heard;
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof Numeric)) throw error;
      if (/^\d/.test(error.code)) this.numeric(error.code, ...error.params);
      else this.reply(error.code, ...error.params);
    }
  }

  #work(message: Message): void {
    this.#guarded(() => {
      if (!this.#registered) this.#register(message);
      else if (message.command === "CAP" || message.command === "AUTHENTICATE") this.#authentication.take(message);
      else run(this, message);
    });
  }

  #register(message: Message): void {
    const { params, command } = message;
    switch (command) {
      case "CAP":
        if (/^(LS|REQ)$/i.test(params[0] ?? "")) this.#negotiating = true;
        if (/^END$/i.test(params[0] ?? "")) this.#negotiating = false;
        this.#authentication.take(message);
        break;
      case "AUTHENTICATE":
        return this.#authentication.take(message);
      case "PASS":
        this.#password = params[0];
        return;
      case "WEBIRC":
        this.user.host = params[2] ?? "";
        return;
      case "NICK":
        this.#nick(params[0] ?? "");
        break;
      case "USER":
        Object.assign(this.user, { user: `~${(params[0] ?? "").slice(0, 9)}`, realName: params[3] ?? "" });
        this.#named = true;
        if (this.server.faults.closeWhileRegistering) return this.cut();
        break;
      case "PING":
        return this.reply("PONG", this.server.network.serverName, params[0] ?? "");
      case "QUIT":
        return this.error("Quit");
      default:
        return this.numeric("451", "You have not registered");
    }
    this.#welcomeWhenReady();
  }

  #nick(nick: string): void {
    if (this.server.faults.nickInUse) return this.reply("433", "*", nick, "Nickname is already in use");
    if (!/^[A-Za-z[\]\\`_^{|}][A-Za-z0-9[\]\\`_^{|}-]*$/.test(nick)) return this.reply("432", "*", nick, "Erroneous nickname");
    const wanted = nick.slice(0, 30);
    if (this.server.network.find(wanted)) return this.reply("433", "*", wanted, "Nickname is already in use");
    this.user.nick = wanted;
  }

  #welcomeWhenReady(): void {
    if (this.#negotiating || !this.#named || this.user.nick === "*" || this.server.faults.neverWelcome) return;
    if (this.server.password !== undefined && this.#password !== this.server.password) {
      this.numeric("464", "Password incorrect");
      return this.error("Bad Password");
    }
    this.server.network.add(this.user);
    this.#registered = true;
    this.#welcome();
  }

  #welcome(): void {
    const { network, profile, faults } = this.server;
    this.numeric("001", `Welcome to the Fake IRC Network ${this.user.mask}`);
    this.numeric("002", `Your host is ${network.serverName}, running version ${profile.version}`);
    this.numeric("003", "This server was created just now");
    this.numeric("004", network.serverName, profile.version, "iosw", "beIklmnopstv");
    const tokens = faults.isupport ?? profile.isupport;
    for (let start = 0; start < tokens.length; start += 12)
      this.numeric("005", ...tokens.slice(start, start + 12), "are supported by this server");
    this.numeric("375", "- Message of the day -");
    this.numeric("372", "- This is a fake");
    if (!faults.noMotdEnd) this.numeric("376", "End of message of the day.");
  }
}
