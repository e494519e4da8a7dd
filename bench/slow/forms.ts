import type { Served } from '../support/template.ts';
import type { IngressView } from '../support/front.ts';
import type { CrowdOptions } from './crowd.ts';

/** One way of being slow. */
export interface Form {
  readonly name: string;
  /** Whom its visitors ask; undefined: nobody, they come no further than the ingress. */
  readonly served: Served | undefined;
  /** Whether a visitor may come so far that a domain is started for it. */
  readonly hatches: boolean;
  readonly crowd: (ingress: IngressView) => Omit<CrowdOptions, 'visitors'>;
}

/** A byte each two seconds, or a hundred that are read: far below any minimum. */
const BEAT_MS = 2_000;
const BEGINNING_BYTES = 64 * 1024;
const BODY_BYTES = 10_000_000;
/** More than the ingress and the kernel's buffers take by themselves. */
const ANSWER_BYTES = 64 * 1024 * 1024;
/** The beginning of a ClientHello: a handshake record, and what it says of its length. */
const CLIENT_HELLO = '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03';

const headOf = (name: string, method: string): string =>
  `${method} / HTTP/1.1\r\nHost: ${name}.bench\r\nConnection: close\r\n`;

const post = (name: string): string => `${headOf(name, 'POST')}Content-Length: ${BODY_BYTES}\r\n\r\n`;

/** All forms, in the order of a request's way. `concurrent`: domains that those who come so far may have at a time. */
export function formsOf(visitors: number, concurrent: number): readonly Form[] {
  // Who has no slot waits, so that all stay and nobody is sent away.
  const http = { maxConcurrent: concurrent, maxQueued: visitors, queueTimeoutSeconds: 60, keepFinishedSeconds: 0 };
  const drip = { drip: 'a', beatMs: BEAT_MS, isReader: false };
  return [
    {
      name: 'handshake',
      ...{ served: undefined, hatches: false },
      crowd: ({ tlsPort: port }) => ({ ...drip, port, first: CLIENT_HELLO, drip: '\0' }),
    },
    {
      name: 'head',
      ...{ served: undefined, hatches: false },
      crowd: ({ port }) => ({ ...drip, port, first: `${headOf('head', 'GET')}X-Slow: ` }),
    },
    {
      name: 'body',
      ...{ served: { name: 'body', words: '-mode sink', http }, hatches: false },
      crowd: ({ port }) => ({ ...drip, port, first: post('body') }),
    },
    {
      // The beginning comes at once, as of an honest visitor: so each gets its turn, and then is slow.
      name: 'lateBody',
      ...{ served: { name: 'latebody', words: '-mode sink', http }, hatches: true },
      crowd: ({ port }) => ({ ...drip, port, first: post('latebody') + '.'.repeat(BEGINNING_BYTES) }),
    },
    {
      name: 'reader',
      ...{ served: { name: 'reader', words: `-mode source -bytes ${ANSWER_BYTES}`, http }, hatches: true },
      crowd: ({ port }) => ({
        port,
        first: `${headOf('reader', 'GET')}\r\n`,
        drip: '',
        beatMs: BEAT_MS,
        isReader: true,
      }),
    },
  ];
}
