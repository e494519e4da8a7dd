import type { DomainCalls } from './api.ts';
import type { Caller } from './caller.ts';
import { DomainProcedure as P } from './protocol.ts';
import type { CallOptions, DomainInfo, DomainRef, DomainState, InterfaceStats, StateAndReason } from './types.ts';
import { readDomain, readListOf, readNothing, readString, writeDomain } from './wire.ts';
import type { XdrReader, XdrWriter } from './xdr.ts';

/** virDomainMetadataType: VIR_DOMAIN_METADATA_ELEMENT. */
const METADATA_ELEMENT = 2;
/** virDomainCoreDumpFormat: VIR_DOMAIN_CORE_DUMP_FORMAT_RAW. */
const DUMP_RAW = 0;

// virDomainState
const STATES: readonly DomainState[] = [
  'nostate',
  'running',
  'blocked',
  'paused',
  'shutdown',
  'shutoff',
  'crashed',
  'pmsuspended',
];

/** Calls about domains. */
export const createDomainCalls = (call: Caller): DomainCalls => ({
  listAllDomains: (flags = 0, options) => call(P.listAll, wantAll(flags), readListOf(readDomain), options),
  lookupByUuid: (uuid, options) => call(P.lookupByUuid, (w) => w.uuid(uuid), readDomain, options),
  lookupByName: (name, options) => call(P.lookupByName, (w) => w.string(name), readDomain, options),
  createXml: (xml, flags = 0, options) => call(P.createXml, textAndFlags(xml, flags), readDomain, options),
  defineXml: (xml, flags = 0, options) => call(P.defineXmlFlags, textAndFlags(xml, flags), readDomain, options),
  create: (domain, flags = 0, options) => call(P.createWithFlags, domainAndFlags(domain, flags), readDomain, options),
  undefine: (domain, flags = 0, options) => call(P.undefineFlags, domainAndFlags(domain, flags), readNothing, options),
  destroy: (domain, flags = 0, options) => call(P.destroyFlags, domainAndFlags(domain, flags), readNothing, options),
  shutdown: (domain, flags = 0, options) => call(P.shutdownFlags, domainAndFlags(domain, flags), readNothing, options),
  suspend: (domain, options) => call(P.suspend, (w) => writeDomain(w, domain), readNothing, options),
  resume: (domain, options) => call(P.resume, (w) => writeDomain(w, domain), readNothing, options),
  getState: (domain, options) => call(P.getState, domainAndFlags(domain, 0), readState, options),
  getInfo: (domain, options) => call(P.getInfo, (w) => writeDomain(w, domain), readInfo, options),
  getXmlDesc: (domain, flags = 0, options) => call(P.getXmlDesc, domainAndFlags(domain, flags), readString, options),
  interfaceStats: (domain, device, options) =>
    call(P.interfaceStats, domainAndText(domain, device), readStats, options),
  sendProcessSignal: (domain, pid, signal, options) => sendProcessSignal(call, domain, pid, signal, options),
  coreDump: (domain, path, flags = 0, options) => coreDump(call, domain, path, flags, options),
  getMetadata: (domain, namespace, flags = 0, options) => getMetadata(call, domain, namespace, flags, options),
  setMetadata: (domain, element, flags = 0, options) => setMetadata(call, domain, element, flags, options),
});

const textAndFlags =
  (text: string, flags: number) =>
  (writer: XdrWriter): void => {
    writer.string(text);
    writer.u32(flags);
  };

const domainAndFlags =
  (domain: DomainRef, flags: number) =>
  (writer: XdrWriter): void => {
    writeDomain(writer, domain);
    writer.u32(flags);
  };

const domainAndText =
  (domain: DomainRef, text: string) =>
  (writer: XdrWriter): void => {
    writeDomain(writer, domain);
    writer.string(text);
  };

/** Arguments of a LIST_ALL procedure: the objects themselves, not only their number. */
const wantAll =
  (flags: number) =>
  (writer: XdrWriter): void => {
    writer.u32(1);
    writer.u32(flags);
  };

const stateOf = (code: number): DomainState => STATES[code] ?? 'unknown';

const readState = (reader: XdrReader): StateAndReason => {
  const code = reader.i32();
  return { state: stateOf(code), code, reason: reader.i32() };
};

const readInfo = (reader: XdrReader): DomainInfo => ({
  state: stateOf(reader.u32()),
  maxMemory: reader.u64(),
  memory: reader.u64(),
  vcpus: reader.u32(),
  cpuTime: reader.u64(),
});

const readStats = (reader: XdrReader): InterfaceStats => ({
  rxBytes: reader.i64(),
  rxPackets: reader.i64(),
  rxErrors: reader.i64(),
  rxDropped: reader.i64(),
  txBytes: reader.i64(),
  txPackets: reader.i64(),
  txErrors: reader.i64(),
  txDropped: reader.i64(),
});

const sendProcessSignal = (
  call: Caller,
  domain: DomainRef,
  pid: number,
  signal: number,
  options: CallOptions | undefined,
): Promise<void> =>
  call(
    P.sendProcessSignal,
    (writer) => {
      writeDomain(writer, domain);
      writer.i64(pid);
      writer.u32(signal);
      writer.u32(0);
    },
    readNothing,
    options,
  );

const coreDump = (
  call: Caller,
  domain: DomainRef,
  path: string,
  flags: number,
  options: CallOptions | undefined,
): Promise<void> =>
  call(
    P.coreDumpWithFormat,
    (writer) => {
      writeDomain(writer, domain);
      writer.string(path);
      writer.u32(DUMP_RAW);
      writer.u32(flags);
    },
    readNothing,
    options,
  );

const getMetadata = (
  call: Caller,
  domain: DomainRef,
  namespace: string,
  flags: number,
  options: CallOptions | undefined,
): Promise<string> =>
  call(
    P.getMetadata,
    (writer) => {
      writeDomain(writer, domain);
      writer.u32(METADATA_ELEMENT);
      writer.nullable(namespace, (value) => writer.string(value));
      writer.u32(flags);
    },
    readString,
    options,
  );

const setMetadata = (
  call: Caller,
  domain: DomainRef,
  element: Parameters<DomainCalls['setMetadata']>[1],
  flags: number,
  options: CallOptions | undefined,
): Promise<void> =>
  call(
    P.setMetadata,
    (writer) => {
      writeDomain(writer, domain);
      writer.u32(METADATA_ELEMENT);
      for (const text of [element.xml, element.key, element.namespace]) {
        writer.nullable(text, (value) => writer.string(value));
      }
      writer.u32(flags);
    },
    readNothing,
    options,
  );
