import assert from 'node:assert/strict';

import { policyOf } from './defaults.ts';
import { effectiveSpec } from './effective.ts';
import type { EphemeralDomain, EphemeralDomainSpec, ResolvedSpec } from './ephemeraldomain.gen.ts';

const DOMAIN = { type: 'pv', memory: '64Mi', vcpus: 1, boot: { kernel: 'k' } } as const;
const RESOLVED: ResolvedSpec = {
  template: { name: 't', uid: 'u', generation: 1 },
  domain: DOMAIN,
  parameters: [{ name: 'A', value: 'merged' }],
  hostSelector: { matchLabels: { both: '' } },
  activeDeadlineSeconds: 50,
  backoffLimit: 2,
};

function resource(spec: EphemeralDomainSpec, resolved?: ResolvedSpec): EphemeralDomain {
  const metadata = { name: 'x', uid: 'u', resourceVersion: '1', creationTimestamp: '' };
  return { metadata, spec, ...(resolved === undefined ? {} : { status: { resolved } }) };
}

const REF = { templateRef: { name: 't' } };

describe('effectiveSpec', () => {
  it('is the spec where that says what runs, whatever a status holds', () => {
    const spec = { domain: DOMAIN, backoffLimit: 1 };
    assert.deepEqual(effectiveSpec(resource(spec)), spec);
    assert.deepEqual(effectiveSpec(resource(spec, { ...RESOLVED, domain: { ...DOMAIN, vcpus: 7 } })), spec);
  });

  it('is not there while a template is not resolved', () => {
    assert.equal(effectiveSpec(resource(REF)), undefined);
  });

  it('is what the template came to', () => {
    const spec = effectiveSpec(
      resource({ ...REF, parameters: [{ name: 'A', value: 'own' }], hostSelector: {} }, RESOLVED),
    );
    assert.deepEqual(spec?.domain, DOMAIN);
    assert.deepEqual(spec.parameters, RESOLVED.parameters);
    assert.deepEqual(spec.hostSelector, RESOLVED.hostSelector);
    assert.equal(spec.backoffLimit, 2);
  });
});

describe('policyOf', () => {
  const POLICY = {
    tolerations: [{ key: 'dedicated', value: 'batch' }],
    priority: 5,
    startDeadlineSeconds: 60,
    terminationGracePeriodSeconds: 7,
  } as const;

  it('is all of the template’s where the resource says nothing', () => {
    const { suspend, ...policy } = policyOf(resource(REF, { ...RESOLVED, ...POLICY, ttlSecondsAfterFinished: 9 }));
    assert.deepEqual(policy, { ...POLICY, backoffLimit: 2, activeDeadlineSeconds: 50, ttlSecondsAfterFinished: 9 });
    assert.equal(suspend, false);
  });

  it('is suspended by the resource’s own word, resolved or not', () => {
    assert.equal(policyOf(resource({ ...REF, suspend: true }, RESOLVED)).suspend, true);
    assert.equal(policyOf(resource({ ...REF, suspend: true })).suspend, true);
  });

  const table: readonly (readonly [what: string, resource: EphemeralDomain, deadline: number | undefined])[] = [
    ['its own where it says what runs', resource({ domain: DOMAIN, activeDeadlineSeconds: 5 }), 5],
    ['its own while it is not resolved', resource({ ...REF, activeDeadlineSeconds: 5 }), 5],
    ['the template’s where it says nothing', resource(REF, RESOLVED), 50],
    [
      'its own before the template’s, also when it was set later',
      resource({ ...REF, activeDeadlineSeconds: 5 }, RESOLVED),
      5,
    ],
    ['none where nobody says one', resource({ domain: DOMAIN }), undefined],
  ];
  for (const [what, of, deadline] of table) {
    it(`is ${what}`, () => {
      assert.equal(policyOf(of).activeDeadlineSeconds, deadline);
    });
  }
});
