/**
 * Numbers of libvirt's wire protocol: src/rpc/virnetprotocol.x, src/rpc/virkeepaliveprotocol.x and
 * src/remote/remote_protocol.x. Procedure numbers are only ever appended to.
 */

export const PROGRAM_REMOTE = 0x20008086;
export const PROGRAM_KEEPALIVE = 0x6b656570;
export const VERSION = 1;

/** virNetMessageType. */
export const MessageType = { call: 0, reply: 1, message: 2, stream: 3 } as const;

/** virNetMessageStatus. */
export const MessageStatus = { ok: 0, error: 1, continue: 2 } as const;

export const KeepAlive = { ping: 1, pong: 2 } as const;

/** Length word and header: length, program, version, procedure, type, serial, status. */
export const HEADER_BYTES = 28;

/** VIR_NET_MESSAGE_MAX and the length word, which counts itself. */
export const MAX_FRAME = 33_554_432 + 4;

/** VIR_NET_MESSAGE_LEGACY_PAYLOAD_MAX less the header: the most that one stream packet carries. */
export const MAX_STREAM_PAYLOAD = 262_120;

/**
 * Calls that may be unanswered on one connection. The daemon stops reading a connection at `max_client_requests`
 * (5 by default), keep-alive answers included, and drops it half a minute later.
 */
export const MAX_IN_FLIGHT = 4;

/** VIR_DRV_FEATURE_PROGRAM_KEEPALIVE: asking for it makes the daemon send pings of its own. */
export const FEATURE_KEEPALIVE = 10;

/** remote_auth_type. */
export const AUTH_NONE = 0;

/** virDomainEventID. */
export const EventId = { lifecycle: 0, reboot: 1 } as const;

/** Messages from the daemon: REMOTE_PROC_DOMAIN_EVENT_CALLBACK_*. */
export const EventProcedure = { lifecycle: 318, reboot: 319 } as const;

/**
 * Which of a session's two connections a call goes over. What may take long (or wait for a domain that does) never
 * stands before what looks or ends.
 */
export type Lane = 'control' | 'slow';

/** A procedure of the remote program. */
export interface Procedure {
  readonly number: number;
  /** As in remote_protocol.x, without REMOTE_PROC_. */
  readonly name: string;
  readonly lane: Lane;
}

const control = (number: number, name: string): Procedure => ({ number, name, lane: 'control' });
const slow = (number: number, name: string): Procedure => ({ number, name, lane: 'slow' });

/** Calls of the connection itself: sent on whichever connection is opened or closed. */
export const Connect = {
  open: control(1, 'CONNECT_OPEN'),
  close: control(2, 'CONNECT_CLOSE'),
  supportsFeature: control(60, 'CONNECT_SUPPORTS_FEATURE'),
  authList: control(66, 'AUTH_LIST'),
  registerEvent: control(316, 'CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY'),
} as const;

export const Node = {
  getVersion: control(4, 'CONNECT_GET_VERSION'),
  getInfo: control(6, 'NODE_GET_INFO'),
  getCapabilities: control(7, 'CONNECT_GET_CAPABILITIES'),
  getHostname: control(59, 'CONNECT_GET_HOSTNAME'),
  getFreeMemory: control(102, 'NODE_GET_FREE_MEMORY'),
  getLibVersion: control(157, 'CONNECT_GET_LIB_VERSION'),
} as const;

export const DomainProcedure = {
  createXml: slow(10, 'DOMAIN_CREATE_XML'),
  getXmlDesc: control(14, 'DOMAIN_GET_XML_DESC'),
  getInfo: control(16, 'DOMAIN_GET_INFO'),
  lookupByName: control(23, 'DOMAIN_LOOKUP_BY_NAME'),
  lookupByUuid: control(24, 'DOMAIN_LOOKUP_BY_UUID'),
  resume: slow(28, 'DOMAIN_RESUME'),
  suspend: slow(34, 'DOMAIN_SUSPEND'),
  interfaceStats: control(65, 'DOMAIN_INTERFACE_STATS'),
  createWithFlags: slow(196, 'DOMAIN_CREATE_WITH_FLAGS'),
  openConsole: control(201, 'DOMAIN_OPEN_CONSOLE'),
  getState: control(212, 'DOMAIN_GET_STATE'),
  undefineFlags: control(231, 'DOMAIN_UNDEFINE_FLAGS'),
  destroyFlags: control(234, 'DOMAIN_DESTROY_FLAGS'),
  shutdownFlags: slow(258, 'DOMAIN_SHUTDOWN_FLAGS'),
  setMetadata: slow(264, 'DOMAIN_SET_METADATA'),
  getMetadata: slow(265, 'DOMAIN_GET_METADATA'),
  listAll: control(273, 'CONNECT_LIST_ALL_DOMAINS'),
  sendProcessSignal: control(295, 'DOMAIN_SEND_PROCESS_SIGNAL'),
  coreDumpWithFormat: slow(334, 'DOMAIN_CORE_DUMP_WITH_FORMAT'),
  defineXmlFlags: slow(350, 'DOMAIN_DEFINE_XML_FLAGS'),
} as const;

export const StorageProcedure = {
  poolCreateXml: slow(76, 'STORAGE_POOL_CREATE_XML'),
  poolDestroy: slow(80, 'STORAGE_POOL_DESTROY'),
  poolRefresh: slow(83, 'STORAGE_POOL_REFRESH'),
  poolLookupByName: control(84, 'STORAGE_POOL_LOOKUP_BY_NAME'),
  poolLookupByUuid: control(85, 'STORAGE_POOL_LOOKUP_BY_UUID'),
  poolGetInfo: control(87, 'STORAGE_POOL_GET_INFO'),
  poolGetXmlDesc: control(88, 'STORAGE_POOL_GET_XML_DESC'),
  volCreateXml: slow(93, 'STORAGE_VOL_CREATE_XML'),
  volDelete: slow(94, 'STORAGE_VOL_DELETE'),
  volLookupByName: control(95, 'STORAGE_VOL_LOOKUP_BY_NAME'),
  volWipe: slow(165, 'STORAGE_VOL_WIPE'),
  volGetInfo: control(98, 'STORAGE_VOL_GET_INFO'),
  volGetPath: control(100, 'STORAGE_VOL_GET_PATH'),
  volUpload: slow(208, 'STORAGE_VOL_UPLOAD'),
  listAllPools: control(281, 'CONNECT_LIST_ALL_STORAGE_POOLS'),
  poolListAllVolumes: control(282, 'STORAGE_POOL_LIST_ALL_VOLUMES'),
} as const;
