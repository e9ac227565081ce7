/** https://discord.com/developers/docs/topics/permissions, written once more: the fake is no friend of the bridge. */
import { OverwriteType, PermissionFlagsBits as Bit } from "discord-api-types/v10";
import { type Channel, isThread, type World } from "./world.ts";

const ALL = Object.values(Bit).reduce((all, bit) => all | bit, 0n);

export function rightsIn(world: World, channel: Channel, user: string): bigint {
  if (channel.guild === undefined) return channel.recipients.includes(user) ? ALL & ~(Bit.ManageMessages | Bit.ManageChannels) : 0n;
  const guild = world.guilds.get(channel.guild);
  const member = guild?.members.get(user);
  if (!guild || !member) return 0n;
  if (guild.owner_id === user) return ALL;
  const bits = (id: string): bigint => BigInt(guild.roles.get(id)?.permissions ?? 0);
  const base = [guild.id, ...member.roles].reduce((sum, id) => sum | bits(id), 0n);
  if ((base & Bit.Administrator) !== 0n) return ALL;
  const parent = isThread(channel.type) ? world.channels.get(channel.parent ?? "") : undefined;
  const overwrites = (parent ?? channel).overwrites;
  let rights = base;
  const everyone = overwrites.find(({ id }) => id === guild.id);
  if (everyone) rights = (rights & ~BigInt(everyone.deny)) | BigInt(everyone.allow);
  const roles = overwrites.filter(({ id, type }) => type === OverwriteType.Role && id !== guild.id && member.roles.includes(id));
  const [allow, deny] = [roles.reduce((sum, one) => sum | BigInt(one.allow), 0n), roles.reduce((sum, one) => sum | BigInt(one.deny), 0n)];
  rights = (rights & ~deny) | allow;
  const own = overwrites.find(({ id, type }) => type === OverwriteType.Member && id === user);
  if (own) rights = (rights & ~BigInt(own.deny)) | BigInt(own.allow);
  if ((rights & Bit.ViewChannel) === 0n) return 0n;
  // A private thread is for those who were let in, and for moderators.
  if (channel.type === 12 && !channel.members.has(user) && (rights & Bit.ManageThreads) === 0n) return 0n;
  return rights;
}

export function guildRights(world: World, guildId: string, user: string): bigint {
  const guild = world.guilds.get(guildId);
  const member = guild?.members.get(user);
  if (!guild || !member) return 0n;
  if (guild.owner_id === user) return ALL;
  const base = [guild.id, ...member.roles].reduce((sum, id) => sum | BigInt(guild.roles.get(id)?.permissions ?? 0), 0n);
  return (base & Bit.Administrator) === 0n ? base : ALL;
}

export { Bit };
