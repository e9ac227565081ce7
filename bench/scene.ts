/** The names that both processes know things by. */

export type Portals = number;

/** One IRC connection takes a thousand lines a second at most; the load spreads over several networks, so that this is not what is measured. */
export function networkCount(portals: Portals): number {
  return portals < 10 ? 1 : 10;
}

export function networkOf(portal: number, portals: Portals): string {
  return `n${portal % networkCount(portals)}`;
}

export function channelOf(portal: number): string {
  return `#c${portal}`;
}

export function roomOf(portal: number): string {
  return `!r${portal}:bench.local`;
}

/** `place` says where it stands among all others, from 0 to 2³². */
export function eventName(place: number, number: number): string {
  return `$${place.toString(16).padStart(8, "0")}-${number}`;
}
