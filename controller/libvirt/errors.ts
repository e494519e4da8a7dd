/** What went wrong, for code to switch on: the daemon's virErrorNumber by name, or what befell the call itself. */
export type LibvirtErrorKind =
  | DaemonErrorKind
  /** No answer in time. */
  | 'timeout'
  /** The connection ended while the call was pending. */
  | 'connection-lost'
  /** There was no session when the call was made. */
  | 'not-connected'
  /** Too many calls wait already. */
  | 'queue-full'
  /** Its caller may not send any more: see ConnectOptions.maySend. */
  | 'withheld'
  /** close() was called. */
  | 'closed'
  /** The daemon sent what the protocol does not allow, or the arguments do not fit into it. */
  | 'protocol'
  /** The TLS handshake failed, or the server is not who the URI says. */
  | 'tls';

/** virErrorNumber by name, as far as code here asks for it. */
export type DaemonErrorKind = (typeof KINDS)[keyof typeof KINDS] | 'other';

// include/libvirt/virterror.h
const KINDS = {
  1: 'internal',
  3: 'no-support',
  8: 'invalid-arg',
  9: 'operation-failed',
  21: 'xml',
  27: 'xml',
  28: 'exists',
  35: 'xml',
  38: 'system',
  39: 'rpc',
  42: 'no-domain',
  45: 'auth-failed',
  46: 'no-storage-pool',
  47: 'no-storage-vol',
  49: 'no-storage-pool',
  50: 'no-storage-vol',
  55: 'operation-invalid',
  67: 'config-unsupported',
  68: 'operation-timeout',
  78: 'aborted',
  80: 'no-metadata',
  87: 'busy',
  88: 'access-denied',
  90: 'exists',
  92: 'xml-schema',
} as const satisfies Readonly<Record<number, string>>;

const isKnown = (code: number): code is keyof typeof KINDS => Object.hasOwn(KINDS, code);

/** The kind of a virErrorNumber. */
export const kindOfCode = (code: number): DaemonErrorKind => (isKnown(code) ? KINDS[code] : 'other');

/** What a LibvirtError is made of beside its message. */
export interface LibvirtErrorDetails {
  readonly kind: LibvirtErrorKind;
  readonly uri: string;
  /** Name of the procedure (`DOMAIN_CREATE_XML`), or what was under way (`connect`). */
  readonly procedure: string;
  /** Whether the daemon may have done, or may yet do, what was asked. */
  readonly mayHaveRun: boolean;
  /** virErrorNumber; 0 where the error is not the daemon's. */
  readonly code?: number;
  /** virErrorDomain; 0 where the error is not the daemon's. */
  readonly domain?: number;
  readonly cause?: unknown;
}

/** A call that failed, or a connection that did. */
export class LibvirtError extends Error {
  readonly kind: LibvirtErrorKind;
  readonly uri: string;
  readonly procedure: string;
  readonly mayHaveRun: boolean;
  readonly code: number;
  readonly domain: number;

  constructor(message: string, details: LibvirtErrorDetails) {
    super(`${details.uri}: ${details.procedure}: ${message}`, { cause: details.cause });
    this.name = 'LibvirtError';
    this.kind = details.kind;
    this.uri = details.uri;
    this.procedure = details.procedure;
    this.mayHaveRun = details.mayHaveRun;
    this.code = details.code ?? 0;
    this.domain = details.domain ?? 0;
  }
}
