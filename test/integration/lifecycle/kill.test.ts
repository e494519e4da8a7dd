import assert from 'node:assert/strict';

import { STARTUP_TIMEOUT_MS, TEST_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import type { Effect, Kill } from './faults.ts';
import { createStage, finishedAs } from './stage.ts';
import type { Stage } from './stage.ts';
import type { StageHost } from './stage-hosts.ts';

/** What a life does to the world, in order: bind, define, create, Running, final, undefine. */
function isOfTheLife({ call, on }: Effect): boolean {
  return on === 'EphemeralDomain'
    ? call === 'patchStatus'
    : ['defineXml', 'create', 'destroy', 'undefine'].includes(call);
}

const EFFECTS = ['the binding', 'the define', 'the start', 'the Running write', 'the final write', 'the undefine'];

describe('a controller that is killed', function () {
  this.timeout(TEST_TIMEOUT_MS);
  let stage: Stage;
  let host: StageHost;

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    stage = await createStage();
    host = await stage.host();
  });
  after(() => stage.dispose());

  for (const [index, effect] of EFFECTS.entries()) {
    for (const when of ['before', 'after'] as const) {
      it(`${when} ${effect}: the domain is started once, and its end is stored [end: controller-killed]`, async () => {
        const name = `kill-${when}-${index + 1}`;
        const options = { settleMs: 300 };
        const kill: Kill = { at: index + 1, when, counts: isOfTheLife };
        const first = await stage.controller({ kill, options });
        await stage.create(name);
        const endings = endOnceRunning(stage, host, name);
        await eventually(() => assert.ok(first.lifeline.isDead, 'not killed yet'), { timeoutMs: 15_000 });

        const second = await stage.controller({ options });
        const done = await stage.until(name, finishedAs('Succeeded', 'PowerOff'));
        await endings;
        assert.equal(host.starts.get(done.status?.domain?.uuid ?? ''), 1);
        assert.equal(done.status?.attempt, 1);
        await eventually(async () => assert.deepEqual(await host.client.listAllDomains(), []));
        await second.stop();
      });
    }
  }
});

/** The guest ends by itself some time after its start. */
async function endOnceRunning(stage: Stage, host: StageHost, name: string): Promise<void> {
  const uuid = await eventually(
    async () => {
      const started = (await stage.get(name)).status?.domain?.uuid ?? '';
      assert.ok(host.starts.has(started), 'not started yet');
      return started;
    },
    { timeoutMs: 30_000, intervalMs: 100 },
  );
  await host.client.shutdown({ name: '', uuid });
}
