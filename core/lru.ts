/** A map that forgets what was longest unused, so that memory stays the same however many rooms and people there are. */
export class Lru<Key, Value> {
  readonly #most: number;
  readonly #map = new Map<Key, Value>();

  constructor(most: number) {
    this.#most = most;
  }

  get(key: Key): Value | undefined {
    const value = this.#map.get(key);
    if (value !== undefined) {
      this.#map.delete(key);
      this.#map.set(key, value);
    }
    return value;
  }

  set(key: Key, value: Value): void {
    this.#map.delete(key);
    this.#map.set(key, value);
    if (this.#map.size > this.#most) {
      const [oldest] = this.#map.keys();
      this.#map.delete(oldest as Key);
    }
  }

  delete(key: Key): void {
    this.#map.delete(key);
  }

  clear(): void {
    this.#map.clear();
  }
}
