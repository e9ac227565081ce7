/**
 * Failures, named by what to do next. Each message says in one sentence, for a person, what was being done and what went wrong;
 * none carries a secret.
 */
export class Refused extends Error {
  override readonly name = "Refused";
  /** Whom it concerns: the sender alone (their own login may not speak there), or whoever reads the room. */
  readonly to: "room" | "sender";
  constructor(message: string, options?: ErrorOptions & { readonly to?: "sender" }) {
    super(message, options);
    this.to = options?.to ?? "room";
  }
}

/** The file is larger than the network takes, though the message said otherwise or nothing: core says it again with a link. */
export class TooLarge extends Refused {}

/** What must wait: this message alone, everything in its channel, or everything of the login (its token, its connection). */
export type Scope = "item" | "channel" | "login";

/** Not now: try again after `after` milliseconds. Nothing has been sent. */
export class TryLater extends Error {
  override readonly name = "TryLater";
  readonly after: number;
  readonly scope: Scope;
  constructor(message: string, after: number, scope: Scope, options?: ErrorOptions) {
    super(message, options);
    this.after = after;
    this.scope = scope;
  }
}

/** It may have arrived: `find` before sending it again. */
export class Uncertain extends Error {
  override readonly name = "Uncertain";
}

/** The login's credentials are no longer good. Its owner has to act. */
export class LoggedOut extends Error {
  override readonly name = "LoggedOut";
}

/** Anything else that will not mend itself: a defect of ours, or an answer that nobody expected. */
export class Broken extends Error {
  override readonly name = "Broken";
}

/** No room is left on the disk. Nothing of the call was written; the same call may succeed once there is room again. */
export class StoreFull extends Error {
  override readonly name = "StoreFull";
}
