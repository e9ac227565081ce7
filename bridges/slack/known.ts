/** Slack's ids of whoever is logged in. A person's own login has no bot. */
export interface Self {
  readonly user: string;
  readonly bot?: string;
  readonly app?: string;
}

/** What a converter may know of a workspace without asking anybody: our own identity there, and names that came by before. */
export interface Known {
  /** The workspace through which we look: the first half of every id. */
  readonly team: string;
  readonly self: Self;
  /** The id under which core knows a channel, whatever Slack has made of it since. */
  firstId(channel: string): string;
  /** Names for texts only: a mention stands by its id. */
  channel(channel: string): string | undefined;
  group(group: string): string | undefined;
  /** The address of the picture of one of the workspace's own emoji. */
  emoji(name: string): string | undefined;
  /** The short name of Slack's for which a name of the workspace's own stands. */
  alias(name: string): string | undefined;
  /** Whether the account is an app's. Undefined = not known. */
  isApp(user: string): boolean | undefined;
  /** 100 for the workspace's owners, 50 for its admins, 0 for everybody else and whoever is not known. */
  power(user: string): number;
  /** Whether we did this ourselves, as far as this login remembers: a deed, and what it was done to. */
  isOwnDeed(deed: OwnDeed, what: string): boolean;
}

export type OwnDeed = "post" | "edit" | "delete" | "react" | "unreact" | "pin" | "unpin" | "topic" | "name";

/** Of the text and blocks that an edit left: how our own is known when it comes back. */
export function editMark(ts: string, text: string): string {
  return `${ts} ${text}`;
}
