/** Requests of HTTP/2 as raw fields and frames: what the ingress makes of each. Tests and docs/http-table.md are made from them. */
import type { Hearing } from './cases1.ts';
import type { RawFields, RawRequest } from './raw-http2.ts';

export interface Case2 extends RawRequest {
  readonly name: string;
  /** Of the answer; undefined where there is none but a reset of the stream or the end of the connection. */
  readonly status: number | undefined;
  /** Name of the code of the stream's reset. */
  readonly reset?: string;
  /** Whether other streams of the connection are served on. */
  readonly connection: 'kept' | 'closed';
  readonly guest?: Hearing;
}

const pseudo = (method: string, path: string, authority = 'a.example', scheme = 'https'): RawFields => [
  ...([
    [':method', method],
    [':scheme', scheme],
    [':authority', authority],
    [':path', path],
  ] as const),
];
const get = (path: string, ...more: RawFields): RawRequest => ({ fields: [...pseudo('GET', path), ...more] });
const post = (body: string, ...more: RawFields): RawRequest => ({ fields: [...pseudo('POST', '/'), ...more], body });
/** A GET without, or with another, pseudo-header. */
const instead = (name: string, ...others: RawFields): RawRequest => ({
  fields: [...pseudo('GET', '/').filter(([key]) => key !== name), ...others],
});

const passed = (name: string, request: RawRequest, has: readonly RegExp[], lacks: readonly RegExp[] = []): Case2 => ({
  ...request,
  name,
  status: 200,
  connection: 'kept',
  guest: { has, lacks },
});
const refused = (status: number, name: string, request: RawRequest): Case2 => ({
  ...request,
  ...{ name, status, connection: 'kept' },
});
/** What HTTP/2 itself calls malformed: the stream is reset, and others go on (RFC 9113, 8.1.1). */
const reset = (name: string, request: RawRequest): Case2 => ({
  ...request,
  ...{ name, status: undefined, reset: 'PROTOCOL_ERROR', connection: 'kept' },
});

/** What Node's HTTP/2 itself ends a connection for. */
const ended = (name: string, request: RawRequest): Case2 => ({
  ...request,
  ...{ name, status: undefined, connection: 'closed' },
});
/** A field that HTTP/2 forbids and Node's drops before it hands a request over: nothing of it goes on. */
const without = (name: string, ...field: RawFields): Case2 =>
  passed(
    `${name}, left out`,
    get('/', ...field),
    [/^GET \/ HTTP\/1\.1\r\nHost: a\.example\r\nX-Forwarded-For: 127\.0\.0\.1\r\n/],
    [/x-[ac]|x a|smuggled|b\.example|9\.9\.9\.9|transfer-encoding/i],
  );

const SMUGGLED = '0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: b.example\r\n\r\n';

const framing: readonly Case2[] = [
  passed(
    'a plain GET, unframed',
    get('/'),
    [/^GET \/ HTTP\/1\.1\r\nHost: a\.example\r\n/, /\r\nConnection: close\r\n/],
    [/content-length|transfer-encoding/i],
  ),
  passed('a body with its length', post('abc', ['content-length', '3']), [/\r\nContent-Length: 3\r\n[^]*\r\n\r\nabc$/]),
  passed('a body without a length, chunked', post('abc'), [
    /\r\nTransfer-Encoding: chunked\r\n[^]*\r\n3\r\nabc\r\n0\r\n\r\n$/,
  ]),
  passed('a GET with a body, chunked', { ...get('/'), body: 'abc' }, [
    /\r\nTransfer-Encoding: chunked\r\n[^]*\r\n3\r\nabc\r\n0/,
  ]),
  passed('a POST without a body', { fields: pseudo('POST', '/') }, [/\r\nContent-Length: 0\r\n/]),
  passed('a body that looks like the end of chunks and a request, in a chunk', post(SMUGGLED), [
    /\r\n\r\n30\r\n0\r\n\r\nGET \/smuggled[^]*\r\n\r\n\r\n0\r\n\r\n$/,
  ]),
  ended('a length below what comes', post('abcdef', ['content-length', '3'])),
  reset('a length above what comes', post('abc', ['content-length', '6'])),
  reset('a length where nothing comes', get('/', ['content-length', '3'])),
  reset('two lengths', post('abc', ['content-length', '3'], ['content-length', '4'])),
  reset('the same length twice', post('abc', ['content-length', '3'], ['content-length', '3'])),
  reset('a list of lengths', post('abc', ['content-length', '3, 3'])),
  reset('a length with a sign', post('abc', ['content-length', '+3'])),
  reset('a negative length', post('abc', ['content-length', '-3'])),
  reset('a length in hex', post('abc', ['content-length', '0x3'])),
  reset('a length beyond all numbers', post('abc', ['content-length', '99999999999999999999999'])),
  reset('Transfer-Encoding: chunked', post(SMUGGLED, ['transfer-encoding', 'chunked'])),
  reset('Transfer-Encoding: identity', post('abc', ['transfer-encoding', 'identity'])),
  passed('trailers of a chunked body', { ...post('abc'), trailers: [['x-sum', '1']] }, [/\r\n0\r\nx-sum: 1\r\n\r\n$/]),
  passed(
    'trailers that could stand for headers, dropped',
    {
      ...post('abc'),
      trailers: [
        ['host', 'b.example'],
        ['authorization', 'x'],
        ['x-forwarded-for', '9.9.9.9'],
        ['x_a', 'b'],
        ['x-b', 'c'],
      ],
    },
    [/\r\n0\r\nx-b: c\r\n\r\n$/],
    [/b\.example|authorization|9\.9\.9\.9|x_a/],
  ),
  reset('a pseudo-header in trailers', { ...post('abc'), trailers: [[':path', '/b']] }),
  reset('Transfer-Encoding in trailers', { ...post('abc'), trailers: [['transfer-encoding', 'chunked']] }),
];

