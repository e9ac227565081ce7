/**
 * How a message is known again on every side, whatever a network makes of it: one word in it that nobody would write. `w17v2p0` is the
 * first piece of the second correction of the seventeenth message.
 */
export interface Mark {
  readonly number: number;
  readonly version: number;
  readonly piece: number;
}

export function writeMark({ number, version, piece }: Mark): string {
  return `w${number}v${version}p${piece}`;
}

/**
 * The marks of the message itself, each once. It carries them at its end, so a quotation of another message stands before them, with
 * another number.
 */
export function readMarks(...texts: readonly string[]): Mark[] {
  const all = texts.flatMap((text) =>
    [...text.matchAll(/(?<![A-Za-z0-9])w(\d+)v(\d+)p(\d+)(?![A-Za-z0-9])/g)].map(([, number, version, piece]) => ({
      number: Number(number),
      version: Number(version),
      piece: Number(piece),
    })),
  );
  const own = all.at(-1)?.number;
  const seen = new Set<string>();
  return all.filter((mark) => mark.number === own && !seen.has(writeMark(mark)) && seen.add(writeMark(mark)));
}
