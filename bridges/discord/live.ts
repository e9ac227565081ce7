/** What the parts of one live connection share. */
import type { VotePart } from "../../core/model/effects.ts";
import type { Core } from "../../core/network.ts";
import type { DiscordConfig } from "./config.ts";
import type { Guilds } from "./guilds.ts";
import type { Members } from "./members.ts";
import type { Recent } from "./recent.ts";
import type { Rest } from "./rest.ts";
import type { View } from "./view.ts";
import type { Webhooks } from "./webhooks.ts";
import type { PollWire } from "./wire.ts";

/** The lines under polls that say how they stand. */
export interface PollLines {
  /** Goes on with what an earlier run could not write any more. */
  load(): Promise<void>;
  /** A poll of ours has just been said. */
  said(message: string, poll: PollWire): Promise<void>;
  /** Core tells how Matrix votes now. The end takes the buttons away, or ends Discord's own poll. */
  told(where: string, part: VotePart, key: string): Promise<void>;
  /** What was pressed is kept already: the line follows, when Discord lets it. `answers` are the buttons' labels, in order. */
  pressed(where: string, message: string, answers: readonly string[]): Promise<void>;
  /** Whether it has ended: then nothing that is pressed counts any more. */
  isClosed(message: string): Promise<boolean>;
  close(): void;
}

export interface Live {
  readonly config: DiscordConfig;
  readonly core: Core;
  readonly rest: Rest;
  readonly guilds: Guilds;
  readonly webhooks: Webhooks;
  readonly members: Members;
  readonly tallies: PollLines;
  /** Which key made which message: `ours` by message, `nonces` by what was told to Discord. */
  readonly ours: Recent<string>;
  readonly nonces: Recent<string>;
  /** The voice channel that each person is in, by server and person, as far as it was told. Kept only with `voice_notices`. */
  readonly voices: Map<string, Map<string, string>>;
  /** Messages that we deleted, pinned or unpinned ourselves, as `pin:ID`: Discord tells of it without saying who. */
  readonly doneByUs: Recent<true>;
  /** Topics and names that we set ourselves, by kind and channel. */
  readonly setByUs: Map<string, string>;
  /** The bot's account and application, empty until it is known. */
  readonly self: { id: string; application: string };
  view(guild: string | undefined): View;
}