const injections: readonly Case2[] = [
  without('CRLF and a header in a value', ['x-a', 'b\r\nX-Forwarded-For: 9.9.9.9']),
  without('CRLF and a request in a value', ['x-a', 'b\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: b.example']),
  without('a LF in a value', ['x-a', 'b\nc: d']),
  without('a CR in a value', ['x-a', 'b\rc: d']),
  without('a NUL in a value', ['x-a', 'b\0c']),
  without('CRLF in a name', ['x-a: b\r\nx-c', 'd']),
  without('a colon in a name', ['x-a:b', 'c']),
  without('a blank in a name', ['x a', 'b']),
  without('a blank after a name', ['transfer-encoding ', 'chunked']),
  reset('capitals in a name', get('/', ['X-A', 'b'])),
  without('an empty name', ['', 'b']),
  reset('CRLF in :path', get('/ HTTP/1.1\r\nHost: b.example\r\nX: y')),
  reset('a blank in :path', get('/ HTTP/1.1')),
  reset('CRLF in :method', { fields: pseudo('GET / HTTP/1.1\r\nHost: b.example\r\nX: y', '/') }),
  reset('a blank in :method', { fields: pseudo('GET /b', '/') }),
  reset('CRLF in :authority', { fields: pseudo('GET', '/', 'a.example\r\nX-A: b') }),
  reset('CRLF in :scheme', { fields: pseudo('GET', '/', 'a.example', 'https\r\nX-A: b') }),
];

const hosts: readonly Case2[] = [
  passed('Host in place of :authority', instead(':authority', ['host', 'a.example']), [/\r\nHost: a\.example\r\n/]),
  passed('Host as :authority', get('/', ['host', 'a.example']), [/\r\nHost: a\.example\r\n/]),
  passed('an :authority with a port', { fields: pseudo('GET', '/', 'a.example:8443') }, [
    /\r\nHost: a\.example:8443\r\n/,
  ]),
  refused(400, 'Host other than :authority', get('/', ['host', 'b.example'])),
  reset('two Hosts', instead(':authority', ['host', 'a.example'], ['host', 'b.example'])),
  reset('two :authority', { fields: [...pseudo('GET', '/'), [':authority', 'b.example']] }),
  reset('neither Host nor :authority', instead(':authority')),
  reset('an empty :authority', { fields: pseudo('GET', '/', '') }),
  reset('an :authority with a user', { fields: pseudo('GET', '/', 'u@a.example') }),
  reset('an :authority with a path', { fields: pseudo('GET', '/', 'a.example/b') }),
  reset('an :authority with a blank', { fields: pseudo('GET', '/', 'a b') }),
  refused(400, 'two hosts in :authority', { fields: pseudo('GET', '/', 'a.example,b.example') }),
  refused(400, 'an :authority with a port that none has', { fields: pseudo('GET', '/', 'a.example:70000') }),
  refused(421, 'a host of another certificate', { fields: pseudo('GET', '/', 'c.example') }),
];

