import type { NetworkEntry } from "./network.ts";

/** What a verb may ask of the world around it. */
export interface Shell {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly networks: readonly NetworkEntry[];
  /** Whether what is printed is read by a person at a terminal. */
  readonly terminal: boolean;
  out(text: string): void;
  complain(text: string): void;
  /** Resolves when the process is asked to stop. */
  stopped(): Promise<void>;
}

export interface Wishes {
  /** The config file. */
  readonly config: string;
  readonly force: boolean;
  readonly doublePuppets: boolean;
  /** The file that is to be written. */
  readonly to: string | undefined;
}

/** Resolves when it is done. Rejects with an error whose message is for a person. */
export type Verb = (wishes: Wishes, shell: Shell) => Promise<void>;

/** Says no in a sentence; nothing else of it is to be shown. */
export class Complaint extends Error {
  override readonly name = "Complaint";
}
