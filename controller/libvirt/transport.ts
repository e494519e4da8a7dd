import { connect as connectPlain, isIP } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

import type { Clock, TlsCredentials } from './types.ts';
import type { Endpoint } from './uri.ts';

/** Why a transport could not be had, or ended. */
export class TransportError extends Error {
  readonly tls: boolean;

  constructor(message: string, options: { readonly cause?: unknown; readonly tls?: boolean } = {}) {
    super(message, { cause: options.cause });
    this.name = 'TransportError';
    this.tls = options.tls ?? false;
  }
}

/** Told by a transport; nothing follows `onEnd`. */
export interface TransportHandlers {
  /** The bytes are the handler's only until it returns. */
  onData(bytes: Buffer): void;
  /** write() may be called again. */
  onWritable(): void;
  /** The peer ended it or it broke; not told after destroy(). */
  onEnd(error: TransportError): void;
}

/** A way to exchange bytes with a daemon. */
export interface Transport {
  /**
   * Whether one write may carry several messages. Not so with TLS: the daemon takes one message from each record and
   * does not look for more until the next record comes.
   */
  readonly batches: boolean;
  /** Whether write() may be called now; where not, onWritable tells when. */
  readonly writable: boolean;
  /** Hands over the bytes for good. */
  write(bytes: Buffer): void;
  /** Stops reading, so that the peer has to wait. */
  pause(): void;
  resume(): void;
  destroy(): void;
}

/** A promise to a transport that can be given up. */
export interface Opening {
  readonly transport: Promise<Transport>;
  abort(): void;
}

const READ_BUFFER = 65_536;
const ACCEPTED = 1;

/** Connects, with TLS verified and accepted by the daemon where the endpoint asks for it. */
export const openTransport = (
  endpoint: Endpoint,
  tls: TlsCredentials | undefined,
  handlers: TransportHandlers,
  limits: { readonly clock: Clock; readonly timeoutMs: number },
): Opening => {
  const carrier = new SocketCarrier(endpoint, handlers);
  const transport = new Promise<Transport>((resolve, reject) => {
    const timer = limits.clock.setTimeout(
      () => carrier.fail(new TransportError(`no connection within ${limits.timeoutMs} ms`)),
      limits.timeoutMs,
    );
    carrier.start(tls, (error) => {
      limits.clock.clearTimeout(timer);
      if (error === undefined) resolve(carrier);
      else reject(error);
    });
  });
  return { transport, abort: () => carrier.fail(new TransportError('given up')) };
};

class SocketCarrier implements Transport {
  readonly batches: boolean;
  writable = true;
  readonly #endpoint: Endpoint;
  readonly #handlers: TransportHandlers;
  #socket: Socket | undefined;
  #settle: ((error?: TransportError) => void) | undefined;
  #ended = false;

  constructor(endpoint: Endpoint, handlers: TransportHandlers) {
    this.batches = endpoint.transport !== 'tls';
    this.#endpoint = endpoint;
    this.#handlers = handlers;
  }

  start(tls: TlsCredentials | undefined, settle: (error?: TransportError) => void): void {
    this.#settle = settle;
    const endpoint = this.#endpoint;
    if (endpoint.transport !== 'tls') {
      this.#startPlain(endpoint);
      return;
    }
    try {
      this.#startTls(endpoint, tls);
    } catch (cause) {
      // Credentials that are no PEM.
      const why = cause instanceof Error ? cause.message : 'unusable';
      this.fail(new TransportError(`the credentials cannot be used: ${why}`, { cause, tls: true }));
    }
  }

  #startPlain(endpoint: Exclude<Endpoint, { transport: 'tls' }>): void {
    const bytes = Buffer.allocUnsafeSlow(READ_BUFFER);
    const onread = {
      buffer: bytes,
      callback: (count: number): boolean => {
        this.#handlers.onData(bytes.subarray(0, count));
        return true;
      },
    };
    const socket =
      endpoint.transport === 'unix'
        ? connectPlain({ path: endpoint.path, onread })
        : connectPlain({ host: endpoint.host, port: endpoint.port, noDelay: true, onread });
    socket.once('connect', () => this.#opened());
    socket.on('drain', () => this.#drained());
    this.#attach(socket, false);
  }

  #startTls(endpoint: Extract<Endpoint, { transport: 'tls' }>, tls: TlsCredentials | undefined): void {
    const socket = connectTls({
      host: endpoint.host,
      port: endpoint.port,
      // A server's name is sent for names alone; an address is looked for among the certificate's.
      ...(isIP(endpoint.host) === 0 ? { servername: endpoint.host } : {}),
      ...(tls === undefined ? {} : { ca: tls.ca, cert: tls.cert, key: tls.key }),
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
    });
    socket.setNoDelay(true);
    let accepted = false;
    socket.on('data', (bytes: Buffer) => {
      if (accepted) {
        this.#handlers.onData(bytes);
        return;
      }
      // The daemon looks at our certificate after the handshake and then says so in one byte.
      if (bytes[0] !== ACCEPTED) {
        this.fail(new TransportError('the daemon did not accept this client', { tls: true }));
        return;
      }
      accepted = true;
      this.#opened();
      if (bytes.length > 1) this.#handlers.onData(bytes.subarray(1));
    });
    this.#attach(socket, true);
  }

  #attach(socket: Socket, tls: boolean): void {
    this.#socket = socket;
    const where = describe(this.#endpoint);
    socket.on('error', (cause: Error) => {
      // Failures before the handshake's end that are not the network's own are about certificates.
      const isTls = tls && this.#settle !== undefined && (!('syscall' in cause) || cause.syscall === undefined);
      this.fail(new TransportError(`${where}: ${cause.message}`, { cause, tls: isTls }));
    });
    socket.once('close', () => {
      const refused = tls && this.#settle !== undefined;
      const why = refused
        ? 'closed before it accepted this client: is the certificate one that the daemon trusts?'
        : 'the daemon closed the connection';
      this.fail(new TransportError(`${where}: ${why}`, { tls: refused }));
    });
    socket.once('end', () => socket.destroy());
  }

  #opened(): void {
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.();
  }

  #drained(): void {
    if (this.#ended) return;
    this.writable = true;
    this.#handlers.onWritable();
  }

  write(bytes: Buffer): void {
    if (this.#socket === undefined || this.#ended) return;
    if (this.batches) {
      this.writable = this.#socket.write(bytes);
      return;
    }
    this.writable = false;
    this.#socket.write(bytes, (error) => {
      if (!error) this.#drained();
    });
  }

  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  destroy(): void {
    this.#ended = true;
    this.#socket?.destroy();
  }

  /** Ends it for this reason, unless it has ended: while connecting told to whoever waits, later to the handlers. */
  fail(error: TransportError): void {
    if (this.#ended) return;
    this.destroy();
    const settle = this.#settle;
    this.#settle = undefined;
    if (settle === undefined) this.#handlers.onEnd(error);
    else settle(error);
  }
}

const describe = (endpoint: Endpoint): string =>
  endpoint.transport === 'unix' ? endpoint.path : `${endpoint.host} port ${endpoint.port}`;
