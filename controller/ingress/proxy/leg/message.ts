import type { FlatHeaders } from '../exchange.ts';
import { fieldsOf, flatten, isHopByHop, isOurs, isValue, tokensOf, valuesOf } from '../head/fields.ts';
import type { Field } from '../head/fields.ts';
import type { Head } from '../head/types.ts';

const MAX_HEADERS = 100;

/** Methods of requests that may well have no body; all others say that theirs is empty. */
const BODYLESS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'DELETE']);

/**
 * The headers of the request that goes to a guest. The framing is always ours and always there: Node writes a body of a
 * GET, DELETE or OPTIONS without any, which the guest would take for a second request.
 */
export const requestHeaders = (head: Head): string[] => {
  const upgrade = head.upgrades[0];
  const connection =
    upgrade !== undefined
      ? ['Connection', 'Upgrade', 'Upgrade', upgrade]
      : ['Connection', head.takesTrailers ? 'close, TE' : 'close'];
  const te = upgrade === undefined && head.takesTrailers ? ['TE', 'trailers'] : [];
  return [...head.headers(), ...framingOf(head), ...connection, ...te];
};

const framingOf = ({ framing, method }: Head): readonly string[] => {
  switch (framing.kind) {
    case 'length':
      return ['Content-Length', String(framing.bytes)];
    case 'open':
      return ['Transfer-Encoding', 'chunked'];
    case 'none':
      return BODYLESS.has(method) ? [] : ['Content-Length', '0'];
  }
};

export type GuestHead =
  | {
      readonly kind: 'sound';
      readonly headers: FlatHeaders;
      readonly length: number | undefined;
      readonly isEventStream: boolean;
    }
  | { readonly kind: 'unsound'; readonly why: string };

const unsound = (why: string): GuestHead => ({ kind: 'unsound', why });

/** Checks the head of a guest's answer and leaves in it what may be passed on; the guest is no more to be trusted than a visitor. */
export const readGuestHead = (raw: FlatHeaders): GuestHead => {
  const fields = fieldsOf(raw);
  if (fields.length > MAX_HEADERS) return unsound(`more than ${MAX_HEADERS} header fields`);
  if (!fields.every(({ value }) => isValue(value))) return unsound('a header has a byte that none may have');
  const lengths = valuesOf(fields, 'content-length');
  const codings = valuesOf(fields, 'transfer-encoding');
  if (lengths.length > 1 || lengths.some((value) => !/^[0-9]{1,15}$/.test(value)))
    return unsound('no valid Content-Length');
  if (codings.length > 0 && (codings.length > 1 || codings[0]?.trim().toLowerCase() !== 'chunked')) {
    return unsound('a Transfer-Encoding other than chunked');
  }
  if (codings.length > 0 && lengths.length > 0) return unsound('both Content-Length and Transfer-Encoding');
  const isEventStream = valuesOf(fields, 'content-type').some((value) => /^\s*text\/event-stream\b/i.test(value));
  const length = lengths[0] === undefined ? undefined : Number(lengths[0]);
  return { kind: 'sound', headers: flatten(passable(fields)), length, isEventStream };
};

const passable = (fields: readonly Field[]): readonly Field[] => {
  const named = new Set(tokensOf(fields, 'connection'));
  return fields.filter(
    ({ key }) => !isHopByHop(key) && !isOurs(key) && key !== 'content-length' && (key === 'date' || !named.has(key)),
  );
};
