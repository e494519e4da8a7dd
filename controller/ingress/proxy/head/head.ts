import { acceptOf, fieldsOf, flatten, isAmbiguous, isHopByHop, isOurs, isValue, tokensOf, valuesOf } from './fields.ts';
import type { Field } from './fields.ts';
import { isMadeAnew, originHeaders, originOf, traceHeaders, traceOf } from './origin.ts';
import { faultOfTarget, pathOf, readAbsoluteForm, readAuthority } from './target.ts';
import type { Authority } from './target.ts';
import type { Framing, Head, HeadPolicy, HeadReading, Peer, RawHead, Refusal } from './types.ts';

const MAX_HEADERS = 100;
/** As Node's own limit for heads of HTTP/1; over HTTP/2 it would take 64 KiB. */
const MAX_HEAD_BYTES = 16 * 1024;
const ALLOWED = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';

const refuse = (status: Refusal['status'], why: string): Refusal => ({ kind: 'refused', status, why });

/**
 * Checks a head and settles it: what a parser lets through though two readers could understand it in two ways is refused
 * here, before anything is decided by it.
 */
export const readHead = (raw: RawHead, peer: Peer, policy: HeadPolicy): HeadReading => {
  const fields = fieldsOf(raw.headers);
  const fault = faultOfShape(raw, fields) ?? faultOfConnection(fields) ?? faultOfExpectation(fields);
  if (fault !== undefined) return fault;
  const place = placeOf(raw, fields, peer);
  if (place.kind === 'refused') return place;
  const framing = framingOf(raw, fields);
  if (framing.kind === 'refused') return framing;
  if (raw.target === '*' && raw.method === 'OPTIONS') return { kind: 'server-options', allow: ALLOWED };
  const wrong = faultOfTarget(place.target);
  return wrong === undefined
    ? { kind: 'request', head: settle(raw, fields, { place, framing, peer, policy }) }
    : refuse(400, wrong);
};

const faultOfShape = (raw: RawHead, fields: readonly Field[]): Refusal | undefined => {
  const { method, protocol, version } = raw;
  if (protocol === 'http/1' && version !== '1.0' && version !== '1.1') return refuse(505, 'only HTTP/1.0 and 1.1');
  if (fields.length > MAX_HEADERS) return refuse(431, `more than ${MAX_HEADERS} header fields`);
  if (bytesOf(raw) > MAX_HEAD_BYTES) return refuse(431, `a head of more than ${MAX_HEAD_BYTES / 1024} KiB`);
  if (method === 'CONNECT' || method === 'TRACE') {
    return { ...refuse(405, `${method} is not served`), allow: ALLOWED };
  }
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}$/.test(method)) return refuse(400, 'no valid method');
  if (!fields.every(({ value }) => isValue(value))) return refuse(400, 'a header has a byte that none may have');
  if (valuesOf(fields, 'authorization').length > 1) return refuse(400, 'more than one Authorization');
  return undefined;
};

/** What a head takes as HTTP/1 writes it, all but the spaces and ends of its lines. */
const bytesOf = ({ method, target, authority = '', headers }: RawHead): number =>
  headers.reduce((sum, text) => sum + text.length, method.length + target.length + authority.length);

/** What a request hangs on, or what the ingress says. */
const VITAL: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'authorization',
  'cookie',
  'server-timing',
]);

/** What Connection names is dropped; it must not name any of those. */
const faultOfConnection = (fields: readonly Field[]): Refusal | undefined => {
  const named = tokensOf(fields, 'connection').find((key) => VITAL.has(key) || isMadeAnew(key) || isOurs(key));
  return named === undefined ? undefined : refuse(400, 'Connection names a header that it must not');
};

const faultOfExpectation = (fields: readonly Field[]): Refusal | undefined =>
  valuesOf(fields, 'expect').every((value) => value.trim().toLowerCase() === '100-continue')
    ? undefined
    : refuse(417, 'no expectation but 100-continue is met');

interface Place {
  readonly kind: 'place';
  readonly authority: Authority;
  readonly target: string;
}

/** One valid host of all that a request says about it, and the target in its origin form. */
const placeOf = (raw: RawHead, fields: readonly Field[], peer: Peer): Place | Refusal => {
  const hosts = valuesOf(fields, 'host');
  if (hosts.length > 1) return refuse(400, 'more than one Host');
  const given = raw.authority ?? hosts[0];
  if (given === undefined) return refuse(400, 'no Host');
  const authority = readAuthority(given);
  if (authority === undefined) return refuse(400, 'no valid Host');
  if (raw.protocol === 'http/2') return placeOfHttp2(raw, hosts[0], authority);
  const absolute = readAbsoluteForm(raw.target);
  if (absolute === undefined) return { kind: 'place', authority, target: raw.target };
  if (absolute.scheme !== (peer.tls ? 'https' : 'http')) return refuse(421, 'the target is of another scheme');
  const named = readAuthority(absolute.authority);
  return named === undefined
    ? refuse(400, 'the target names no valid host')
    : { kind: 'place', authority: named, target: absolute.target };
};

