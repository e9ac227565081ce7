/**
 * Who may do what in a channel: base permissions from roles, then the channel's overwrites for everyone, for the roles, for the member.
 *
 * https://discord.com/developers/docs/topics/permissions#permission-overwrites
 */
import { PermissionFlagsBits as Bit } from "discord-api-types/v10";

export { Bit };

export interface Role {
  readonly id: string;
  readonly name: string;
  readonly permissions: bigint;
  readonly position: number;
}

export interface Overwrite {
  readonly id: string;
  readonly allow: bigint;
  readonly deny: bigint;
}

/** What of a guild decides about permissions. The role with the guild's own id is `@everyone`. */
export interface Ruled {
  readonly id: string;
  readonly owner: string | undefined;
  readonly roles: ReadonlyMap<string, Role>;
}

const EVERYTHING = ~0n;

/** In the whole guild, before any channel's overwrites. */
export function basePermissions(guild: Ruled, member: { readonly id: string; readonly roles: readonly string[] }): bigint {
  if (guild.owner === member.id) return EVERYTHING;
  let all = guild.roles.get(guild.id)?.permissions ?? 0n;
  for (const role of member.roles) all |= guild.roles.get(role)?.permissions ?? 0n;
  return (all & Bit.Administrator) === 0n ? all : EVERYTHING;
}

export function permissionsIn(
  guild: Ruled,
  overwrites: readonly Overwrite[],
  member: { readonly id: string; readonly roles: readonly string[] },
): bigint {
  const base = basePermissions(guild, member);
  if (base === EVERYTHING) return base;
  let all = applied(
    base,
    overwrites.filter(({ id }) => id === guild.id),
  );
  all = applied(
    all,
    overwrites.filter(({ id }) => id !== guild.id && member.roles.includes(id)),
  );
  all = applied(
    all,
    overwrites.filter(({ id }) => id === member.id),
  );
  // Who cannot see a channel can do nothing in it.
  return (all & Bit.ViewChannel) === 0n ? 0n : all;
}

/** All denials of one tier first, then all of its allowances. */
function applied(base: bigint, overwrites: readonly Overwrite[]): bigint {
  let all = base;
  for (const { deny } of overwrites) all &= ~deny;
  for (const { allow } of overwrites) all |= allow;
  return all;
}

/** Whether everyone who is in the guild may read the channel. */
export function isPublic(guild: Ruled, overwrites: readonly Overwrite[]): boolean {
  return has(permissionsIn(guild, overwrites, { id: "", roles: [] }), Bit.ViewChannel);
}

export function has(permissions: bigint, wanted: bigint): boolean {
  return (permissions & wanted) === wanted;
}

/** Power in Matrix's words for someone with these permissions: 100, 50, 0. */
export function powerOf(permissions: bigint): number {
  if (has(permissions, Bit.Administrator) || has(permissions, Bit.ManageGuild)) return 100;
  const moderates = Bit.ManageMessages | Bit.KickMembers | Bit.BanMembers | Bit.ModerateMembers | Bit.ManageChannels;
  return (permissions & moderates) === 0n ? 0 : 50;
}
