import assert from 'node:assert/strict';

import type { EphemeralDomain } from '#controller/api/index.ts';
import { SecretValues } from '#controller/domain/secrets.ts';
import { createStore, KubeError, silentLogger } from '#controller/kube/index.ts';
import type { RestClient, Store } from '#controller/kube/index.ts';
import { FakeClock } from '#controller/kube/testing/fake-clock.ts';
import { Placer } from './placer.ts';
import type { Preparer, Provision } from './preparer.ts';
import { merge, resource } from './testing/resources.ts';
import type { HostWorker } from './worker.ts';
import { StatusWriter } from './writer.ts';
import type { DomainIndex } from './writer.ts';

const HOST = {
  name: 'h',
  labels: {},
  unschedulable: false,
  taints: [],
  domainTypes: ['pv'],
  attachesDisks: false,
  freeMemory: 2 ** 40,
  freeAddresses: 9,
  domains: 0,
  maxDomains: 9,
  starting: 0,
  maxStarting: 9,
};
const BACK_OFF = {
  type: 'Scheduled',
  status: 'False',
  reason: 'BackOff',
  message: 'attempt 1 of 2 failed',
  lastTransitionTime: '1970-01-01T00:00:00Z',
} as const;
const VALUES = { plain: new Map(), secrets: new SecretValues() };
const LACK = { reason: 'ConfigMapNotFound', message: 'there is no ConfigMap' } as const;

type DuringWrite = (store: Store<EphemeralDomain, DomainIndex>, stored: EphemeralDomain) => void;

/** A placer with one host that takes everything, whose ConfigMaps are answered by the test. `duringWrite` may throw. */
function stage(duringWrite: DuringWrite = () => undefined, live?: () => EphemeralDomain) {
  const clock = new FakeClock();
  // As Node's own timers may be: a little early.
  const early = {
    now: () => clock.now(),
    date: () => clock.date(),
    after: (ms: number, callback: () => void) => clock.after(ms - 0.5, callback),
  };
  const store = createStore<EphemeralDomain, DomainIndex>();
  const pending: EphemeralDomain = resource();
  store.replaceAll([pending], '7');
  const claims = new Set<number>();
  const refused: string[] = [];
  let claimed = 0;
  const answers: ((provision: Provision) => void)[] = [];
  const rest = {
    patchStatus: async (_type: unknown, _ref: unknown, patch: { readonly status?: unknown }) => {
      await Promise.resolve();
      const metadata = { ...pending.metadata, resourceVersion: '8' };
      const stored = { ...pending, metadata, status: merge(undefined, patch.status) } as EphemeralDomain;
      duringWrite(store, stored);
      return stored;
    },
    get: () => (live === undefined ? Promise.reject(failure('transport', 'get')) : Promise.resolve(live())),
  } as unknown as RestClient;
  const worker = {
    assume: () => {
      claims.add((claimed += 1));
      return { address: '198.18.0.2', identity: { boot: 'b', daemon: 'd', outlivesDaemon: true } };
    },
    dismiss: () => claims.delete(claimed),
    boundByUs: () => undefined,
  } as unknown as HostWorker;
  const nothing = () => undefined;
  const placer = new Placer({
    store,
    writer: new StatusWriter(rest, store, () => clock.now()),
    reporter: { bound: nothing, changed: nothing, waiting: nothing, failedUnbound: nothing },
    logger: silentLogger,
    clock: early,
    wall: () => clock.now(),
    dom0Label: 'a=b',
    preparer: {
      prepare: (each: EphemeralDomain) => ({ kind: 'ready', resource: each }),
      provide: () => new Promise<Provision>((answer) => answers.push(answer)),
    } as unknown as Preparer,
    hosts: () => [HOST],
    worker: () => worker,
    namespaceLabels: () => ({}),
    refused: ({ metadata }) => refused.push(metadata.uid),
  });
  const turn = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
  const answer = async (provision: Provision) => {
    answers.pop()?.(provision);
    await turn();
  };
  return { clock, store, pending, placer, claims, refused, turn, answer, asked: () => answers.length };
}

