import assert from 'node:assert/strict';
import { createSecureContext } from 'node:tls';

import { selfSigned } from '#controller/serve/certificate.ts';
import { eventually } from '#test/support/eventually.ts';
import type { TlsOptions } from '../front/options.ts';
import { visitRaw } from './raw-http2.ts';
import type { RawRequest, RawVisitor } from './raw-http2.ts';
import { startScene, statusesOf } from './scene.ts';
import type { Scene } from './scene.ts';

/** What came of a request. */
export interface Observed {
  readonly statuses: readonly number[];
  /** Name of the code by which its stream was reset. */
  readonly reset: string | undefined;
  /** Kept: another request on the same connection was answered. */
  readonly connection: 'kept' | 'closed';
  /** All bytes that guests got of it. */
  readonly heard: readonly string[];
}

const soon = <T>(check: () => T | Promise<T>): Promise<T> => eventually(check, { intervalMs: 2 });
const AGAIN = '/again';

/** What guests heard from that moment on, without the request by which the connection was tried. */
const heardSince = (scene: Scene, before: number): readonly string[] =>
  scene.guest.heard.slice(before).filter((bytes) => bytes !== '' && !bytes.startsWith(`GET ${AGAIN} `));

/** Sends bytes over HTTP/1, and then asks again on the same connection. */
export const observe1 = async (scene: Scene, bytes: string): Promise<Observed> => {
  const before = scene.guest.heard.length;
  const visitor = scene.open(bytes);
  try {
    let isOver = false as boolean;
    void visitor.ended.then(() => (isOver = true));
    await soon(() => assert.ok(isOver || statusesOf(visitor.text()).length > 0));
    const first = visitor.text();
    const saysClose = /\r\nConnection: close\r\n/i.test(first.slice(0, first.indexOf('\r\n\r\n') + 2));
    if (!saysClose && !isOver)
      visitor.socket.write(`GET ${AGAIN} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n`);
    await visitor.ended;
    const statuses = statusesOf(visitor.text());
    const isKept = !saysClose && statuses.length > 1;
    return {
      statuses: isKept ? statuses.slice(0, -1) : statuses,
      reset: undefined,
      connection: isKept ? 'kept' : 'closed',
      heard: heardSince(scene, before),
    };
  } finally {
    visitor.socket.destroy();
  }
};

const CERTIFICATE = selfSigned(['a.example', 'b.example'], new Date());
const TLS: TlsOptions = {
  listen: { host: '127.0.0.1', port: 0 },
  contextFor: () => createSecureContext(CERTIFICATE),
  defaultCertificate: CERTIFICATE,
  mayServe: (_servername, host) => host === 'a.example' || host === 'b.example',
};

/** A scene that serves HTTP/2 too, for the names a.example and b.example. */
export const startRawScene = (): Promise<Scene> => startScene({ https: TLS });

/** Codes of errors by their number (RFC 9113, 7). */
const ERRORS: readonly string[] = [
  ...['NO_ERROR', 'PROTOCOL_ERROR', 'INTERNAL_ERROR', 'FLOW_CONTROL_ERROR', 'SETTINGS_TIMEOUT', 'STREAM_CLOSED'],
  ...['FRAME_SIZE_ERROR', 'REFUSED_STREAM', 'CANCEL', 'COMPRESSION_ERROR', 'CONNECT_ERROR', 'ENHANCE_YOUR_CALM'],
  ...['INADEQUATE_SECURITY', 'HTTP_1_1_REQUIRED'],
];

const isOver = (visitor: RawVisitor, stream: number): boolean => {
  const { whole, reset } = visitor.seen(stream);
  return whole || reset !== undefined || visitor.hasEnded();
};

/** Sends a request over HTTP/2, and then asks again on the same connection. */
export const observe2 = async (scene: Scene, request: RawRequest): Promise<Observed> => {
  const before = scene.guest.heard.length;
  const port = scene.front.https?.port ?? 0;
  const visitor = visitRaw({ host: '127.0.0.1', port, servername: 'a.example', ca: CERTIFICATE.cert });
  try {
    visitor.send(1, request);
    await soon(() => assert.ok(isOver(visitor, 1)));
    visitor.send(3, {
      fields: [
        [':method', 'GET'],
        [':scheme', 'https'],
        [':authority', 'a.example'],
        [':path', AGAIN],
      ],
    });
    await soon(() => assert.ok(isOver(visitor, 3)));
    const { statuses, reset } = visitor.seen(1);
    return {
      statuses,
      reset: reset === undefined ? undefined : (ERRORS[reset] ?? String(reset)),
      connection: visitor.seen(3).statuses.includes(200) ? 'kept' : 'closed',
      heard: heardSince(scene, before),
    };
  } finally {
    visitor.destroy();
  }
};
