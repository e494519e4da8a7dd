// The structures of remote_protocol.x that more than one procedure uses.

import type { Domain, DomainRef, StoragePool, StorageVolume } from './types.ts';
import type { XdrReader, XdrWriter } from './xdr.ts';

export const readNothing = (): void => undefined;
export const readString = (reader: XdrReader): string => reader.string();
export const readU64 = (reader: XdrReader): number => reader.u64();

export const readDomain = (reader: XdrReader): Domain => ({
  name: reader.string(),
  uuid: reader.uuid(),
  id: reader.i32(),
});

export const writeDomain = (writer: XdrWriter, domain: DomainRef): void => {
  writer.string(domain.name);
  writer.uuid(domain.uuid);
  writer.u32(domain.id ?? -1);
};

export const readPool = (reader: XdrReader): StoragePool => ({ name: reader.string(), uuid: reader.uuid() });

export const writePool = (writer: XdrWriter, pool: StoragePool): void => {
  writer.string(pool.name);
  writer.uuid(pool.uuid);
};

export const readVolume = (reader: XdrReader): StorageVolume => ({
  pool: reader.string(),
  name: reader.string(),
  key: reader.string(),
});

export const writeVolume = (writer: XdrWriter, volume: StorageVolume): void => {
  writer.string(volume.pool);
  writer.string(volume.name);
  writer.string(volume.key);
};

/** The result of a LIST_ALL procedure asked for its objects: them, and their number again. */
export const readListOf =
  <T>(read: (reader: XdrReader) => T) =>
  (reader: XdrReader): readonly T[] => {
    const values = reader.list(read);
    reader.u32();
    return values;
  };

/** `remote_error` (virNetMessageError). */
export interface WireError {
  readonly code: number;
  readonly domain: number;
  readonly message: string;
  readonly level: number;
}

export const readError = (reader: XdrReader): WireError => {
  const error = {
    code: reader.i32(),
    domain: reader.i32(),
    message: reader.nullable(readString) ?? '',
    level: reader.i32(),
  };
  reader.nullable(readDomain);
  reader.nullable(readString);
  reader.nullable(readString);
  reader.nullable(readString);
  reader.i32();
  reader.i32();
  reader.nullable(readPool);
  return error;
};
