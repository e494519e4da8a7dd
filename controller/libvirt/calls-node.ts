import type { NodeCalls } from './api.ts';
import type { Caller } from './caller.ts';
import { Node } from './protocol.ts';
import type { LibvirtVersion, NodeInfo } from './types.ts';
import { readString, readU64 } from './wire.ts';
import type { XdrReader } from './xdr.ts';

const nothing = (): void => undefined;

/** Calls about the host. */
export const createNodeCalls = (call: Caller): NodeCalls => ({
  getCapabilities: (options) => call(Node.getCapabilities, nothing, readString, options),
  getHostname: (options) => call(Node.getHostname, nothing, readString, options),
  getVersion: (options) => call(Node.getVersion, nothing, readVersion, options),
  getLibVersion: (options) => call(Node.getLibVersion, nothing, readVersion, options),
  nodeGetInfo: (options) => call(Node.getInfo, nothing, readNodeInfo, options),
  nodeGetFreeMemory: (options) => call(Node.getFreeMemory, nothing, readU64, options),
});

const readVersion = (reader: XdrReader): LibvirtVersion => {
  const packed = reader.u64();
  const major = Math.floor(packed / 1_000_000);
  const minor = Math.floor(packed / 1_000) % 1_000;
  const release = packed % 1_000;
  return { major, minor, release, text: `${major}.${minor}.${release}` };
};

const readNodeInfo = (reader: XdrReader): NodeInfo => ({
  model: reader.chars(32),
  memory: reader.u64(),
  cpus: reader.i32(),
  mhz: reader.i32(),
  nodes: reader.i32(),
  sockets: reader.i32(),
  cores: reader.i32(),
  threads: reader.i32(),
});
