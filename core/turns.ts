/** Work that must not be done twice at once for the same thing: each waits for the one before it, whatever became of that. */
export class Turns<Key> {
  /** Only keys with work under way. */
  readonly #busy = new Map<Key, Promise<unknown>>();

  async alone<Result>(key: Key, work: () => Promise<Result>): Promise<Result> {
    const done = (this.#busy.get(key) ?? Promise.resolve()).then(work);
    const settled = done.catch(() => undefined);
    this.#busy.set(key, settled);
    return await done.finally(() => {
      if (this.#busy.get(key) === settled) this.#busy.delete(key);
    });
  }
}
