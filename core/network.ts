/**
 * THE CONTRACT between core and a network. A network is a folder under `bridges/` whose `index.ts` exports one `Network`.
 * It translates between its own wire format and `core/model/`, and never sees Matrix, the store or another network.
 *
 * What every network promises is proved by `test/conformance.ts`, which each runs against its own fake; what only some of them have, by their own tests.
 */
import type { Readable } from "node:stream";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "pino";
import type { ZodType } from "zod";
import type { Capabilities } from "./capabilities.ts";
import type { Deed, Found, Hint, Part, Progress, Rule, SayPart, Sent } from "./model/effects.ts";
import type { ChannelFacts, Cursor, RemoteEvent } from "./model/events.ts";
import type { LoginId, NetworkId, RemoteChannelId, RemoteMessageId, RemoteThreadId, RemoteUserId } from "./model/ids.ts";
import type { OutMessage, Person } from "./model/message.ts";

/** `Config` is the parsed form of the network's own section of the config file. */
export interface Network<Config = unknown> {
  readonly id: NetworkId;
  /** As people write it: "IRC". */
  readonly name: string;
  /** Of the network's section of the config file. Unknown keys are errors: use `z.strictObject`. */
  readonly config: ZodType<Config>;
  /** The shared logins that the config asks for. Pure: nothing is started. */
  logins(config: Config): readonly Login[];
  /** How people sign in with a login of their own. Empty = they cannot. */
  readonly signIn: readonly SignIn<Config>[];
  /**
   * The login that a person has without signing in, made when they first speak in a channel, or ask something of a part of the network;
   * absent = none, as the config has it. Pure: nothing is started, and the same person gets the same login.
   */
  ownLogin?(config: Config, owner: string, where: OwnLoginPlace): OwnLogin | undefined;
  /**
   * People's ids there hold on the whole network and for ever: somebody from Matrix can prove that one is theirs without signing in as
   * it, by a code that they say there or by a `signIn` that ends in `proven`. From then on the two are the same person to core.
   */
  readonly accounts?: true;
  /** What people may ask of the network itself, by `!<network id> <name> …`. Absent = nothing. */
  readonly verbs?: readonly Verb[];
  readonly ids: NetworkIds;
  /** What it can do at best, with every option there: the feature table is generated from it. */
  readonly capabilities: Capabilities;
  /**
   * The visible effects that a message takes, in order: split by the network's limits, each with its wire form.
   * Pure and deterministic. Never empty. What cannot be said at all throws `Refused`.
   */
  toParts(message: OutMessage, capabilities: Capabilities): readonly SayPart[];
  /** Starts a live login and returns at once; how it fares is told through `core.state`. */
  connect(config: Config, login: Login, core: Core): Connection;
}

/** What `bridges/index.ts` lists. Nothing of a network is imported before `load`, so that one that nobody configured costs nothing. */
export interface NetworkEntry {
  readonly id: NetworkId;
  readonly name: string;
  load(): Promise<Network>;
  /** Words of its own after `causeway <network>` on the command line; absent = none. */
  verbs?(): Promise<readonly NetworkVerb[]>;
}

/** Something that people may ask of the network itself, in a linked room or in their chat with the bot: `!irc whois dave`. Plain data. */
export interface Verb {
  readonly name: string;
  /** What follows the name, as help shows it: `NICK`, `#CHANNEL [KEY]`. Empty = nothing. */
  readonly usage: string;
  /** For help, half a sentence: "who somebody is". */
  readonly about: string;
  /** `anyone` who is relayed; `login`: who may have a login of their own; `admin`: admins of the bridge. */
  readonly needs: "anyone" | "login" | "admin";
  /** Whose login is asked: the person's `own` alone, the bridge's `shared` one alone; absent = their own where they have one, else the shared one. */
  readonly of?: "own" | "shared";
  /** Whether what follows holds a secret: then it is taken nowhere but in the direct chat with the bot, and redacted wherever it was said. Pure. */
  secret?(words: string): boolean;
}

/** One use of a verb. */
export interface Asking {
  readonly verb: string;
  /** What followed the name: one line, trimmed. */
  readonly words: string;
  /** The Matrix person who asks. */
  readonly by: string;
  /** The channel that the room is linked to; absent = asked elsewhere. */
  readonly channel?: RemoteChannelId;
}

