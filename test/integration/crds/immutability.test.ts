import assert from 'node:assert/strict';

import { sharedCluster, STARTUP_TIMEOUT_MS } from '#test/support/bed.ts';
import { applyAll, ephemeralDomain, useNamespaces, SMALLEST, withBoot, withDomain } from './support.ts';
import type { Fields, Verdicts } from './support.ts';

const NAMESPACE = 'crds-immutability';

const DOMAIN = 'spec.domain is immutable: what an EphemeralDomain runs cannot change; delete it and create another';
const immutable = (field: string): string =>
  `spec.${field} is immutable: delete the EphemeralDomain and create another`;
const finished = (field: string): string =>
  `spec.${field} cannot change any more, since the domain has finished: leave it`;

interface Change {
  readonly what: string;
  readonly before: Fields;
  readonly after: Fields;
  /** The field, and the beginning of the sentence, that refuses it; undefined: it is allowed. */
  readonly refused?: readonly [field: string, sentence: string];
}

const changes = (field: string, from: unknown, to: unknown, refused?: readonly [string, string]): readonly Change[] => {
  const kinds: readonly (readonly [string, Fields, Fields])[] = [
    ['added', SMALLEST, { ...SMALLEST, [field]: from }],
    ['changed', { ...SMALLEST, [field]: from }, { ...SMALLEST, [field]: to }],
    ['removed', { ...SMALLEST, [field]: from }, SMALLEST],
  ];
  return kinds.map(([how, before, after]) => ({
    what: `${field} ${how}`,
    before,
    after,
    ...(refused === undefined ? {} : { refused }),
  }));
};

const A = { name: 'a', volume: 'data.img' };
const B = { name: 'b', scratch: { size: '1Mi' } };

const FROM_TEMPLATE = { templateRef: { name: 'web' } };
const TEMPLATE =
  'spec.templateRef is immutable: what an EphemeralDomain runs cannot change; delete it and create another';
const REQUEST = { receivedTime: '2026-01-02T03:04:05.678901Z', avoidHosts: ['xen-1'] };
const SELECTOR = { matchLabels: { zone: 'a' } };

/** What never changes, in whatever phase. */
const ALWAYS: readonly Change[] = [
  { what: 'memory changed', before: SMALLEST, after: withDomain({ memory: '65Mi' }), refused: ['spec.domain', DOMAIN] },
  { what: 'vcpus added', before: SMALLEST, after: withDomain({ vcpus: 2 }), refused: ['spec.domain', DOMAIN] },
  { what: 'type changed', before: SMALLEST, after: withDomain({ type: 'pvh' }), refused: ['spec.domain', DOMAIN] },
  { what: 'kernel changed', before: SMALLEST, after: withBoot({ kernel: 'b' }), refused: ['spec.domain', DOMAIN] },
  { what: 'initrd added', before: SMALLEST, after: withBoot({ initrd: 'b' }), refused: ['spec.domain', DOMAIN] },
  { what: 'cmdline removed', before: withBoot({ cmdline: 'b' }), after: SMALLEST, refused: ['spec.domain', DOMAIN] },
  { what: 'disks added', before: SMALLEST, after: withDomain({ disks: [A] }), refused: ['spec.domain', DOMAIN] },
  {
    what: 'disks swapped',
    before: withDomain({ disks: [A, B] }),
    after: withDomain({ disks: [B, A] }),
    refused: ['spec.domain.disks', 'spec.domain.disks is immutable, in its order too'],
  },
  { what: 'disks as they were', before: withDomain({ disks: [B, A] }), after: withDomain({ disks: [B, A] }) },
  {
    what: 'interfaces emptied',
    before: SMALLEST,
    after: withDomain({ interfaces: [] }),
    refused: ['spec.domain', DOMAIN],
  },
  {
    what: 'captureBytes changed',
    before: withDomain({ console: { captureBytes: 1 } }),
    after: withDomain({ console: { captureBytes: 2 } }),
    refused: ['spec.domain', DOMAIN],
  },
  {
    what: 'readiness added',
    before: SMALLEST,
    after: withDomain({ readiness: { notify: {} } }),
    refused: ['spec.domain', DOMAIN],
  },
  {
    what: 'domain removed',
    before: SMALLEST,
    after: {},
    refused: ['spec.domain', 'spec.domain is missing: say what to run'],
  },
  {
    what: 'domain replaced by a templateRef',
    before: SMALLEST,
    after: FROM_TEMPLATE,
    refused: ['spec.domain', DOMAIN],
  },
  {
    what: 'templateRef replaced by a domain',
    before: FROM_TEMPLATE,
    after: SMALLEST,
    refused: ['spec.templateRef', TEMPLATE],
  },
  {
    what: 'templateRef changed',
    before: FROM_TEMPLATE,
    after: { templateRef: { name: 'shop' } },
    refused: ['spec.templateRef', TEMPLATE],
  },
  ...changes(
    'parameters',
    [{ name: 'A', value: '1' }],
    [{ name: 'A', value: '2' }],
    ['spec.parameters', immutable('parameters')],
  ),
  { what: 'defaults written out', before: SMALLEST, after: withDomain({ type: 'pv', vcpus: 1 }) },
  { what: 'nothing', before: SMALLEST, after: SMALLEST },
  ...changes('hostSelector', SELECTOR, { matchLabels: { zone: 'b' } }, [
    'spec.hostSelector',
    immutable('hostSelector'),
  ]),
  ...changes('request', REQUEST, { ...REQUEST, avoidHosts: [] }, ['spec.request', immutable('request')]),
  ...changes('backoffLimit', 0, 1, ['spec.backoffLimit', immutable('backoffLimit')]),
  ...changes('tolerations', [{ operator: 'Exists' }], [], ['spec.tolerations', immutable('tolerations')]),
  ...['priority', 'startDeadlineSeconds', 'terminationGracePeriodSeconds'].flatMap((field) =>
    changes(field, 5, 10, [`spec.${field}`, immutable(field)]),
  ),
];

