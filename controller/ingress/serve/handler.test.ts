import assert from 'node:assert/strict';

import { httpPolicyOf } from '#controller/api/index.ts';
import { silentLogger } from '#controller/kube/index.ts';
import { FakeClock } from '#controller/kube/testing/fake-clock.ts';
import { NO_TRACER } from '#controller/observe/tracing.ts';
import { AdmissionQueue } from '../admission/index.ts';
import { Budget, Rush } from '../proxy/index.ts';
import type { Exchange } from '../proxy/index.ts';
import type { Backend } from '../routes/index.ts';
import { template } from '../routes/testing/resources.ts';
import { createHandler } from './handler.ts';
import { spawnedOf, visitOf } from './testing/visits.ts';

const resource = template('shop');
const limits = { maxConcurrent: 1, maxQueued: 0, queueTimeoutMs: 1_000 };
const backend: Backend = {
  ...{ namespace: 'ns', template: 'shop', resource, http: httpPolicyOf(resource), limits },
  ingress: { namespace: 'ns', name: 'shop' },
};

/** Requests for a template that has one slot, and nobody may wait for it. */
function createScene() {
  const clock = new FakeClock();
  const rush = new Rush(clock);
  const queue = new AdmissionQueue({ clock, random: () => 0, total: { ...limits, maxConcurrent: 100 } });
  let started = 0;
  const start = () => {
    started += 1;
    return spawnedOf({ begun: clock.now() });
  };
  const handle = createHandler({
    ...{ queue, rush, clock, logger: silentLogger, tracer: NO_TRACER, answerBudget: new Budget(0) },
    routes: { current: () => ({ table: { match: () => ({ kind: 'backend', backend }) } }) as never },
    spawner: { start },
    recorder: { record: () => undefined },
    timeline: { tell: () => undefined },
    departures: { departed: () => Promise.resolve() },
    httpsPort: () => undefined,
    afterwards: () => undefined,
  });
  /** Returns the statuses that a visitor was answered with. */
  const come = (): readonly number[] => {
    const statuses: number[] = [];
    const whole = ({ status }: { readonly status: number }) => Promise.resolve(void statuses.push(status));
    rush.came();
    const { exchange } = visitOf();
    void handle({ ...exchange, answer: { whole }, signal: new AbortController().signal } as unknown as Exchange);
    return statuses;
  };
  return { clock, come, started: () => started };
}

describe('a request that has its slot', () => {
  it('has its domain started at once where it comes alone', async () => {
    const { clock, come, started } = createScene();
    come();
    await clock.advance(0);
    assert.equal(started(), 1);
  });

  it('has its domain started once the rush it came in is over; who finds no place is told meanwhile', async () => {
    const { clock, come, started } = createScene();
    const visitors = [come(), come()];
    await clock.advance(19);
    assert.equal(started(), 0);
    assert.deepEqual(visitors, [[], [503]]);
    await clock.advance(1);
    assert.equal(started(), 1);
  });
});
