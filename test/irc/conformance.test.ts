/** IRC keeps the promises of a network: on a plain server, on one with IRCv3, and on one with history and all that is new. */
import { remoteChannelId, remoteMessageId, remoteUserId, loginId } from "../../core/model/ids.ts";
import { irc } from "../../bridges/irc/index.ts";
import type { IrcConfig } from "../../bridges/irc/config.ts";
import type { IrcWire } from "../../bridges/irc/to-irc.ts";
import { testNetwork } from "../conformance.ts";
import type { Harness, Scene, Someone, Standing } from "../conformance/harness.ts";
import { ergo, FakeIrc, inspircd, type Person, plain, type Profile } from "../fakes/irc.ts";
import type { Entry } from "../fakes/irc/model.ts";

const [channel, other] = [remoteChannelId("fake/#causeway"), remoteChannelId("fake/#other")];
const PASSWORD = "correct horse battery staple";

for (const profile of [plain, inspircd, ergo]) testNetwork(harnessOn(profile));

function harnessOn(profile: Profile): Harness<IrcConfig> {
  return {
    network: irc,
    variant: `as ${profile.name}`,
    samples: {
      people: ["libera/dave", "libera/+dave", "libera/[m]^_{|}`\\-x", "ergo.example/名無し", "libera/a_b_c"].map(remoteUserId),
      channels: [
        "libera/#causeway",
        "libera/##c",
        "libera/#a_b",
        "libera/&local",
        "libera/#ünï",
        "libera/#a/b",
        "libera/dave@libera/@m:hs",
      ].map(remoteChannelId),
      written: [
        [["libera", "#Causeway"], remoteChannelId("libera/#causeway")],
        [["libera/#causeway"], remoteChannelId("libera/#causeway")],
        [["libera", "&local"], remoteChannelId("libera/&local")],
      ],
      nonsense: [
        ["#causeway"],
        ["libera"],
        ["libera", "causeway"],
        ["libera", "#a b"],
        ["libera", "#a,#b"],
        ["libera", "#a", "key"],
        ["LIB_ERA", "#a"],
      ],
    },
    measure: (part) =>
      (part.wire as IrcWire).lines.reduce(
        (sum, { text, joined }, index) => sum + Buffer.byteLength(text) + (joined || index === 0 ? 0 : 1),
        0,
      ),
    keyed: false,
    ...(profile.history === undefined ? {} : { page: profile.history }),
    open: () => openScene(profile),
  };
}

async function openScene(profile: Profile): Promise<Scene<IrcConfig>> {
  const server = await FakeIrc.start({ profile });
  const signsIn = "sasl" in profile.caps;
  server.network.accounts.set("causeway", PASSWORD);
  if (!signsIn) server.password = PASSWORD;
  const people = [server.person("alice"), server.person("bob")] as const;
  for (const person of people) person.join("#causeway").join("#other");
  const config = irc.config.parse({
    networks: {
      fake: {
        servers: [{ host: "127.0.0.1", port: server.port, tls: false }],
        nick: "causeway",
        ...(signsIn ? { sasl: { mechanism: "plain", account: "causeway", password: PASSWORD } } : { password: PASSWORD }),
        flood: { burst: 20, per_second: 4, most_per_second: 4 },
        own: { enabled: true, per_minute: 600 },
      },
    },
  });
  const [login] = irc.logins(config);
  if (!login) throw new Error("no login");
  const entries = (name: string) => server.channel(name).log;
  return {
    config,
    login,
    own: { id: loginId("fake/@nina:example.org"), name: "fake as nina", owner: "@nina:example.org", secrets: { nick: "nina" } },
    channel,
    other,
    alice: someone(people[0], server),
    bob: someone(people[1], server),
    secrets: [PASSWORD],
    standing: async (id) => standing(entries(id.slice(id.indexOf("/") + 1)), profile, people),
    shown: async (id) => ({ topic: server.channel(id.slice(id.indexOf("/") + 1)).topic }),
    answers: async () => people.flatMap((person) => person.notices),
    typing: async (id) =>
      entries(id.slice(id.indexOf("/") + 1))
        .filter(({ tags }) => tags["+typing"] === "active")
        .map(({ nick }) => nick),
    faults: {
      loseReply:
        profile.history === undefined
          ? { never: "without a history nobody can tell whether the line arrived: it is rather said twice than lost" }
          : async () => void (server.faults.loseReply = true),
      loseSend: async () => void (server.faults.loseSend = true),
      cut: async () => server.cut(),
      down: async () => server.down(),
      up: async () => server.up(),
      forget: async () => undefined,
      limit: { never: "IRC servers do not refuse with a time: they answer late, or cut the connection" },
      slow: async (ms) => void (server.faults.slow = ms),
      hang: async () => void (server.faults.hang = true),
      revoke: async () => {
        server.network.accounts.delete("causeway");
        server.password = signsIn ? undefined : "another one";
        server.cut();
      },
      redeliver: { never: "IRC delivers nothing twice" },
      mute: async () => people[0].mode("#causeway", "+m"),
    },
    close: () => server.stop(),
  };
}

