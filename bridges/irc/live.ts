/** A registered session and what is known through it. */
import type { RemoteEvent } from "../../core/model/events.ts";
import type { Book } from "./book.ts";
import type { Hearing } from "./hearing.ts";
import type { Session } from "./session.ts";

export interface Live {
  readonly session: Session;
  readonly book: Book;
  readonly hearing: Hearing;
  /** Messages have ids, ours too: seen, not believed. */
  ids: boolean;
  /** It can be used: signed in, and in its channels. */
  settled: boolean;
  /** What was heard before core was told that we are connected. */
  readonly held: (readonly RemoteEvent[])[];
}
