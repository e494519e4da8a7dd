import assert from 'node:assert/strict';

import { EPHEMERAL_DOMAINS, SCHEMA_VERSION } from '#controller/api/index.ts';
import type { CustomResourceDefinition } from '#controller/kube/index.ts';

import { crdFault } from './crds.ts';

const crd = (
  change: { readonly version?: string; readonly served?: boolean; readonly established?: string } = {},
): CustomResourceDefinition => ({
  metadata: {
    name: 'ephemeraldomains.hatchery.dev',
    uid: 'u',
    resourceVersion: '1',
    creationTimestamp: '2026-01-01T00:00:00Z',
    annotations: { 'hatchery.dev/schema-version': change.version ?? String(SCHEMA_VERSION) },
  },
  spec: {
    group: 'hatchery.dev',
    names: { kind: 'EphemeralDomain', plural: 'ephemeraldomains' },
    versions: [{ name: 'v1alpha1', served: change.served ?? true, storage: true }],
  },
  status: { conditions: [{ type: 'Established', status: change.established ?? 'True', reason: 'Installing' }] },
});

describe('crdFault', () => {
  it('takes a CRD of its own version, and a newer one', () => {
    assert.equal(crdFault(EPHEMERAL_DOMAINS, crd()), undefined);
    assert.equal(crdFault(EPHEMERAL_DOMAINS, crd({ version: String(SCHEMA_VERSION + 1) })), undefined);
  });

  const apply = 'kubectl apply -f crds/';
  const old = `is too old (schema version 0, this program needs ${SCHEMA_VERSION}): ${apply}`;
  const table: readonly (readonly [string, CustomResourceDefinition | undefined, string])[] = [
    ['is not there', undefined, `is missing: ${apply}`],
    ['is older', crd({ version: '0' }), old],
    ['does not say its version', crd({ version: 'x' }), old],
    ['does not serve the version', crd({ served: false }), `does not serve v1alpha1: ${apply}`],
    [
      'is not Established',
      crd({ established: 'False' }),
      'is not Established (Installing): kubectl describe crd ephemeraldomains.hatchery.dev',
    ],
  ];
  for (const [what, found, fault] of table) {
    it(`says what to do about a CRD that ${what}`, () => {
      assert.equal(crdFault(EPHEMERAL_DOMAINS, found), fault);
    });
  }
});
