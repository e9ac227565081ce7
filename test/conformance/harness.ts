/**
 * What a network brings along to be put to the proof by `testNetwork` (test/conformance.ts).
 *
 * A harness starts the network's fake (or speaks to a real server) and plays the people on it. It shows nothing of how the adapter
 * works: the suite talks to the adapter through `core/network.ts` alone, and to the network through this page alone.
 *
 *     testNetwork({
 *       network: irc, samples: {…}, keyed: false, page: 100, measure: (part) => …,
 *       open: async () => { const server = await startFakeIrc(); return { config, login, channel, … , close: () => server.stop() }; },
 *     });
 */
import type { RemoteChannelId, RemoteMessageId, RemoteThreadId, RemoteUserId } from "../../core/model/ids.ts";
import type { SayPart } from "../../core/model/effects.ts";
import type { Login, Network } from "../../core/network.ts";

export interface Harness<Config = unknown> {
  readonly network: Network<Config>;
  /** Stands behind the network's name in the tests' names: "with IRCv3", "on InspIRCd". */
  readonly variant?: string;
  readonly samples: Samples;
  /** What the network counts for this part against `capabilities.text.length`, in its unit. */
  measure(part: SayPart): number;
  /** Whether the network itself refuses the second of two sends with one key (Discord's `enforce_nonce`). */
  readonly keyed: boolean;
  /** The most messages that one page of `history` holds; absent = the network keeps no history that we can read. */
  readonly page?: number;
  /** How many times faster than the wall the adapter's clock runs. Default 20. */
  readonly speed?: number;
  /**
   * A fresh scene for one test: a channel nobody has used, people in it, faults mended. May share a server with the scenes before.
   * The shared login is a member of `channel` and `other` as far as the network wants it to be one before `join`.
   */
  open(): Promise<Scene<Config>>;
}

/** Ids as the network has them, the odd ones too: every character that it allows in a nick, a channel, a workspace. */
export interface Samples {
  readonly people: readonly RemoteUserId[];
  readonly channels: readonly RemoteChannelId[];
  /** What people write to name a channel, and what it means. */
  readonly written: readonly (readonly [words: readonly string[], means: RemoteChannelId])[];
  /** What people write that names no channel. */
  readonly nonsense?: readonly (readonly string[])[];
}

export interface Scene<Config = unknown> {
  readonly config: Config;
  /** The shared login. */
  readonly login: Login;
  /** A Matrix person's own login (`owner` set), in `channel` too. Absent where `signIn` is empty. */
  readonly own?: Login;
  readonly channel: RemoteChannelId;
  readonly other: RemoteChannelId;
  readonly alice: Someone;
  readonly bob: Someone;
  /** Texts that may stand in no error, state, event or log line: tokens, passwords. */
  readonly secrets: readonly string[];
  /** What everyone on the network now sees in the channel, oldest first; deleted messages are gone, thread replies are there. */
  standing(channel: RemoteChannelId): Promise<readonly Standing[]>;
  /** Facts of the channel that people see. */
  shown(channel: RemoteChannelId): Promise<{ readonly topic?: string; readonly name?: string }>;
  /** What was answered to a command, as the person sees it. Needed where `Someone.command` is there. */
  answers?(): Promise<readonly string[]>;
  /** Who is seen typing in the channel now or was in this scene. Needed where `capabilities.typing` is not refused. */
  typing?(channel: RemoteChannelId): Promise<readonly string[]>;
  readonly faults: Faults;
  /** Ends the scene: nothing of it may keep the process up. The suite has closed its connections before. */
  close(): Promise<void>;
}

