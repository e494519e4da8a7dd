/** Kubernetes quantities (apimachinery's resource.Quantity), read and written exactly. */

/** Power of ten of a decimal suffix. */
const DECIMAL: ReadonlyMap<string, number> = new Map([
  ['n', -9],
  ['u', -6],
  ['m', -3],
  ['', 0],
  ['k', 3],
  ['M', 6],
  ['G', 9],
  ['T', 12],
  ['P', 15],
  ['E', 18],
]);

/** Power of two of a binary suffix. */
const BINARY: ReadonlyMap<string, bigint> = new Map([
  ['Ki', 10n],
  ['Mi', 20n],
  ['Gi', 30n],
  ['Ti', 40n],
  ['Pi', 50n],
  ['Ei', 60n],
]);

const QUANTITY = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)(?:([eE][+-]?\d+)|([numkMGTPE]|[KMGTPE]i)?)$/;

/** Longer texts and greater exponents are refused: an amount that means something needs neither. */
const MAX_LENGTH = 64;
const MAX_EXPONENT = 64;

const ceilDivide = (dividend: bigint, divisor: bigint): bigint => {
  const quotient = dividend / divisor;
  return dividend > 0n && dividend % divisor !== 0n ? quotient + 1n : quotient;
};

/** The power of ten and factor that an exponent or suffix stands for; undefined where it is none. */
const scaleOf = (exponent: string | undefined, suffix: string): { ten: number; factor: bigint } | undefined => {
  if (exponent !== undefined) {
    const ten = Number(exponent.slice(1));
    return Math.abs(ten) <= MAX_EXPONENT ? { ten, factor: 1n } : undefined;
  }
  const two = BINARY.get(suffix);
  if (two !== undefined) return { ten: 0, factor: 2n ** two };
  const ten = DECIMAL.get(suffix);
  return ten === undefined ? undefined : { ten, factor: 1n };
};

/**
 * The whole number that a quantity stands for, rounded up as Kubernetes does: `64Mi` is 67108864n, `1.5k` 1500n, `100m`
 * 1n, `1e3` 1000n. undefined where it is no quantity (or an absurd one: over 64 characters, an exponent beyond 64).
 */
export const parseQuantity = (quantity: string | number): bigint | undefined => {
  const text = String(quantity);
  const match = text.length <= MAX_LENGTH ? QUANTITY.exec(text) : null;
  if (match === null) return undefined;
  const [, sign, number = '', exponent, suffix = ''] = match;
  const scale = scaleOf(exponent, suffix);
  if (scale === undefined) return undefined;
  const [whole = '', fraction = ''] = number.split('.');
  const digits = BigInt(whole + fraction) * scale.factor * (sign === '-' ? -1n : 1n);
  const ten = scale.ten - fraction.length;
  return ten >= 0 ? digits * 10n ** BigInt(ten) : ceilDivide(digits, 10n ** BigInt(-ten));
};

/** A memory quantity in bytes; undefined where it is no quantity, or beyond what a number holds exactly (8Pi). */
export const parseBytes = (quantity: string | number): number | undefined => {
  const bytes = parseQuantity(quantity);
  if (bytes === undefined) return undefined;
  const value = Number(bytes);
  return Number.isSafeInteger(value) ? value : undefined;
};

const UNITS = [
  ['Ti', 2 ** 40],
  ['Gi', 2 ** 30],
  ['Mi', 2 ** 20],
  ['Ki', 2 ** 10],
] as const;

/** Bytes (a whole number, not negative) as a quantity, exactly, with the greatest unit that divides them: 65536 is `64Ki`. */
export const formatBytes = (bytes: number): string => {
  const unit = bytes === 0 ? undefined : UNITS.find(([, size]) => bytes % size === 0);
  return unit === undefined ? String(bytes) : `${bytes / unit[1]}${unit[0]}`;
};