const placeOfHttp2 = (raw: RawHead, host: string | undefined, authority: Authority): Place | Refusal => {
  if (raw.scheme !== 'http' && raw.scheme !== 'https') return refuse(400, ':scheme must be http or https');
  return host === undefined || host.toLowerCase() === authority.text.toLowerCase()
    ? { kind: 'place', authority, target: raw.target }
    : refuse(400, ':authority and Host differ');
};

const framingOf = (raw: RawHead, fields: readonly Field[]): Framing | Refusal => {
  const codings = valuesOf(fields, 'transfer-encoding');
  const lengths = valuesOf(fields, 'content-length');
  if (lengths.length > 1 || lengths.some((value) => !/^[0-9]{1,15}$/.test(value))) {
    return refuse(400, 'no valid Content-Length');
  }
  if (codings.length > 0) {
    const isChunked = codings.length === 1 && codings[0]?.trim().toLowerCase() === 'chunked';
    if (!isChunked || raw.version !== '1.1') return refuse(501, 'no Transfer-Encoding but chunked, on HTTP/1.1');
    return lengths.length > 0 ? refuse(400, 'both Content-Length and Transfer-Encoding') : { kind: 'open' };
  }
  if (lengths[0] !== undefined) return { kind: 'length', bytes: Number(lengths[0]) };
  // HTTP/2 says by its frames alone whether there is a body: the front knows, and says none where there is none.
  return raw.protocol === 'http/2' ? { kind: 'open' } : { kind: 'none' };
};

interface Settled {
  readonly place: Place;
  readonly framing: Framing;
  readonly peer: Peer;
  readonly policy: HeadPolicy;
}

const settle = (raw: RawHead, fields: readonly Field[], settled: Settled): Head => {
  const { place, framing, peer, policy } = settled;
  const { authority, target } = place;
  const origin = originOf(fields, peer, authority.text, policy);
  const trace = traceOf(fields, peer, policy);
  const headers = (): string[] => {
    const named = new Set(tokensOf(fields, 'connection'));
    const kept = fields.filter(({ key }) => !isDropped(key) && !named.has(key));
    return flatten([
      ...fieldsOf(['Host', authority.text]),
      ...joinCookies(kept, raw.protocol),
      ...originHeaders(origin),
      ...traceHeaders(fields, trace),
    ]);
  };
  return {
    protocol: raw.protocol,
    version: raw.protocol === 'http/2' ? '2.0' : raw.version === '1.0' ? '1.0' : '1.1',
    method: raw.method,
    target,
    path: pathOf(target),
    host: authority.host,
    authority: authority.text,
    scheme: origin.scheme,
    client: origin.client,
    framing,
    trace,
    expectsContinue: raw.version !== '1.0' && valuesOf(fields, 'expect').length > 0,
    takesTrailers: tokensOf(fields, 'te').includes('trailers'),
    upgrades: isUpgradable(raw, fields, framing) ? tokensOf(fields, 'upgrade') : [],
    accept: acceptOf(fields),
    headers,
  };
};

const isUpgradable = ({ version, method }: RawHead, fields: readonly Field[], framing: Framing): boolean =>
  version === '1.1' &&
  method === 'GET' &&
  framing.kind === 'none' &&
  valuesOf(fields, 'upgrade').length > 0 &&
  tokensOf(fields, 'connection').includes('upgrade');

const isDropped = (key: string): boolean =>
  key === 'host' ||
  key === 'content-length' ||
  key === 'expect' ||
  isHopByHop(key) ||
  isMadeAnew(key) ||
  isOurs(key) ||
  isAmbiguous(key);

/** HTTP/2 may cut a cookie into crumbs, which HTTP/1.1 knows as one field (RFC 9113, 8.2.3). */
const joinCookies = (fields: readonly Field[], protocol: RawHead['protocol']): readonly Field[] => {
  const crumbs = valuesOf(fields, 'cookie');
  if (protocol === 'http/1' || crumbs.length < 2) return fields;
  return [...fields.filter(({ key }) => key !== 'cookie'), ...fieldsOf(['Cookie', crumbs.join('; ')])];
};
