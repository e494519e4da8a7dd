import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { makeCpio } from './cpio.ts';
import { makeInitrd } from './hatchling.ts';

interface Entry {
  readonly name: string;
  readonly mode: number;
  readonly device: string;
  readonly data: Buffer;
}

/** Reads an archive as the kernel does: fields at fixed places, names and data padded to four bytes. */
function readCpio(archive: Buffer): readonly Entry[] {
  const entries: Entry[] = [];
  for (let at = 0; ;) {
    assert.equal(archive.toString('latin1', at, at + 6), '070701');
    const field = (n: number): number =>
      Number.parseInt(archive.toString('latin1', at + 6 + 8 * n, at + 14 + 8 * n), 16);
    const nameEnd = at + 110 + field(11);
    const name = archive.toString('utf8', at + 110, nameEnd - 1);
    const dataStart = (nameEnd + 3) & ~3;
    const dataEnd = dataStart + field(6);
    if (name === 'TRAILER!!!') return entries;
    const data = archive.subarray(dataStart, dataEnd);
    entries.push({ name, mode: field(1), device: `${field(9)}:${field(10)}`, data });
    at = (dataEnd + 3) & ~3;
  }
}

describe('cpio archives', () => {
  it('give back every name and content, of whatever length', () => {
    const content = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
    const path = fc.stringMatching(/^[a-z][a-z0-9/._-]{0,40}$/);
    fc.assert(
      fc.property(fc.array(fc.record({ path, content }, { noNullPrototype: true }), { maxLength: 5 }), (files) => {
        const archive = makeCpio(files.map((file) => ({ kind: 'file', mode: 0o644, ...file })));
        const read = readCpio(archive);
        assert.deepEqual(
          read.map(({ name, data }) => ({ path: name, content: data })),
          files,
        );
      }),
    );
  });
});

describe("a Xen guest's initial RAM file system", () => {
  const init = Buffer.from('program');

  it('holds the program as init, the console, and what the kernel runs when it is told to shut down', () => {
    const entries = new Map(readCpio(makeInitrd({ init })).map((entry) => [entry.name, entry]));
    assert.deepEqual(entries.get('init')?.data, init);
    assert.equal(entries.get('init')?.mode, 0o100755);
    assert.equal(entries.get('dev/console')?.mode, 0o020600);
    assert.equal(entries.get('dev/console')?.device, '5:1');
    assert.equal(entries.get('sbin/poweroff')?.data.toString(), '/init');
    assert.equal(entries.get('sbin/poweroff')?.mode, 0o120777);
    assert.equal(entries.has('xen-netfront.ko'), false);
  });

  it('holds the network driver where one is given', () => {
    const entries = readCpio(makeInitrd({ init, netfront: Buffer.from('module'), blkfront: Buffer.from('another') }));
    const content = (file: string) => entries.find(({ name }) => name === file)?.data.toString();
    assert.equal(content('xen-netfront.ko'), 'module');
    assert.equal(content('xen-blkfront.ko'), 'another');
  });
});
