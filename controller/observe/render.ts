/** A value as a log line holds it. */
export type Rendered = string | number | boolean | null | readonly Rendered[] | { readonly [key: string]: Rendered };

/** Longest text of one value; what is longer is an object's body, which a log does not hold. */
const MAX_TEXT = 4096;
const MAX_DEPTH = 4;
const MAX_ITEMS = 50;

export const REDACTED = '[redacted]';

/** Names of what must never be in a log, whatever it holds. */
const SECRET_NAME =
  /token|secret|passw|passphrase|authorization|cookie|credential|bearer|privatekey|^(pem|clientkey|tlskey)$/i;

const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [^-]*PRIVATE KEY-----[\s\S]*?(-----END [^-]*-----|$)/g, REDACTED],
  [/\b(Bearer|Basic)\s+[A-Za-z0-9+/=_.~-]{8,}/gi, `$1 ${REDACTED}`],
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*/g, REDACTED],
  [/(\/\/)[^/\s:@]*:[^/\s@]*@/g, `$1${REDACTED}@`],
];

/** What each of SECRETS needs; most texts have none of it, and there are a dozen in a line. */
const MAY_HOLD_SECRET = /-----BEGIN|Bearer|Basic|eyJ|\/\//i;

const text = (value: string): string => {
  const safe = MAY_HOLD_SECRET.test(value)
    ? SECRETS.reduce((rest, [pattern, replacement]) => rest.replaceAll(pattern, replacement), value)
    : value;
  return safe.length > MAX_TEXT ? `${safe.slice(0, MAX_TEXT)}… (${safe.length} characters)` : safe;
};

/**
 * An error as {kind, message, cause}. `kind` is what code switches on: the error's own `kind`, its system code (ECONNRESET),
 * or its class. The stack is there only where the class says that a program is wrong.
 */
const error = (value: Error, depth: number): Rendered => {
  const own = value as { readonly kind?: unknown; readonly code?: unknown };
  const kind = typeof own.kind === 'string' ? own.kind : typeof own.code === 'string' ? own.code : value.name;
  const isBug = value instanceof TypeError || value instanceof RangeError || value instanceof ReferenceError;
  return {
    kind: text(kind),
    message: text(value.message),
    ...(value.cause === undefined ? {} : { cause: render(value.cause, depth + 1) }),
    ...(value instanceof AggregateError ? { errors: render(value.errors, depth + 1) } : {}),
    ...(isBug && value.stack !== undefined ? { stack: text(value.stack) } : {}),
  };
};

const object = (value: object, depth: number): Rendered => {
  if (value instanceof Error) return error(value, depth);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (value instanceof URL) return text(value.href);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (depth >= MAX_DEPTH) return '[…]';
  if (value instanceof Map) return render([...(value as ReadonlyMap<unknown, unknown>)], depth);
  if (value instanceof Set) return render([...value], depth);
  if (!Array.isArray(value)) return renderFields(value as Readonly<Record<string, unknown>>, depth + 1);
  const items = value.slice(0, MAX_ITEMS).map((item: unknown) => render(item, depth + 1));
  return value.length > MAX_ITEMS ? [...items, `… ${value.length - MAX_ITEMS} more`] : items;
};

/** Any value in a form that is safe to log: bounded in size and depth, without secrets. */
export const render = (value: unknown, depth = 0): Rendered => {
  switch (typeof value) {
    case 'string':
      return text(value);
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'boolean':
      return value;
    case 'bigint':
      return value.toString();
    case 'undefined':
      return null;
    case 'symbol':
    case 'function':
      return `[${typeof value}]`;
    case 'object':
      return value === null ? null : object(value, depth);
  }
};

/** The fields of a log line: without those that are undefined, and without what a name says is secret. */
export const renderFields = (
  fields: Readonly<Record<string, unknown>>,
  depth = 0,
): { readonly [key: string]: Rendered } =>
  Object.fromEntries(
    Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .slice(0, MAX_ITEMS)
      .map(([key, value]) => [key, SECRET_NAME.test(key) ? REDACTED : render(value, depth)]),
  );
