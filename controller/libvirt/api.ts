import type {
  CallOptions,
  Domain,
  DomainInfo,
  DomainRef,
  InterfaceStats,
  LibvirtVersion,
  NodeInfo,
  Observer,
  PoolInfo,
  SessionInfo,
  StateAndReason,
  StoragePool,
  StorageVolume,
  VolumeInfo,
} from './types.ts';

/** Calls about the host itself. */
export interface NodeCalls {
  /** virConnectGetCapabilities: XML. */
  getCapabilities(options?: CallOptions): Promise<string>;
  getHostname(options?: CallOptions): Promise<string>;
  /** Of the hypervisor; LXC tells that of the kernel. */
  getVersion(options?: CallOptions): Promise<LibvirtVersion>;
  /** Of libvirt itself. */
  getLibVersion(options?: CallOptions): Promise<LibvirtVersion>;
  nodeGetInfo(options?: CallOptions): Promise<NodeInfo>;
  /** Bytes on a real hypervisor. The test driver answers KiB on /default. */
  nodeGetFreeMemory(options?: CallOptions): Promise<number>;
}

/** Calls about domains. `flags` are libvirt's own, see flags.ts. */
export interface DomainCalls {
  /** Fails above 16,384 domains. Without flags all, active or not. */
  listAllDomains(flags?: number, options?: CallOptions): Promise<readonly Domain[]>;
  lookupByUuid(uuid: string, options?: CallOptions): Promise<Domain>;
  lookupByName(name: string, options?: CallOptions): Promise<Domain>;
  /** Starts a transient domain. On an inactive persistent one of that name and UUID it starts that again. */
  createXml(xml: string, flags?: number, options?: CallOptions): Promise<Domain>;
  /** virDomainDefineXMLFlags; flag DefineFlags.validate checks against the schema. */
  defineXml(xml: string, flags?: number, options?: CallOptions): Promise<Domain>;
  /** Starts a persistent domain; on an ended one that runs it again. */
  create(domain: DomainRef, flags?: number, options?: CallOptions): Promise<Domain>;
  undefine(domain: DomainRef, flags?: number, options?: CallOptions): Promise<void>;
  destroy(domain: DomainRef, flags?: number, options?: CallOptions): Promise<void>;
  /** Asks the guest; an answer says only that it was asked. */
  shutdown(domain: DomainRef, flags?: number, options?: CallOptions): Promise<void>;
  suspend(domain: DomainRef, options?: CallOptions): Promise<void>;
  resume(domain: DomainRef, options?: CallOptions): Promise<void>;
  getState(domain: DomainRef, options?: CallOptions): Promise<StateAndReason>;
  getInfo(domain: DomainRef, options?: CallOptions): Promise<DomainInfo>;
  getXmlDesc(domain: DomainRef, flags?: number, options?: CallOptions): Promise<string>;
  /** `device` is the host's end (vnet0) or the MAC address. */
  interfaceStats(domain: DomainRef, device: string, options?: CallOptions): Promise<InterfaceStats>;
  /** Signal numbers are virDomainProcessSignal's, which are Linux' for those below 32. */
  sendProcessSignal(domain: DomainRef, pid: number, signal: number, options?: CallOptions): Promise<void>;
  /** virDomainCoreDumpWithFormat, format raw; with DumpFlags.crash the domain ends as crashed. */
  coreDump(domain: DomainRef, path: string, flags?: number, options?: CallOptions): Promise<void>;
  /** The element stored under a namespace URI; kind `no-metadata` where there is none. */
  getMetadata(domain: DomainRef, namespace: string, flags?: number, options?: CallOptions): Promise<string>;
  setMetadata(
    domain: DomainRef,
    element: { readonly xml: string | undefined; readonly key: string; readonly namespace: string },
    flags?: number,
    options?: CallOptions,
  ): Promise<void>;
}

/** What is uploaded: bytes at hand or as they come. */
export type UploadSource = Uint8Array | AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** Calls about storage pools and volumes. */
export interface StorageCalls {
  /** Without flags all, active or not. */
  listAllPools(flags?: number, options?: CallOptions): Promise<readonly StoragePool[]>;
  poolLookupByName(name: string, options?: CallOptions): Promise<StoragePool>;
  poolLookupByUuid(uuid: string, options?: CallOptions): Promise<StoragePool>;
  /** Starts a transient pool. */
  poolCreateXml(xml: string, flags?: number, options?: CallOptions): Promise<StoragePool>;
  poolGetXmlDesc(pool: StoragePool, flags?: number, options?: CallOptions): Promise<string>;
  poolGetInfo(pool: StoragePool, options?: CallOptions): Promise<PoolInfo>;
  /** As of the last refresh, see poolRefresh. Fails above 16,384 volumes. */
  poolListAllVolumes(pool: StoragePool, options?: CallOptions): Promise<readonly StorageVolume[]>;
  /** Reads the pool's folder again: the list of volumes is a cache. */
  poolRefresh(pool: StoragePool, options?: CallOptions): Promise<void>;
  /** Stops it; a transient pool is gone then. Volumes stay. */
  poolDestroy(pool: StoragePool, options?: CallOptions): Promise<void>;
  volLookupByName(pool: StoragePool, name: string, options?: CallOptions): Promise<StorageVolume>;
  volCreateXml(pool: StoragePool, xml: string, flags?: number, options?: CallOptions): Promise<StorageVolume>;
  volDelete(volume: StorageVolume, options?: CallOptions): Promise<void>;
  /** virStorageVolWipe: what the volume holds is overwritten with zeros. */
  volWipe(volume: StorageVolume, options?: CallOptions): Promise<void>;
  volGetInfo(volume: StorageVolume, options?: CallOptions): Promise<VolumeInfo>;
  /** The file's path as the host sees it. */
  volGetPath(volume: StorageVolume, options?: CallOptions): Promise<string>;
  /**
   * Writes from the volume's start, over a connection of its own; resolves with the number of bytes once the host has
   * them all. A broken upload leaves a half-written volume behind. `timeoutMs` bounds the whole of it.
   */
  volUpload(volume: StorageVolume, source: UploadSource, options?: CallOptions): Promise<number>;
}

/** A console's output as it comes. Leaving the loop closes it, as close() does. */
export interface ConsoleStream extends AsyncIterable<Buffer> {
  /** Sends input to the guest. */
  write(data: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** Calls that open a stream. */
export interface ConsoleCalls {
  /** Over a connection of its own. The stream ends when the domain does; it fails with its connection. */
  openConsole(
    domain: DomainRef,
    console?: { readonly device?: string | undefined; readonly flags?: number | undefined },
    options?: CallOptions,
  ): Promise<ConsoleStream>;
}

/** One libvirt daemon, held connected until close(). */
export interface Hypervisor extends NodeCalls, DomainCalls, StorageCalls, ConsoleCalls {
  /** The URI as it was given. */
  readonly uri: string;
  /** The session there is now; undefined while none is, and every call then fails at once with kind `not-connected`. */
  readonly session: SessionInfo | undefined;
  /** Adds an observer; one added during a session is not told of its beginning. Returns the function that removes it. */
  observe(observer: Observer): () => void;
  /** Resolves with the session there is, or the next one; rejects after `timeoutMs` or with close(). */
  connected(timeoutMs: number): Promise<SessionInfo>;
  /** Ends it: rejects what is pending, sends CLOSE, and never connects again. Idempotent. */
  close(): Promise<void>;
}
