import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { spawn } from 'node:child_process';
import { buffer } from 'node:stream/consumers';
import { once } from 'node:events';

/** How a bzImage's payload may be compressed: first bytes, and the program that undoes it. */
const COMPRESSIONS: readonly { readonly magic: Buffer; readonly command: readonly [string, ...string[]] }[] = [
  { magic: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), command: ['zstd', '-dc'] },
  { magic: Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a]), command: ['xz', '-dc'] },
  { magic: Buffer.from([0x1f, 0x8b]), command: ['gzip', '-dc'] },
];

/** The compressed kernel within a bzImage, and what unpacks it. */
export interface Payload {
  readonly bytes: Buffer;
  readonly command: readonly [string, ...string[]];
}

/**
 * Finds the payload of a bzImage by its setup header (Linux, Documentation/arch/x86/boot.rst): number of setup sectors at
 * 0x1f1, payload's offset and length at 0x248. The kernel's build appends the unpacked size in 4 bytes, except for gzip,
 * whose format ends with it.
 */
export function findPayload(image: Buffer): Payload {
  if (image.length < 0x250 || image.toString('latin1', 0x202, 0x206) !== 'HdrS') throw new Error('not a bzImage');
  const setupSectors = image.readUInt8(0x1f1) === 0 ? 4 : image.readUInt8(0x1f1);
  const start = (setupSectors + 1) * 512 + image.readUInt32LE(0x248);
  const whole = image.subarray(start, start + image.readUInt32LE(0x24c));
  const compression = COMPRESSIONS.find(({ magic }) => whole.subarray(0, magic.length).equals(magic));
  if (compression === undefined) {
    throw new Error(`kernel payload of unknown compression: ${whole.subarray(0, 6).toString('hex')}`);
  }
  const trailer = compression.command[0] === 'gzip' ? 0 : 4;
  return { bytes: whole.subarray(0, whole.length - trailer), command: compression.command };
}

/** The ELF kernel within a bzImage file: what Xen's loaders take without unpacking anything. */
export async function extractKernel(path: string): Promise<Buffer> {
  const { bytes, command } = findPayload(await readFile(path));
  const kernel = await filter(command, bytes);
  if (kernel.toString('latin1', 0, 4) !== '\x7fELF') throw new Error(`${path}: its payload is no ELF file`);
  return kernel;
}

/** Reads a kernel module, unpacking .xz and .zst. */
export async function readModule(path: string): Promise<Buffer> {
  const content = await readFile(path);
  if (path.endsWith('.xz')) return filter(['xz', '-dc'], content);
  if (path.endsWith('.zst')) return filter(['zstd', '-dc'], content);
  return content;
}

/** A module's name as the kernel writes it: xen_netfront of kernel/drivers/net/xen-netfront.ko.xz. */
export function moduleName(path: string): string {
  return basename(path)
    .replace(/\.ko(?:\.\w+)?$/, '')
    .replaceAll('-', '_');
}

/** What a module needs loaded before it, by its own .modinfo section. */
export function moduleDependencies(module: Buffer): readonly string[] {
  const start = module.indexOf('\0depends=', 0, 'latin1');
  if (start === -1) return [];
  const text = module.toString('latin1', start + '\0depends='.length, module.indexOf(0, start + 1));
  return text
    .split(',')
    .filter((name) => name !== '')
    .map(moduleName);
}

/** A module's file name and content. */
export interface LoadedModule {
  readonly file: string;
  readonly content: Buffer;
}

/**
 * Modules of a kernel with all that they depend on, in the order in which they have to be loaded. `folder` is
 * lib/modules/VERSION of an unpacked kernel package; what is built into the kernel is left out.
 */
export async function collectModules(folder: string, wanted: readonly string[]): Promise<readonly LoadedModule[]> {
  const paths = new Map<string, string>();
  for (const line of (await readFile(join(folder, 'modules.order'), 'utf8')).split('\n')) {
    if (line !== '') paths.set(moduleName(line), line);
  }
  const builtin = new Set((await readFile(join(folder, 'modules.builtin'), 'utf8')).split('\n').map(moduleName));
  const loaded = new Map<string, LoadedModule>();
  const visit = async (name: string): Promise<void> => {
    if (loaded.has(name) || builtin.has(name)) return;
    const path = paths.get(name);
    if (path === undefined) throw new Error(`${folder}: there is no kernel module ${name}`);
    const content = await readFirst(folder, path);
    for (const dependency of moduleDependencies(content)) await visit(dependency);
    loaded.set(name, { file: `${name}.ko`, content });
  };
  for (const name of wanted) await visit(moduleName(name));
  return [...loaded.values()];
}

/** modules.order names files as the kernel's build made them; the package may hold them compressed. */
async function readFirst(folder: string, path: string): Promise<Buffer> {
  const plain = path.replace(/\.ko\..*$/, '.ko').replace(/\.o$/, '.ko');
  for (const candidate of [plain, `${plain}.xz`, `${plain}.zst`]) {
    try {
      return await readModule(join(folder, candidate));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  throw new Error(`${folder}: ${plain} is listed and not there`);
}

async function filter(command: readonly [string, ...string[]], input: Buffer): Promise<Buffer> {
  const [program, ...args] = command;
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'], timeout: 120_000 });
  const exit = once(child, 'exit') as Promise<[number | null]>;
  // A filter that ends before it read all says why by its exit status.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [output, [status]] = await Promise.all([buffer(child.stdout), exit]);
  if (status !== 0) throw new Error(`${command.join(' ')}: exit status ${String(status)}`);
  return output;
}
