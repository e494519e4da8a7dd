import { readFileSync } from 'node:fs';
import { chown, lchown, lstat, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The user whom a checkout belongs to. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Whether this process is root and works in somebody else's checkout. */
export function actsForAnother(owner: Owner): boolean {
  return process.getuid?.() === 0 && owner.uid !== 0;
}

/** spawn()'s options that make a child run as the owner; none where this process is that user, or is not root. */
export function spawnIdentity(owner: Owner | undefined): { readonly uid?: number; readonly gid?: number } {
  return owner !== undefined && actsForAnother(owner) ? { uid: owner.uid, gid: owner.gid } : {};
}

/** The variables that a program reads a user's home and name from, for a child that runs as the owner. */
export function ownerEnvironment(owner: Owner | undefined): Readonly<Record<string, string>> {
  if (owner === undefined || !actsForAnother(owner)) return {};
  const entry = passwdEntry(owner.uid);
  return { HOME: entry.home, USER: entry.name, LOGNAME: entry.name };
}

/** Name and home of a user by /etc/passwd; an unknown one is told by number and has its home in /tmp. */
export function passwdEntry(uid: number): { readonly name: string; readonly home: string } {
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [name, , id, , , home] = line.split(':');
    if (id === String(uid) && name !== undefined && home !== undefined) return { name, home };
  }
  return { name: String(uid), home: '/tmp' };
}

/** Makes a folder, with those above it that are missing, and gives what it made to the owner. */
export async function makeOwnedFolder(owner: Owner, path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined || !actsForAnother(owner)) return;
  await chown(path, owner.uid, owner.gid);
  for (let folder = path; folder !== first && folder.startsWith(first);) {
    folder = join(folder, '..');
    await chown(folder, owner.uid, owner.gid);
  }
}

/** Writes a file that belongs to the owner. */
export async function writeOwnedFile(
  owner: Owner,
  path: string,
  content: string | Buffer,
  mode = 0o644,
): Promise<void> {
  await writeFile(path, content, { mode });
  if (actsForAnother(owner)) await chown(path, owner.uid, owner.gid);
}

/** Gives all that root made below a folder to the owner; does not follow links nor enter other file systems. */
export async function giveToOwner(owner: Owner, folder: string): Promise<void> {
  if (!actsForAnother(owner)) return;
  const top = await lstat(folder);
  await giveEntry(owner, folder, top.dev);
}

async function giveEntry(owner: Owner, path: string, device: number): Promise<void> {
  let entry;
  try {
    entry = await lstat(path);
    if (entry.dev !== device) return;
    if (entry.uid === 0) await lchown(path, owner.uid, owner.gid);
    if (!entry.isDirectory()) return;
  } catch (error) {
    // A process of the bed may take a file away while we walk.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  for (const name of await readdir(path)) await giveEntry(owner, join(path, name), device);
}