const targets: readonly Case2[] = [
  reset('no :path', instead(':path')),
  reset('an empty :path', get('')),
  reset('two :path', { fields: [...pseudo('GET', '/'), [':path', '/b']] }),
  reset('a :path without /', get('x')),
  reset('an absolute :path', get('http://b.example/')),
  reset('a :path of *', get('*')),
  refused(400, 'a fragment', get('/a#b')),
  refused(400, 'a backslash', get('/a\\b')),
  refused(400, 'a byte above 0x7E', get('/\xff')),
  refused(400, '..', get('/a/../b')),
  refused(400, '%2e%2E', get('/a/%2e%2E/b')),
  refused(400, '.. between encoded slashes', get('/a%2f..%2fb')),
  passed('two slashes, byte for byte', get('//a//b'), [/^GET \/\/a\/\/b HTTP/]),
  passed('what is encoded, byte for byte', get('/%41%2Fb%20?c=%00'), [/^GET \/%41%2Fb%20\?c=%00 HTTP/]),
];

const pseudos: readonly Case2[] = [
  reset('no :method', instead(':method')),
  reset('no :scheme', instead(':scheme')),
  refused(400, 'a :scheme of neither kind', { fields: pseudo('GET', '/', 'a.example', 'ftp') }),
  reset('a pseudo-header that there is not', { fields: [[':x', 'y'], ...pseudo('GET', '/')] }),
  reset(':status of a request', { fields: [[':status', '200'], ...pseudo('GET', '/')] }),
  reset('a pseudo-header after a header', { fields: [['x-a', 'b'], ...pseudo('GET', '/')] }),
  reset(':protocol, which was not offered', { fields: [...pseudo('CONNECT', '/'), [':protocol', 'websocket']] }),
  refused(405, 'CONNECT', {
    fields: [
      [':method', 'CONNECT'],
      [':authority', 'a.example:443'],
    ],
  }),
  reset('CONNECT with a :path', { fields: pseudo('CONNECT', '/') }),
  refused(405, 'TRACE', { fields: pseudo('TRACE', '/') }),
  refused(204, 'OPTIONS *', { fields: pseudo('OPTIONS', '*') }),
  passed('a method that HTTP/1 servers may not know', { fields: pseudo('HATCH', '/') }, [/^HATCH \/ HTTP/]),
];

const manyFields = (count: number): RawFields => Array.from({ length: count }, (_, i) => [`x-${i}`, 'y'] as const);

const headers: readonly Case2[] = [
  reset('Connection', get('/', ['connection', 'close, host'])),
  reset('Keep-Alive', get('/', ['keep-alive', '5'])),
  reset('Proxy-Connection', get('/', ['proxy-connection', 'x'])),
  reset('Upgrade', get('/', ['upgrade', 'websocket'])),
  reset('TE: gzip', get('/', ['te', 'gzip'])),
  passed('TE: trailers, on the connection to the guest', get('/', ['te', 'trailers']), [
    /\r\nConnection: close, TE\r\nTE: trailers\r\n/,
  ]),
  refused(400, 'two Authorizations', get('/', ['authorization', 'Basic YQ=='], ['authorization', 'Basic Yg=='])),
  refused(417, 'another expectation', get('/', ['expect', '200-ok'])),
  refused(431, '101 headers', get('/', ...manyFields(101))),
  refused(431, 'a head that is too long', get('/', ['x-a', 'b'.repeat(20_000)])),
  refused(431, 'a :path that is too long', get(`/${'b'.repeat(20_000)}`)),
  ended('a head beyond 64 KiB', get('/', ['x-a', 'b'.repeat(70_000)])),
  { ...reset('more than 256 fields', get('/', ...manyFields(260))), reset: 'ENHANCE_YOUR_CALM' },
  passed("crumbs of a cookie, as HTTP/1's one", get('/', ['cookie', 'a=b'], ['cookie', 'c=d']), [
    /\r\nCookie: a=b; c=d\r\n/,
  ]),
  passed(
    "a stranger's word on where it came from, made anew",
    get('/', ['x-forwarded-for', '9.9.9.9'], ['forwarded', 'for=9.9.9.9'], ['x-real-ip', '9.9.9.9']),
    [/X-Forwarded-For: 127\.0\.0\.1\r\nX-Forwarded-Proto: https\r\n/],
    [/9\.9\.9\.9/],
  ),
  passed(
    'names with _, dropped',
    get('/', ['x_forwarded_for', '9.9.9.9'], ['content_length', '5']),
    [],
    [/9\.9\.9\.9|content_/],
  ),
  passed('X-Hatchery-*, dropped', get('/', ['x-hatchery-domain', 'x/y']), [], [/hatchery/i]),
  passed('bytes above 0x7E in a value, as they are', get('/', ['x-a', '\xe4\xff']), [/x-a: \xe4\xff\r\n/]),
];

export const CASES2: Readonly<Record<string, readonly Case2[]>> = {
  framing,
  injections,
  hosts,
  targets,
  pseudos,
  headers,
};