const untilFinished = (isFinished: boolean): readonly Change[] =>
  (
    [
      ['activeDeadlineSeconds', 5, 10],
      ['ttlSecondsAfterFinished', 5, 10],
      ['suspend', true, false],
    ] as const
  ).flatMap(([field, from, to]) =>
    changes(field, from, to, isFinished ? [`spec.${field}`, finished(field)] : undefined),
  );

const MATRIX: readonly { readonly phase: string | undefined; readonly changes: readonly Change[] }[] = [
  { phase: undefined, changes: [...ALWAYS, ...untilFinished(false)] },
  ...['Pending', 'Scheduled', 'Running'].map((phase) => ({ phase, changes: untilFinished(false) })),
  ...['Succeeded', 'Failed'].map((phase) => ({ phase, changes: [...ALWAYS, ...untilFinished(true)] })),
];

const nameOf = (phase: string | undefined, index: number): string => `${(phase ?? 'fresh').toLowerCase()}-${index}`;

describe('A change to an EphemeralDomain', function () {
  this.timeout(120_000);
  const verdicts = new Map<string | undefined, Verdicts>();

  useNamespaces(NAMESPACE);

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    const { kubectl } = await sharedCluster();
    for (const { phase, changes: all } of MATRIX) {
      const named = (side: 'before' | 'after'): ReturnType<typeof ephemeralDomain>[] =>
        all.map((change, index) => ephemeralDomain(nameOf(phase, index), change[side]));
      await applyAll(['apply', '--namespace', NAMESPACE], named('before'));
      if (phase !== undefined) {
        const names = all.map((_, index) => `edom/${nameOf(phase, index)}`);
        const patch = JSON.stringify({ status: { phase } });
        await kubectl([
          'patch',
          ...names,
          '--namespace',
          NAMESPACE,
          '--subresource=status',
          '--type=merge',
          '-p',
          patch,
        ]);
      }
      verdicts.set(phase, await applyAll(['apply', '--namespace', NAMESPACE], named('after')));
    }
  });

  for (const { phase, changes: all } of MATRIX) {
    describe(`in phase ${phase ?? '(none yet)'}`, () => {
      for (const [index, { what, refused }] of all.entries()) {
        it(`is ${refused === undefined ? 'accepted' : 'refused'} for ${what}`, () => {
          const faults = verdicts.get(phase)?.get(nameOf(phase, index)) ?? [{ field: 'none', message: 'not applied' }];
          if (refused === undefined) {
            assert.deepEqual(faults, []);
            return;
          }
          const [field, sentence] = refused;
          const fault = faults.find((each) => each.field === field);
          assert.ok(fault?.message.includes(`: ${sentence}`) === true, JSON.stringify(faults));
        });
      }
    });
  }
});