/** `part` as `NetworkIds.partOf` tells it. */
export type OwnLoginPlace = { readonly channel: RemoteChannelId } | { readonly part: string };

export interface OwnLogin {
  readonly login: Login;
  readonly person?: Person;
}

export interface NetworkVerb {
  readonly name: string;
  /** One line for `--help`. */
  readonly help: string;
  /** `config` is the network's section, undefined when the file has none. What it rejects with is shown as a sentence. */
  run(config: unknown, words: readonly string[], print: (text: string) => void): Promise<void>;
}

/** Ids, made and taken apart. Each pair round-trips. `undefined` = not one of ours. */
export interface NetworkIds {
  /** The part of a ghost's localpart after `_<network>_`. May hold any character: core escapes it. Core lets no two people share one. */
  toGhost(id: RemoteUserId): string;
  fromGhost(text: string): RemoteUserId | undefined;
  /** The part of a portal's alias after `_<network>_`. */
  toAlias(id: RemoteChannelId): string;
  fromAlias(text: string): RemoteChannelId | undefined;
  /** What people write after `!causeway link <network>` and in the config's `links` (`libera #causeway`), in words or as one id. */
  parseChannel(words: readonly string[]): RemoteChannelId | undefined;
  /** The shared login that serves a channel; absent = any login that can see it (core asks each). */
  loginOf(id: RemoteChannelId): LoginId | undefined;
  /** Whether a person's own login is of the same part of the network (IRC network, Slack team) as the channel. Pure. */
  serves(login: Login, channel: RemoteChannelId): boolean;
  /** The part of the network that a login is of, as people name it in a command. Absent = the login's id. Pure. */
  partOf?(login: Login): string;
}

/** Credentials, as JSON. Core seals `secrets` at rest and never logs them. */
export interface Login {
  readonly id: LoginId;
  /** Shown to people: "Libera as causeway". */
  readonly name: string;
  /** The Matrix person whose own login this is; absent = shared (the relay). */
  readonly owner?: string;
  readonly secrets: Readonly<Record<string, unknown>>;
}

export type ConnectionState =
  | { readonly is: "connecting" }
  /** `resumed` = nothing was missed since the last connection. False makes core fetch history before live events have their turn. */
  | { readonly is: "connected"; readonly resumed: boolean }
  /** `why` is a sentence for a person. The adapter goes on trying. */
  | { readonly is: "disconnected"; readonly why: string }
  /** The adapter has given up until a person acts; `why` says what they have to do. */
  | { readonly is: "logged-out"; readonly why: string };

/** What core gives a connection. */
export interface Core {
  /**
   * Takes events into the journal. Resolves when they are on disk: only then may the adapter acknowledge.
   * Callers need not await one call before the next; rows keep the order of the calls. Events of channels that nobody linked are
   * let go at once. `keep` is written in the same transaction (a gateway's session and sequence number).
   */
  receive(events: RemoteEvent | readonly RemoteEvent[], keep?: Readonly<Record<string, unknown>>): Promise<void>;
  state(state: ConnectionState): void;
  /** Sealed key-value store of this login, JSON values. */
  readonly keep: Keep;
  /** Who the login is over there, as the network tells it; again when that changes (a nick). */
  me?(person: Person): void;
  /** Channels that are linked now, through this login. */
  links(): readonly RemoteChannelId[];
  /** How a channel's people want to know who reads along, whatever login it is linked through; absent = it is not linked. */
  readersOf?(channel: RemoteChannelId): Promise<"visible" | "announced" | "open" | undefined>;
  /** HTTP under `<public address>/_causeway/<network>/<login>/…`: webhooks, OAuth. */
  route(path: string, serve: (request: IncomingMessage, response: ServerResponse) => Promise<void>): void;
  /** The public address of `route`'s parent, absent when none is configured. */
  readonly publicUrl: string | undefined;
  /**
   * A page for text that is too long; absent when no public address is configured. `key` is that of the send that it is for: the page ends
   * when that message is deleted.
   */
  paste?(text: string, title: string, key?: string): Promise<string>;
  /** Tells the admin room, where there is one: what endangers the whole login rather than one channel. `key` names the occasion: told once. */
  alarm?(key: string, text: string): Promise<void>;
  /**
   * Not tied to a linked channel, and not kept: core looks anew at what it derives from it. `channels`: some may be there that were not, or
   * lie elsewhere. `rights`: what `mayRead` would say may have changed, of one person or of everybody. Cheap: gathered by core. Said when it
   * happens; a connection that was not a resume says it all by itself.
   */
  news?(news: News): void;
  /**
   * What kept messages out of the channel is over (the bot is back in it, an outage has ended): what waits has its turn now, and not only
   * when the time is up that `TryLater` named. `missed`: something may have been said there meanwhile that was not heard; where there is a
   * history, it is read before what is received after this call has its turn.
   */
  opened?(channel: RemoteChannelId, missed?: boolean): void;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborted when the connection is closed. */
  readonly signal: AbortSignal;
}

