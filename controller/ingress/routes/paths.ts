/** What stands for one host: values by exact path and by path prefix. Lookup costs as many steps as the deepest prefix. */
export class PathMap<T> {
  readonly #exact = new Map<string, T>();
  readonly #prefixes = new Map<string, T>();
  #deepest = 0;

  /** Adds a value unless one stands there: that is returned then, else undefined. */
  add(type: 'Exact' | 'PathPrefix', path: string, value: T): T | undefined {
    const [values, key] = type === 'Exact' ? [this.#exact, path] : [this.#prefixes, withoutSlash(path)];
    const there = values.get(key);
    if (there !== undefined) return there;
    values.set(key, value);
    if (type === 'PathPrefix') this.#deepest = Math.max(this.#deepest, depthOf(key));
    return undefined;
  }

  /** The exact path's value, else that of the longest prefix of whole elements. */
  find(path: string): T | undefined {
    return this.#exact.get(path) ?? this.#findPrefix(path);
  }

  #findPrefix(path: string): T | undefined {
    // Ends of elements, no deeper than any prefix: a path of 8,000 slashes costs no more than another.
    const ends = [0];
    for (let slash = path.indexOf('/', 1); ends.length <= this.#deepest; slash = path.indexOf('/', slash + 1)) {
      ends.push(slash < 0 ? path.length : slash);
      if (slash < 0) break;
    }
    for (const end of ends.toReversed()) {
      const value = this.#prefixes.get(path.slice(0, end));
      if (value !== undefined) return value;
    }
    return undefined;
  }
}

/** `/a/` and `/a` are the same prefix; of `/` nothing is left. */
const withoutSlash = (path: string): string => (path.endsWith('/') ? path.slice(0, -1) : path);

const depthOf = (prefix: string): number => prefix.split('/').length - 1;
