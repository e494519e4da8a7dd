/** As much of DER (X.690) as a certificate takes. */

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** One value with its tag and length. */
export function der(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.of(tag), lengthOf(body.length), body]);
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length);
  const bytes = Buffer.from(length.toString(16).padStart(Math.ceil(length.toString(16).length / 2) * 2, '0'), 'hex');
  return Buffer.concat([Buffer.of(0x80 | bytes.length), bytes]);
}

export function sequence(...content: readonly Uint8Array[]): Buffer {
  return der(TAG.sequence, ...content);
}

export function set(...content: readonly Uint8Array[]): Buffer {
  return der(TAG.set, ...content);
}

/** A whole number above 0, most significant byte first; a zero byte keeps it from reading as negative. */
export function integer(bytes: Uint8Array): Buffer {
  const isHigh = ((bytes[0] ?? 0) & 0x80) !== 0;
  return der(TAG.integer, isHigh ? Buffer.of(0) : Buffer.alloc(0), bytes);
}

/** An object identifier in its dotted form. */
export function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  return der(TAG.oid, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(number: number): readonly number[] {
  const digits = [number & 0x7f];
  for (let left = number >>> 7; left > 0; left >>>= 7) digits.unshift((left & 0x7f) | 0x80);
  return digits;
}

export function bitString(bytes: Uint8Array, unusedBits = 0): Buffer {
  return der(TAG.bitString, Buffer.of(unusedBits), bytes);
}

export function octetString(...content: readonly Uint8Array[]): Buffer {
  return der(TAG.octetString, ...content);
}

export function utf8(text: string): Buffer {
  return der(TAG.utf8, Buffer.from(text));
}

export function isTrue(): Buffer {
  return der(TAG.boolean, Buffer.of(0xff));
}

export function generalizedTime(date: Date): Buffer {
  const digits = date.toISOString().slice(0, 19).replaceAll(/[-:T]/g, '');
  return der(TAG.generalizedTime, Buffer.from(`${digits}Z`));
}

/** A value under a tag of its context. */
export function tagged(number: number, isConstructed: boolean, ...content: readonly Uint8Array[]): Buffer {
  return der(0x80 | (isConstructed ? 0x20 : 0) | number, ...content);
}
