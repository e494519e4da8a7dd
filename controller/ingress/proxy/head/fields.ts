/** Header fields as flat lists of names and values in turn, the form in which Node gives and takes them. */

export interface Field {
  /** Lower case. */
  readonly key: string;
  readonly name: string;
  readonly value: string;
}

export const fieldsOf = (flat: readonly string[]): readonly Field[] => {
  const fields: Field[] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const name = flat[i] ?? '';
    fields.push({ key: name.toLowerCase(), name, value: flat[i + 1] ?? '' });
  }
  return fields;
};

export const flatten = (fields: readonly Field[]): string[] => fields.flatMap(({ name, value }) => [name, value]);

/** Of a crowd's heads most is asked for in vain: nothing is made for what is not there. */
export const valuesOf = (fields: readonly Field[], key: string): readonly string[] => {
  let values: string[] | undefined;
  for (const field of fields) if (field.key === key) (values ??= []).push(field.value);
  return values ?? NONE;
};

const NONE: readonly string[] = [];

/** The members of a comma-separated list over all fields of a name, lower case, blank ones left out. */
export const tokensOf = (fields: readonly Field[], key: string): readonly string[] => {
  const values = valuesOf(fields, key);
  return values.length === 0
    ? NONE
    : values
        .flatMap((value) => value.split(','))
        .map((token) => token.trim().toLowerCase())
        .filter((token) => token !== '');
};

/** What HTTP/1.1 can carry as a field's value. */
export const isValue = (value: string): boolean => /^[\t\x20-\x7e\x80-\xff]*$/.test(value);

/** Of one connection alone (RFC 9110, 7.6.1), or of a message's framing, which is each leg's own. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'upgrade',
  'http2-settings',
  'transfer-encoding',
]);

/** Headers that say where a request came from. */
const ORIGIN: ReadonlySet<string> = new Set(['forwarded', 'x-real-ip']);

export const isHopByHop = (key: string): boolean => HOP_BY_HOP.has(key);
export const isOrigin = (key: string): boolean => ORIGIN.has(key) || key.startsWith('x-forwarded-');
export const isOurs = (key: string): boolean => key.startsWith('x-hatchery-');
/** Many servers take `_` for `-`, so such a name could stand for one that was removed. */
export const isAmbiguous = (key: string): boolean => key.includes('_');

/** A trailer must not change what was decided by the head (RFC 9110, 6.5.1). */
const NO_TRAILER: ReadonlySet<string> = new Set([
  'content-length',
  'content-encoding',
  'content-type',
  'content-range',
  'host',
  'trailer',
  'authorization',
  'cookie',
  'set-cookie',
  'expect',
  'cache-control',
  'max-forwards',
  'range',
  'age',
  'date',
  'location',
  'retry-after',
  'vary',
  'warning',
  'traceparent',
  'tracestate',
  'server-timing',
]);

/** The trailers that are passed on, of a visitor's or a guest's. */
export const passableTrailers = (flat: readonly string[]): readonly Field[] =>
  fieldsOf(flat).filter(
    ({ key, value }) =>
      !isHopByHop(key) && !isOrigin(key) && !isOurs(key) && !isAmbiguous(key) && !NO_TRAILER.has(key) && isValue(value),
  );

/** What a request accepts, as one list; empty where it does not say. */
export const acceptOf = (fields: readonly Field[]): string => valuesOf(fields, 'accept').join(',');
