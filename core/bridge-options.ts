/** What the bridge is put together from. */
import type { Logger } from "pino";
import type { AliasRule } from "./alias-join.ts";
import type { LinkConfig } from "./config.ts";
import type { GroupRule } from "./group-links.ts";
import type { MediaLinks } from "./http/media.ts";
import type { Metrics } from "./http/metrics.ts";
import type { Serve } from "./http/server.ts";
import type { MatrixClient } from "./matrix/client.ts";
import type { MatrixEvent } from "./matrix/event.ts";
import type { Namespace } from "./matrix/namespace.ts";
import type { EventId, LoginId, Mxid, NetworkId, RoomId } from "./model/ids.ts";
import type { Person } from "./model/message.ts";
import type { Clock, Network, SignInContext } from "./network.ts";
import type { Permissions } from "./permissions.ts";
import type { PortalSettings } from "./portal/portal.ts";
import type { PuppetTokens } from "./puppet-tokens.ts";
import type { Store } from "./store/store.ts";
import type { SurroundingSettings } from "./surroundings.ts";

export interface BridgeOptions {
  readonly store: Store;
  readonly client: MatrixClient;
  readonly namespace: Namespace;
  /** Those that the config asks for, each with its own section, read. */
  readonly networks: readonly { readonly network: Network; readonly config: unknown }[];
  readonly permissions: Permissions;
  readonly metrics: Metrics;
  /** Hears the events that come back. */
  readonly canary?: { observe(event: MatrixEvent): void };
  readonly clock: Clock;
  readonly log: Logger;
  readonly secret: Buffer;
  readonly settings: PortalSettings & {
    readonly giveUpAfter: number;
    readonly adminRoom: RoomId | undefined;
    /** Where what moderators of the networks do to people from Matrix is written down. */
    readonly moderatorsRoom: RoomId | undefined;
  };
  readonly links: readonly LinkConfig[];
  readonly groups: readonly GroupRule[];
  /** Who gets what is written to the bridge's own accounts in private. */
  readonly directHosts: readonly Mxid[];
  readonly surroundings: SurroundingSettings;
  /** What crosses of people who do not want to be relayed: nothing, or what they say under a name that is not theirs. */
  readonly optOut: "silent" | "hashed";
  readonly aliases: { readonly rules: readonly AliasRule[]; readonly mostPerHour: number };
  /** What a ghost shows as its name. */
  readonly ghostName: (network: NetworkId, person: Person) => string;
  /** With what we act as people who linked an account. */
  readonly puppets: PuppetTokens;
  readonly mediaLinks: MediaLinks | undefined;
  route(network: NetworkId, login: LoginId, path: string, serve: Serve): void;
  publicUrl(network: NetworkId, login: LoginId): string | undefined;
  /** A way back for a browser that signs in, under the public address. */
  callback?: ((owner: Mxid) => ReturnType<NonNullable<SignInContext["callback"]>>) | undefined;
  /** With `event`, it ends when that message is redacted. */
  paste?: (text: string, title: string, event?: EventId) => Promise<string>;
}