export type News =
  | { readonly kind: "channels" }
  /** `person` absent = anybody's. */
  | { readonly kind: "rights"; readonly person?: RemoteUserId };

export interface Keep {
  get(key: string): Promise<unknown>;
  /** `undefined` deletes. */
  set(key: string, value: unknown): Promise<void>;
}

/** All waiting goes through it, so that time can be compressed. Milliseconds. */
export interface Clock {
  now(): number;
  /** Resolves after `ms`; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Returns a function that cancels. */
  timer(ms: number, run: () => void): () => void;
}

/** One live login. Every method may reject with the errors of `core/model/errors.ts`, and with those only. */
export interface Connection {
  /** What this login can do in this channel now: may differ per server, channel and right. Cheap: asked for each message. */
  capabilities(channel: RemoteChannelId): Capabilities;

  /**
   * Makes exactly one visible effect. `key` names it for ever: the same key is the same effect, so where the network can refuse the
   * second of two with one key, tell it the key. Waits two seconds for its turn at most, then throws `TryLater`.
   * "Already so" (already reacted, already deleted) is success.
   */
  send(part: Part, key: string, progress: Progress): Promise<Sent>;
  /** Whether the effect of `send(part, key)` is there. Called after `Uncertain`, and after a crash between the two. */
  find(part: Part, key: string, progress: Progress): Promise<Found>;

  /** Typing, read marks, presence: best effort, never rejects for reasons of the network. */
  hint(hint: Hint): Promise<void>;

  /** Absent = there is no such person. From memory where it can be. */
  person(id: RemoteUserId): Promise<Person | undefined>;
  /** Absent = there is no such channel, or this login cannot see it. */
  channel(id: RemoteChannelId): Promise<Channel | undefined>;
  /** `complete: false` = more may be there: nobody may be taken for gone. */
  members(channel: RemoteChannelId): Promise<{ people: readonly Person[]; complete: boolean }>;
  /**
   * Whether the person may read a channel that is not public, by their own rights over there. Absent = it cannot be told now. Absent
   * method = the network has no such thing, and nobody is let into rooms for it.
   */
  mayRead?(channel: RemoteChannelId, person: RemoteUserId): Promise<boolean | undefined>;
  /** What someone typed (a name, an id, a mention) as a person; absent = nobody, or more than one. */
  resolve(text: string, channel?: RemoteChannelId): Promise<Person | undefined>;
  /** The channels that this login can see, for lists and for linking by pattern. */
  channels(): AsyncIterable<Channel>;
  /**
   * The private conversation of this login's with exactly these people, opened when there is none yet; nobody is told anything by it.
   * `Refused` where that cannot be. Absent method = conversations begin over there only.
   */
  talk?(people: readonly RemoteUserId[]): Promise<RemoteChannelId>;

  /** Begins to hear a channel: called when a link is made and at each start. Idempotent. */
  join(channel: RemoteChannelId): Promise<void>;
  /** The link is gone. Idempotent. */
  leave(channel: RemoteChannelId): Promise<void>;
  /** A deed that is no message. `Refused` when the login lacks the right, or the network has no such thing. Idempotent. */
  act(deed: Deed): Promise<void>;
  /** As `act`, for who rules in a channel. Absent = the network has no such thing, or the bridge keeps out of it. */
  rule?(rule: Rule): Promise<void>;

  /** Where a person reads the message on the network. Pure. */
  permalink(channel: RemoteChannelId, message?: RemoteMessageId, thread?: RemoteThreadId): string | undefined;

