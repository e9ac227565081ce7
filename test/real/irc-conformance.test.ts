/** IRC keeps the promises of a network on real servers: InspIRCd, ngIRCd and Ergo. */
import { after } from "node:test";
import type { IrcConfig } from "../../bridges/irc/config.ts";
import { irc } from "../../bridges/irc/index.ts";
import type { IrcWire } from "../../bridges/irc/to-irc.ts";
import { loginId, remoteChannelId, remoteMessageId, remoteUserId } from "../../core/model/ids.ts";
import { testNetwork } from "../conformance.ts";
import type { Harness, Scene, Someone, Standing } from "../conformance/harness.ts";
import { IrcClient, type Seen } from "./irc-client.ts";
import { IrcProxy } from "./irc-proxy.ts";
import type { IrcServer } from "./irc-servers.ts";
import { startErgo } from "./irc-servers-ergo.ts";
import { startInspircd } from "./irc-servers-inspircd.ts";
import { startNgircd } from "./irc-servers-ngircd.ts";

interface Kind {
  readonly name: string;
  readonly start: () => Promise<IrcServer>;
  readonly ids: boolean;
  readonly page?: number;
  /** People register accounts by themselves; only who is signed in may delete their own words. */
  readonly accounts?: true;
}

const kinds: readonly Kind[] = [
  { name: "InspIRCd", start: () => startInspircd(), ids: true },
  { name: "ngIRCd", start: () => startNgircd(), ids: false },
  { name: "Ergo", start: () => startErgo(), ids: true, page: 100, accounts: true },
];

const only = process.env["IRC_SERVER"];
for (const kind of kinds.filter(({ name }) => only === undefined || name === only)) testNetwork(harnessOn(kind));

let scenes = 0;

function harnessOn(kind: Kind): Harness<IrcConfig> {
  let server: Promise<IrcServer> | undefined;
  let next: ReturnType<typeof gather> | undefined;
  after(async () => {
    for (const person of (await next)?.people ?? []) person.close();
    await (await server)?.stop();
  });
  return {
    network: irc,
    variant: `on ${kind.name}`,
    samples: {
      people: [remoteUserId("libera/dave"), remoteUserId("libera/+dave")],
      channels: [remoteChannelId("libera/#causeway")],
      written: [[["libera", "#causeway"], remoteChannelId("libera/#causeway")]],
    },
    measure: (part) => (part.wire as IrcWire).lines.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0),
    keyed: false,
    // Registration takes a second of the wall on InspIRCd.
    speed: 8,
    ...(kind.page === undefined ? {} : { page: kind.page }),
    open: async () => {
      const running = await (server ??= kind.start());
      // InspIRCd lets people in once a second: those of the next scene come in while this one plays.
      const cast = await (next ?? gather(running));
      next = gather(running);
      return openScene(kind, running, cast);
    },
  };
}

interface Cast {
  readonly number: number;
  readonly people: readonly [alice: IrcClient, bob: IrcClient, witness: IrcClient];
}

async function gather(server: IrcServer): Promise<Cast> {
  const number = ++scenes;
  const nicks = [`alice${number}`, `bob${number}`, `witness${number}`];
  const people = (await Promise.all(nicks.map((nick) => IrcClient.connect(server, nick)))) as [IrcClient, IrcClient, IrcClient];
  return { number, people };
}

const PASSWORD = "correct horse battery staple".replaceAll(" ", "-");

async function register(server: IrcServer, nick: string): Promise<void> {
  const owner = await IrcClient.connect(server, nick);
  await owner.ask(`NS REGISTER ${PASSWORD}`);
  owner.send("QUIT");
  owner.close();
}

