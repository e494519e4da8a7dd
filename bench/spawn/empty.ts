import { LibvirtError } from '#controller/libvirt/index.ts';
import type { Domain, Hypervisor } from '#controller/libvirt/index.ts';
import { waitFor } from '#hack/bed/process.ts';

/** How long a floor's domain may stay: its end was told by then, or never will be (LXC: a few in a thousand under load). */
const UNTOLD_MS = 5000;

/** Waits until a host lists no domain; those of a floor that libvirt never told the end of are removed. */
export async function untilEmpty(observer: Hypervisor): Promise<void> {
  const begun = performance.now();
  const empty = async (): Promise<boolean> => {
    // Xen lists dom0 too.
    const domains = (await observer.listAllDomains()).filter(({ id }) => id !== 0);
    if (performance.now() - begun > UNTOLD_MS) for (const domain of domains) await removeOfFloor(observer, domain);
    return domains.length === 0;
  };
  await waitFor('the host lists no domain', empty, { timeoutMs: 60_000, intervalMs: 20 });
}

/** The floor looks after nothing that it was not told of; Hatchery does for its own. */
async function removeOfFloor(observer: Hypervisor, domain: Domain): Promise<void> {
  try {
    if (!(await observer.getXmlDesc(domain)).includes('<title>floor/')) return;
    console.log(`  ${domain.name} of a floor has ended and libvirt never told: removed`);
    if (domain.id >= 0) await observer.destroy(domain);
    await observer.undefine(domain);
  } catch (error) {
    // Gone meanwhile, or by the destroy.
    if (!(error instanceof LibvirtError) || (error.kind !== 'no-domain' && error.kind !== 'operation-invalid'))
      throw error;
  }
}
