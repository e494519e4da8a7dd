import assert from 'node:assert/strict';
import { connect as connectTcp } from 'node:net';

import { connect } from '#controller/libvirt/index.ts';
import type { Hypervisor } from '#controller/libvirt/index.ts';
import { sharedHost, STARTUP_TIMEOUT_MS, XEN_TEST_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { readPki } from '../integration/lifecycle/stage-hosts.ts';
import { createIngressScene } from '../lxc/ingress-scene.ts';
import type { IngressScene } from '../lxc/ingress-scene.ts';

/** What a visitor saw, over a connection of its own. Times are milliseconds of one monotonic clock. */
interface Visit {
  readonly text: string;
  readonly firstByteAt: number | undefined;
  readonly lastByteAt: number | undefined;
  /** How its connection ended, and when. */
  readonly end: 'whole' | 'cut';
  readonly endAt: number;
}

const TIMES = 3;

/** A virtual machine that powers off sends no FIN: nothing on its connection says that it is gone. */
describe('the ingress in front of guests that vanish, on Xen', function () {
  this.timeout(XEN_TEST_TIMEOUT_MS);
  this.slow(60_000);
  let scene: IngressScene;
  let observer: Hypervisor;
  /** When a client of the test's own was told of each domain's end. */
  const endedAt = new Map<string, number>();

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    const box = await sharedHost('xen', 1);
    scene = await createIngressScene({ kind: 'xen' });
    assert.ok(box.tls !== undefined);
    observer = connect({
      uri: box.uri,
      tls: await readPki(box.tls),
      observer: {
        onLifecycle: ({ domain, event }) => {
          if ((event === 'stopped' || event === 'shutdown') && !endedAt.has(domain.name))
            endedAt.set(domain.name, performance.now());
        },
      },
    });
    await observer.connected(30_000);
  });
  after(async () => {
    await observer.close();
    await scene.dispose();
  });

  /** When the host told of the end of the domain that served a visit. */
  const endOf = async ({ text }: Visit): Promise<number> => {
    const [, name = ''] = /\r\nX-Hatchery-Domain: [^/]*\/(.*)\r\n/i.exec(text) ?? [];
    const domain = (await scene.stage.get(name)).status?.domain?.name ?? '';
    return eventually(() => {
      const at = endedAt.get(domain);
      assert.ok(at !== undefined, `${domain} has not ended`);
      return at;
    });
  };

  it('answers 502 where one vanishes before its answer', async () => {
    await scene.serve('vanish', { words: '-mode vanish' });
    for (let i = 1; i <= TIMES; i += 1) {
      const visit = await visitOf(scene.ingress.port, 'vanish.test');
      assert.equal(visit.end, 'whole', visit.text);
      assert.match(visit.text, /^HTTP\/1\.1 502 [^]*"reason":"GuestEnded"/);
      const told = (visit.firstByteAt ?? Number.NaN) - (await endOf(visit));
      const guest = /guest;dur=([\d.]+)/.exec(visit.text)?.[1] ?? '?';
      say(i, `vanished before its answer: 502 ${guest} ms after the request was sent to it`, told);
    }
    await scene.untilNothingIsLeft('vanish');
  });

  it('cuts the answer where one vanishes within it', async () => {
    await scene.serve('cut', { words: '-mode cut' });
    for (let i = 1; i <= TIMES; i += 1) {
      const visit = await visitOf(scene.ingress.port, 'cut.test');
      assert.match(visit.text, /^HTTP\/1\.1 200 [^]*\r\nContent-Length: 100000\r\n/i);
      assert.equal(visit.end, 'cut');
      const told = visit.endAt - (await endOf(visit));
      const quiet = (visit.endAt - (visit.lastByteAt ?? Number.NaN)).toFixed(0);
      say(i, `vanished within its answer: cut ${quiet} ms after the last byte`, told);
    }
    await scene.untilNothingIsLeft('cut');
  });
});

const say = (i: number, what: string, sinceToldMs: number): void => {
  console.log(`      ${i}: ${what}, ${sinceToldMs.toFixed(0)} ms after its host told of its end`);
};

const visitOf = (port: number, host: string): Promise<Visit> =>
  new Promise((resolve) => {
    const socket = connectTcp({ host: '127.0.0.1', port });
    let text = '';
    let [firstByteAt, lastByteAt]: [number | undefined, number | undefined] = [undefined, undefined];
    const finish = (end: Visit['end']): void =>
      resolve({ text, firstByteAt, lastByteAt, end, endAt: performance.now() });
    socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nAccept: application/json\r\nConnection: close\r\n\r\n`);
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      lastByteAt = performance.now();
      firstByteAt ??= lastByteAt;
      text += chunk;
    });
    socket.once('error', () => finish('cut'));
    socket.once('end', () => finish('whole'));
  });
