import assert from 'node:assert/strict';

import fc from 'fast-check';

import type { EphemeralDomainSpec, EphemeralDomainTemplate, LabelSelector, Parameter } from '#controller/api/index.ts';
import { selectorMatches } from '#controller/scheduler/index.ts';
import { bothSelectors, mergeParameters } from './merge.ts';
import { checkParameters, resolveTemplate } from './resolve.ts';
import type { Resolution } from './resolve.ts';
import { readSchema } from './schema.ts';

const DOMAIN = { type: 'pv', memory: '64Mi', vcpus: 1, boot: { kernel: 'k' } } as const;

const POLICY = {
  tolerations: [{ key: 'dedicated', value: 'batch' }],
  priority: 5,
  startDeadlineSeconds: 60,
  terminationGracePeriodSeconds: 7,
} as const;
const OWN_POLICY = {
  tolerations: [{ key: 'gpu', operator: 'Exists' }],
  priority: -1,
  startDeadlineSeconds: 6,
  terminationGracePeriodSeconds: 0,
} as const;

function template(
  spec: Partial<EphemeralDomainTemplate['spec']['template']['spec']> = {},
  parametersSchema?: Readonly<Record<string, unknown>>,
): EphemeralDomainTemplate {
  return {
    metadata: { name: 't', namespace: 'n', uid: 'u', resourceVersion: '1', generation: 3, creationTimestamp: '' },
    spec: {
      template: { spec: { domain: DOMAIN, ...spec } },
      ...(parametersSchema === undefined ? {} : { parametersSchema }),
    },
  };
}

function resolve(own: EphemeralDomainSpec, pattern: EphemeralDomainTemplate): Resolution {
  return resolveTemplate({ templateRef: { name: 't' }, ...own }, pattern, readSchema(pattern.spec.parametersSchema));
}

const value = (name: string, text: string): Parameter => ({ name, value: text });
const fromMap = (name: string): Parameter => ({ name, valueFrom: { configMapKeyRef: { name: 'm', key: 'k' } } });

