/** What follows from what a channel is. */
import type { ChannelFacts } from "./model/events.ts";
import type { Channel } from "./network.ts";
import type { Link } from "./store/store.ts";

/** Whoever may enter the network may find it and read it. What is not known counts as closed. */
export function isOpen({ visibility, unlisted }: ChannelFacts): boolean {
  return visibility === "public" && unlisted !== true;
}

/** A channel as last seen; `gone` says in a sentence that it is out of reach. */
export type SeenFacts = ChannelFacts & { readonly gone?: string };

export function factsOf(link: Link): SeenFacts {
  return (link.facts ?? {}) as SeenFacts;
}

/** What of a channel is remembered with its link. */
export function rememberedOf(channel: Channel): ChannelFacts {
  const { id: _id, kind: _kind, spaces: _spaces, latest: _latest, inside: _inside, ...facts } = channel;
  return facts;
}

/** What of a change is one: networks tell a channel whole whenever anything of it changes. */
export function newsIn(before: ChannelFacts, change: ChannelFacts): ChannelFacts {
  const told = Object.entries(change) as [keyof ChannelFacts, unknown][];
  return Object.fromEntries(told.filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(before[key]))) as ChannelFacts;
}

export function mergeFacts(before: ChannelFacts | undefined, change: ChannelFacts): ChannelFacts {
  const powers = change.powers?.partial
    ? { partial: false, levels: { ...before?.powers?.levels, ...change.powers.levels } }
    : (change.powers ?? before?.powers);
  return { ...before, ...change, ...(powers ? { powers } : {}) };
}
