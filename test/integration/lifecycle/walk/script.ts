import type { EphemeralDomainSpec } from '#controller/api/index.ts';
import { choicesOf } from '#test/support/random.ts';
import type { Choices } from '#test/support/random.ts';

/** What becomes of a guest each time that it runs. */
export type Fate = 'power-off' | 'crash' | 'destroyed' | 'destroyed-whole' | 'never';

/** One EphemeralDomain of the walk. */
export interface LifeScript {
  readonly name: string;
  readonly spec: Partial<EphemeralDomainSpec>;
  readonly fate: Fate;
  /** How long a guest runs, ms. */
  readonly runsMs: number;
  /** ms after its creation; a guest that never ends has it or a deadline. */
  readonly deletedAfterMs: number | undefined;
  /** Suspended and resumed, ms after its creation. */
  readonly suspended: { readonly afterMs: number; readonly forMs: number } | undefined;
  /** Made anew under the same name, at once, with the same script but the deletion. */
  readonly madeAnew: boolean;
}

export type Fault =
  | { readonly kind: 'controller-killed'; readonly downMs: number }
  | { readonly kind: 'connection-cut'; readonly host: number }
  | { readonly kind: 'daemon-killed'; readonly host: number; readonly downMs: number }
  | { readonly kind: 'daemon-paused'; readonly host: number; readonly forMs: number }
  | { readonly kind: 'api-away'; readonly forMs: number };

export type WalkStep =
  { readonly kind: 'create'; readonly life: LifeScript } | { readonly kind: 'fault'; readonly fault: Fault };

/** What lives with a templateRef are made from. */
export const TEMPLATE = {
  name: 'walk',
  spec: {
    parametersSchema: { properties: { SIZE: { enum: ['small', 'large'] } } },
    template: {
      spec: {
        domain: {
          type: 'pv' as const,
          memory: '32Mi',
          vcpus: 1,
          boot: { kernel: 'hatchling', cmdline: '-ipaddr $(IP) -size $(SIZE)' },
        },
        parameters: [{ name: 'SIZE', value: 'small' }],
        backoffLimit: 1,
      },
    },
  },
};

/** All that a walk chooses, in order: the same for the same seed. */
export function writeScript(seed: number, lives: number, hosts: readonly string[]): readonly WalkStep[] {
  const choices = choicesOf(seed);
  return Array.from({ length: lives }).flatMap((_, index): readonly WalkStep[] => {
    const life: WalkStep = { kind: 'create', life: lifeOf(choices, `walk-${index}`, hosts) };
    return choices.chance(0.12) ? [{ kind: 'fault', fault: faultOf(choices, hosts.length) }, life] : [life];
  });
}

function lifeOf(choices: Choices, name: string, hosts: readonly string[]): LifeScript {
  const fate = choices.oneOf<Fate>([
    ...(['power-off', 'power-off', 'power-off', 'power-off', 'crash', 'destroyed', 'destroyed-whole'] as const),
    'never',
  ]);
  const deletedAfterMs =
    fate === 'never' || choices.chance(0.2)
      ? choices.oneOf([0, choices.between(1, 50), choices.between(50, 3000)])
      : undefined;
  return {
    name,
    spec: specOf(choices, hosts),
    fate,
    runsMs: choices.oneOf([0, choices.between(1, 100), choices.between(100, 2000)]),
    deletedAfterMs,
    suspended: choices.chance(0.15)
      ? { afterMs: choices.oneOf([0, choices.between(0, 1000)]), forMs: choices.oneOf([0, choices.between(0, 1500)]) }
      : undefined,
    madeAnew: deletedAfterMs !== undefined && fate !== 'never' && choices.chance(0.5),
  };
}

function specOf(choices: Choices, hosts: readonly string[]): Partial<EphemeralDomainSpec> {
  const pinned = choices.oneOf(['', '', '', hosts[choices.between(0, hosts.length - 1)] ?? '']);
  return {
    ...(choices.chance(0.2) ? templateOf(choices) : { domain: domainOf(choices) }),
    ...(choices.chance(0.2) ? { backoffLimit: choices.between(0, 2) } : {}),
    ...(choices.chance(0.15) ? { activeDeadlineSeconds: choices.between(1, 3) } : {}),
    ...(choices.chance(0.1) ? { startDeadlineSeconds: choices.between(1, 5) } : {}),
    ...(choices.chance(0.2) ? { terminationGracePeriodSeconds: choices.between(0, 2) } : {}),
    ...(choices.chance(0.1) ? { priority: choices.between(-1, 1) } : {}),
    ...(choices.chance(0.15) ? { ttlSecondsAfterFinished: choices.between(0, 2) } : {}),
    ...(pinned === '' ? {} : { hostSelector: { matchLabels: { 'kubernetes.io/hostname': pinned } } }),
  };
}

function templateOf(choices: Choices): Partial<EphemeralDomainSpec> {
  const value = choices.oneOf(['small', 'large', 'large', 'medium']);
  return {
    templateRef: { name: TEMPLATE.name },
    ...(choices.chance(0.5) ? { parameters: [{ name: 'SIZE', value }] } : {}),
  };
}

function domainOf(choices: Choices): NonNullable<EphemeralDomainSpec['domain']> {
  const kernel = choices.chance(0.05) ? 'no-such-image' : 'hatchling';
  const cmdline = choices.oneOf(['-ipaddr $(IP)', '$(DOMAIN_NAME) $$(IP) <&"\'>', '$(DOMAIN_UUID)'.repeat(40)]);
  return {
    type: choices.oneOf(['pv', 'pvh']),
    memory: choices.oneOf(['1Mi', '64Mi', '500M', '1Gi']),
    vcpus: choices.between(1, 4),
    boot: { kernel, ...(choices.chance(0.5) && cmdline.length < 100 ? { cmdline } : {}) },
    // No guest of the test driver listens anywhere.
    ...(choices.chance(0.05) ? { readiness: { tcp: { port: 9 }, periodMilliseconds: 100, timeoutSeconds: 1 } } : {}),
  };
}

function faultOf(choices: Choices, hosts: number): Fault {
  const host = choices.between(0, hosts - 1);
  const kind = choices.oneOf([
    ...(['controller-killed', 'controller-killed', 'controller-killed', 'connection-cut', 'connection-cut'] as const),
    ...(['daemon-paused', 'api-away', 'daemon-killed'] as const),
  ]);
  switch (kind) {
    case 'controller-killed':
      return { kind, downMs: choices.oneOf([0, choices.between(0, 500)]) };
    case 'connection-cut':
      return { kind, host };
    case 'daemon-killed':
      return { kind, host, downMs: choices.oneOf([0, choices.between(0, 1000)]) };
    case 'daemon-paused':
      return { kind, host, forMs: choices.between(10, 1000) };
    case 'api-away':
      return { kind, forMs: choices.between(10, 1000) };
  }
}
