/**
 * An IRC server in the test's own process, on a real port, speaking the real protocol: plain as ngIRCd, with IRCv3 as InspIRCd, or with
 * history and all that is new as Ergo. People on it are played by `person()`; what stands in a channel is read from `channel().log`.
 *
 *     const server = await FakeIrc.start({ profile: ergo });
 *     const dave = server.person("dave").join("#causeway");
 *     dave.say("#causeway", "hello");
 *     await server.stop();
 */
import { createServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { Client } from "./irc/client.ts";
import { type Faults, type FloodLimit, noFaults } from "./irc/faults.ts";
import { Channel, type User } from "./irc/model.ts";
import { FakeNetwork, Numeric } from "./irc/network.ts";
import { Person, type PersonOptions } from "./irc/person.ts";
import { ergo, inspircd, plain, type Profile } from "./irc/profiles.ts";

export { ergo, inspircd, plain };
export type { Person, Profile };

export interface FakeIrcOptions {
  readonly profile?: Profile;
  /** Of the server itself. */
  readonly password?: string;
  readonly tls?: { readonly key: string; readonly cert: string };
  /** The port that plain connections are told to use instead. */
  readonly sts?: number;
  readonly flood?: FloodLimit;
  readonly mostConnections?: number;
  /** Port to listen on; any by default. */
  readonly port?: number;
}

export class FakeIrc {
  readonly profile: Profile;
  readonly network: FakeNetwork;
  readonly clients = new Set<Client>();
  readonly faults: Faults = noFaults();
  /** Services accounts by the SHA-256 of their certificate. */
  readonly certificates = new Map<string, string>();
  /** Every line that ever came from a socket. */
  readonly received: string[] = [];
  /** Client-only tags are relayed. */
  passesTags = true;
  /** Connections that were made so far. */
  connections = 0;
  password: string | undefined;
  sts: number | undefined;
  flood: FloodLimit | undefined;
  mostConnections: number;
  readonly isTls: boolean;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  static async start(options: FakeIrcOptions = {}): Promise<FakeIrc> {
    const fake = new FakeIrc(options);
    await new Promise<void>((resolve) => fake.#server.listen(options.port ?? 0, "127.0.0.1", resolve));
    return fake;
  }

  private constructor(options: FakeIrcOptions) {
    this.profile = options.profile ?? inspircd;
    this.network = new FakeNetwork(this.profile);
    this.password = options.password;
    this.sts = options.sts;
    this.flood = options.flood;
    this.mostConnections = options.mostConnections ?? 10_000;
    this.isTls = options.tls !== undefined;
    const accept = (socket: Socket): void => this.#accept(socket);
    this.#server = options.tls
      ? createTlsServer({ ...options.tls, requestCert: true, rejectUnauthorized: false }, accept)
      : createServer(accept);
    this.#server.on("tlsClientError", () => undefined);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  person(nick: string, options: PersonOptions = {}): Person {
    return new Person(this.network, nick, options);
  }

  /** Made when it is not there, by nobody. */
  channel(name: string): Channel {
    const known = this.network.channel(name);
    if (known) return known;
    const channel = new Channel(name);
    this.network.channels.set(this.network.fold(name), channel);
    return channel;
  }

  /** The bridge's connection of this nick. */
  client(nick: string): Client | undefined {
    return [...this.clients].find(({ user, registered }) => registered && this.network.fold(user.nick) === this.network.fold(nick));
  }

  /** Live connections break. */
  cut(): void {
    for (const client of [...this.clients]) client.cut();
  }

  /** Live connections break, and new ones are closed at once. */
  down(): void {
    this.faults.down = true;
    this.cut();
  }

  up(): void {
    this.faults.down = false;
  }

  /** A staff member throws a connection out. */
  kill(nick: string, reason: string): void {
    this.client(nick)?.error(`Killed (oper (${reason}))`);
  }

  /** Two servers lose each other: these people quit at once, in a batch where clients can take one. */
  split(people: Iterable<Person>): void {
    for (const person of people) this.network.quit(person.user, "hub.fake.test leaf.fake.test");
  }

  /** They are back, in the channels named. */
  rejoin(people: Iterable<Person>, channel: string): void {
    for (const person of people) {
      this.network.add(person.user);
      this.network.join(person.user, channel);
    }
  }

  /** A message by somebody whom a bridge speaks for. */
  relay(by: User, name: string, nick: string, text: string): void {
    const channel = this.network.channel(name);
    if (!channel?.has(by, "qaoh")) throw new Numeric("482", name, "You must have channel halfop access or above");
    if (!nick.includes("/")) throw new Numeric("FAIL", "RELAYMSG", "INVALID_NICK", "Invalid nickname");
    const { id, at, tags } = this.network.stamp(by);
    const mask = `${nick}!relay@relay`;
    channel.log.push({ id, at, nick, mask, account: undefined, command: "PRIVMSG", text, tags: {} });
    for (const member of channel.members.keys()) {
      if (member === by && !member.caps.has("echo-message")) continue;
      member.hear({ tags: { ...tags, "draft/relaymsg": by.nick }, prefix: mask, command: "PRIVMSG", params: [channel.name, text] });
    }
  }

  /** NickServ. Returns whether the message was for it. */
  services(client: Client, target: string, text: string): boolean {
    if (target.toLowerCase() !== "nickserv") return false;
    const [command = "", ...words] = text.split(" ");
    const [account = client.user.nick, password = ""] = words.length > 1 ? words : [undefined, words[0]];
    const say = (words: string): void =>
      client.user.hear({ prefix: "NickServ!services@services.fake.test", command: "NOTICE", params: [client.user.nick, words] });
    if (command.toUpperCase() !== "IDENTIFY") say(`Unknown command ${command}.`);
    else if (this.network.accounts.get(account) !== password) say("Invalid password.");
    else {
      this.network.login(client.user, account);
      client.numeric("900", client.user.mask, account, `You are now logged in as ${account}`);
      say("You are now identified.");
    }
    return true;
  }

  heard(line: string): void {
    this.received.push(line);
  }

  async stop(): Promise<void> {
    this.faults.hang = false;
    this.cut();
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(socket: Socket): void {
    this.connections += 1;
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => undefined);
    if (this.faults.down) return void socket.destroy();
    if (this.faults.banned !== undefined || this.clients.size >= this.mostConnections) {
      const words = this.faults.banned ?? "Too many connections from your IP";
      socket.end(`:${this.network.serverName} NOTICE * :*** Looking up your hostname...\r\nERROR :Closing link: (${words})\r\n`);
      return;
    }
    this.clients.add(new Client(this, socket));
  }
}
