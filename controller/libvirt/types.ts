import type { LibvirtError } from './errors.ts';
import type { LibvirtUri } from './uri.ts';

/** A domain as the protocol names it: `remote_nonnull_domain` of libvirt's remote_protocol.x. */
export interface Domain {
  readonly name: string;
  /** RFC 4122 text in lower case, with dashes. */
  readonly uuid: string;
  /** The hypervisor's number of it while it is active, else -1. */
  readonly id: number;
}

/** What a call needs to know of a domain; the daemon finds it by its UUID. */
export interface DomainRef {
  readonly name: string;
  readonly uuid: string;
  readonly id?: number | undefined;
}

/** A storage pool: `remote_nonnull_storage_pool`. */
export interface StoragePool {
  readonly name: string;
  readonly uuid: string;
}

/** A storage volume: `remote_nonnull_storage_vol`. In a `dir` pool the key is the file's path on the host. */
export interface StorageVolume {
  readonly pool: string;
  readonly name: string;
  readonly key: string;
}

/** virDomainState. */
export type DomainState =
  'nostate' | 'running' | 'blocked' | 'paused' | 'shutdown' | 'shutoff' | 'crashed' | 'pmsuspended' | 'unknown';

/** A domain's state with the code that libvirt gave, and its reason, whose meaning depends on the state. */
export interface StateAndReason {
  readonly state: DomainState;
  /** virDomainState as a number: what `state` names. */
  readonly code: number;
  /** For `shutoff` see ShutoffReason. */
  readonly reason: number;
}

/** virDomainInfo; memory in KiB, CPU time in nanoseconds (exact to 2^53). */
export interface DomainInfo {
  readonly state: DomainState;
  readonly maxMemory: number;
  readonly memory: number;
  readonly vcpus: number;
  readonly cpuTime: number;
}

/** virNodeInfo; memory in KiB, clock in MHz. */
export interface NodeInfo {
  readonly model: string;
  readonly memory: number;
  readonly cpus: number;
  readonly mhz: number;
  readonly nodes: number;
  readonly sockets: number;
  readonly cores: number;
  readonly threads: number;
}

/** virDomainInterfaceStats: counters since the interface was made; -1 where the driver does not count. */
export interface InterfaceStats {
  readonly rxBytes: number;
  readonly rxPackets: number;
  readonly rxErrors: number;
  readonly rxDropped: number;
  readonly txBytes: number;
  readonly txPackets: number;
  readonly txErrors: number;
  readonly txDropped: number;
}

/** virStoragePoolInfo as of the pool's last refresh, and what was made in it since; bytes. */
export interface PoolInfo {
  readonly capacity: number;
  readonly allocation: number;
  readonly available: number;
}

/** virStorageVolInfo; sizes in bytes. */
export interface VolumeInfo {
  readonly type: 'file' | 'block' | 'dir' | 'network' | 'netdir' | 'ploop' | 'unknown';
  readonly capacity: number;
  readonly allocation: number;
}

/** A version as libvirt packs it: major*1,000,000 + minor*1,000 + release. */
export interface LibvirtVersion {
  readonly major: number;
  readonly minor: number;
  readonly release: number;
  /** `9.0.0` */
  readonly text: string;
}

/** virDomainEventType. */
export type LifecycleKind =
  | 'defined'
  | 'undefined'
  | 'started'
  | 'suspended'
  | 'resumed'
  | 'stopped'
  | 'shutdown'
  | 'pmsuspended'
  | 'crashed'
  | 'unknown';

/** One lifecycle event. Events are not replayed: what happens while there is no session is told by listing alone. */
export interface LifecycleEvent {
  readonly domain: Domain;
  readonly event: LifecycleKind;
  /** For `stopped` see StoppedDetail. */
  readonly detail: number;
}

/** The guest rebooted. */
export interface RebootEvent {
  readonly domain: Domain;
}

/** One session: both connections open and the events registered. */
export interface SessionInfo {
  readonly uri: string;
  /** 1 for the first session of this hypervisor, one more with each reconnection. */
  readonly generation: number;
  /** Milliseconds from the loss of the session before (or from connect()) to this one. */
  readonly downMs: number;
  /** Tries that failed in between. */
  readonly failedAttempts: number;
}

/**
 * Called on the connection's own stack: keep it short. What an observer throws is reported to
 * ConnectOptions.onObserverError and harms nothing else.
 */
export interface Observer {
  /** A session is there; events that were registered with it follow. This is the moment to list and compare. */
  onConnected?(session: SessionInfo): void;
  /** The session is gone; every pending call was rejected before. */
  onDisconnected?(error: LibvirtError): void;
  /** A try to connect failed; the next one comes after `retryInMs`. */
  onConnectFailed?(error: LibvirtError, retryInMs: number): void;
  onLifecycle?(event: LifecycleEvent): void;
  onReboot?(event: RebootEvent): void;
}

/** PEM texts. The server is always verified against `ca` and the URI's host; there is no way to switch that off. */
export interface TlsCredentials {
  readonly ca: string | Buffer;
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
}

/** Time as this package sees it; a test gives its own. */
export interface Clock {
  /** Monotonic milliseconds. */
  now(): number;
  setTimeout(run: () => void, ms: number): TimerHandle;
  clearTimeout(handle: TimerHandle): void;
}

export type TimerHandle = NodeJS.Timeout | number;

/** Milliseconds. */
export interface Timeouts {
  /** TCP or unix connect with the TLS handshake. */
  readonly connectMs: number;
  /** Each call of the opening (AUTH_LIST to the registering of events). */
  readonly openMs: number;
  /** Calls that only read, or end something. */
  readonly controlMs: number;
  /** Calls that create, start, define, shut down, or touch storage. */
  readonly slowMs: number;
  /** Longest silence of the daemon within a stream that waits for it. */
  readonly streamMs: number;
  /** The daemon's answer to the end of a stream that nobody reads any more. */
  readonly leaveMs: number;
}

/** How a hypervisor is reached and how patient to be. */
export interface ConnectOptions {
  readonly uri: string | LibvirtUri;
  /** Required for +tls URIs. */
  readonly tls?: TlsCredentials | undefined;
  readonly observer?: Observer | undefined;
  /** Told of what an observer threw; without it the error is written to the process' warnings. */
  readonly onObserverError?: ((error: unknown) => void) | undefined;
  readonly timeouts?: Partial<Timeouts> | undefined;
  /** A ping goes out for each interval of silence; after `misses` of them unanswered the session is lost. */
  readonly keepAlive?: { readonly intervalMs: number; readonly misses: number } | undefined;
  /** First and longest wait between tries; each wait is drawn from the upper half of its step. */
  readonly backoff?: { readonly minMs: number; readonly maxMs: number } | undefined;
  /**
   * Asked right before each call is handed to the socket; where it says no, the call fails with mayHaveRun false. For a
   * caller that may act only as long as it holds something, such as a lease.
   */
  readonly maySend?: (() => boolean) | undefined;
  /** Calls that may wait for a place on one connection; more are refused with kind `queue-full`. */
  readonly maxQueued?: number | undefined;
  readonly clock?: Clock | undefined;
  /** In [0, 1). */
  readonly random?: (() => number) | undefined;
}

/** Options of one call. */
export interface CallOptions {
  /** From the call to its reply, waiting for a place included. */
  readonly timeoutMs?: number | undefined;
  /** Clock.now() after which the call is not to be sent any more; it then fails with mayHaveRun false. */
  readonly sendBefore?: number | undefined;
}
