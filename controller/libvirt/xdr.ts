// XDR (RFC 4506), as far as libvirt's protocol uses it: big-endian, everything in units of four bytes.

/** Bytes that are no message of this protocol, or a value that does not fit into one. */
export class XdrError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'XdrError';
  }
}

/** REMOTE_STRING_MAX of remote_protocol.x, in bytes. */
export const MAX_STRING = 4_194_304;

const U32 = 0x1_0000_0000;
const UUID_BYTES = 16;
const HEX = Buffer.from('0123456789abcdef', 'latin1');
const DASH = 0x2d;
const uuidText = Buffer.alloc(36, DASH);

/** Reads one message's payload in place. Checks every length against the bytes that are there before it allocates. */
export class XdrReader {
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #end = 0;

  /** Points it at bytes[start, end). */
  reset(bytes: Buffer, start: number, end: number): this {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = Math.min(end, bytes.length);
    return this;
  }

  get remaining(): number {
    return this.#end - this.#at;
  }

  /** Moves past n bytes and returns where they began. */
  #take(n: number): number {
    const at = this.#at;
    if (n > this.#end - at) throw new XdrError(`${n} bytes expected, ${this.#end - at} left`);
    this.#at = at + n;
    return at;
  }

  u32(): number {
    const at = this.#take(4);
    const b = this.#bytes;
    return (((b[at] ?? 0) << 24) | ((b[at + 1] ?? 0) << 16) | ((b[at + 2] ?? 0) << 8) | (b[at + 3] ?? 0)) >>> 0;
  }

  i32(): number {
    return this.u32() | 0;
  }

  /** Unsigned 64 bits as a number: exact to 2^53, the nearest number beyond. */
  u64(): number {
    const high = this.u32();
    return high * U32 + this.u32();
  }

  /** Signed 64 bits as a number: exact to 2^53, the nearest number beyond. */
  i64(): number {
    const high = this.i32();
    return high * U32 + this.u32();
  }

  bool(): boolean {
    const value = this.u32();
    if (value > 1) throw new XdrError(`${value} is no boolean`);
    return value === 1;
  }

  string(): string {
    const length = this.u32();
    if (length > MAX_STRING) throw new XdrError(`a string of ${length} bytes`);
    const at = this.#take((length + 3) & ~3);
    return this.#bytes.toString('utf8', at, at + length);
  }

  uuid(): string {
    let from = this.#take(UUID_BYTES);
    for (let to = 0; to < 36; to++) {
      if (to === 8 || to === 13 || to === 18 || to === 23) continue;
      const byte = this.#bytes[from++] ?? 0;
      uuidText[to++] = HEX[byte >> 4] ?? 0;
      uuidText[to] = HEX[byte & 15] ?? 0;
    }
    return uuidText.toString('latin1');
  }

  nullable<T>(read: (reader: XdrReader) => T): T | undefined {
    return this.bool() ? read(this) : undefined;
  }

  /** A list of elements, each of which takes at least four bytes: so no count can ask for more than is there. */
  list<T>(read: (reader: XdrReader) => T): T[] {
    const count = this.u32();
    if (count > this.remaining / 4) throw new XdrError(`a list of ${count} in ${this.remaining} bytes`);
    const values: T[] = [];
    for (let i = 0; i < count; i++) values.push(read(this));
    return values;
  }

  /** `char[length]`, one character in four bytes, up to the first zero. */
  chars(length: number): string {
    const at = this.#take(length * 4);
    const text = Buffer.alloc(length);
    for (let i = 0; i < length; i++) text[i] = this.#bytes[at + i * 4 + 3] ?? 0;
    const end = text.indexOf(0);
    return text.toString('utf8', 0, end === -1 ? length : end);
  }

  /** A copy of all that is left. */
  rest(): Buffer {
    const at = this.#take(this.remaining);
    return Buffer.from(this.#bytes.subarray(at, this.#end));
  }

  /** @throws XdrError if bytes are left over */
  done(): void {
    if (this.#at !== this.#end) throw new XdrError(`${this.remaining} bytes too many`);
  }
}

/** Writes messages one behind the other into a buffer that it keeps and lets grow. */
export class XdrWriter {
  #bytes = Buffer.allocUnsafe(8192);
  #at = 0;

  get length(): number {
    return this.#at;
  }

  /** Forgets what was written from `length` on. */
  truncate(length: number): void {
    this.#at = length;
  }

  /** A copy of all that was written, which is then forgotten. */
  takeBytes(): Buffer {
    const bytes = Buffer.from(this.#bytes.subarray(0, this.#at));
    this.#at = 0;
    // One long message is no reason to hold its size for ever.
    if (this.#bytes.length > 1_048_576) this.#bytes = Buffer.allocUnsafe(8192);
    return bytes;
  }

  #room(n: number): number {
    const at = this.#at;
    if (at + n > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, at + n));
      this.#bytes.copy(larger, 0, 0, at);
      this.#bytes = larger;
    }
    this.#at = at + n;
    return at;
  }

  #put(at: number, value: number): void {
    const b = this.#bytes;
    b[at] = value >>> 24;
    b[at + 1] = value >>> 16;
    b[at + 2] = value >>> 8;
    b[at + 3] = value;
  }

  u32(value: number): void {
    if (!Number.isInteger(value) || value < -0x8000_0000 || value >= U32) throw new XdrError(`${value} is no int`);
    this.#put(this.#room(4), value);
  }

  /** A whole number, 0 to 2^53 - 1, as 64 bits. */
  u64(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new XdrError(`${value} is no unsigned size`);
    this.u32(Math.floor(value / U32));
    this.u32(value % U32);
  }

  /** A whole number within ±(2^53 - 1) as 64 bits. */
  i64(value: number): void {
    if (!Number.isSafeInteger(value)) throw new XdrError(`${value} is no whole number`);
    const high = Math.floor(value / U32);
    this.u32(high);
    this.u32(value - high * U32);
  }

  string(value: string): void {
    if (value.length > MAX_STRING) throw new XdrError(`a string of ${value.length} characters`);
    const head = this.#room(4 + value.length * 3 + 3);
    const length = this.#bytes.write(value, head + 4, 'utf8');
    if (length > MAX_STRING) throw new XdrError(`a string of ${length} bytes`);
    this.#put(head, length);
    const end = head + 4 + length;
    const padded = end + (-length & 3);
    this.#bytes.fill(0, end, padded);
    this.#at = padded;
  }

  uuid(text: string): void {
    const bytes = Buffer.from(text.replaceAll('-', ''), 'hex');
    if (text.length !== 36 || bytes.length !== UUID_BYTES) throw new XdrError(`${JSON.stringify(text)} is no UUID`);
    this.raw(bytes);
  }

  nullable<T>(value: T | undefined, write: (value: T) => void): void {
    this.u32(value === undefined ? 0 : 1);
    if (value !== undefined) write(value);
  }

  /** Bytes as they are, without length or padding. */
  raw(bytes: Uint8Array): void {
    const at = this.#room(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** Overwrites the int at a place written before. */
  patch(at: number, value: number): void {
    this.#put(at, value);
  }
}
