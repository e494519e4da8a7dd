import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';

import { parse } from 'yaml';

import { EPHEMERAL_DOMAINS } from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import { sharedHost, STARTUP_TIMEOUT_MS, TEST_TIMEOUT_MS } from '#test/support/bed.ts';
import { waitsAs } from '../integration/lifecycle/policy-stage.ts';
import { createStage, finishedAs, inPhase } from '../integration/lifecycle/stage.ts';
import type { Stage } from '../integration/lifecycle/stage.ts';

const becomesReady = ({ status }: EphemeralDomain): void => {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  assert.equal(ready?.status, 'True');
};

/** What each example's own comments say of it. Those with disks run on Xen (devices.test.ts, secrets.test.ts there). */
describe('the examples, on an LXC host', function () {
  this.timeout(TEST_TIMEOUT_MS);
  let stage: Stage;

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    stage = await createStage();
    await stage.adopt(await sharedHost('lxc', 1));
    await stage.controller({ options: { settleMs: 1_000 } });
  });
  after(() => stage.dispose());

  async function apply(name: string): Promise<void> {
    const text = await readFile(new URL(`../../examples/${name}.yaml`, import.meta.url), 'utf8');
    // A stage labels its Nodes as its own, so an example's selector would find none.
    await stage.create(name, { ...(parse(text) as EphemeralDomain).spec, hostSelector: {} });
  }

  const patch = (name: string, spec: Partial<EphemeralDomain['spec']>): Promise<unknown> =>
    stage.rest.patch(EPHEMERAL_DOMAINS, { name, namespace: stage.namespace }, { spec });

  for (const name of ['hello', 'console']) {
    it(`${name}.yaml runs and powers off`, async () => {
      await apply(name);
      await stage.until(name, finishedAs('Succeeded', 'PowerOff'), 30_000);
    });
  }

  it('job.yaml fails with its exit code, once more after a pause, and then for good', async () => {
    await apply('job');
    const ended = await stage.until('job', finishedAs('Failed', 'BackoffLimitExceeded'), 60_000);
    assert.deepEqual([ended.status?.attempt, ended.status?.exitCode], [2, 3]);
  });

  it('deadline.yaml is ended when its time is over, which can be made shorter while it runs', async () => {
    await apply('deadline');
    await stage.until('deadline', inPhase('Running'), 30_000);
    await patch('deadline', { activeDeadlineSeconds: 2 });
    await stage.until('deadline', finishedAs('Failed', 'DeadlineExceeded'), 60_000);
  });

  it('batch.yaml gives its host to others while it is suspended, and begins anew', async () => {
    await apply('batch');
    await stage.until('batch', inPhase('Running'), 30_000);
    await patch('batch', { suspend: true });
    await stage.until('batch', waitsAs('Suspended'), 60_000);
    await patch('batch', { suspend: false });
    const again = await stage.until('batch', inPhase('Running'), 30_000);
    assert.equal(again.status?.attempt, 2);
  });

  it('http.yaml is Ready once its guest says so, serves one request, and ends', async () => {
    await apply('http');
    const ready = await stage.until('http', becomesReady, 30_000);
    const answer = await fetch(`http://${ready.status?.address ?? ''}:8000/`, { signal: AbortSignal.timeout(10_000) });
    assert.equal(answer.status, 200);
    assert.match(await answer.text(), /I am a hatchling/);
    await stage.until('http', finishedAs('Succeeded', 'PowerOff'), 30_000);
  });
});
