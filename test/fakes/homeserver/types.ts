/** What the fake homeserver keeps. Wire names (`event_id`) where a value goes out as it is, our own words elsewhere. */
export type Json = Record<string, unknown>;

export type Membership = "join" | "invite" | "leave" | "ban" | "knock";

/** What someone asks to add to a room, before it has an id. */
export interface Draft {
  readonly type: string;
  readonly sender: string;
  readonly content: Json;
  readonly state_key?: string;
  readonly redacts?: string;
  /** From an application service's `ts`; else the server's own time. */
  readonly origin_server_ts?: number;
  /** So that the author's own clients see `unsigned.transaction_id`. */
  readonly author?: Author;
}

export interface Author {
  readonly session: string;
  readonly txn: string;
  /** A person's device: its transaction ids outlive a restart. Those of a service do not. */
  readonly lasting: boolean;
}

export interface StoredEvent {
  readonly event_id: string;
  readonly type: string;
  readonly room_id: string;
  readonly sender: string;
  /** Emptied in place when the event is redacted. */
  content: Json;
  readonly state_key?: string;
  readonly redacts?: string;
  readonly origin_server_ts: number;
  /** Its index in the room's timeline. */
  readonly place: number;
  /** Its number in the server's one stream of everything: what `/sync` tokens count. */
  readonly stream: number;
  /** The history visibility of the room when it was sent. */
  readonly visibility: string;
  /** The state event whose place it took. */
  readonly replaces?: StoredEvent;
  redactedBecause?: StoredEvent;
  readonly author?: Author;
}

/** Who a request speaks as. */
export interface Requester {
  readonly user: string;
  /** The access token's own name, for transaction ids: a device, or the service. */
  readonly session: string;
  readonly device?: string;
  readonly service?: Service;
}

export interface Namespace {
  readonly exclusive: boolean;
  readonly regex: RegExp;
}

/** A registration file, read. */
export interface Service {
  readonly id: string;
  readonly url: string | undefined;
  readonly asToken: string;
  readonly hsToken: string;
  /** The full id of `sender_localpart`. */
  readonly sender: string;
  readonly users: readonly Namespace[];
  readonly aliases: readonly Namespace[];
  readonly rooms: readonly Namespace[];
  readonly protocols: readonly string[];
  readonly ephemeral: { readonly stable: boolean; readonly unstable: boolean };
}

export const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);
