/**
 * What a network can do in a channel, as data. `core/fit.ts` reads it; the feature tables in each network's README are generated from it.
 */

/**
 * full: as on Matrix. partial: with loss that nobody minds, done by the network's converter. fallback: core does the next best thing,
 * said at each field. refused: core tells the person that it does not cross.
 */
export type Degree = "full" | "partial" | "fallback" | "refused";

export interface Capabilities {
  /** Below `full`: the author's name and first words stand before the text (`name: ` alone when the target is the last thing said). */
  readonly reply: Degree;
  /** Below `full`: the thread's first words stand before the text. */
  readonly thread: Degree;
  /** Below `full`: one line says what changed; nothing when only white space, case or punctuation did within `trivialEdit`. */
  readonly edit: Degree;
  /** Deleting what the same login sent. Below `full`: nothing is sent and file links die; `refused`: the person is told once. */
  readonly delete: Degree;
  /** Deleting what others sent. `refused`: the moderator is told once per channel. */
  readonly deleteOthers: Degree;
  /** `fallback`: one line that names who reacted, only when the link's `reactions` setting asks for it. */
  readonly react: Degree;
  /** Whether each relayed person can react for themselves. Below `full`: the login reacts once while anyone does. */
  readonly reactEach: Degree;
  readonly customEmoji: Degree;
  /** Name and picture of a relayed person, per message. `fallback`: the converter writes the name before the text. */
  readonly speaker: Degree;
  /** `fallback`: a signed link with name and size. */
  readonly files: Degree;
  /** `fallback`: text with numbers. */
  readonly poll: Degree;
  readonly pin: Degree;
  readonly topic: Degree;
  readonly name: Degree;
  readonly typing: Degree;
  readonly read: Degree;
  readonly kick: Degree;
  readonly ban: Degree;
  /** Catch-up after downtime. `refused`: what was said meanwhile is missed, and the room is told. */
  readonly history: Degree;
  readonly formats: Readonly<Record<Format, Degree>>;
  /** The longest text of one message; `unit` says what is counted. Splitting is the converter's. */
  readonly text: { readonly length: number; readonly unit: "bytes" | "utf16" | "characters"; readonly lines?: number };
  /** Bytes; absent = files go as links. */
  readonly fileSize?: number;
  /** Milliseconds; absent = for ever. Older edits are refused in a sentence. */
  readonly editAge?: number;
  readonly deleteAge?: number;
  /** Whether messages have ids there (plain IRC has none: what needs one uses its fallback). */
  readonly ids: boolean;
}

export type Format =
  | "bold"
  | "italic"
  | "strike"
  | "underline"
  | "code"
  | "codeBlock"
  | "spoiler"
  | "colour"
  | "quote"
  | "list"
  | "heading"
  | "table"
  | "link"
  | "mention"
  | "everyone"
  | "time";
