/** Heads and bodies of HTTP/1 as raw bytes: what the ingress makes of each. Tests and docs/http-table.md are made from them. */

/** What a guest hears of a request must have, and must not. */
export interface Hearing {
  readonly has?: readonly RegExp[];
  readonly lacks?: readonly RegExp[];
}

export interface Case1 {
  readonly name: string;
  /** Each character stands for the byte of its number. */
  readonly bytes: string;
  /** Undefined where its connection is reset without one: the request was under way, so an answer could be taken for the guest's. */
  readonly status: number | undefined;
  /** Whether the visitor may ask again on its connection. */
  readonly connection: 'kept' | 'closed';
  /** A guest that hears nothing where this is left out. */
  readonly guest?: Hearing;
}

const HOST = 'Host: a.example';
const lines = (...all: readonly string[]): string => `${all.join('\r\n')}\r\n\r\n`;
const get = (target: string, ...headers: readonly string[]): string =>
  lines(`GET ${target} HTTP/1.1`, HOST, ...headers);
const post = (headers: readonly string[], body: string): string => lines('POST / HTTP/1.1', HOST, ...headers) + body;

const passed = (name: string, bytes: string, has: readonly RegExp[], lacks: readonly RegExp[] = []): Case1 => ({
  ...{ name, bytes, status: 200, connection: 'kept', guest: { has, lacks } },
});
const refused = (status: number, name: string, bytes: string): Case1 => ({ name, bytes, status, connection: 'closed' });
/** Its head is sound, so it is under way when what comes after it turns out to be nothing that is. */
const broken = (name: string, chunks: string): Case1 => ({
  ...{ name, bytes: post(['Transfer-Encoding: chunked'], chunks), status: undefined, connection: 'closed' },
});
const closed = (one: Case1): Case1 => ({ ...one, connection: 'closed' });
const kept = (one: Case1): Case1 => ({ ...one, connection: 'kept' });

