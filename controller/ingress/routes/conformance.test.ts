/**
 * The scenarios of kubernetes-sigs/ingress-controller-conformance as far as routing decides them; test/lxc/conformance.test.ts
 * asks them of the whole ingress.
 */
import assert from 'node:assert/strict';

import { EMPTY_SNAPSHOT, planOf } from './snapshot.ts';
import type { Snapshot } from './snapshot.ts';
import { FEATURES } from './testing/conformance.ts';
import type { Feature } from './testing/conformance.ts';
import { ingress, ingressClass, template } from './testing/resources.ts';

const snapshotOf = ({ ingress: spec }: Feature): Snapshot =>
  planOf({
    ingresses: [ingress('conformance', { ingressClassName: 'conformance', ...spec })],
    classes: [ingressClass('conformance')],
    template: (key) => template(key.split('/')[1] ?? ''),
  }).build({
    read: () => ({ kind: 'missing' }),
    defaultCertificate: undefined,
    keyPairs: new WeakMap(),
    now: new Date(),
  }).snapshot;

const servedBy = ({ table }: Snapshot, text: string): string | undefined => {
  const url = new URL(text);
  const match = table.match({ host: url.host, path: url.pathname, tls: url.protocol === 'https:' });
  assert.ok(match.kind === 'backend' || match.kind === 'none');
  return match.kind === 'backend' ? match.backend.template : undefined;
};

describe('conformance of routing', () => {
  for (const feature of FEATURES) {
    describe(feature.name, () => {
      for (const { id, url, served } of feature.scenarios) {
        it(`${served ?? 'none'} serves ${url} (${id})`, () => assert.equal(servedBy(snapshotOf(feature), url), served));
      }
    });
  }

  it('has no route before anything is known', () => {
    assert.equal(servedBy(EMPTY_SNAPSHOT, 'http://my-host/'), undefined);
  });
});
