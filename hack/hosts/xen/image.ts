import { chmod, copyFile, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Bed } from '../../bed/bed.ts';
import { cached } from '../../bed/cache.ts';
import { run } from '../../bed/run.ts';
import { step } from '../../bed/step.ts';
import type { Progress } from '../../bed/step.ts';
import { makeCpio } from '../../guests/cpio.ts';
import type { CpioEntry } from '../../guests/cpio.ts';
import { collectModules, extractKernel } from './kernel.ts';
import type { LoadedModule } from './kernel.ts';
import { ensureKeyring } from './keyring.ts';
import { readAptMirror } from './mirror.ts';
import { IMAGE_DIRECTORY } from './plan.ts';
import { trimRoot } from './trim.ts';

/** What a box boots from; all of it the same for every box, and read-only. */
export interface XenImage {
  readonly hypervisor: string;
  readonly kernel: string;
  readonly initramfs: string;
  readonly disk: string;
  /** The guests' drivers of interfaces and disks, which their initrd has to bring. */
  readonly netfront: string;
  readonly blkfront: string;
}

/** A newer Debian than the machine's may be: Xen 4.17 of Debian 12 did not boot a dom0 this way. */
const SUITE = 'trixie';

const PACKAGES: readonly string[] = [
  'base-files',
  'busybox-static',
  'dash',
  'libvirt-daemon',
  'libvirt-daemon-driver-storage',
  'libvirt-daemon-driver-xen',
  'linux-image-amd64',
  'linux-image-cloud-amd64',
  'nftables',
  'xen-hypervisor-4.20-amd64',
  'xen-utils-4.20',
  'xenstore-utils',
];

/** Modules for finding the root disk, and those that /init loads. */
const INITRAMFS_MODULES: readonly string[] = ['crc32c_generic', 'virtio_blk', 'ext4'];
const ROOT_MODULES: readonly string[] = [
  'virtio_net',
  'xen_evtchn',
  'xen_gntdev',
  'xen_gntalloc',
  'xen_privcmd',
  'xenfs',
  'bridge',
  'nf_tables',
  'nft_meta_bridge',
  'tun',
  'loop',
  'xen_netback',
  'xen_blkback',
];

/** Scripts and settings in image/, and where they go. */
const INSTALLED: readonly { readonly file: string; readonly path: string; readonly mode: number }[] = [
  { file: 'init', path: 'init', mode: 0o755 },
  { file: 'control', path: 'usr/lib/hatchery/control', mode: 0o755 },
  { file: 'daemon', path: 'usr/lib/hatchery/daemon', mode: 0o755 },
  { file: 'libvirtd-loop', path: 'usr/lib/hatchery/libvirtd-loop', mode: 0o755 },
  { file: 'sweep', path: 'usr/lib/hatchery/sweep', mode: 0o755 },
  // In the place of Xen's own: libvirt cannot name another one for a disk.
  { file: 'block', path: 'etc/xen/scripts/block', mode: 0o755 },
  { file: 'guests.nft', path: 'etc/hatchery/guests.nft', mode: 0o644 },
  { file: 'vif-hatchery', path: 'etc/xen/scripts/vif-hatchery', mode: 0o755 },
  { file: 'libxl.conf', path: 'etc/libvirt/libxl.conf', mode: 0o644 },
];

const SCRIPTS = join(import.meta.dirname, 'image');
const SOURCES = ['image.ts', 'kernel.ts', 'trim.ts'].map((name) => join(import.meta.dirname, name));

/** Builds the image, or finds it in the cache; needs root. */
export async function buildXenImage(bed: Pick<Bed, 'cacheDir' | 'owner'>): Promise<XenImage> {
  const scripts = (await readdir(SCRIPTS)).toSorted().map((name) => join(SCRIPTS, name));
  const inputs = await Promise.all([...scripts, ...SOURCES].map((path) => readFile(path)));
  const folder = await cached(bed, {
    name: 'xen-box',
    inputs: [SUITE, ...PACKAGES, ...inputs],
    build: (into) => step(`Building the Xen box from Debian ${SUITE}'s packages`, (progress) => build(into, progress)),
  });
  return imageIn(folder);
}

