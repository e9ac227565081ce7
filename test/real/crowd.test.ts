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
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.on("data", (text: string) => {
      somebody.#last = (somebody.#last + text).slice(-4096);
      for (const [, token] of text.matchAll(/^PING (\S+)/gm)) socket.write(`PONG ${token}\r\n`);
      if (/ 001 /.test(text)) socket.write(`JOIN ${channel}\r\n`);
      if (/ 366 /.test(somebody.#last)) resolve();
    });
    socket.on("error", () => resolve());
    socket.write(`NICK ${nick}\r\nUSER ${nick} 0 * :${nick}\r\n`);
    await promise;
    return somebody;
  }

  say(channel: string, text: string): void {
    this.#socket.write(`PRIVMSG ${channel} :${text}\r\n`);
  }

  async end(): Promise<void> {
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
