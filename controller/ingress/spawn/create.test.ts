import assert from 'node:assert/strict';

import type { EphemeralDomain } from '#controller/api/index.ts';
import { KubeError } from '#controller/kube/index.ts';
import type { KubeErrorKind, NewObject, RestClient } from '#controller/kube/index.ts';
import { FakeClock, settle } from '#controller/kube/testing/fake-clock.ts';
import { createResource } from './create.ts';
import type { Creation } from './create.ts';

const LABELS = { 'hatchery.dev/replica': 'r-1' };
const BODY: NewObject<EphemeralDomain> = {
  metadata: { name: 'web-1', namespace: 'shop', labels: LABELS },
  spec: { templateRef: { name: 'web' }, request: { receivedTime: '2026-01-02T03:04:05Z' } },
};
const STORED: EphemeralDomain = {
  metadata: { name: 'web-1', namespace: 'shop', labels: LABELS, uid: 'u', resourceVersion: '1', creationTimestamp: '' },
  spec: BODY.spec,
};

function fault(error: KubeErrorKind, retryAfterSeconds?: number): KubeError {
  return new KubeError({ error, retryAfterSeconds, message: error, verb: 'create', kind: 'x', ref: {}, host: 'h' });
}

/** An API server that answers creates so, one after the other, the last one for ever. */
function createScene(answers: readonly (KubeErrorKind | KubeError | undefined)[], found: EphemeralDomain = STORED) {
  const clock = new FakeClock();
  let asked = 0;
  let wanted = true;
  const rest = {
    create: () => {
      const answer = answers.at(Math.min(asked, answers.length - 1));
      asked += 1;
      if (answer === undefined) return Promise.resolve(STORED);
      return Promise.reject(answer instanceof KubeError ? answer : fault(answer));
    },
    get: () => Promise.resolve(found),
  } as unknown as Pick<RestClient, 'create' | 'get'>;
  let outcome: Creation | undefined;
  const ended = createResource(rest, BODY, clock, () => wanted).then((creation) => {
    outcome = creation;
  });
  return {
    clock,
    ended,
    asked: () => asked,
    outcome: () => outcome,
    leave: () => {
      wanted = false;
    },
  };
}

describe('createResource', () => {
  const passing: readonly KubeErrorKind[] = [
    'transport',
    'timeout',
    'unavailable',
    'server-timeout',
    'too-many-requests',
  ];
  for (const kind of passing) {
    it(`${kind}: said again`, async () => {
      const scene = createScene([kind, kind, undefined]);
      await scene.clock.advance(100);
      assert.equal(scene.outcome()?.kind, 'created');
      assert.equal(scene.asked(), 3);
    });
  }

  const final: readonly KubeErrorKind[] = [
    'forbidden',
    'invalid',
    'not-found',
    'bad-request',
    'unauthorized',
    'too-large',
  ];
  for (const kind of final) {
    it(`${kind}: refused, and asked no more`, async () => {
      const scene = createScene([kind]);
      await scene.ended;
      assert.equal(scene.outcome()?.kind, 'refused');
      assert.equal(scene.asked(), 1);
    });
  }

  it('an answer that was lost: what holds the name is this very one', async () => {
    const scene = createScene(['transport', 'already-exists']);
    await scene.clock.advance(100);
    assert.deepEqual(scene.outcome(), { kind: 'created', resource: STORED });
  });

  it('a name that another holds is refused', async () => {
    const other = { ...STORED, spec: { ...STORED.spec, request: { receivedTime: '2026-01-02T03:04:06Z' } } };
    const scene = createScene(['already-exists'], other);
    await scene.clock.advance(100);
    assert.equal(scene.outcome()?.kind, 'refused');
  });

  it('waits for as long as the API server says', async () => {
    const scene = createScene([fault('too-many-requests', 2), undefined]);
    await scene.clock.advance(1_999);
    assert.equal(scene.asked(), 1);
    await scene.clock.advance(1);
    assert.equal(scene.outcome()?.kind, 'created');
  });

  it('once nobody wants it: in doubt where it may have been made, else not created', async () => {
    for (const [kind, outcome] of [
      ['timeout', 'in-doubt'],
      ['too-many-requests', 'not-created'],
    ] as const) {
      const scene = createScene([kind]);
      await settle();
      scene.leave();
      await scene.clock.advance(5_000);
      assert.equal(scene.outcome()?.kind, outcome);
      assert.equal(scene.asked(), 1);
    }
  });
});