function imageIn(folder: string): XenImage {
  return {
    hypervisor: join(folder, 'xen'),
    kernel: join(folder, 'vmlinux'),
    initramfs: join(folder, 'initramfs'),
    disk: join(folder, 'dom0.qcow2'),
    netfront: join(folder, 'xen-netfront.ko'),
    blkfront: join(folder, 'xen-blkfront.ko'),
  };
}

async function build(folder: string, progress: Progress): Promise<void> {
  const image = imageIn(folder);
  const work = join(folder, 'work');
  const root = join(work, 'root');
  await mkdir(work);
  await unpackPackages(work, root, progress);

  progress('kernels and modules');
  const kernels = await findKernels(root);
  await writeFile(image.hypervisor, gunzipSync(await readFile(join(root, 'boot/xen-4.20-amd64.gz'))));
  await writeFile(image.kernel, await extractKernel(kernels.dom0.image));
  const guestKernel = await extractKernel(kernels.guest.image);
  await writeFile(image.netfront, await guestDriver(kernels.guest.modules, 'xen_netfront'));
  await writeFile(image.blkfront, await guestDriver(kernels.guest.modules, 'xen_blkfront'));
  const busybox = await readFile(join(root, 'usr/bin/busybox'));
  const early = await collectModules(kernels.dom0.modules, INITRAMFS_MODULES);
  await writeFile(image.initramfs, await makeInitramfs(busybox, early));
  const loadedEarly = new Set(early.map(({ file }) => file));
  const late = await collectModules(kernels.dom0.modules, ROOT_MODULES);

  progress('root file system');
  await trimRoot(root);
  await installModules(
    join(root, 'modules'),
    late.filter(({ file }) => !loadedEarly.has(file)),
  );
  await configureRoot(root);
  await mkdir(join(root, IMAGE_DIRECTORY), { recursive: true });
  await writeFile(join(root, IMAGE_DIRECTORY, 'hatchling'), guestKernel);

  progress('disk image');
  await makeDisk(root, join(work, 'dom0.raw'), image.disk);
  await rm(work, { recursive: true });
}

/** The one file of a guest's driver; its init loads no other. */
async function guestDriver(modules: string, name: string): Promise<Buffer> {
  const [driver, ...more] = await collectModules(modules, [name]);
  if (driver === undefined) throw new Error(`the guest kernel has ${name} built in: nothing to load`);
  if (more.length > 0)
    throw new Error(`the guest kernel's ${name} needs other modules: its init would have to load them`);
  return driver.content;
}

/**
 * Unpacks the packages with all that they depend on. No script of theirs runs, and nothing is mounted. The mount
 * namespace takes with it whatever an mmdebstrap that is killed leaves mounted.
 */
async function unpackPackages(work: string, root: string, progress: Progress): Promise<void> {
  await ensureKeyring(SUITE);
  const mirror = await readAptMirror(SUITE);
  const sources = join(work, 'debian.sources');
  await writeFile(sources, mirror.sources);
  const options = [...mirror.options, 'APT::Install-Recommends "false"', 'Acquire::Languages "none"'];
  const argv = [
    ...['unshare', '--mount', '--propagation', 'private', '--'],
    ...['mmdebstrap', '--variant=extract', '--mode=root', `--include=${PACKAGES.join(',')}`],
    ...options.map((option) => `--aptopt=${option}`),
    ...[SUITE, root, sources],
  ];
  await run(argv, { timeoutMs: 1_200_000, onLine: (line) => progress(`mmdebstrap: ${line.slice(0, 60)}`) });
}

interface KernelFiles {
  readonly image: string;
  readonly modules: string;
}

/** The full kernel is dom0's: the cloud one is built for guests alone. */
async function findKernels(root: string): Promise<{ readonly dom0: KernelFiles; readonly guest: KernelFiles }> {
  const versions = (await readdir(join(root, 'boot'))).flatMap((name) => /^vmlinuz-(.+)$/.exec(name)?.[1] ?? []);
  const files = (version: string | undefined, what: string): KernelFiles => {
    if (version === undefined) throw new Error(`no ${what} kernel among ${versions.join(', ')}`);
    return { image: join(root, 'boot', `vmlinuz-${version}`), modules: join(root, 'usr/lib/modules', version) };
  };
  return {
    dom0: files(
      versions.find((version) => !version.includes('cloud')),
      'dom0',
    ),
    guest: files(
      versions.find((version) => version.includes('cloud')),
      'guest',
    ),
  };
}

