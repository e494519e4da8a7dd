import { LibvirtError } from '#controller/libvirt/index.ts';
import type { Hypervisor, StoragePool } from '#controller/libvirt/index.ts';
import { IMAGE_DIRECTORY } from './plan.ts';

/** The controller's own name for the pool of images. */
const POOL = 'hatchery';
const VOLUMES = ['hatchling', 'hatchling-initrd'];
const BUILT_IN_DOMAIN = 'test';

/** Makes a daemon with the test driver look like a freshly booted dom0: nothing runs, and the images are there. */
export async function prepareHost(hypervisor: Hypervisor): Promise<void> {
  await removeBuiltInDomain(hypervisor);
  const pool = await imagePool(hypervisor);
  for (const name of VOLUMES) {
    const xml = `<volume><name>${name}</name><capacity unit='KiB'>1024</capacity></volume>`;
    await unlessAbsent(
      async () => {
        await hypervisor.volLookupByName(pool, name);
      },
      async () => {
        await hypervisor.volCreateXml(pool, xml);
      },
    );
  }
}

/** The driver starts with a domain of 8 GiB, which would count as memory in use. */
async function removeBuiltInDomain(hypervisor: Hypervisor): Promise<void> {
  await unlessAbsent(async () => {
    const domain = await hypervisor.lookupByName(BUILT_IN_DOMAIN);
    await hypervisor.destroy(domain);
    await hypervisor.undefine(domain);
  });
}

async function imagePool(hypervisor: Hypervisor): Promise<StoragePool> {
  try {
    return await hypervisor.poolLookupByName(POOL);
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
  // Without a UUID of ours libvirt draws one: it stands for the host's boot.
  return hypervisor.poolCreateXml(
    `<pool type='dir'><name>${POOL}</name><target><path>${IMAGE_DIRECTORY}</path></target></pool>`,
  );
}

async function unlessAbsent(work: () => Promise<void>, otherwise?: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isAbsent(error)) throw error;
    await otherwise?.();
  }
}

function isAbsent(error: unknown): boolean {
  if (!(error instanceof LibvirtError)) return false;
  return error.kind === 'no-domain' || error.kind === 'no-storage-pool' || error.kind === 'no-storage-vol';
}
