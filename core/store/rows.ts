/** Values as they stand in columns, and back. */

/** JSON for a column; `undefined` becomes NULL. */
export function toJson(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}

export function fromJson(text: string | null): unknown {
  return text === null ? undefined : JSON.parse(text);
}

/** A whole number that SQLite takes. Times come from servers of all kinds: fractions are cut, nonsense becomes 0. */
export function toWhole(value: number): number {
  if (Number.isNaN(value)) return 0;
  return Math.trunc(Math.min(Math.max(value, Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER));
}

export function orNull<T>(value: T | undefined): T | null {
  return value === undefined ? null : value;
}

export function orAbsent<T>(value: T | null): T | undefined {
  return value === null ? undefined : value;
}