async function openScene(kind: Kind, server: IrcServer, { number, people: cast }: Cast): Promise<Scene<IrcConfig>> {
  const [name, elsewhere] = [`#scene${number}`, `#other${number}`];
  const [channel, other] = [remoteChannelId(`real/${name}`), remoteChannelId(`real/${elsewhere}`)];
  const proxy = await IrcProxy.open(server);
  const [alice, bob, witness] = cast;
  for (const person of cast) await (await person.join(name)).join(elsewhere);
  const nick = `bridge${number}`;
  if (kind.accounts) await register(server, nick);
  const config = irc.config.parse({
    networks: {
      real: {
        servers: [{ host: "127.0.0.1", port: proxy.port, tls: false }],
        nick,
        ...(kind.accounts ? { sasl: { mechanism: "scram-sha-256", account: nick, password: PASSWORD } } : {}),
        flood: { burst: 20, per_second: 4, most_per_second: 4 },
        own: { enabled: true, per_minute: 600 },
      },
    },
  });
  const [login] = irc.logins(config);
  if (!login) throw new Error("no login");
  const people = [alice, bob];
  return {
    config,
    login,
    own: {
      id: loginId(`real/@nina${number}:example.org`),
      name: "nina",
      owner: `@nina${number}:example.org`,
      secrets: { nick: `nina${number}` },
    },
    channel,
    other,
    alice: someone(alice, name, kind, nick),
    bob: someone(bob, name, kind, nick),
    secrets: kind.accounts ? [PASSWORD] : [],
    standing: async (id) => {
      await witness.ask();
      return standing(
        witness.seen.filter(({ channel }) => `real/${channel}` === id),
        people,
        kind,
      );
    },
    shown: async (id) => {
      const answer = await witness.ask(`TOPIC ${id.slice(5)}`);
      return { topic: answer.find(({ command }) => command === "332")?.params.at(-1) ?? "" };
    },
    answers: async () => {
      await Promise.all(people.map((person) => person.ask()));
      return people.flatMap((person) => person.heard.filter(({ command }) => command === "NOTICE").map(({ params }) => params[1] ?? ""));
    },
    typing: async () => {
      await witness.ask();
      return witness.seen.filter(({ tags }) => tags["+typing"] === "active").map(({ nick }) => nick);
    },
    faults: {
      loseReply:
        kind.page === undefined ? { never: "without a history the line is rather said twice than lost" } : async () => proxy.lose("answer"),
      loseSend: async () => proxy.lose("line"),
      cut: async () => proxy.cut(),
      down: async () => proxy.down(),
      up: async () => proxy.up(),
      forget: async () => undefined,
      limit: { never: "IRC servers do not refuse with a time" },
      slow: async (ms) => void (proxy.slow = ms),
      hang: async () => void (proxy.hang = true),
      revoke: { never: "the servers of this test ask for no password" },
      redeliver: { never: "IRC delivers nothing twice" },
      mute: async () => void (await alice.ask(`MODE ${name} +m`)),
    },
    close: async () => {
      for (const person of [alice, bob, witness]) person.close();
      await proxy.close();
    },
  };
}

function someone(person: IrcClient, home: string, kind: Kind, bridge: string): Someone {
  let nick = person.nick;
  const react = (id: string, emoji: string, sort: string) => person.tag(home, { [`+draft/${sort}`]: emoji, "+draft/reply": id });
  return {
    id: remoteUserId(`real/${person.nick}`),
    get name() {
      return nick;
    },
    say: async (text, where) => {
      const id = await person.say(where?.channel?.slice(5) ?? home, text, where?.replyTo ? { "+draft/reply": where.replyTo } : {});
      return id === undefined ? undefined : remoteMessageId(id);
    },
    ...(kind.ids
      ? {
          react: (id, emoji) => react(id, emoji, "react"),
          unreact: (id, emoji) => react(id, emoji, "unreact"),
          type: () => person.tag(home, { "+typing": "active" }),
        }
      : {}),
    ...(person.caps.has("draft/message-redaction") ? { delete: async (id) => void (await person.ask(`REDACT ${home} ${id}`)) } : {}),
    topic: async (text) => void (await person.ask(`TOPIC ${home} :${text}`)),
    // The suite names the new name; here it has to be free on a server that lives longer than the scene.
    rename: async (wish) => {
      await person.ask(`NICK ${wish}`);
      nick = wish;
    },
    leave: async () => void (await person.ask(`PART ${home}`)),
    join: async () => void (await person.join(home)),
    whisper: async (text) => void (await person.say(bridge, text)),
    command: async (words) => void (await person.say(home, `!causeway ${words}`)),
  };
}

function standing(seen: readonly Seen[], people: readonly IrcClient[], kind: Kind): Standing[] {
  const redacted = new Set(seen.filter(({ command }) => command === "REDACT").map(({ text }) => text));
  return seen
    .filter(({ command, tags }) => /^(PRIVMSG|NOTICE)$/.test(command) && !redacted.has(tags["msgid"] ?? ""))
    .map(({ nick, text, tags }): Standing => {
      const id = tags["msgid"];
      const reactions = new Map<string, { emoji: string; by: string }>();
      for (const other of seen.filter((one) => one.tags["+draft/reply"] === id && one.command === "TAGMSG")) {
        const [set, taken] = [other.tags["+draft/react"], other.tags["+draft/unreact"]];
        if (set) reactions.set(`${other.nick} ${set}`, { emoji: set, by: other.nick });
        if (taken) reactions.delete(`${other.nick} ${taken}`);
      }
      const rung = people.filter((person) => person.nick !== nick && new RegExp(`(^|[^\\w-])${person.nick}($|[^\\w-])`, "i").test(text));
      const replyTo = tags["+draft/reply"];
      return {
        ...(kind.ids && id ? { id: remoteMessageId(id) } : {}),
        name: nick,
        text,
        ...(replyTo ? { replyTo: remoteMessageId(replyTo) } : {}),
        reactions: [...reactions.values()],
        rangEveryone: false,
        rang: rung.map((person) => remoteUserId(`real/${person.nick}`)),
      };
    });
}
