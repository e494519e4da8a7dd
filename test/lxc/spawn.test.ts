import assert from 'node:assert/strict';

import type { DomainSpec } from '#controller/api/index.ts';
import { silentLogger, systemClock } from '#controller/kube/index.ts';
import { phasesOf } from '#controller/ingress/spawn/index.ts';
import type { Reachable, SpawnBackend, Spawned } from '#controller/ingress/spawn/index.ts';
import { startNotifyServer } from '#controller/notify/index.ts';
import type { NotifyServer } from '#controller/notify/index.ts';
import { sharedHost, STARTUP_TIMEOUT_MS, TEST_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { createSpawnStage } from '../integration/ingress/spawn-stage.ts';
import type { SpawnStage } from '../integration/ingress/spawn-stage.ts';
import { createStage, inPhase } from '../integration/lifecycle/stage.ts';
import type { Stage } from '../integration/lifecycle/stage.ts';

const ADDRESS = '-ipaddr $(IP) -netmask $(NETMASK) -gateway $(GATEWAY)';
const NOTIFY = { notify: {}, periodMilliseconds: 200 };

/** Real guests, which speak to a notify server of the ingress' own. */
describe('a request’s domain on an LXC host', function () {
  this.timeout(TEST_TIMEOUT_MS);
  let stage: Stage;
  let ingress: SpawnStage;
  let notify: NotifyServer;
  const refusals: string[] = [];

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    const box = await sharedHost('lxc', 1);
    stage = await createStage();
    await stage.adopt(box);
    await stage.controller({ options: { settleMs: 1_000 } });
    await stage.untilHost(box.name, 'True');
    const logger = { ...silentLogger, warn: (message: string) => void refusals.push(message) };
    const address = { host: '0.0.0.0', port: 0 };
    notify = await startNotifyServer({ address, logger, now: () => systemClock.now() });
    const endpoint = await notify.endpointFor(box.gateway);
    const [network = ''] = box.domainCIDR.split('.0/');
    ingress = createSpawnStage(stage, {
      notifyEndpoint: () => endpoint,
      hostOf: (peer) => (peer.startsWith(network) ? box.name : undefined),
    });
    notify.attach(ingress.spawner.receiver);
  });
  after(async () => {
    await ingress.stop();
    await notify.close();
    await stage.dispose();
  });

  const template = (name: string, words: string, more: Partial<DomainSpec> = {}): Promise<SpawnBackend> =>
    ingress.template(name, { boot: { kernel: 'hatchling', cmdline: `quiet ${ADDRESS} ${words}` }, ...more });

  async function reach(spawned: Spawned): Promise<Reachable> {
    const reaching = await spawned.reachable;
    assert.ok(reaching.kind === 'reachable', JSON.stringify(reaching));
    return reaching.guest;
  }

  async function page({ address, port }: Reachable): Promise<string> {
    const answer = await fetch(`http://${address}:${port}/`, { signal: AbortSignal.timeout(10_000) });
    assert.equal(answer.status, 200);
    return answer.text();
  }

  for (const [how, words] of [
    ['by the token of NOTIFY_URL', '-notify $(NOTIFY_URL)'],
    ['as the original guest does, by its address', '-notify $(NOTIFY_HOST):$(NOTIFY_PORT)'],
  ] as const) {
    it(`is reachable when its guest tells the ingress so, ${how}; the controller waits for nothing`, async () => {
      const name = words.includes('URL') ? 'by-token' : 'by-address';
      const backend = await template(name, `-mode http ${words} -ts_req_received $(REQUEST_TIME)`, {
        readiness: NOTIFY,
      });
      const { spawned } = ingress.start(backend);
      const guest = await reach(spawned);
      await page(guest);
      const end = await spawned.ended;
      assert.deepEqual([end.kind, end.kind === 'finished' && end.reason], ['finished', 'PowerOff']);
      assert.equal(guest.host, 'lxc-1');
      const { begun, reachable = NaN } = spawned.marks;
      const sum = phasesOf(spawned.marks).reduce((whole, { ms }) => whole + ms, 0);
      assert.ok(Math.abs(sum - (reachable - begun)) < 1, JSON.stringify(phasesOf(spawned.marks)));
    });
  }

  it('a guest that serves one connection and says nothing gets the request’s own, and no other', async () => {
    const backend = await template('one-shot', '-mode http -delay_ms 300');
    const { spawned } = ingress.start(backend);
    const { socket } = await reach(spawned);
    assert.ok(socket !== undefined);
    const head = `GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
    socket.setEncoding('latin1');
    let answer = '';
    socket.on('data', (text: string) => (answer += text));
    socket.end(head);
    await eventually(() => assert.match(answer, /^HTTP\/1\.[01] 200 /));
    assert.equal((await spawned.ended).kind, 'finished');
  });

  it('what its guest says of its end is told with it', async () => {
    const backend = await template('exits', '-mode exit -code 3 -notify $(NOTIFY_URL)', { readiness: NOTIFY });
    const { spawned } = ingress.start(backend);
    await spawned.ended;
    assert.equal(spawned.exit?.code, 3);
  });

  it('a stranger is not believed: another guest that speaks in its name', async () => {
    const waits = await template('victim', '-mode run -seconds 600 $(NOTIFY_URL)', { readiness: NOTIFY });
    const victim = ingress.start(waits);
    const { status } = await stage.until(victim.spawned.name, inPhase('Running'), 60_000);
    const claim = `-mode http -shutdown_after 1 -name ${status?.domain?.name ?? ''} -notify $(NOTIFY_HOST):$(NOTIFY_PORT)`;
    const before = refusals.length;
    const stranger = ingress.start(await template('stranger', claim, { readiness: NOTIFY }));
    await stranger.spawned.ended;
    assert.ok(refusals.length > before);
    assert.equal(victim.spawned.marks.reachable, undefined);
    victim.leave();
    assert.deepEqual(await victim.spawned.ended, { kind: 'deleted' });
  });
});
