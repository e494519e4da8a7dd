import { join } from 'node:path';
import type { Bed } from '../bed/bed.ts';
import type { Kubectl } from './kubectl.ts';

/**
 * Applies crds/ and manifests/testbed, which binds the controller's roles to the user of its client certificate; waits
 * until the API server serves the types. Idempotent.
 */
export async function installHatcheryTypes(bed: Bed, kubectl: Kubectl): Promise<void> {
  const crds = join(bed.root, 'crds');
  const apply = ['apply', '--server-side', '--force-conflicts', '--field-manager=hatchery-bed'];
  await kubectl([...apply, '-f', crds]);
  await kubectl([...apply, '-k', join(bed.root, 'manifests', 'testbed')]);
  await kubectl(['wait', '--for=condition=Established', '--timeout=60s', '-f', crds], { timeoutMs: 70_000 });
}
