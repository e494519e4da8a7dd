import assert from 'node:assert/strict';
import { inspect } from 'node:util';

import fc from 'fast-check';

import { SecretValues } from './secrets.ts';

/** Reads the disk as its description says, without a look at what wrote it. */
function read(disk: Buffer): ReadonlyMap<string, Buffer> {
  let at = 0;
  const line = (): readonly string[] => {
    const end = disk.indexOf('\n', at);
    const words = disk.toString('latin1', at, end).split(' ');
    at = end + 1;
    return words;
  };
  const [magic, version, count] = line();
  assert.deepEqual([magic, version], ['hatchery-secrets', '1']);
  const values = new Map<string, Buffer>();
  for (let left = Number(count); left > 0; left -= 1) {
    const [name = '', length] = line();
    values.set(name, disk.subarray(at, at + Number(length)));
    at += Number(length);
    assert.equal(disk[at], 0x0a);
    at += 1;
  }
  assert.ok(disk.subarray(at).every((byte) => byte === 0));
  assert.ok(disk.length - at < 512);
  return values;
}

describe('SecretValues', () => {
  it('lie on a disk in a form that needs no file system', () => {
    const disk = new SecretValues([
      ['USER', Buffer.from('postgres')],
      ['EMPTY', Buffer.alloc(0)],
    ]).disk();
    assert.equal(disk.length, 512);
    assert.equal(disk.toString('latin1').replaceAll('\0', ''), 'hatchery-secrets 1 2\nUSER 8\npostgres\nEMPTY 0\n\n');
  });

  it('can be read back whatever they hold, in whole sectors', () => {
    const names = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/);
    const entries = fc.uniqueArray(fc.tuple(names, fc.uint8Array({ maxLength: 2_000 })), {
      selector: ([name]) => name,
      maxLength: 8,
    });
    fc.assert(
      fc.property(entries, (values) => {
        const disk = new SecretValues(values).disk();
        assert.equal(disk.length % 512, 0);
        assert.deepEqual(
          [...read(disk)],
          values.map(([name, value]) => [name, Buffer.from(value)]),
        );
      }),
    );
  });

  it('show themselves to nobody who prints them', () => {
    const secret = new SecretValues([['A', Buffer.from('TheValueItself')]]);
    for (const text of [
      inspect(secret, { showHidden: true, depth: 9 }),
      JSON.stringify({ secret }),
      JSON.stringify(Object.assign({}, secret)),
      JSON.stringify(structuredClone(secret)),
    ]) {
      assert.doesNotMatch(text, /TheValue|VGhlVmFs|84, ?104, ?101/);
    }
  });
});
