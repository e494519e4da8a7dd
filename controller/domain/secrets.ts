/** Most bytes of all secret values of one domain together, as a Secret itself may have. */
export const MAX_SECRET_BYTES = 1_048_576;

/** What the disk with secret values begins with; the digit is the format's version. */
const MAGIC = 'hatchery-secrets 1';
/** A guest reads whole sectors. */
const SECTOR = 512;

/**
 * Values of the parameters that come from Secrets, by name. They show themselves to nobody who is not meant: neither JSON nor
 * node:util's inspect, and so no log, gets at what a private field holds.
 */
export class SecretValues {
  readonly #values: ReadonlyMap<string, Uint8Array>;

  constructor(values: Iterable<readonly [name: string, value: Uint8Array]> = []) {
    this.#values = new Map(values);
  }

  get size(): number {
    return this.#values.size;
  }

  /** For the check against a template's schema; bytes that are no UTF-8 become U+FFFD. */
  texts(): ReadonlyMap<string, string> {
    return new Map(Array.from(this.#values, ([name, value]) => [name, Buffer.from(value).toString('utf8')]));
  }

  /**
   * The disk that brings them to a guest, which needs no file system to read it: a line `hatchery-secrets 1 COUNT`, then of
   * each a line `NAME LENGTH`, LENGTH bytes and a line feed; zeros up to a whole sector of 512 bytes. A line ends with one
   * line feed, numbers are decimal, names are as parameters' are.
   */
  disk(): Buffer {
    const parts = [Buffer.from(`${MAGIC} ${this.#values.size}\n`)];
    for (const [name, value] of this.#values) {
      parts.push(Buffer.from(`${name} ${value.length}\n`), Buffer.from(value), Buffer.from('\n'));
    }
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    // What is longer than the parts is filled up with zeros.
    return Buffer.concat(parts, Math.ceil(bytes / SECTOR) * SECTOR);
  }
}
