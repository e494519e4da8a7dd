import assert from 'node:assert/strict';

import type { EphemeralDomain } from '#controller/api/index.ts';
import { createStore, silentLogger } from '#controller/kube/index.ts';
import type { KubeLogger } from '#controller/kube/index.ts';
import type { Hypervisor, StoragePool } from '#controller/libvirt/index.ts';
import { createScene, UUID } from '#controller/lifecycle/testing/scene.ts';
import { ScratchDisks } from '#controller/lifecycle/scratch.ts';
import { DOMAIN_INDEXERS } from '#controller/lifecycle/writer.ts';
import type { DomainIndex } from '#controller/lifecycle/writer.ts';

/** The disks of a host that knows one domain, UUID, bound to it; on a real daemon's pool. */
export function createDiskStage(client: Hypervisor, pool: StoragePool, logger: KubeLogger = silentLogger) {
  const { state, stored } = createScene('test');
  const store = createStore<EphemeralDomain, DomainIndex>({ indexers: DOMAIN_INDEXERS });
  const bound = stored();
  assert.ok(bound?.status !== undefined);
  store.replaceAll([bound], '8');
  const known = state.contact;
  const generation = client.session?.generation;
  assert.ok(known !== undefined && generation !== undefined);
  const contact = { ...known, pool, session: { hypervisor: client, generation, since: 0 } };
  state.contact = contact;
  return {
    ...{ state, store, contact, pool },
    bound: { ...bound, status: bound.status },
    disks: new ScratchDisks({ state, store, logger }),
    volumes: async () => (await client.poolListAllVolumes(pool)).map((volume) => volume.name).toSorted(),
    /** As when its end is stored and acknowledged. */
    forget: () => {
      state.domains.delete(UUID);
      store.replaceAll([], '9');
    },
  };
}
