import { EPHEMERAL_DOMAINS } from '#controller/api/index.ts';
import type { DomainSpec, EphemeralDomain, EphemeralDomainSpec } from '#controller/api/index.ts';
import { NODES } from '#controller/kube/index.ts';
import { DumpFlags } from '#controller/libvirt/index.ts';
import type { Stage } from '../stage.ts';
import type { StageHost } from '../stage-hosts.ts';
import { imageOf } from './checkpoint.ts';

/** What a life can be seen and moved by. */
export interface Surroundings {
  readonly stage: Stage;
  readonly host: StageHost;
  /** Resolves with its domain's UUID when that attempt is stored as Running. */
  readonly running: (name: string, attempt: number) => Promise<string>;
  /** Resolves when the check of its last version does not throw. */
  readonly until: (name: string, check: (resource: EphemeralDomain) => void) => Promise<void>;
}

/** How a life is to end, whatever the controller is killed at. */
export type Outcome =
  | {
      readonly phase: 'Succeeded' | 'Failed';
      readonly reason: string;
      readonly attempt: number;
      readonly isDeleted: boolean;
    }
  /** Deleted before it ended. */
  | { readonly phase: 'deleted' };

/** A kind of life: what is asked for, and what its guest and its owner do. */
export interface LifeKind {
  readonly spec: (name: string) => EphemeralDomainSpec;
  readonly play: (name: string, surroundings: Surroundings) => Promise<void>;
  readonly outcome: Outcome;
  /** Status writes of a life without a kill. */
  readonly writes: number;
}

const SUCCEEDED: Outcome = { phase: 'Succeeded', reason: 'PowerOff', attempt: 1, isDeleted: false };
const OVERDUE: Outcome = { phase: 'Failed', reason: 'DeadlineExceeded', attempt: 1, isDeleted: false };

/** A Node gets a label of this beginning once a life has waited for it. */
const WAITED_FOR = 'waited-for.hatchery.test/';

/** One that runs until something ends it. */
export function hello(name: string): { readonly domain: DomainSpec } {
  return {
    domain: { type: 'pv', memory: '16Mi', vcpus: 1, boot: { kernel: imageOf(name), cmdline: '-ipaddr $(IP)' } },
  };
}

function becauseOf(reason: string): (resource: EphemeralDomain) => void {
  return ({ status }) => {
    if (status?.reason !== reason) throw new Error(`is ${status?.reason ?? ''}, not ${reason}`);
  };
}

async function powerOff(name: string, { host, running }: Surroundings, attempt = 1): Promise<void> {
  await host.client.shutdown({ name: '', uuid: await running(name, attempt) });
}

async function change(stage: Stage, name: string, spec: object): Promise<void> {
  await stage.rest.patch(EPHEMERAL_DOMAINS, { name, namespace: stage.namespace }, { spec });
}

async function passDeadline(name: string, { stage, running }: Surroundings): Promise<void> {
  await running(name, 1);
  await change(stage, name, { activeDeadlineSeconds: 1 });
}

export const LIVES = {
  plain: { spec: hello, play: powerOff, outcome: SUCCEEDED, writes: 3 },
  /** From a template, with a parameter from a ConfigMap; deleted by its TTL. */
  template: {
    spec: (name) => ({
      templateRef: { name },
      parameters: [{ name: 'WORD', valueFrom: { configMapKeyRef: { name, key: 'word' } } }],
      ttlSecondsAfterFinished: 0,
    }),
    play: powerOff,
    outcome: { ...SUCCEEDED, isDeleted: true },
    writes: 3,
  },
  /** Past its deadline, with a guest that shuts down when it is asked. */
  deadline: {
    spec: (name) => ({ ...hello(name), terminationGracePeriodSeconds: 600 }),
    play: passDeadline,
    outcome: OVERDUE,
    writes: 4,
  },
  /** Past its deadline, without grace. */
  'no grace': {
    spec: (name) => ({ ...hello(name), terminationGracePeriodSeconds: 0 }),
    play: passDeadline,
    outcome: OVERDUE,
    writes: 3,
  },
  /** Crashes; its second attempt ends well. */
  retry: {
    spec: (name) => ({ ...hello(name), backoffLimit: 1 }),
    play: async (name, surroundings) => {
      const uuid = await surroundings.running(name, 1);
      await surroundings.host.client.coreDump({ name: '', uuid }, '/dev/null', DumpFlags.crash);
      await powerOff(name, surroundings, 2);
    },
    outcome: { ...SUCCEEDED, attempt: 2 },
    writes: 6,
  },
  /** Suspended while it runs, and resumed. */
  suspend: {
    spec: hello,
    play: async (name, surroundings) => {
      const { stage, running, until } = surroundings;
      await running(name, 1);
      await change(stage, name, { suspend: true });
      await until(name, becauseOf('Suspended'));
      await change(stage, name, { suspend: false });
      await powerOff(name, surroundings, 2);
    },
    outcome: { ...SUCCEEDED, attempt: 2 },
    writes: 8,
  },
  /** Suspended from the beginning, and resumed. */
  'born suspended': {
    spec: (name) => ({ ...hello(name), suspend: true }),
    play: async (name, surroundings) => {
      const { stage, until } = surroundings;
      await until(name, becauseOf('Suspended'));
      await change(stage, name, { suspend: false });
      await powerOff(name, surroundings);
    },
    outcome: SUCCEEDED,
    writes: 5,
  },
  /** Told why it waits for a place, which it gets later than after 5 s. */
  waits: {
    spec: (name) => ({ ...hello(name), hostSelector: { matchLabels: { [WAITED_FOR + name]: 'yes' } } }),
    play: async (name, surroundings) => {
      const { stage, host, until } = surroundings;
      await until(name, becauseOf('Unschedulable'));
      await stage.rest.patch(NODES, { name: host.name }, { metadata: { labels: { [WAITED_FOR + name]: 'yes' } } });
      await powerOff(name, surroundings);
    },
    outcome: SUCCEEDED,
    writes: 4,
  },
  /** Deleted by its owner while it runs. */
  deleted: {
    spec: hello,
    play: async (name, { stage, running }) => {
      await running(name, 1);
      await stage.rest.delete(EPHEMERAL_DOMAINS, { name, namespace: stage.namespace });
    },
    outcome: { phase: 'deleted' },
    writes: 2,
  },
} as const satisfies Readonly<Record<string, LifeKind>>;

export type LifeName = keyof typeof LIVES;
