import assert from 'node:assert/strict';

import { BootPanic, bootUntilSteady, panicOf } from './boot.ts';

const CONSOLE = `[    3.486335] Oops: int3: 0000 [#1] PREEMPT SMP NOPTI
[    3.487282] RIP: e030:sched_clock_cpu+0x9/0x1d0\r
[    3.492999] Kernel panic - not syncing: Fatal exception in interrupt\r
[    3.493539] ------------[ cut here ]------------
`;

describe('the boot of a Xen box', () => {
  it('knows a panic of dom0 by its console', () => {
    assert.equal(panicOf(CONSOLE), 'Kernel panic - not syncing: Fatal exception in interrupt');
    assert.equal(panicOf('(XEN) No SSBD controls available\n'), undefined);
  });

  const panic = new BootPanic('xen-1: Kernel panic');
  const other = new Error('xen-1: libvirtd does not answer');
  const cases: readonly [string, readonly (Error | undefined)[], Error | undefined, readonly string[]][] = [
    ['one that succeeds is the only one', [undefined], undefined, ['boot']],
    ['after a panic it is booted anew', [panic, undefined], undefined, ['boot', 'clear', 'say', 'boot']],
    ['but not for ever', [panic, panic], panic, ['boot', 'clear', 'say', 'boot', 'clear']],
    ['nor after anything else', [other], other, ['boot', 'clear']],
  ];
  for (const [what, ends, failure, expected] of cases) {
    it(what, async () => {
      const done: string[] = [];
      const left = [...ends];
      const boot = (): Promise<void> => {
        done.push('boot');
        const end = left.shift();
        return end === undefined ? Promise.resolve() : Promise.reject(end);
      };
      const clear = (): Promise<void> => Promise.resolve(void done.push('clear'));
      const booted = bootUntilSteady(2, boot, clear, () => done.push('say'));
      if (failure === undefined) await booted;
      else await assert.rejects(booted, failure);
      assert.deepEqual(done, expected);
    });
  }
});
