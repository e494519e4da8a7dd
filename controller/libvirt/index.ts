/**
 * A client of libvirt's RPC protocol in TypeScript, over unix sockets, TLS and loopback TCP.
 * `connect` holds one daemon connected until closed; every call has a time-out and fails with a LibvirtError.
 */
export { connect } from './hypervisor.ts';
export { LibvirtUriError, parseUri } from './uri.ts';
export { LibvirtError, kindOfCode } from './errors.ts';
export {
  Affect,
  ConsoleFlags,
  CreateFlags,
  DefineFlags,
  DestroyFlags,
  DumpFlags,
  ListFlags,
  ListPoolFlags,
  ShutdownFlags,
  ShutoffReason,
  Signal,
  StoppedDetail,
} from './flags.ts';
export type { DaemonErrorKind, LibvirtErrorDetails, LibvirtErrorKind } from './errors.ts';
export type { LibvirtUri } from './uri.ts';
export type {
  ConsoleCalls,
  ConsoleStream,
  DomainCalls,
  Hypervisor,
  NodeCalls,
  StorageCalls,
  UploadSource,
} from './api.ts';
export type {
  CallOptions,
  Clock,
  ConnectOptions,
  Domain,
  DomainInfo,
  DomainRef,
  DomainState,
  InterfaceStats,
  LibvirtVersion,
  LifecycleEvent,
  LifecycleKind,
  NodeInfo,
  Observer,
  RebootEvent,
  SessionInfo,
  StateAndReason,
  StoragePool,
  StorageVolume,
  TimerHandle,
  Timeouts,
  TlsCredentials,
  VolumeInfo,
} from './types.ts';
