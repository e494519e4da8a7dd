import { Connection } from './connection.ts';
import type { CallLimits } from './connection.ts';
import { LibvirtError } from './errors.ts';
import { AUTH_NONE, Connect, FEATURE_KEEPALIVE } from './protocol.ts';
import { TransportError, openTransport } from './transport.ts';
import type { Opening, Transport } from './transport.ts';
import type { Clock, Timeouts, TlsCredentials } from './types.ts';
import type { LibvirtUri } from './uri.ts';
import { readNothing } from './wire.ts';
import type { XdrReader } from './xdr.ts';

/** All that connections of one hypervisor have in common. */
export interface OpenSettings {
  readonly uri: LibvirtUri;
  readonly tls: TlsCredentials | undefined;
  readonly clock: Clock;
  readonly timeouts: Timeouts;
  readonly maxQueued: number;
  readonly maySend?: (() => boolean) | undefined;
  readonly keepAlive: { readonly intervalMs: number; readonly misses: number };
}

/** What comes of a connection after it was opened. */
export interface OpenHandlers {
  readonly onEvent: (procedure: number, reader: XdrReader) => void;
  readonly onLost: (error: LibvirtError) => void;
}

/** A connection on its way; abort() ends it in any state and rejects what is pending with this reason. */
export interface OpeningConnection {
  readonly connection: Connection;
  readonly opened: Promise<void>;
  abort(kind: 'connection-lost' | 'closed', why: string): void;
}

/**
 * Opens one connection: AUTH_LIST, keep-alive, OPEN, in the order that the daemon wants. `watched` says whether both
 * sides watch for silence; a connection that carries a stream stops reading when its reader is slow, and is not.
 * OPEN goes out once: a second one would close the daemon's own connection to the hypervisor.
 */
export const openConnection = (settings: OpenSettings, handlers: OpenHandlers, watched: boolean): OpeningConnection => {
  const { clock, timeouts } = settings;
  const uri = settings.uri.text;
  const { maxQueued, maySend } = settings;
  const connection = new Connection({ uri, clock, maxQueued, maySend, ...handlers });
  const opening = openTransport(
    settings.uri.endpoint,
    settings.tls,
    {
      onData: (bytes) => connection.onData(bytes),
      onWritable: () => connection.onWritable(),
      onEnd: (error) => connection.fail('connection-lost', error.message, error),
    },
    { clock, timeoutMs: timeouts.connectMs },
  );
  const opened = open(settings, connection, opening, watched);
  return {
    connection,
    opened,
    abort: (kind, why) => {
      connection.fail(kind, why);
      opening.abort();
    },
  };
};

const open = async (
  settings: OpenSettings,
  connection: Connection,
  opening: Opening,
  watched: boolean,
): Promise<void> => {
  const limits: CallLimits = { timeoutMs: settings.timeouts.openMs };
  connection.attach(await reached(settings.uri, opening));
  const methods = await connection.call(Connect.authList, nothing, (reader) => reader.list((r) => r.i32()), limits);
  if (!methods.includes(AUTH_NONE)) {
    throw failure(settings.uri, 'auth-failed', 'the daemon asks for SASL or polkit, which this client does not do');
  }
  if (watched) {
    const supports = await connection.call(
      Connect.supportsFeature,
      (writer) => writer.u32(FEATURE_KEEPALIVE),
      (reader) => reader.i32(),
      limits,
    );
    if (supports === 1) connection.startKeepAlive(settings.keepAlive);
  }
  await connection.call(
    Connect.open,
    (writer) => {
      writer.nullable(settings.uri.remote, (value) => writer.string(value));
      writer.u32(0);
    },
    readNothing,
    limits,
  );
};

const reached = async (uri: LibvirtUri, opening: Opening): Promise<Transport> => {
  try {
    return await opening.transport;
  } catch (cause) {
    if (!(cause instanceof TransportError)) throw cause;
    throw failure(uri, cause.tls ? 'tls' : 'connection-lost', cause.message, cause);
  }
};

const failure = (
  uri: LibvirtUri,
  kind: 'tls' | 'connection-lost' | 'auth-failed',
  why: string,
  cause?: unknown,
): LibvirtError => new LibvirtError(why, { kind, uri: uri.text, procedure: 'connect', mayHaveRun: false, cause });

const nothing = (): void => undefined;
