import { randomUUID } from 'node:crypto';

import { buildXml } from '#controller/domain/xmltext.ts';
import { CreateFlags } from '#controller/libvirt/index.ts';
import type { StoragePool, StorageVolume } from '#controller/libvirt/index.ts';
import { POKE_KERNEL } from './poke-kernel.ts';
import { findByName, onSession, orUndefined, unless } from './session.ts';
import type { Session } from './session.ts';

/** Name of the poke's volume in the image pool, and of its domain. */
export const POKE_NAME = 'hatchery-poke';

/**
 * Xen's libvirtd notices only one, arbitrary, of the domains that ended while it was down; the end of any domain settles all
 * of them (facts/xen-rig.md, "Lifecycle"). So one more is made to end: 4 MiB, one page of kernel, created paused and
 * destroyed. It never runs.
 */
export async function poke(session: Session, pool: StoragePool, imageDirectory: string): Promise<void> {
  await ensureVolume(session, pool);
  // One that a killed controller left behind does as well.
  const left = await findByName(session, POKE_NAME);
  const domain = left ?? (await create(session, imageDirectory));
  await unless(['no-domain'], () => onSession(session, 'DOMAIN_DESTROY', (host) => host.destroy(domain)));
}

function create(session: Session, imageDirectory: string) {
  const xml = buildXml({
    domain: {
      '@type': 'xen',
      name: POKE_NAME,
      uuid: randomUUID(),
      memory: { '@unit': 'KiB', '#text': 4096 },
      vcpu: 1,
      os: {
        type: { '@arch': 'x86_64', '@machine': 'xenpv', '#text': 'linux' },
        kernel: `${imageDirectory}/${POKE_NAME}`,
      },
      on_poweroff: 'destroy',
      on_reboot: 'destroy',
      on_crash: 'destroy',
    },
  });
  return onSession(session, 'DOMAIN_CREATE_XML', (host) => host.createXml(xml, CreateFlags.paused));
}

/** An upload that broke leaves a volume of another length: it is made anew. */
async function ensureVolume(session: Session, pool: StoragePool): Promise<void> {
  const known = await lookup(session, pool);
  if (known !== undefined && (await isWhole(session, known))) return;
  if (known !== undefined) {
    await unless(['no-storage-vol'], () => onSession(session, 'STORAGE_VOL_DELETE', (host) => host.volDelete(known)));
  }
  const xml = buildXml({
    volume: {
      name: POKE_NAME,
      capacity: { '@unit': 'bytes', '#text': 0 },
      target: { format: { '@type': 'raw' }, permissions: { mode: '0644' } },
    },
  });
  const made = await onSession(session, 'STORAGE_VOL_CREATE_XML', (host) => host.volCreateXml(pool, xml));
  await onSession(session, 'STORAGE_VOL_UPLOAD', (host) => host.volUpload(made, POKE_KERNEL));
}

function lookup(session: Session, pool: StoragePool): Promise<StorageVolume | undefined> {
  return orUndefined('no-storage-vol', () =>
    onSession(session, 'STORAGE_VOL_LOOKUP_BY_NAME', (host) => host.volLookupByName(pool, POKE_NAME)),
  );
}

async function isWhole(session: Session, volume: StorageVolume): Promise<boolean> {
  const info = await onSession(session, 'STORAGE_VOL_GET_INFO', (host) => host.volGetInfo(volume));
  return info.capacity === POKE_KERNEL.byteLength;
}
