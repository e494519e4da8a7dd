import assert from 'node:assert/strict';

import { FakeClock, settle } from '#controller/kube/testing/fake-clock.ts';
import { AdmissionQueue } from './admission.ts';
import type { TemplateLimits } from './types.ts';

/** As examples/ingress.yaml has it. */
const LIMITS: TemplateLimits = { maxConcurrent: 32, maxQueued: 128, queueTimeoutMs: 5_000 };
const STEP_MS = 50;

/** The same numbers in each run. */
const createRandom = (): (() => number) => {
  let state = 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
};

/** So many come at once to a template that nobody has asked for yet, and each comes back when it is told to. */
const crowdOf = async (count: number, servedMs: number) => {
  const clock = new FakeClock();
  const total = { maxConcurrent: 1_000, maxQueued: 10_000, queueTimeoutMs: 60_000 };
  const queue = new AdmissionQueue({ clock, random: createRandom(), total });
  const visits = new Map<number, number>();
  const served = new Map<number, number>();
  const come = async (who: number): Promise<void> => {
    visits.set(who, (visits.get(who) ?? 0) + 1);
    const { signal } = new AbortController();
    const applicant = { namespace: 'ns', template: 't', client: String(who), limits: LIMITS };
    const admission = await queue.admit(applicant, signal);
    if (admission.kind === 'admitted') {
      served.set(who, visits.get(who) ?? 0);
      clock.after(servedMs, () => admission.slot.release());
    } else if (admission.kind === 'refused') {
      clock.after(admission.retryAfterSeconds * 1_000, () => void come(who));
    }
  };
  for (let who = 0; who < count; who += 1) void come(who);
  for (let ms = 0; served.size < count && ms < 600_000; ms += STEP_MS) {
    await clock.advance(STEP_MS);
    await settle();
  }
  const returned = [...visits].filter(([, times]) => times > 1).map(([who]) => who);
  const atFirst = returned.filter((who) => served.get(who) === 2).length;
  return { served: served.size, returned: returned.length, share: atFirst / returned.length };
};

describe('clients that obey Retry-After', function () {
  this.timeout(30_000);
  for (const { perSecond, servedMs } of [
    { perSecond: 64, servedMs: 500 },
    { perSecond: 16, servedMs: 2_000 },
    { perSecond: 8, servedMs: 4_000 },
  ]) {
    it(`of 500 at a template that serves ${perSecond} a second four in five are served at their first return`, async () => {
      const { served, returned, share } = await crowdOf(500, servedMs);
      assert.equal(served, 500);
      assert.ok(returned > 300 && share >= 0.8, `${share} of ${returned}`);
    });
  }
});