/** A person on the network who has nothing to do with the bridge. Each call resolves when the network has accepted it. */
export interface Someone {
  /** As the adapter must name them now. */
  readonly id: RemoteUserId;
  readonly name: string;
  /** The id where messages have ids. Says what the network lets people say of it: an IRC line ends at a line break. */
  say(text: string, where?: Where): Promise<RemoteMessageId | undefined>;
  /*
   * Absent = people cannot do it on this network. The suite insists on those that the capabilities promise:
   * edit, delete, react and unreact, upload (files), topic, name, typing, pin.
   */
  edit?(message: RemoteMessageId, text: string): Promise<void>;
  delete?(message: RemoteMessageId): Promise<void>;
  react?(message: RemoteMessageId, emoji: string): Promise<void>;
  unreact?(message: RemoteMessageId, emoji: string): Promise<void>;
  upload?(
    file: { readonly name: string; readonly mimetype: string; readonly bytes: Uint8Array },
    text?: string,
  ): Promise<RemoteMessageId | undefined>;
  pin?(message: RemoteMessageId): Promise<void>;
  topic?(text: string): Promise<void>;
  /** Changes their own name. */
  rename?(name: string): Promise<void>;
  type?(): Promise<void>;
  leave?(): Promise<void>;
  join?(): Promise<void>;
  /** Says something to the shared login (or to `own`, where a scene has one and its shared login takes none) in private. */
  whisper?(text: string): Promise<void>;
  /** Says words to the bridge itself (`!causeway …`, a slash command). */
  command?(words: string): Promise<void>;
}

export interface Where {
  /** Default: the scene's `channel`. */
  readonly channel?: RemoteChannelId;
  readonly replyTo?: RemoteMessageId;
  /** The message whose thread it goes into; the thread is made when there is none. */
  readonly threadOf?: RemoteMessageId;
}

/** A message as people on the network see it. */
export interface Standing {
  /** Absent where the network gives no ids. */
  readonly id?: RemoteMessageId;
  /** Who it seems to be from: the name that stands beside it. */
  readonly name: string;
  /** As it was sent, with the network's own marks. A name that the adapter wrote before the text is part of it. */
  readonly text: string;
  readonly edited?: boolean;
  readonly replyTo?: RemoteMessageId;
  readonly thread?: RemoteThreadId;
  readonly files?: readonly { readonly name: string; readonly size: number }[];
  /** One entry for each person who reacted. */
  readonly reactions?: readonly { readonly emoji: string; readonly by: string }[];
  readonly pinned?: boolean;
  readonly poll?: boolean;
  /** True when it rang everybody, as the real network would decide it (`@everyone` within `allowed_mentions`, `<!channel>`). */
  readonly rangEveryone: boolean;
  /** The people whom it rang by name. */
  readonly rang: readonly RemoteUserId[];
}

/** A fault that can be brought about, or why it cannot happen on this network or with this server, in a sentence. */
export type Fault<Args extends readonly unknown[] = []> = ((...args: Args) => Promise<void>) | { readonly never: string };

export interface Faults {
  /** The next message of ours takes effect; the answer is lost and the connection breaks. */
  readonly loseReply: Fault;
  /** The next message of ours is lost on the way, without effect, and the connection breaks. */
  readonly loseSend: Fault;
  /** Live connections break; new ones are welcome at once. */
  readonly cut: Fault;
  /** Live connections break and new ones are refused until `up`. People go on talking. */
  readonly down: Fault;
  readonly up: Fault;
  /** The network forgets what it knew of our session: the next connection cannot be a resume. Connections stay. */
  readonly forget: Fault;
  /** The next send of ours in `channel` is refused with "again in so many seconds". Only that one. */
  readonly limit: Fault<[seconds: number]>;
  /** Answers to our sends take so long, on the wall, until the scene ends. */
  readonly slow: Fault<[ms: number]>;
  /** Connections stay open and nothing more is answered or delivered. */
  readonly hang: Fault;
  /** The shared login's credentials are no longer good; live connections are told or broken as the network does it. */
  readonly revoke: Fault;
  /** What was delivered to us last is delivered once more, by the same road. */
  readonly redeliver: Fault;
  /** We may no longer speak in `channel`. */
  readonly mute: Fault;
}