function someone(person: Person, server: FakeIrc): Someone {
  const idOf = (entry: Entry) => (server.profile.msgids ? remoteMessageId(entry.id) : undefined);
  const tags = server.profile.msgids;
  return {
    id: remoteUserId(`fake/${person.nick}`),
    get name() {
      return person.nick;
    },
    say: async (text, where) => {
      const target = (where?.channel ?? channel).slice("fake/".length);
      return idOf(person.say(target, text, where?.replyTo ? { "+draft/reply": where.replyTo } : {}));
    },
    ...(tags
      ? {
          react: async (id, emoji) => void person.react("#causeway", id, emoji),
          unreact: async (id, emoji) => void person.react("#causeway", id, emoji, "unreact"),
          type: async () => void person.tag("#causeway", { "+typing": "active" }),
        }
      : {}),
    ...("draft/message-redaction" in server.profile.caps ? { delete: async (id) => person.redact("#causeway", id) } : {}),
    topic: async (text) => person.topic("#causeway", text),
    rename: async (nick) => person.rename(nick),
    leave: async () => person.part("#causeway"),
    join: async () => void person.join("#causeway"),
    whisper: async (text) => void person.say([...server.clients][0]?.user.nick ?? "causeway", text),
    command: async (words) => void person.say("#causeway", `!causeway ${words}`),
  };
}

/** What people see: redacted messages are gone, reactions stand on theirs, actions and formats as they came. */
function standing(log: readonly Entry[], profile: Profile, people: readonly Person[]): Standing[] {
  return log
    .filter((entry) => entry.command !== "TAGMSG" && !entry.redacted)
    .map((entry): Standing => {
      const reactions = new Map<string, Standing["reactions"] extends readonly (infer One)[] | undefined ? One : never>();
      for (const { nick, tags } of log.filter(({ tags }) => tags["+draft/reply"] === entry.id)) {
        const sign = tags["+draft/react"];
        if (sign) reactions.set(`${nick} ${sign}`, { emoji: sign, by: nick });
        if (tags["+draft/unreact"]) reactions.delete(`${nick} ${tags["+draft/unreact"]}`);
      }
      const replyTo = entry.tags["+draft/reply"];
      const rung = people.filter(({ nick }) => nick !== entry.nick && new RegExp(`(^|[^\\w-])${nick}($|[^\\w-])`, "i").test(entry.text));
      return {
        ...(profile.msgids ? { id: remoteMessageId(entry.id) } : {}),
        name: entry.nick,
        text: entry.text,
        ...(replyTo ? { replyTo: remoteMessageId(replyTo) } : {}),
        reactions: [...reactions.values()],
        rangEveryone: false,
        rang: rung.map(({ nick }) => remoteUserId(`fake/${nick}`)),
      };
    });
}