describe('resolveTemplate', () => {
  const ORIGIN = { template: { name: 't', uid: 'u', generation: 3 }, domain: DOMAIN };

  const table: readonly (readonly [what: string, own: EphemeralDomainSpec, pattern: object, comesTo: object])[] = [
    ['nothing but a domain', {}, {}, {}],
    ['what only the template says', {}, { backoffLimit: 2 }, { backoffLimit: 2 }],
    ['what only the resource says', { backoffLimit: 2 }, {}, { backoffLimit: 2 }],
    ['the resource before the template', { backoffLimit: 0 }, { backoffLimit: 2 }, { backoffLimit: 0 }],
    [
      'of what can be changed later the template’s word alone',
      { activeDeadlineSeconds: 5, ttlSecondsAfterFinished: 6 },
      { activeDeadlineSeconds: 50 },
      { activeDeadlineSeconds: 50 },
    ],
    ['the template’s run policy where the resource says none', {}, POLICY, POLICY],
    ['the resource’s own run policy, each field for itself', OWN_POLICY, POLICY, OWN_POLICY],
    [
      'one field of its own among the template’s',
      { priority: 0, tolerations: [] },
      POLICY,
      { ...POLICY, priority: 0, tolerations: [] },
    ],
    ['nothing of suspend, which is the resource’s own business', { suspend: true }, { suspend: true }, {}],
    ['a hostSelector of either', { hostSelector: {} }, {}, { hostSelector: {} }],
    [
      'parameters by name, the template’s first',
      { parameters: [value('B', 'own'), value('C', '3')] },
      { parameters: [value('A', '1'), value('B', '2')] },
      { parameters: [value('A', '1'), value('B', 'own'), value('C', '3')] },
    ],
    [
      'a reference in place of a value, and the other way round',
      { parameters: [fromMap('A'), value('B', 'own')] },
      { parameters: [value('A', '1'), fromMap('B')] },
      { parameters: [fromMap('A'), value('B', 'own')] },
    ],
  ];
  for (const [what, own, pattern, comesTo] of table) {
    it(`comes to ${what}`, () => {
      assert.deepEqual(resolve(own, template(pattern)), { ok: true, resolved: { ...ORIGIN, ...comesTo } });
    });
  }

  it('adds the defaults of the schema, least of all', () => {
    const properties = { A: { default: 'schema' }, B: { default: 'schema' }, C: { default: 7 }, D: { default: true } };
    const pattern = template({ parameters: [value('A', 'template')] }, { properties });
    const resolution = resolve({ parameters: [fromMap('B')] }, pattern);
    assert.deepEqual(resolution.ok && resolution.resolved.parameters, [
      value('A', 'template'),
      fromMap('B'),
      value('C', '7'),
      value('D', 'true'),
    ]);
  });

  it('keeps the texts that were given, not what the check made of them', () => {
    const pattern = template({}, { properties: { N: { type: 'integer' }, B: { type: 'boolean' } } });
    const parameters = [value('N', '007'), value('B', 'false')];
    const resolution = resolve({ parameters }, pattern);
    assert.deepEqual(resolution.ok && resolution.resolved.parameters, parameters);
  });

  it('refuses parameters that do not suit, and a schema that is none', () => {
    const size = { properties: { SIZE: { enum: ['small', 'large'] } } };
    assert.deepEqual(resolve({ parameters: [value('SIZE', 'medium')] }, template({}, size)), {
      ok: false,
      refusal: { reason: 'InvalidParameters', message: 'parameter SIZE must be one of small, large (template t)' },
    });
    const wrong = resolve({}, template({}, { properties: 7 }));
    assert.deepEqual(wrong, {
      ok: false,
      refusal: {
        reason: 'InvalidTemplate',
        message: 'template t: parametersSchema: schema is invalid: data/properties must be object',
      },
    });
  });

  it('leaves the check to later where a value is not known yet', () => {
    const schema = { properties: { SIZE: { enum: ['small'] } }, required: ['SIZE'] };
    const pattern = template({}, schema);
    assert.equal(resolve({ parameters: [fromMap('SIZE')] }, pattern).ok, true);
    const check = (text: string) => checkParameters(pattern, readSchema(schema), new Map([['SIZE', text]]));
    assert.equal(check('small'), undefined);
    assert.deepEqual(check('secret-text'), {
      reason: 'InvalidParameters',
      message: 'parameter SIZE must be one of small (template t)',
    });
  });

  it('refuses more parameters than a status can hold', () => {
    const many = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => value(`${prefix}${i}`, ''));
    const pattern = template({ parameters: many('A', 60) });
    assert.equal(resolve({ parameters: many('B', 4) }, pattern).ok, true);
    const resolution = resolve({ parameters: many('B', 5) }, pattern);
    assert.ok(!resolution.ok && resolution.refusal.reason === 'InvalidParameters');
    assert.match(resolution.refusal.message, /65 parameters, with those of the template t; at most 64/);
  });
});

describe('mergeParameters', () => {
  it('has each name once, the own one where there is one', () => {
    const parameters = fc.uniqueArray(fc.constantFrom('A', 'B', 'C', 'D'), { maxLength: 4 });
    fc.assert(
      fc.property(parameters, parameters, (theirs, ours) => {
        const merged = mergeParameters(
          theirs.map((name) => value(name, 'template')),
          ours.map((name) => value(name, 'own')),
        );
        assert.equal(new Set(merged.map(({ name }) => name)).size, merged.length);
        assert.deepEqual(
          merged
            .filter((each) => each.value === 'own')
            .map(({ name }) => name)
            .toSorted(),
          ours.toSorted(),
        );
      }),
    );
  });
});

describe('bothSelectors', () => {
  const key = fc.constantFrom('a', 'b', 'c');
  const text = fc.constantFrom('x', 'y');
  const labels = fc.dictionary(key, text, { maxKeys: 3, noNullPrototype: true });
  const expression = fc.oneof(
    fc.record({
      key,
      operator: fc.constantFrom('In' as const, 'NotIn' as const),
      values: fc.array(text, { minLength: 1 }),
    }),
    fc.record({ key, operator: fc.constantFrom('Exists' as const, 'DoesNotExist' as const) }),
  );
  const selector: fc.Arbitrary<LabelSelector | undefined> = fc.option(
    fc.record({ matchLabels: labels, matchExpressions: fc.array(expression, { maxLength: 2 }) }, { requiredKeys: [] }),
    { nil: undefined },
  );

  it('matches exactly where both match', () => {
    fc.assert(
      fc.property(selector, selector, labels, (one, other, node) => {
        const both = selectorMatches(one, node) && selectorMatches(other, node);
        assert.equal(selectorMatches(bothSelectors(one, other), node), both);
      }),
      { numRuns: 2_000 },
    );
  });
});
