import type { StorageCalls } from './api.ts';
import type { Caller } from './caller.ts';
import { StorageProcedure as P } from './protocol.ts';
import type { PoolInfo, StoragePool, StorageVolume, VolumeInfo } from './types.ts';
import { readListOf, readNothing, readPool, readString, readVolume, writePool, writeVolume } from './wire.ts';
import type { XdrReader, XdrWriter } from './xdr.ts';

// virStorageVolType
const TYPES: readonly VolumeInfo['type'][] = ['file', 'block', 'dir', 'network', 'netdir', 'ploop'];

/** Calls about storage, but for those that carry a stream. */
export const createStorageCalls = (call: Caller): Omit<StorageCalls, 'volUpload'> => ({
  listAllPools: (flags = 0, options) => call(P.listAllPools, wantAll(flags), readListOf(readPool), options),
  poolLookupByName: (name, options) => call(P.poolLookupByName, (w) => w.string(name), readPool, options),
  poolLookupByUuid: (uuid, options) => call(P.poolLookupByUuid, (w) => w.uuid(uuid), readPool, options),
  poolCreateXml: (xml, flags = 0, options) => call(P.poolCreateXml, textAndFlags(xml, flags), readPool, options),
  poolGetXmlDesc: (pool, flags = 0, options) => call(P.poolGetXmlDesc, poolAndFlags(pool, flags), readString, options),
  poolGetInfo: (pool, options) => call(P.poolGetInfo, (w) => writePool(w, pool), readPoolInfo, options),
  poolListAllVolumes: (pool, options) => call(P.poolListAllVolumes, wantAllOf(pool), readListOf(readVolume), options),
  poolRefresh: (pool, options) => call(P.poolRefresh, poolAndFlags(pool, 0), readNothing, options),
  poolDestroy: (pool, options) => call(P.poolDestroy, (w) => writePool(w, pool), readNothing, options),
  volLookupByName: (pool, name, options) => call(P.volLookupByName, poolAndName(pool, name), readVolume, options),
  volCreateXml: (pool, xml, flags = 0, options) =>
    call(P.volCreateXml, poolAndXml(pool, xml, flags), readVolume, options),
  volDelete: (volume, options) => call(P.volDelete, volumeAndFlags(volume), readNothing, options),
  volWipe: (volume, options) => call(P.volWipe, volumeAndFlags(volume), readNothing, options),
  volGetInfo: (volume, options) => call(P.volGetInfo, (w) => writeVolume(w, volume), readInfo, options),
  volGetPath: (volume, options) => call(P.volGetPath, (w) => writeVolume(w, volume), readString, options),
});

const wantAll =
  (flags: number) =>
  (writer: XdrWriter): void => {
    writer.u32(1);
    writer.u32(flags);
  };

const wantAllOf =
  (pool: StoragePool) =>
  (writer: XdrWriter): void => {
    writePool(writer, pool);
    wantAll(0)(writer);
  };

const textAndFlags =
  (text: string, flags: number) =>
  (writer: XdrWriter): void => {
    writer.string(text);
    writer.u32(flags);
  };

const poolAndFlags =
  (pool: StoragePool, flags: number) =>
  (writer: XdrWriter): void => {
    writePool(writer, pool);
    writer.u32(flags);
  };

const poolAndName =
  (pool: StoragePool, name: string) =>
  (writer: XdrWriter): void => {
    writePool(writer, pool);
    writer.string(name);
  };

const poolAndXml =
  (pool: StoragePool, xml: string, flags: number) =>
  (writer: XdrWriter): void => {
    writePool(writer, pool);
    writer.string(xml);
    writer.u32(flags);
  };

const volumeAndFlags =
  (volume: StorageVolume) =>
  (writer: XdrWriter): void => {
    writeVolume(writer, volume);
    writer.u32(0);
  };

const readPoolInfo = (reader: XdrReader): PoolInfo => {
  // virStoragePoolState; an unsigned char, which takes four bytes as everything does.
  reader.u32();
  return { capacity: reader.u64(), allocation: reader.u64(), available: reader.u64() };
};

const readInfo = (reader: XdrReader): VolumeInfo => ({
  type: TYPES[reader.i32()] ?? 'unknown',
  capacity: reader.u64(),
  allocation: reader.u64(),
});