describe('Placer, while ConfigMaps are read', () => {
  it('begins no second binding for what is noticed of a resource meanwhile', async () => {
    const { placer, pending, claims, turn } = stage();
    placer.noticed(pending);
    await turn();
    placer.noticed(pending);
    await turn();
    assert.equal(claims.size, 1);
  });

  it('gives the place back where one is missing, says why, and looks again after a pause', async () => {
    const { clock, placer, pending, claims, store, turn, answer, asked } = stage();
    placer.noticed(pending);
    await turn();
    await answer({ kind: 'lacks', lack: LACK });
    assert.equal(claims.size, 0);
    assert.deepEqual(placer.waitingFor(pending), LACK);
    placer.noticed(pending);
    await turn();
    assert.equal(asked(), 0, 'asked again before the pause is over');
    await clock.advance(999.5);
    await turn();
    assert.equal(asked(), 1);
    await answer({ kind: 'ready', resource: pending, values: VALUES });
    assert.equal(store.get('default/x')?.status?.host, 'h');
    assert.equal(placer.waitsSince(pending), undefined);
  });

  it('hands on what can never be started, and does not try it again', async () => {
    const { placer, pending, claims, refused, turn, answer, asked } = stage();
    placer.noticed(pending);
    await turn();
    const refusal = { reason: 'InvalidParameters', message: 'm' } as const;
    await answer({ kind: 'refused', refusal });
    assert.deepEqual(refused, [pending.metadata.uid]);
    assert.deepEqual(placer.refusalOf(pending), refusal);
    assert.equal(claims.size, 0);
    placer.noticed(pending);
    await turn();
    assert.equal(asked(), 0);
  });
});

function failure(error: 'transport' | 'conflict', verb: 'patch' | 'get'): KubeError {
  const ref = { namespace: 'default', name: 'x' };
  return new KubeError({ error, message: error, verb, kind: 'EphemeralDomain', ref, host: 'test' });
}

describe('Placer, while a binding is being stored', () => {
  it('keeps the place while it is not known whether a binding is stored, also once it was not yet when it was read', async () => {
    let writes = 0;
    let late: EphemeralDomain = resource();
    const { clock, store, placer, pending, claims, turn, answer } = stage(
      (_, stored) => {
        writes += 1;
        // Its answer is lost, and the write is done only after the second try was refused on the way.
        if (writes === 3) late = stored;
        throw failure(writes === 3 ? 'conflict' : 'transport', 'patch');
      },
      () => late,
    );
    placer.noticed(pending);
    await turn();
    await answer({ kind: 'ready', resource: pending, values: VALUES });
    for (const tried of [1, 2]) {
      assert.deepEqual([writes, claims.size], [tried, 1]);
      await clock.advance(1_000);
      await turn();
    }
    assert.equal(store.get('default/x')?.status?.host, 'h');
    assert.equal(claims.size, 0);
    assert.equal(placer.waitsSince(pending), undefined);
  });

  it('binds others while it is not known of many whether their bindings are stored', async () => {
    const { store, placer, turn, answer, asked } = stage(() => {
      throw failure('transport', 'patch');
    });
    const many = Array.from({ length: 20 }, (_, index) => {
      const { metadata, ...rest } = resource();
      return { ...rest, metadata: { ...metadata, name: `x-${index}`, uid: `u-${index}` } };
    });
    store.replaceAll(many, '7');
    let begun = 0;
    for (const each of many) placer.noticed(each);
    for (let idle = 0; idle < 3; idle += 1) {
      await turn();
      for (; asked() > 0; begun += 1) {
        await answer({ kind: 'ready', resource: many[0] ?? resource(), values: VALUES });
        idle = 0;
      }
    }
    assert.equal(begun, 20);
  });

  it('gives the place back at once where a binding cannot have been stored', async () => {
    const { placer, pending, claims, turn, answer } = stage(() => {
      throw failure('conflict', 'patch');
    });
    placer.noticed(pending);
    await turn();
    await answer({ kind: 'ready', resource: pending, values: VALUES });
    assert.equal(claims.size, 0);
  });

  it('forgets no resource whose attempt failed before the answer came: the next one follows after its pause', async () => {
    const failed: EphemeralDomain = {
      ...resource(),
      metadata: { ...resource().metadata, resourceVersion: '9' },
      status: { phase: 'Pending', attempt: 1, conditions: [BACK_OFF] },
    };
    const { clock, placer, pending, turn, answer, asked } = stage((store) => {
      store.put(failed);
      placer.noticed(failed);
    });
    placer.noticed(pending);
    await turn();
    await answer({ kind: 'ready', resource: pending, values: VALUES });
    assert.equal(asked(), 0);
    await clock.advance(10_500);
    await turn();
    assert.equal(asked(), 1);
  });
});
