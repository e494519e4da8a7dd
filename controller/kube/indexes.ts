/** Named indexes over keyed objects. */
export class Indexes<T, I extends string> {
  readonly #indexers: ReadonlyMap<string, (object: T) => readonly string[]>;
  readonly #entries = new Map<string, Map<string, Map<string, T>>>();
  readonly #onError: (index: string, key: string, error: unknown) => void;

  constructor(
    indexers: Readonly<Record<I, (object: T) => readonly string[]>> | undefined,
    onError: (index: string, key: string, error: unknown) => void,
  ) {
    this.#indexers = new Map(Object.entries<(object: T) => readonly string[]>(indexers ?? {}));
    this.#onError = onError;
    for (const name of this.#indexers.keys()) this.#entries.set(name, new Map());
  }

  find(index: I, value: string): readonly T[] {
    return [...(this.#entries.get(index)?.get(value)?.values() ?? [])];
  }

  values(index: I): readonly string[] {
    return [...(this.#entries.get(index)?.keys() ?? [])];
  }

  /** Moves a key from what it was found under to what it is found under now. Either may be absent. */
  change(key: string, before: T | undefined, after: T | undefined): void {
    for (const [name, indexer] of this.#indexers) {
      const entries = this.#entries.get(name);
      if (entries === undefined) continue;
      if (before !== undefined) {
        for (const value of this.#valuesOf(name, key, indexer, before)) {
          const found = entries.get(value);
          found?.delete(key);
          if (found?.size === 0) entries.delete(value);
        }
      }
      if (after !== undefined) {
        for (const value of this.#valuesOf(name, key, indexer, after)) {
          const found = entries.get(value) ?? new Map<string, T>();
          entries.set(value, found.set(key, after));
        }
      }
    }
  }

  /** An indexer that throws hides its object from that index, and from nothing else. */
  #valuesOf(name: string, key: string, indexer: (object: T) => readonly string[], object: T): readonly string[] {
    try {
      return indexer(object);
    } catch (error) {
      this.#onError(name, key, error);
      return [];
    }
  }
}