  /**
   * What happened in the channel after `after`, oldest first, threads included, as events with `via: "history"` and the same
   * `subject`s as live. A message that has reactions is followed by its `reactions-are`. Absent method = the network keeps no history that we can read.
   */
  history?(channel: RemoteChannelId, after: Cursor): Promise<HistoryPage>;
  /**
   * The place in the history just before a message, so that edits, deletions and reactions missed meanwhile can be compared. Pure. `at`:
   * when it was said, milliseconds since 1970, as the event told.
   */
  before?(channel: RemoteChannelId, message: RemoteMessageId, at: number): Cursor | undefined;
  /**
   * True = what is old, or was said before the server was started anew, is gone from the history without a word. That a message is not
   * read back means that it was deleted only where an older one still is.
   */
  readonly forgets?: boolean;

  /** The bytes of a `RemoteFile` or an `Avatar` of this network (`ref` is theirs), or of a custom emoji: `{ url }`, as the emoji's own. */
  open(ref: unknown): Promise<{ stream: Readable; size?: number; mimetype?: string }>;

  /** Answers a `command` event. `text` is plain, several lines at most. */
  answer(reply: unknown, text: string): Promise<void>;

  /** Answers one of the network's `verbs`. Plain text, a few lines; what cannot be done is `Refused` in a sentence. */
  ask?(asking: Asking): Promise<string>;

  /** The owner of this login has left the channel's room, or it is linked no more: they need not be in the channel for its sake. Idempotent. */
  ownerLeft?(channel: RemoteChannelId): Promise<void>;
  /** False = by setting, the login is not used in the channel: its owner is relayed there. Absent method = it is used everywhere. */
  speaksIn?(channel: RemoteChannelId): boolean;

  /** Something waits for this login to connect: where many stand in a queue, it goes first. Never rejects, never waits. */
  hurry?(): void;

  /** Ends the connection within five seconds. Nothing is received afterwards. */
  close(): Promise<void>;
}

export interface HistoryPage {
  readonly events: readonly RemoteEvent[];
  /** Where to go on; absent = caught up. */
  readonly next?: Cursor;
  /** False = something may be missing before or within this page; `why` is a sentence. */
  readonly complete: boolean;
  readonly why?: string;
  /** Threads that were read as well, each as whole as the page. That something in another one is not read back means nothing. */
  readonly threads?: readonly RemoteThreadId[];
}

export interface Channel extends ChannelFacts {
  readonly id: RemoteChannelId;
  readonly name: string;
  readonly kind: "channel" | "direct" | "group";
  /** The groups it lies in, outermost first: a guild and a category, a workspace, an IRC network. Each becomes a space. */
  readonly spaces: readonly { readonly id: string; readonly name: string }[];
  /** The last place in its history, for a link that begins now. Absent = the network has none. */
  readonly latest?: Cursor;
  /** False = the login is not in it, though it sees it (kicked, not let in): nothing is heard. Absent = it is, or the network does not say. */
  readonly inside?: boolean;
}

/** One way to sign in, as data and steps: config, bot command, HTTP API and console all walk the same. */
export interface SignIn<Config = unknown> {
  readonly id: string;
  /** "With a password", "With Slack". */
  readonly name: string;
  /** Whether the config has what it takes; absent = it always has. One that has not is not offered. Pure. */
  ready?(config: Config): boolean;
  start(config: Config, context: SignInContext): Promise<SignInStep>;
}

export interface SignInContext {
  readonly owner: string;
  /**
   * Where OAuth may send the browser back; absent when no public address is configured. `url` is the same for everybody, so that it can
   * be registered; `state` has to come back with the browser (OAuth's parameter of that name), nobody can guess it, and it is good once.
   * `query` resolves with what came back, and rejects when nobody does for a quarter of an hour.
   */
  callback?(): { readonly url: string; readonly state: string; readonly query: Promise<URLSearchParams> };
  readonly signal: AbortSignal;
}

export type SignInStep =
  | {
      readonly kind: "fields";
      readonly instructions: string;
      readonly fields: readonly SignInField[];
      submit(values: Readonly<Record<string, string>>): Promise<SignInStep>;
    }
  | { readonly kind: "visit"; readonly instructions: string; readonly url: string; readonly next: Promise<SignInStep> }
  | { readonly kind: "done"; readonly login: Login; readonly person?: Person }
  /** Nobody is signed in; it is proven that this account is theirs. Only where the network has `accounts`. */
  | { readonly kind: "proven"; readonly person: Person };

export interface SignInField {
  readonly id: string;
  readonly name: string;
  readonly secret?: boolean;
  readonly optional?: boolean;
  readonly choices?: readonly string[];
}
