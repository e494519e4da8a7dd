import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { collectModules, extractKernel, findPayload, moduleDependencies, moduleName } from './kernel.ts';

/** The parts of a bzImage that findPayload reads: two setup sectors, and the payload 64 bytes behind them. */
function bzImage(payload: Buffer): Buffer {
  const image = Buffer.alloc(3 * 512 + 64 + payload.length);
  image.writeUInt8(2, 0x1f1);
  image.write('HdrS', 0x202, 'latin1');
  image.writeUInt32LE(64, 0x248);
  image.writeUInt32LE(payload.length, 0x24c);
  payload.copy(image, 3 * 512 + 64);
  return image;
}

describe('kernel images', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hatchery-kernel-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it('gives the ELF file within a bzImage', async () => {
    const elf = Buffer.from('\x7fELF and so on', 'latin1');
    const path = join(folder, 'vmlinuz');
    await writeFile(path, bzImage(gzipSync(elf)));
    assert.deepEqual(await extractKernel(path), elf);
  });

  it("leaves the unpacked size out, which the kernel's build puts behind a zstd payload", () => {
    const zstd = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3, 4]);
    const payload = findPayload(bzImage(Buffer.concat([zstd, Buffer.from([9, 9, 9, 9])])));
    assert.deepEqual(payload, { bytes: zstd, command: ['zstd', '-dc'] });
  });

  for (const [what, image, words] of [
    ['is no bzImage', Buffer.alloc(4096), /not a bzImage/],
    ['is packed in a way it does not know', bzImage(Buffer.from('LZIP....')), /unknown compression: 4c5a49502e2e/],
  ] as const) {
    it(`refuses what ${what}`, () => {
      assert.throws(() => findPayload(image), words);
    });
  }
});

describe('kernel modules', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hatchery-modules-'));
    const modules: Readonly<Record<string, string>> = {
      'kernel/net/llc.ko': '',
      'kernel/net/stp-core.ko': 'llc',
      'kernel/net/bridge.ko': 'stp-core,llc,virtio',
    };
    for (const [path, depends] of Object.entries(modules)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), `license=GPL\0depends=${depends}\0name=x\0`);
    }
    await writeFile(join(folder, 'modules.order'), `${Object.keys(modules).join('\n')}\n`);
    await writeFile(join(folder, 'modules.builtin'), 'kernel/drivers/virtio/virtio.ko\n');
  });
  after(async () => {
    await rm(folder, { recursive: true });
  });

  it('come with what they depend on, first things first, without what is built in', async () => {
    const files = (await collectModules(folder, ['bridge'])).map(({ file }) => file);
    assert.deepEqual(files, ['llc.ko', 'stp_core.ko', 'bridge.ko']);
  });

  it('that are not there are named', async () => {
    await assert.rejects(collectModules(folder, ['nonesuch']), /no kernel module nonesuch/);
  });

  it('have one name, however their file is written', () => {
    assert.equal(moduleName('kernel/drivers/net/xen-netfront.ko.xz'), 'xen_netfront');
    assert.deepEqual(moduleDependencies(Buffer.from('a=b\0depends=\0')), []);
    assert.deepEqual(moduleDependencies(Buffer.from('no such section')), []);
  });
});
