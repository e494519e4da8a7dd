import assert from 'node:assert/strict';

import { KubeError, silentLogger } from '#controller/kube/index.ts';
import type { DeleteOptions, KubeErrorKind, LeaseObject, ObjectRef, RestClient } from '#controller/kube/index.ts';
import { FakeClock } from '#controller/kube/testing/fake-clock.ts';
import { deleteOldLeases } from './old-leases.ts';

const MINUTE = 60_000;

function lease(name: string, resourceVersion = '1', holderIdentity = 'somebody'): LeaseObject {
  const metadata = { name, namespace: 'ns', uid: `uid-${name}`, resourceVersion, creationTimestamp: '' };
  return { metadata, spec: { holderIdentity, renewTime: resourceVersion, leaseDurationSeconds: 15 } };
}

function scene() {
  const clock = new FakeClock();
  const stop = new AbortController();
  let leases: readonly LeaseObject[] = [];
  let refusal: KubeErrorKind | undefined;
  const deleted: string[] = [];
  const list = () => Promise.resolve({ items: leases, resourceVersion: '1' });
  const remove = (_type: unknown, { name }: ObjectRef, { preconditions }: DeleteOptions = {}) => {
    deleted.push(`${name} ${preconditions?.uid} ${preconditions?.resourceVersion}`);
    if (refusal === undefined) leases = leases.filter(({ metadata }) => metadata.name !== name);
    const subject = {
      verb: 'delete',
      kind: 'Lease',
      ref: { namespace: 'ns', name },
      host: 'h',
      message: '',
      sent: true,
    } as const;
    return refusal === undefined ? Promise.resolve() : Promise.reject(new KubeError({ ...subject, error: refusal }));
  };
  const rest = { list, delete: remove } as unknown as RestClient;
  const parts = { rest, clock, logger: silentLogger, options: { ingressNamespace: 'ns' } };
  const ended = deleteOldLeases(parts, stop.signal);
  return {
    deleted,
    set: (...given: readonly LeaseObject[]) => (leases = given),
    refuse: (kind: KubeErrorKind | undefined) => (refusal = kind),
    minutes: async (count: number, each: (minute: number) => void = () => undefined) => {
      for (let minute = 0; minute < count; minute += 1) {
        each(minute);
        await clock.advance(MINUTE);
      }
    },
    end: async () => {
      stop.abort();
      await ended;
    },
  };
}

describe('Leases of ingress replicas', () => {
  it('are deleted an hour after they ran out, as they were seen; those that are renewed, and others’, stay', async () => {
    const { deleted, set, minutes, end } = scene();
    const others = [lease('hatchery-ingress-gave-up', '1', ''), lease('hatchery-controller'), lease('mine')];
    await minutes(60, (minute) =>
      set(lease('hatchery-ingress-gone'), lease('hatchery-ingress-lives', `${minute}`), ...others),
    );
    assert.deepEqual(deleted, []);
    await minutes(20, (minute) => set(lease('hatchery-ingress-lives', `later ${minute}`), ...others));
    assert.deepEqual(deleted, ['hatchery-ingress-gave-up uid-hatchery-ingress-gave-up 1']);
    await end();
  });

  it('of one that comes back just then stay, and a refused deletion is tried again', async () => {
    const { deleted, set, refuse, minutes, end } = scene();
    await minutes(1);
    set(lease('hatchery-ingress-a'));
    refuse('conflict');
    await minutes(81);
    assert.equal(deleted.length, 1);
    refuse('forbidden');
    await minutes(10);
    refuse(undefined);
    await minutes(20);
    assert.equal(deleted.length, 3);
    await end();
  });
});
