import { randomUUID } from 'node:crypto';

import { buildXml, elementsOf, parseXml, textOf } from '#controller/domain/xmltext.ts';
import { LibvirtError, ListPoolFlags } from '#controller/libvirt/index.ts';
import type { StoragePool } from '#controller/libvirt/index.ts';
import { onSession, orUndefined } from './session.ts';
import type { Session } from './session.ts';

/** Name of the pool over a host's image directory. */
export const POOL_NAME = 'hatchery';

/** A host that cannot be used as it is; `reason` for its condition Ready, `message` for people. */
export class HostFault extends Error {
  override readonly name = 'HostFault';
  readonly reason: string;

  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

/**
 * The image pool of a host: transient, so that it lives exactly as long as the host's boot (its state is under /run), and
 * its UUID stands for that boot. Made where there is none, as `boot` where that is known already. Throws HostFault where
 * another pool is in the way.
 */
export async function imagePool(
  session: Session,
  directory: string,
  boot: string = randomUUID(),
): Promise<StoragePool> {
  const known = await poolByName(session);
  if (known !== undefined) return checked(session, known, directory);
  await refuseOthers(session, directory);
  const xml = buildXml({
    pool: { '@type': 'dir', name: POOL_NAME, uuid: boot, target: { path: directory } },
  });
  try {
    return await onSession(session, 'STORAGE_POOL_CREATE_XML', (host) => host.poolCreateXml(xml));
  } catch (error) {
    if (!(error instanceof LibvirtError) || error.mayHaveRun || error.code === 0) throw error;
    // Somebody else may have made it in this moment.
    const made = await poolByName(session);
    if (made !== undefined) return checked(session, made, directory);
    throw new HostFault('ImagePoolFailed', `the image pool over ${directory} cannot be made: ${error.message}`);
  }
}

function poolByName(session: Session): Promise<StoragePool | undefined> {
  return orUndefined('no-storage-pool', () =>
    onSession(session, 'STORAGE_POOL_LOOKUP_BY_NAME', (host) => host.poolLookupByName(POOL_NAME)),
  );
}

/** Whether the host still has the very pool that was found or made on this session. */
export async function hasPool(session: Session, { uuid }: StoragePool): Promise<boolean> {
  return (await poolByName(session))?.uuid === uuid;
}

/** Whether a call failed since the image pool is gone from its host, or was stopped there. */
export function isPoolLost(error: unknown): error is LibvirtError {
  if (!(error instanceof LibvirtError)) return false;
  if (error.kind === 'no-storage-pool') return true;
  return error.kind === 'operation-invalid' && OF_ACTIVE_POOLS.has(error.procedure);
}

/** Calls of ours that libvirtd refuses as invalid where the pool is not active, and for no other reason. */
const OF_ACTIVE_POOLS: ReadonlySet<string> = new Set(['STORAGE_VOL_LOOKUP_BY_NAME', 'STORAGE_POOL_REFRESH']);

async function checked(session: Session, pool: StoragePool, directory: string): Promise<StoragePool> {
  const transient = await onSession(session, 'CONNECT_LIST_ALL_STORAGE_POOLS', (host) =>
    host.listAllPools(ListPoolFlags.transient),
  );
  if (!transient.some(({ uuid }) => uuid === pool.uuid)) {
    const advice = `run: virsh pool-destroy ${POOL_NAME}; virsh pool-undefine ${POOL_NAME}`;
    throw new HostFault(
      'ImageDirectoryInUse',
      `the pool ${POOL_NAME} is persistent; it must be made by the controller: ${advice}`,
    );
  }
  const path = await pathOf(session, pool);
  if (path === directory) return pool;
  throw new HostFault(
    'ImageDirectoryInUse',
    `the pool ${POOL_NAME} lies over ${path ?? 'no directory'}, not over ${directory}: set spec.imageDirectory to that, or run in dom0: virsh pool-destroy ${POOL_NAME}`,
  );
}

async function refuseOthers(session: Session, directory: string): Promise<void> {
  const pools = await onSession(session, 'CONNECT_LIST_ALL_STORAGE_POOLS', (host) => host.listAllPools());
  for (const pool of pools) {
    if ((await pathOf(session, pool)) !== directory) continue;
    const advice = `run in dom0: virsh pool-destroy ${pool.name}; virsh pool-undefine ${pool.name}`;
    throw new HostFault('ImageDirectoryInUse', `the pool ${pool.name} lies over ${directory} already: ${advice}`);
  }
}

async function pathOf(session: Session, pool: StoragePool): Promise<string | undefined> {
  const xml = await orUndefined('no-storage-pool', () =>
    onSession(session, 'STORAGE_POOL_GET_XML_DESC', (host) => host.poolGetXmlDesc(pool)),
  );
  if (xml === undefined) return undefined;
  const path = textOf(elementsOf(parseXml(xml, 'pool'), 'target')[0], 'path');
  return path === undefined || path === '/' ? path : path.replace(/\/+$/, '');
}

/** The names, of those given, that the pool has no volume of. Its list is a cache: it is read anew once where one is absent. */
export async function missingVolumes(
  session: Session,
  pool: StoragePool,
  names: readonly string[],
): Promise<readonly string[]> {
  const missing = await absentOf(session, pool, names);
  if (missing.length === 0) return missing;
  await onSession(session, 'STORAGE_POOL_REFRESH', (host) => host.poolRefresh(pool));
  return absentOf(session, pool, missing);
}

async function absentOf(session: Session, pool: StoragePool, names: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(
    names.map((name) =>
      orUndefined('no-storage-vol', () =>
        onSession(session, 'STORAGE_VOL_LOOKUP_BY_NAME', (host) => host.volLookupByName(pool, name)),
      ),
    ),
  );
  return names.filter((_, index) => found[index] === undefined);
}
