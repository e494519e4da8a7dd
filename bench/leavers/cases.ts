import { run } from '#hack/bed/run.ts';
import type { Served } from '../support/template.ts';
import type { Visitor } from '../support/visitor.ts';
import type { Lines } from '../support/lines.ts';
import type { IngressView } from '../support/front.ts';
import type { AuditLine } from './audit.ts';
import type { Resources } from './resources.ts';

/** A request whose visitor is to leave, and what shows how far it is. */
export interface Signs {
  readonly visitor: Visitor;
  readonly path: string;
  /** How many lines the audit log had before. */
  readonly auditedBefore: number;
  readonly ingress: IngressView;
  readonly resources: Resources;
  readonly audit: Lines<AuditLine>;
}

/** One phase in which a visitor leaves. */
export interface Case {
  readonly name: string;
  readonly served: Served;
  /** What is sent at once, for a request to this path. */
  readonly request: (host: string, path: string) => string;
  /** Resolves when the request is in that phase, by signs of its own. */
  readonly arrived: (signs: Signs) => Promise<void>;
  /** What the ingress' access log may call that phase. */
  readonly phases: readonly string[];
  /** Whether libvirt had told of the domain's start when the visitor left; undefined: there is a better sign. */
  readonly started: boolean | undefined;
}

const LIMIT_MS = 20_000;
const SMALL_BODY = 8 * 1024;
const ANSWER_BYTES = 32 * 1024 * 1024;
const DEAF = '-mode deaf';
const WORKING = '-mode http -delay_ms 60000';

const get = (host: string, path: string): string => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
const post = (host: string, path: string, more = ''): string =>
  `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: ${SMALL_BODY}\r\n${more}\r\n`;

const HTTP = { maxConcurrent: 4, keepFinishedSeconds: 0 };

/** The case that has its only slot held by somebody else meanwhile. */
export const HOLDER = 'queued';

/** In the order of a request's way. */
export const CASES: readonly Case[] = [
  {
    name: 'queued',
    // Its one slot is held by somebody who waits for an answer meanwhile.
    served: {
      name: 'queued',
      words: WORKING,
      http: { ...HTTP, maxConcurrent: 1, requestTimeoutSeconds: 600, queueTimeoutSeconds: 60 },
    },
    request: get,
    arrived: async ({ ingress }) => {
      while ((await ingress.metric('requests_waiting')) === 0);
    },
    phases: ['admission'],
    started: undefined,
  },
  {
    // The API server has got the POST and has not answered it.
    name: 'posting',
    served: { name: 'posting', words: DEAF, http: HTTP },
    request: get,
    arrived: async ({ audit, auditedBefore }) => {
      const isPost = ({ verb, stage }: AuditLine): boolean => verb === 'create' && stage === 'RequestReceived';
      await audit.first('a POST under way', auditedBefore, isPost, LIMIT_MS);
    },
    phases: ['create'],
    started: false,
  },
  {
    // Bound to its host: libvirt is asked, or about to be.
    name: 'creating',
    served: { name: 'creating', words: DEAF, http: HTTP },
    request: get,
    arrived: async ({ path, resources }) => {
      await resources.until(path, 'bound', ({ boundAt }) => boundAt !== undefined, LIMIT_MS);
    },
    phases: ['schedule', 'boot'],
    started: false,
  },
  {
    // Its domain runs, and its guest never says that it is ready.
    name: 'booting',
    served: { name: 'booting', words: DEAF, http: HTTP },
    request: get,
    arrived: async ({ path, resources }) => {
      await resources.until(path, 'running', ({ runningAt }) => runningAt !== undefined, LIMIT_MS);
    },
    phases: ['boot'],
    started: undefined,
  },
  {
    // The guest has the request's head, and is the reason for a 100; no byte of the body is sent.
    name: 'ready',
    served: { name: 'ready', words: '-mode sink', http: HTTP },
    request: (host, path) => post(host, path, 'Expect: 100-continue\r\n'),
    arrived: ({ visitor }) => visitor.until('100 Continue', () => visitor.text.startsWith('HTTP/1.1 100 '), LIMIT_MS),
    phases: ['guest'],
    started: undefined,
  },
  {
    // The guest's kernel has acknowledged all of the body, and the guest works.
    name: 'bodySent',
    served: { name: 'bodysent', words: WORKING, http: HTTP },
    request: (host, path) => post(host, path) + '.'.repeat(SMALL_BODY),
    arrived: async ({ path, resources }) => {
      const { address = '' } = await resources.until(path, 'bound', (seen) => seen.address !== undefined, LIMIT_MS);
      while ((await acknowledged(address)) < SMALL_BODY);
    },
    phases: ['guest'],
    started: undefined,
  },
  {
    name: 'answerHalfRead',
    served: { name: 'answer', words: `-mode source -bytes ${ANSWER_BYTES}`, http: HTTP },
    request: get,
    arrived: ({ visitor }) => visitor.until('half of an answer', () => visitor.received >= ANSWER_BYTES / 2, LIMIT_MS),
    phases: ['answer'],
    started: undefined,
  },
];

/** Most bytes that a connection of this machine to a guest has brought there, by the kernel's own count. */
async function acknowledged(address: string): Promise<number> {
  const { stdout } = await run(['ss', '--tcp', '--info', '--no-header', '--numeric', 'dst', address], {
    timeoutMs: 10_000,
  });
  return Math.max(0, ...[...stdout.matchAll(/bytes_acked:(\d+)/g)].map(([, bytes]) => Number(bytes)));
}