const framing: readonly Case1[] = [
  passed(
    'a plain GET, unframed',
    get('/'),
    [/^GET \/ HTTP\/1\.1\r\nHost: a\.example\r\n/, /\r\nConnection: close\r\n/],
    [/content-length|transfer-encoding/i],
  ),
  passed('a POST with a length, as it is', post(['Content-Length: 3'], 'abc'), [
    /\r\nContent-Length: 3\r\n/,
    /\r\n\r\nabc$/,
  ]),
  passed('a POST without a body', post([], ''), [/\r\nContent-Length: 0\r\n/]),
  passed('a chunked POST, chunked anew', post(['Transfer-Encoding: chunked'], '3\r\nabc\r\n0\r\n\r\n'), [
    /\r\nTransfer-Encoding: chunked\r\n/,
    /\r\n\r\n3\r\nabc\r\n0\r\n\r\n$/,
  ]),
  passed('Chunked in capitals', post(['Transfer-Encoding: CHUNKED'], '0\r\n\r\n'), [/Transfer-Encoding: chunked\r\n/]),
  passed(
    'a chunk extension, left out',
    post(['Transfer-Encoding: chunked'], '3;x=y\r\nabc\r\n0\r\n\r\n'),
    [/\r\n3\r\nabc/],
    [/x=y/],
  ),
  passed(
    'a GET with a body, framed',
    lines('GET / HTTP/1.1', HOST, 'Content-Length: 24') + 'GET /smuggled HTTP/1.1\r\n',
    [/\r\nContent-Length: 24\r\n/],
  ),
  passed(
    'a chunked DELETE, framed',
    lines('DELETE / HTTP/1.1', HOST, 'Transfer-Encoding: chunked') + '3\r\nabc\r\n0\r\n\r\n',
    [/\r\nTransfer-Encoding: chunked\r\n/],
  ),
  passed('an OPTIONS with a body, framed', lines('OPTIONS / HTTP/1.1', HOST, 'Content-Length: 1') + 'x', [
    /\r\nContent-Length: 1\r\n/,
  ]),
  refused(400, 'a length with chunked', post(['Content-Length: 3', 'Transfer-Encoding: chunked'], '0\r\n\r\n')),
  refused(400, 'chunked with a length', post(['Transfer-Encoding: chunked', 'Content-Length: 3'], '0\r\n\r\n')),
  refused(400, 'two lengths', post(['Content-Length: 3', 'Content-Length: 4'], 'abcd')),
  refused(400, 'the same length twice', post(['Content-Length: 3', 'Content-Length: 3'], 'abc')),
  refused(400, 'a list of lengths', post(['Content-Length: 3, 3'], 'abc')),
  refused(400, 'a length with a sign', post(['Content-Length: +3'], 'abc')),
  refused(400, 'a negative length', post(['Content-Length: -3'], 'abc')),
  refused(400, 'a length in hex', post(['Content-Length: 0x3'], 'abc')),
  refused(400, 'a length beyond all numbers', post(['Content-Length: 99999999999999999999999'], 'abc')),
  refused(501, 'gzip, chunked', post(['Transfer-Encoding: gzip, chunked'], '0\r\n\r\n')),
  refused(400, 'chunked twice in a list', post(['Transfer-Encoding: chunked, chunked'], '0\r\n\r\n')),
  refused(
    400,
    'chunked in two headers',
    post(['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
  ),
  refused(501, 'identity', post(['Transfer-Encoding: identity'], 'abc')),
  refused(400, 'chunked that is not the last', post(['Transfer-Encoding: chunked, identity'], '0\r\n\r\n')),
  refused(501, 'xchunked', post(['Transfer-Encoding: xchunked'], '0\r\n\r\n')),
  refused(501, 'chunked on HTTP/1.0', lines('POST / HTTP/1.0', HOST, 'Transfer-Encoding: chunked') + '0\r\n\r\n'),
  refused(400, 'a vertical tab before chunked', post(['Transfer-Encoding: \x0bchunked'], '0\r\n\r\n')),
  refused(400, 'a length and nothing', post(['Content-Length:'], '')),
  broken('a chunk whose length is none', 'x\r\nabc\r\n0\r\n\r\n'),
  broken('a chunk whose length has a sign', '+3\r\nabc\r\n0\r\n\r\n'),
  broken('a chunk whose length has a prefix', '0x3\r\nabc\r\n0\r\n\r\n'),
  broken('a chunk whose length is beyond all numbers', 'ffffffffffffffffff\r\nabc\r\n0\r\n\r\n'),
  broken('a chunk whose length ends with a bare LF', '3\nabc\r\n0\r\n\r\n'),
  broken('a chunk extension with a bare LF', '3;x\nabc\r\n0\r\n\r\n'),
  broken('a chunk that is longer than it says', '3\r\nabcd\r\n0\r\n\r\n'),
  broken('a bare LF after a chunk', '3\r\nabc\n0\r\n\r\n'),
  refused(400, 'a space before the colon', post(['Content-Length : 3'], 'abc')),
  refused(400, 'a tab before the colon', post(['Transfer-Encoding\t: chunked'], '0\r\n\r\n')),
  refused(400, 'a folded header', get('/', 'X-A: b', ' c')),
  refused(400, 'a folded Transfer-Encoding', post(['Transfer-Encoding:', ' chunked'], '0\r\n\r\n')),
  refused(400, 'a bare LF', `GET / HTTP/1.1\n${HOST}\n\n`),
  refused(400, 'a bare CR in a value', get('/', 'X-A: b\rContent-Length: 5')),
  refused(400, 'a NUL in a value', get('/', 'X-A: b\0c')),
  refused(400, 'a header without a name', get('/', ': x')),
  refused(400, 'a header without a colon', get('/', 'nonsense')),
];

const hosts: readonly Case1[] = [
  refused(400, 'no Host', lines('GET / HTTP/1.1')),
  refused(400, 'no Host on HTTP/1.0', lines('GET / HTTP/1.0')),
  refused(400, 'two Hosts', get('/', 'Host: b.example')),
  refused(400, 'the same Host twice', get('/', HOST)),
  refused(400, 'an empty Host', lines('GET / HTTP/1.1', 'Host:')),
  refused(400, 'a Host with a path and a user', lines('GET / HTTP/1.1', 'Host: a/b@c')),
  refused(400, 'a Host with a blank', lines('GET / HTTP/1.1', 'Host: a b')),
  refused(400, 'two Hosts in a list', lines('GET / HTTP/1.1', 'Host: a.example, b.example')),
  refused(400, 'a Host with no number as its port', lines('GET / HTTP/1.1', 'Host: a.example:8o')),
  refused(400, 'a Host with a port that none has', lines('GET / HTTP/1.1', 'Host: a.example:70000')),
  refused(400, 'a Host with a byte above 0x7E', lines('GET / HTTP/1.1', 'Host: \xe4.example')),
  passed('a Host with a port', lines('GET / HTTP/1.1', 'Host: a.example:8080'), [/\r\nHost: a\.example:8080\r\n/]),
  passed('a Host that is an IPv6 address', lines('GET / HTTP/1.1', 'Host: [::1]:80'), [/\r\nHost: \[::1\]:80\r\n/]),
  closed(passed('HTTP/1.0 with a Host', lines('GET / HTTP/1.0', HOST), [/^GET \/ HTTP\/1\.1\r\n/])),
];

const targets: readonly Case1[] = [
  passed(
    'an absolute target, whose host counts',
    lines('GET http://b.example/x?y HTTP/1.1', HOST),
    [/^GET \/x\?y HTTP\/1\.1\r\nHost: b\.example\r\n/],
    [/a\.example/],
  ),
  passed('an absolute target without a path', lines('GET http://b.example HTTP/1.1', HOST), [/^GET \/ HTTP/]),
  refused(421, 'an absolute target of another scheme', lines('GET https://b.example/ HTTP/1.1', HOST)),
  refused(400, 'an absolute target with a user', lines('GET http://u@b.example/ HTTP/1.1', HOST)),
  refused(400, 'an absolute target with two Hosts', lines('GET http://b.example/ HTTP/1.1', HOST, HOST)),
  refused(400, 'an absolute target of no scheme of ours', lines('GET ftp://b.example/ HTTP/1.1', HOST)),
  refused(400, 'a *', get('*')),
  refused(400, 'a target without /', get('x')),
  refused(400, 'a fragment', get('/a#b')),
  refused(400, 'a backslash', get('/a\\b')),
  refused(400, 'a byte above 0x7E', get('/\xff')),
  refused(400, 'a control', get('/a\x01b')),
  refused(400, 'a blank', get('/a b')),
  refused(400, '..', get('/a/../b')),
  refused(400, '.', get('/a/./b')),
  refused(400, '.. at the end', get('/a/..')),
  refused(400, '%2e%2E', get('/a/%2e%2E/b')),
  refused(400, '.%2e', get('/a/.%2e/b')),
  refused(400, '.. between encoded slashes', get('/a%2f..%2fb')),
  passed('dots in a query', get('/a?b=/../c'), [/^GET \/a\?b=\/\.\.\/c HTTP/]),
  passed('dots in a name', get('/a/..b/c.'), [/^GET \/a\/\.\.b\/c\. HTTP/]),
  passed('two slashes, byte for byte', get('//a//b'), [/^GET \/\/a\/\/b HTTP/]),
  passed('what is encoded, byte for byte', get('/%41%2Fb%20?c=%00'), [/^GET \/%41%2Fb%20\?c=%00 HTTP/]),
];

const methods: readonly Case1[] = [
  refused(405, 'CONNECT', lines('CONNECT a.example:443 HTTP/1.1', HOST)),
  refused(405, 'TRACE', lines('TRACE / HTTP/1.1', HOST)),
  kept(refused(204, 'OPTIONS *', lines('OPTIONS * HTTP/1.1', HOST))),
  refused(400, 'no method that is known', lines('HATCH / HTTP/1.1', HOST)),
  refused(505, 'HTTP/0.9', lines('GET /')),
  refused(505, 'version 0.9', lines('GET / HTTP/0.9', HOST)),
  refused(505, 'version 2.0', lines('GET / HTTP/2.0', HOST)),
  refused(400, 'version 1.2', lines('GET / HTTP/1.2', HOST)),
  refused(400, 'a prior-knowledge preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  refused(400, 'a TLS handshake', '\x16\x03\x01\x00\xa5\x01\x00\x00\xa1'),
  passed('HEAD', lines('HEAD / HTTP/1.1', HOST), [/^HEAD \/ HTTP/]),
  passed('PATCH', lines('PATCH / HTTP/1.1', HOST), [/^PATCH \/ HTTP/, /Content-Length: 0/]),
];

const headers: readonly Case1[] = [
  refused(400, 'Connection: Host', get('/', 'Connection: close, Host')),
  refused(400, 'Connection: Content-Length', post(['Connection: content-length', 'Content-Length: 1'], 'x')),
  refused(400, 'Connection: X-Forwarded-For', get('/', 'Connection: x-forwarded-for')),
  refused(400, 'Connection: X-Hatchery-Domain', get('/', 'Connection: X-Hatchery-Domain')),
  refused(400, 'Connection: traceparent', get('/', 'Connection: Traceparent')),
  refused(400, 'two Authorizations', get('/', 'Authorization: Basic YQ==', 'Authorization: Basic Yg==')),
  refused(417, 'another expectation', post(['Expect: 200-ok', 'Content-Length: 1'], 'x')),
  refused(431, '101 headers', get('/', ...Array.from({ length: 100 }, (_, i) => `X-${i}: y`))),
  refused(431, 'a head that is too long', get('/', `X-A: ${'b'.repeat(20_000)}`)),
  passed('what Connection names, dropped', get('/', 'Connection: X-A', 'X-A: b', 'X-B: c'), [/X-B: c/], [/X-A/]),
  closed(passed('Connection: close', get('/', 'Connection: close'), [/\r\nConnection: close\r\n\r\n$/])),
  refused(431, 'a target that is too long', get(`/${'b'.repeat(20_000)}`)),
  passed(
    'what is of one connection, dropped',
    get('/', 'Keep-Alive: 5', 'Proxy-Connection: x', 'TE: gzip'),
    [],
    [/Keep-Alive|Proxy-Connection|\r\nTE:/i],
  ),
  passed(
    'Upgrade: h2c, stripped',
    get('/', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AA'),
    [],
    [/upgrade|http2-settings/i],
  ),
  passed(
    'an upgrade with a body, stripped',
    post(['Connection: Upgrade', 'Upgrade: websocket', 'Content-Length: 1'], 'x'),
    [/\r\n\r\nx$/],
    [/upgrade/i],
  ),
  passed('an upgrade that Connection does not name, stripped', get('/', 'Upgrade: websocket'), [], [/upgrade/i]),
  closed(
    passed(
      'an upgrade on HTTP/1.0, stripped',
      lines('GET / HTTP/1.0', HOST, 'Connection: Upgrade', 'Upgrade: websocket'),
      [],
      [/upgrade/i],
    ),
  ),
  passed(
    "a stranger's word on where it came from, made anew",
    get('/', 'X-Forwarded-For: 9.9.9.9', 'X-Forwarded-Prefix: /x', 'Forwarded: for=9.9.9.9', 'X-Real-IP: 9.9.9.9'),
    [
      /X-Forwarded-For: 127\.0\.0\.1\r\n/,
      /X-Real-IP: 127\.0\.0\.1\r\n/,
      /Forwarded: for=127\.0\.0\.1;proto=http;host="a\.example"/,
    ],
    [/9\.9\.9\.9/, /Prefix/],
  ),
  passed(
    'names with _, dropped',
    get('/', 'X_Forwarded_For: 9.9.9.9', 'Content_Length: 5'),
    [],
    [/9\.9\.9\.9|Content_/],
  ),
  passed('X-Hatchery-*, dropped', get('/', 'X-Hatchery-Domain: x/y'), [], [/hatchery/i]),
  passed(
    "a stranger's trace, not joined",
    get('/', `traceparent: 00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`, 'tracestate: a=b'),
    [new RegExp(`traceparent: 00-${'ab'.repeat(16)}-${'ab'.repeat(8)}-01`)],
    [/1111|tracestate/],
  ),
  passed('headers that came twice, in order', get('/', 'X-A: 1', 'x-a: 2'), [/X-A: 1\r\nx-a: 2\r\n/]),
  passed('bytes above 0x7E in a value, as they are', get('/', 'X-A: \xe4\xff'), [/X-A: \xe4\xff\r\n/]),
];

export const CASES1: Readonly<Record<string, readonly Case1[]>> = { framing, hosts, targets, methods, headers };
