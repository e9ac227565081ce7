/** A crowd on two InspIRCd servers that lose each other, and the modes and moderators of real channels, with a real Synapse. */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { parse } from "yaml";
import { type CrowdNetwork, crowdStories } from "../stories/crowd-stories.ts";
import { startInspircd } from "./irc-servers-inspircd.ts";
import { startSynapse } from "./synapse.ts";

crowdStories("A crowd on InspIRCd, with Synapse", {
  startHomeserver: async (registration) => await startSynapse({ services: [parse(await readFile(registration, "utf8"))] }),
  startIrc: network,
  crowd: 2_000,
});

/** People who only are there: what they hear is thrown away but for PING. */
class Somebody {
  readonly #socket: Socket;
  #last = "";

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static async join(port: number, nick: string, channel: string): Promise<Somebody> {
    const socket = connect(port, "127.0.0.1").setEncoding("latin1");
    const somebody = new Somebody(socket);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.on("data", (text: string) => {
      const lines = somebody.#last + text;
      for (const [, token] of lines.matchAll(/^PING (\S+)\r/gm)) socket.write(`PONG ${token}\r\n`);
      if (/^\S+ 001 .*\r/m.test(lines)) socket.write(`JOIN ${channel}\r\n`);
      if (/^\S+ 366 .*\r/m.test(lines)) resolve();
      // What is not whole yet.
      somebody.#last = lines.slice(lines.lastIndexOf("\n") + 1);
    });
    socket.on("error", reject);
    socket.on("close", () => reject(new Error(`${nick} is out: ${somebody.#last.slice(-300)}`)));
    promise.catch(() => undefined);
    socket.write(`NICK ${nick}\r\nUSER ${nick} 0 * :${nick}\r\n`);
    await promise;
    return somebody;
  }

  say(channel: string, text: string): void {
    this.#socket.write(`PRIVMSG ${channel} :${text}\r\n`);
  }

  async end(): Promise<void> {
    if (this.#socket.closed) return;
    const closed = once(this.#socket, "close").catch(() => undefined);
    this.#socket.destroy();
    await closed;
  }
}

async function network(): Promise<CrowdNetwork> {
  const hub = await startInspircd({ name: "hub.test.local", accepts: ["leaf.test.local"] });
  const leaf = await startInspircd({ name: "leaf.test.local", linkTo: hub });
  const people = new Map<string, Somebody>();
  /** As many at a time as a server's queue of new connections takes. */
  const gather = async (channel: string, nicks: readonly string[]): Promise<void> => {
    for (let at = 0; at < nicks.length; at += 200) {
      const some = nicks.slice(at, at + 200);
      const joined = await Promise.all(some.map((nick) => Somebody.join(leaf.port, nick, channel)));
      for (const [index, nick] of some.entries()) people.set(nick, joined[index] as Somebody);
    }
  };
  return {
    host: hub.host,
    port: hub.port,
    gather,
    say: (nick, channel, text) => people.get(nick)?.say(channel, text),
    split: () => leaf.kill(),
    async heal(channel) {
      const nicks = [...people.keys()].filter((nick) => nick.startsWith("leaf"));
      await Promise.all([...people.values()].map((one) => one.end()));
      people.clear();
      await leaf.restart();
      await gather(channel, nicks);
    },
    async stop() {
      await Promise.all([...people.values()].map((one) => one.end()));
      await leaf.stop();
      await hub.stop();
    },
  };
}
