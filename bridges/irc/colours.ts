/** The 99 colours of IRC (https://modern.ircdocs.horse/formatting): 0 to 15 of mIRC, 16 to 98 the extended ones. 99 = the reader's own. */
const palette: readonly string[] = `
  ffffff 000000 00007f 009300 ff0000 7f0000 9c009c fc7f00 ffff00 00fc00 009393 00ffff 0000fc ff00ff 7f7f7f d2d2d2
  470000 472100 474700 324700 004700 00472c 004747 002747 000047 2e0047 470047 47002a
  740000 743a00 747400 517400 007400 007449 007474 004074 000074 4b0074 740074 740045
  b50000 b56300 b5b500 7db500 00b500 00b571 00b5b5 0063b5 0000b5 7500b5 b500b5 b5006b
  ff0000 ff8c00 ffff00 b2ff00 00ff00 00ffa0 00ffff 008cff 0000ff a500ff ff00ff ff0098
  ff5959 ffb459 ffff71 cfff60 6fff6f 65ffc9 6dffff 59b4ff 5959ff c459ff ff66ff ff59bc
  ff9c9c ffd39c ffff9c e2ff9c 9cff9c 9cffdb 9cffff 9cd3ff 9c9cff dc9cff ff9cff ff94d3
  000000 131313 282828 363636 4d4d4d 656565 818181 9f9f9f bcbcbc e2e2e2 ffffff`
  .trim()
  .split(/\s+/);

export const BLACK = 1;
/** The reader's own colour. */
export const DEFAULT_COLOUR = 99;

/** `#rrggbb`, or undefined for 99 and for numbers that mean nothing. */
export function colourOf(number: number): string | undefined {
  const hex = palette[number];
  return hex === undefined ? undefined : `#${hex}`;
}

const channelsOf = (hex: string): [number, number, number] => {
  const value = Number.parseInt(hex.replace("#", ""), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
};
const paletteChannels = palette.map(channelsOf);

/** The number of the colour that looks most like `#rrggbb`; of two alike the lower, which more clients know. */
export function nearestColour(hex: string): number {
  const [red, green, blue] = channelsOf(hex);
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (const [number, [r, g, b]] of paletteChannels.entries()) {
    const distance = seen(red - r, green - g, blue - b, (red + r) / 2);
    if (distance < least) [best, least] = [number, distance];
  }
  return best;
}

/** The "redmean" distance: near to what eyes see, without leaving RGB. */
function seen(red: number, green: number, blue: number, meanRed: number): number {
  return (2 + meanRed / 256) * red * red + 4 * green * green + (2 + (255 - meanRed) / 256) * blue * blue;
}
