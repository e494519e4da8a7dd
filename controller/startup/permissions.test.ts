import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { parseAllDocuments } from 'yaml';

import { describeRights, rightsOf } from './permissions.ts';
import type { Right } from './permissions.ts';

interface Role {
  readonly kind: string;
  readonly metadata: { readonly namespace?: string };
  readonly rules: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly resourceNames?: readonly string[];
    readonly verbs: readonly string[];
  }[];
}

const roles = parseAllDocuments(
  readFileSync(new URL('../../manifests/rbac/controller.yaml', import.meta.url), 'utf8'),
).map((document) => document.toJS() as Role);

const grants = (right: Right): boolean =>
  roles.some(
    ({ metadata, rules }) =>
      (metadata.namespace === undefined || metadata.namespace === right.namespace) &&
      rules.some(
        ({ apiGroups, resources, resourceNames, verbs }) =>
          apiGroups.includes(right.group) &&
          resources.includes(
            right.subresource === undefined ? right.resource : `${right.resource}/${right.subresource}`,
          ) &&
          (resourceNames === undefined || (right.name !== undefined && resourceNames.includes(right.name))) &&
          verbs.includes(right.verb),
      ),
  );

describe('the rights that the program asks for', () => {
  for (const right of rightsOf('hatchery-system', 'hatchery-ingress')) {
    it(`are granted by the manifests: ${describeRights([right])}`, () => {
      assert.ok(grants(right));
    });
  }

  it('are told by object, with all verbs together', () => {
    const missing: readonly Right[] = [
      { verb: 'get', group: '', resource: 'nodes' },
      { verb: 'patch', group: 'hatchery.dev', resource: 'domainhosts', subresource: 'status' },
      { verb: 'list', group: '', resource: 'nodes' },
      { verb: 'update', group: 'coordination.k8s.io', resource: 'leases', name: 'l', namespace: 'n' },
    ];
    assert.equal(
      describeRights(missing),
      'get, list nodes; patch domainhosts/status.hatchery.dev; update leases.coordination.k8s.io l in namespace n',
    );
  });
});
