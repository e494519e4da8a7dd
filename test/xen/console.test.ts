import assert from 'node:assert/strict';

import { sharedHost, STARTUP_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { createStage, finishedAs, inPhase } from '../integration/lifecycle/stage.ts';
import type { RunningController, Stage } from '../integration/lifecycle/stage.ts';

const LONG = 240_000;

describe('consoles of domains on Xen', function () {
  this.timeout(STARTUP_TIMEOUT_MS);
  this.slow(60_000);
  let stage: Stage;
  let controller: RunningController;

  before(async () => {
    const box = await sharedHost('xen', 1);
    stage = await createStage();
    await stage.adopt(box);
    controller = await stage.controller({ options: { settleMs: 2_000 } });
  });
  after(() => stage.dispose());

  function guest(words: string, captureBytes: number) {
    const boot = { kernel: 'hatchling', initrd: 'hatchling-initrd', cmdline: `console=hvc0 quiet ${words}` };
    return { domain: { type: 'pv' as const, memory: '96Mi', vcpus: 1, boot, console: { captureBytes } } };
  }

  it('captured: the last that the guest said stands in status.consoleTail', async () => {
    await stage.create('said', guest('-mode hello', 4096));
    const { status } = await stage.until('said', finishedAs('Succeeded', 'PowerOff'), LONG);
    assert.match(status?.consoleTail ?? '', /^hatchling: hello, I am .*; goodbye$/m);
  });

  it('captured from a crash: what the kernel said of it', async () => {
    await stage.create('crashed', guest('-mode crash', 65_536));
    const { status } = await stage.until('crashed', finishedAs('Failed', 'Crashed'), LONG);
    assert.match(status?.consoleTail ?? '', /Kernel panic/);
  });

  it('that prints much: its tail is its very end', async () => {
    await stage.create('loud', guest('-mode print -bytes 128000', 65_536));
    const { status } = await stage.until('loud', finishedAs('Succeeded', 'PowerOff'), LONG);
    assert.match(status?.consoleTail ?? '', /\n1999\.{59}\n/);
  });

  it('left again and again: libvirtd goes on answering', async () => {
    await stage.create('left', guest('-mode run -seconds 20', 0));
    await stage.until('left', inPhase('Running'), LONG);
    const sink = { write: () => true, end: () => undefined };
    for (let left = 0; left < 5; left += 1) {
      // Busy for as long as the one before is being left.
      await eventually(async () => {
        const answer = await controller.readConsole(`${stage.namespace}/left`, sink, true);
        assert.equal(answer.kind, 'following', JSON.stringify(answer));
        answer.start();
        answer.leave();
      });
    }
    await stage.until('left', finishedAs('Succeeded', 'PowerOff'), LONG);
  });

  it('followed and captured at once, by a controller that came later', async () => {
    await stage.create('later', guest('-mode run -seconds 30', 4096));
    await stage.until('later', inPhase('Running'), LONG);
    await controller.stop();
    controller = await stage.controller({ options: { settleMs: 2_000 } });
    let text = '';
    const ended = Promise.withResolvers<boolean>();
    const sink = {
      write: (bytes: Uint8Array) => {
        text += Buffer.from(bytes).toString();
        return true;
      },
      end: ended.resolve,
    };
    const begin = async (): Promise<void> => {
      const answer = await controller.readConsole(`${stage.namespace}/later`, sink, true);
      assert.equal(answer.kind, 'following', JSON.stringify(answer));
      answer.start();
    };
    await eventually(begin, { timeoutMs: 30_000 });
    assert.equal(await ended.promise, true);
    assert.match(text, /hatchling: .* runs for 30 s/);
    const { status } = await stage.until('later', finishedAs('Succeeded', 'PowerOff'), LONG);
    assert.match(status?.consoleTail ?? '', /hatchling: .* runs for 30 s/);
  });
});
