/**
 * Names of things on both shores. Matrix's own words stand bare; a network's carry `Remote`.
 * The brands exist for the compiler alone: at run time each is a plain string.
 */
declare const brand: unique symbol;
type Id<Name extends string> = string & { readonly [brand]: Name };

/** `@localpart:server` */
export type Mxid = Id<"Mxid">;
/** `!opaque` (room version 12) or `!opaque:server`. Never read a server name out of it. */
export type RoomId = Id<"RoomId">;
/** `$hash` */
export type EventId = Id<"EventId">;
/** `#localpart:server` */
export type RoomAlias = Id<"RoomAlias">;
/** `mxc://server/media` */
export type MxcUri = Id<"MxcUri">;

/** A kind of network: `irc`, `slack`, `discord`. Also the name of its section in the config. */
export type NetworkId = Id<"NetworkId">;
/** A login's name within its network: an IRC network's name, a Slack team, a Discord bot. */
export type LoginId = Id<"LoginId">;

/**
 * A person, channel or message on a network: opaque to core, unique within the kind of network, never changing.
 * Where the network is made of several (IRC networks, Slack teams) the id carries which, before a `/`:
 * `libera/+alice`, `T024BE7LD/U2147483697`. Each network makes and takes them apart in its own `ids.ts`.
 */
export type RemoteUserId = Id<"RemoteUserId">;
export type RemoteChannelId = Id<"RemoteChannelId">;
/** Unique within its channel. */
export type RemoteMessageId = Id<"RemoteMessageId">;
/** The message that a thread hangs from, or the thread's own id: whatever the network needs to post into it. Unique within its channel. */
export type RemoteThreadId = Id<"RemoteThreadId">;

/** A link's number in the store. Never used again after an unlink. */
export type LinkId = number & { readonly [brand]: "LinkId" };

export const mxid = (text: string): Mxid => text as Mxid;
export const roomId = (text: string): RoomId => text as RoomId;
export const eventId = (text: string): EventId => text as EventId;
export const roomAlias = (text: string): RoomAlias => text as RoomAlias;
export const mxcUri = (text: string): MxcUri => text as MxcUri;
export const networkId = (text: string): NetworkId => text as NetworkId;
export const loginId = (text: string): LoginId => text as LoginId;
export const remoteUserId = (text: string): RemoteUserId => text as RemoteUserId;
export const remoteChannelId = (text: string): RemoteChannelId => text as RemoteChannelId;
export const remoteMessageId = (text: string): RemoteMessageId => text as RemoteMessageId;
export const remoteThreadId = (text: string): RemoteThreadId => text as RemoteThreadId;
export const linkId = (number: number): LinkId => number as LinkId;
