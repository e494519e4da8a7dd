/** A file of a cpio archive of the kernel's "newc" kind; all belong to root and have no time. */
export type CpioEntry =
  | { readonly kind: 'file'; readonly path: string; readonly mode: number; readonly content: Buffer }
  | { readonly kind: 'directory'; readonly path: string; readonly mode: number }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  | {
      readonly kind: 'character-device';
      readonly path: string;
      readonly mode: number;
      readonly major: number;
      readonly minor: number;
    };

const S_IFMT = { file: 0o100000, directory: 0o040000, link: 0o120000, 'character-device': 0o020000 } as const;
const TRAILER = 'TRAILER!!!';

/** Makes an archive (Documentation/driver-api/early-userspace/buffer-format.rst of Linux), in the order given. */
export function makeCpio(entries: readonly CpioEntry[]): Buffer {
  const parts = entries.flatMap((entry, index) => record(entry, index + 1));
  parts.push(...rawRecord({ inode: 0, mode: 0, links: 1, major: 0, minor: 0, name: TRAILER, data: Buffer.alloc(0) }));
  return Buffer.concat(parts);
}

interface RawRecord {
  readonly inode: number;
  readonly mode: number;
  readonly links: number;
  readonly major: number;
  readonly minor: number;
  readonly name: string;
  readonly data: Buffer;
}

function record(entry: CpioEntry, inode: number): readonly Buffer[] {
  const type = S_IFMT[entry.kind];
  const plain = { inode, links: 1, major: 0, minor: 0, name: entry.path, data: Buffer.alloc(0) };
  switch (entry.kind) {
    case 'file':
      return rawRecord({ ...plain, mode: type | entry.mode, data: entry.content });
    case 'directory':
      return rawRecord({ ...plain, mode: type | entry.mode, links: 2 });
    case 'link':
      return rawRecord({ ...plain, mode: type | 0o777, data: Buffer.from(entry.target) });
    case 'character-device':
      return rawRecord({ ...plain, mode: type | entry.mode, major: entry.major, minor: entry.minor });
  }
}

function rawRecord(raw: RawRecord): readonly Buffer[] {
  const name = Buffer.from(`${raw.name}\0`);
  const fields = [
    raw.inode,
    raw.mode,
    0, // uid
    0, // gid
    raw.links,
    0, // mtime
    raw.data.length,
    0, // device of the file itself
    0,
    raw.major,
    raw.minor,
    name.length,
    0, // checksum: only in the other kind
  ];
  const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`);
  return [header, name, padding(header.length + name.length), raw.data, padding(raw.data.length)];
}

function padding(length: number): Buffer {
  return Buffer.alloc(-length & 3);
}
