/** One side of a room, as the people there see it and act on it. */
export type Side = "matrix" | "slack" | "discord" | "irc";

export const SIDES: readonly Side[] = ["matrix", "slack", "discord", "irc"];

/** What stands in a room or a channel: as much of it as can be compared. */
export interface Standing {
  /** Of the side's own. */
  readonly id: string;
  /** The person who said it here, by the workload's name; undefined = the bridge brought it. */
  readonly by: string | undefined;
  /** The side that a message which the bridge brought is from, where it can be seen. */
  readonly from?: Side | undefined;
  readonly text: string;
  /** It only tells what was corrected in an earlier one. */
  readonly correction?: boolean;
  readonly files: readonly { readonly name: string; readonly size: number | undefined }[];
  /** Emoji → how many have it there. Undefined = reactions cannot be seen here. */
  readonly reactions: ReadonlyMap<string, number> | undefined;
}

export interface Words {
  readonly text: string;
  readonly replyTo?: string | undefined;
  readonly thread?: string | undefined;
  readonly file?: { readonly name: string; readonly bytes: Buffer } | undefined;
}

export interface Shore {
  readonly side: Side;
  readonly people: readonly string[];
  /** Resolves with its id here. */
  say(person: string, words: Words): Promise<string>;
  /** Absent where nobody can. */
  readonly edit?: (person: string, id: string, text: string) => Promise<void>;
  readonly remove?: (person: string, id: string) => Promise<void>;
  readonly react?: (person: string, id: string, emoji: string, on: boolean) => Promise<void>;
  /** Oldest first; what was deleted is not there. */
  standing(): Standing[];
}

/** What can be done to one side, whatever rooms it has. */
export interface Trouble {
  /** The next thing that the bridge does there takes effect, its answer never comes, and `held` is called. Returns what takes the trap away. */
  trap(held: () => void): () => void;
  down(): void;
  up(): void;
}