async function makeInitramfs(busybox: Buffer, modules: readonly LoadedModule[]): Promise<Buffer> {
  const directory = (path: string): CpioEntry => ({ kind: 'directory', path, mode: 0o755 });
  const file = (path: string, content: Buffer, mode: number): CpioEntry => ({ kind: 'file', path, mode, content });
  const init = await readFile(join(SCRIPTS, 'initramfs-init'));
  return makeCpio([
    ...['bin', 'dev', 'proc', 'sys', 'root', 'modules'].map(directory),
    { kind: 'character-device', path: 'dev/console', mode: 0o600, major: 5, minor: 1 },
    file('bin/busybox', busybox, 0o755),
    file('init', init, 0o755),
    ...modules.map((module) => file(`modules/${module.file}`, module.content, 0o644)),
    file('modules/order', orderOf(modules), 0o644),
  ]);
}

async function installModules(folder: string, modules: readonly LoadedModule[]): Promise<void> {
  await mkdir(folder);
  for (const { file, content } of modules) await writeFile(join(folder, file), content);
  await writeFile(join(folder, 'order'), orderOf(modules));
}

function orderOf(modules: readonly LoadedModule[]): Buffer {
  return Buffer.from(modules.map(({ file }) => `${file}\n`).join(''));
}

/** What the packages' own scripts would have done, as far as it is needed; and our own files. */
async function configureRoot(root: string): Promise<void> {
  await writeFile(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n');
  await writeFile(join(root, 'etc/group'), 'root:x:0:\ntty:x:5:\nkvm:x:105:\nnogroup:x:65534:\n');
  await writeFile(join(root, 'etc/nsswitch.conf'), 'passwd: files\ngroup: files\nhosts: files\n');
  await writeFile(join(root, 'etc/machine-id'), '00000000000000000000000068617463\n');
  await rm(join(root, 'bin/sh'), { force: true });
  await symlink('dash', join(root, 'bin/sh'));
  for (const folder of ['etc/hatchery', 'usr/lib/hatchery', 'var/log/libvirt/libxl', 'var/log/xen', 'var/lib/xen']) {
    await mkdir(join(root, folder), { recursive: true });
  }
  for (const folder of ['modules', 'proc', 'sys', 'run', 'tmp', 'dev', 'var/lib/libvirt/libxl', 'var/lib/xenstored']) {
    await mkdir(join(root, folder), { recursive: true });
  }
  for (const { file, path, mode } of INSTALLED) {
    await copyFile(join(SCRIPTS, file), join(root, path));
    await chmod(join(root, path), mode);
  }
  await rm(join(root, 'var/run'), { force: true, recursive: true });
  await symlink('/run', join(root, 'var/run'));
  await relaxCpuModel(join(root, 'usr/share/libvirt/cpu_map/x86_486.xml'));
}

/**
 * Emulation has no VME, so no CPU model that libvirt knows is a subset of the host's, and libvirtd would end at its
 * start ("Cannot find suitable CPU model for given data"): its smallest model is told to do without.
 */
async function relaxCpuModel(path: string): Promise<void> {
  const model = await readFile(path, 'utf8');
  await writeFile(path, model.replace(/^.*feature name='vme'.*\n/m, ''));
}

async function makeDisk(root: string, raw: string, disk: string): Promise<void> {
  const { stdout } = await run(['du', '-sm', root], { timeoutMs: 60_000 });
  const megabytes = Math.ceil(Number(stdout.split('\t')[0]) * 1.1) + 96;
  const features = '^has_journal,^metadata_csum,^64bit';
  const mkfs = [
    'mkfs.ext4',
    '-q',
    '-O',
    features,
    '-b',
    '4096',
    '-m',
    '0',
    '-L',
    'dom0',
    '-d',
    root,
    raw,
    `${megabytes}M`,
  ];
  await run(mkfs, { timeoutMs: 120_000 });
  await run(['qemu-img', 'convert', '-O', 'qcow2', raw, disk], { timeoutMs: 120_000 });
}
