/** What a converter may know of a workspace without asking anybody: our own identity there, and names that came by before. */
export interface Known {
  /** The workspace through which we look: the first half of every id. */
  readonly team: string;
  /** Slack's ids of whoever is logged in here. Absent where there is none (a person's login has no bot). */
  readonly self: { readonly user: string; readonly bot?: string; readonly app?: string };
  /** Names for texts only: a mention stands by its id. */
  person(user: string): string | undefined;
  channel(channel: string): string | undefined;
  group(group: string): string | undefined;
  /** The address of the picture of one of the workspace's own emoji. */
  emoji(name: string): string | undefined;
}
