import assert from 'node:assert/strict';

import type { ConsoleSink } from '#controller/console/index.ts';
import type { TestHost } from '#hack/hosts/host.ts';
import { sharedHost, STARTUP_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { createStage, finishedAs, inPhase } from '../integration/lifecycle/stage.ts';
import type { RunningController, Stage } from '../integration/lifecycle/stage.ts';
import type { AdoptedHost } from '../integration/lifecycle/stage-hosts.ts';

/** A reader that takes all it is given. */
function createReader(onText: (text: string) => void = () => undefined) {
  const ended = Promise.withResolvers<boolean>();
  const reader = { text: '', ended: ended.promise, length: 0 };
  const sink: ConsoleSink = {
    write: (bytes) => {
      reader.length += bytes.length;
      reader.text = (reader.text + Buffer.from(bytes).toString()).slice(-4096);
      onText(reader.text);
      return true;
    },
    end: (complete) => ended.resolve(complete),
  };
  return { reader, sink };
}

describe('consoles of domains on an LXC host', function () {
  this.timeout(STARTUP_TIMEOUT_MS);
  let stage: Stage;
  let box: TestHost;
  let host: AdoptedHost;
  let controller: RunningController;

  before(async () => {
    box = await sharedHost('lxc', 1);
    stage = await createStage();
    host = await stage.adopt(box);
    controller = await stage.controller({ options: { settleMs: 1_000 } });
  });
  after(() => stage.dispose());

  function guest(words: string, captureBytes?: number) {
    const cmdline = `-ipaddr $(IP) -netmask $(NETMASK) -gateway $(GATEWAY) ${words}`;
    const console = captureBytes === undefined ? {} : { console: { captureBytes } };
    return {
      domain: { type: 'pv' as const, memory: '64Mi', vcpus: 1, boot: { kernel: 'hatchling', cmdline }, ...console },
    };
  }

  const patchesOf = (name: string) =>
    controller.lifeline.effects.filter((effect) => effect.call === 'patchStatus' && effect.name === name).length;

  /** Begins to read; 'following' where there is a console. */
  async function read(name: string, sink: ConsoleSink, live: boolean): Promise<string> {
    const answer = await controller.readConsole(key(name), sink, live);
    if (answer.kind === 'following') answer.start();
    return answer.kind;
  }

  const key = (name: string) => `${stage.namespace}/${name}`;

  it('captured: the last that the guest said stands in status.consoleTail, at no write of its own', async () => {
    await stage.create('said', guest('-mode hello', 4096));
    const { status } = await stage.until('said', finishedAs('Succeeded', 'PowerOff'), 30_000);
    assert.match(status?.consoleTail ?? '', /^hatchling: hello, I am .*; goodbye\n$/m);
    assert.ok(patchesOf('said') <= 3);
  });

  it('captured: no more than captureBytes', async () => {
    await stage.create('bounded', guest('-mode hello', 10));
    const { status } = await stage.until('bounded', finishedAs('Succeeded'), 30_000);
    assert.match(status?.consoleTail ?? '', /^.{9}\n$/);
  });

  it('not captured: nothing is kept', async () => {
    await stage.create('unheard', guest('-mode hello'));
    const { status } = await stage.until('unheard', finishedAs('Succeeded'), 30_000);
    assert.equal(status?.consoleTail, undefined);
  });

  for (const captureBytes of [undefined, 2048]) {
    it(`followed, ${captureBytes === undefined ? 'not captured' : 'captured'}: by two at once, to its end`, async () => {
      const name = captureBytes === undefined ? 'followed' : 'followed-captured';
      await stage.create(name, guest('-mode run -seconds 3', captureBytes));
      await stage.until(name, inPhase('Running'), 30_000);
      const readers = [createReader(), createReader()];
      for (const { sink } of readers) {
        assert.equal(await read(name, sink, true), 'following');
      }
      for (const { reader } of readers) {
        assert.equal(await reader.ended, true);
        assert.match(reader.text, /hatchling: /);
      }
      const { status } = await stage.until(name, finishedAs('Succeeded'), 30_000);
      if (captureBytes !== undefined) assert.match(status?.consoleTail ?? '', /hatchling: /);
    });
  }

  it('read once: what was said so far, while the domain goes on', async () => {
    await stage.create('once', guest('-mode run -seconds 20', 2048));
    await stage.until('once', inPhase('Running'), 30_000);
    await eventually(async () => {
      const { reader, sink } = createReader();
      assert.equal(await read('once', sink, false), 'following');
      assert.equal(await reader.ended, true);
      assert.match(reader.text, /hatchling: /);
    });
    assert.equal((await stage.get('once')).status?.phase, 'Running');
  });

  it('of what has ended, or is not there: says so', async () => {
    const { sink } = createReader();
    assert.deepEqual(await controller.readConsole(key('no-such'), sink, true), { kind: 'not-found' });
    const answer = await controller.readConsole(key('said'), sink, true);
    assert.equal(answer.kind, 'no-console');
    assert.match(answer.why, /status\.consoleTail/);
  });

  it('that prints 60 MB: all other calls are answered before it is done, and its tail is the last that came', async () => {
    const bytes = 60_000_000;
    await stage.create('loud', guest(`quiet -mode print -bytes ${bytes}`, 65_536));
    const log: string[] = [];
    const { reader, sink } = createReader();
    await eventually(async () => assert.equal(await read('loud', sink, true), 'following'));
    void reader.ended.then(() => log.push('the console is at its end'));
    await stage.create('beside', guest('-mode hello', 1024));
    await stage.until('beside', finishedAs('Succeeded'), 30_000);
    log.push('another domain ran and was captured');
    for (let call = 1; call <= 20; call += 1) await host.client.listAllDomains();
    log.push('the host listed its domains 20 times');
    await reader.ended;
    assert.deepEqual(log, [
      'another domain ran and was captured',
      'the host listed its domains 20 times',
      'the console is at its end',
    ]);
    const { status } = await stage.until('loud', finishedAs('Succeeded'), 60_000);
    // LXC drops what it has not handed on when a container's process is gone: up to 20 kB here.
    const tail = status?.consoleTail ?? '';
    const lines = tail.split('\n').map((line) => Number(/^\d+/.exec(line)?.[0]));
    assert.equal(Buffer.byteLength(tail), 65_536);
    assert.ok(tail.endsWith(reader.text.replaceAll('\r', '').slice(-1000)), tail.slice(-1000));
    assert.ok((lines.at(-2) ?? 0) > 300_000);
    assert.deepEqual(
      lines.slice(1, -1),
      Array.from({ length: lines.length - 2 }, (_, i) => (lines[1] ?? 0) + i),
    );
  });

  it('libvirtd killed: opened again, what was read before is kept', async () => {
    await stage.create('survivor', guest('-mode http -shutdown_after 60000', 4096));
    await stage.until('survivor', inPhase('Running'), 30_000);
    await eventually(async () => {
      const { reader, sink } = createReader();
      assert.equal(await read('survivor', sink, false), 'following');
      await reader.ended;
      assert.match(reader.text, /hatchling: /);
    });
    await box.daemon.kill();
    await box.daemon.start();
    await eventually(async () => assert.equal(await read('survivor', createReader().sink, false), 'following'));
    const { address = '' } = (await stage.get('survivor')).status ?? {};
    assert.ok((await fetch(`http://${address}:8000/`, { signal: AbortSignal.timeout(10_000) })).ok);
    const { status } = await stage.until('survivor', finishedAs('Succeeded'), 60_000);
    // What it says right after the console was opened again may be lost; what was read before is kept.
    assert.match(status?.consoleTail ?? '', /listens on port 8000\n/);
  });
});
