import assert from 'node:assert/strict';
import { request } from 'node:http';

import { findCondition, isTrue } from '#controller/api/index.ts';
import type { DomainSpec, EphemeralDomain, ReadinessSpec } from '#controller/api/index.ts';
import { readDomainXml } from '#controller/domain/reading.ts';
import { NAMESPACES } from '#controller/kube/index.ts';
import type { TestHost } from '#hack/hosts/host.ts';
import { sharedHost, STARTUP_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { createStage, finishedAs, inPhase } from '../integration/lifecycle/stage.ts';
import type { RunningController, Stage } from '../integration/lifecycle/stage.ts';
import type { AdoptedHost } from '../integration/lifecycle/stage-hosts.ts';

const LONG = 60_000;
const NOTIFY = { notify: {}, periodMilliseconds: 200 };

function isReady({ status }: EphemeralDomain): void {
  assert.ok(isTrue(status?.conditions, 'Ready'));
}

describe('guests on an LXC host that tell of themselves', function () {
  this.timeout(STARTUP_TIMEOUT_MS);
  let stage: Stage;
  let box: TestHost;
  let host: AdoptedHost;
  let controller: RunningController;
  const options = { settleMs: 1_000, hostLostAfterMs: 60_000 };

  before(async () => {
    box = await sharedHost('lxc', 1);
    stage = await createStage();
    host = await stage.adopt(box);
    controller = await stage.controller({ options });
  });
  after(() => stage.dispose());

  function guest(words: string, readiness?: ReadinessSpec): { readonly domain: DomainSpec } {
    const cmdline = `quiet -ipaddr $(IP) -netmask $(NETMASK) -gateway $(GATEWAY) ${words}`;
    const domain = { type: 'pv' as const, memory: '64Mi', vcpus: 1, boot: { kernel: 'hatchling', cmdline } };
    return { domain: { ...domain, ...(readiness === undefined ? {} : { readiness }) } };
  }

  const told = '-notify $(NOTIFY_HOST):$(NOTIFY_PORT)';

  /** POSTs from this machine, which no domain's address is; returns the status. */
  function post(path: string, body = ''): Promise<number> {
    return new Promise((resolve, reject) => {
      const asked = request({
        host: '127.0.0.1',
        port: stage.notify.address.port,
        path,
        method: 'POST',
        timeout: 10_000,
      });
      asked.once('response', (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      asked.once('error', reject);
      asked.end(body);
    });
  }

  for (const [how, words] of [
    ['as the original guest does', told],
    ['with the token of NOTIFY_URL', '-notify $(NOTIFY_URL)'],
  ] as const) {
    it(`${how}: POST /ready makes it Ready, and not before`, async () => {
      const name = words === told ? 'ready' : 'ready-by-url';
      await stage.create(name, guest(`-mode http -delay_ms 300 ${words}`, NOTIFY));
      const ready = await stage.until(name, isReady, LONG);
      assert.equal(findCondition(ready.status?.conditions, 'Ready')?.reason, 'DomainReady');
      assert.ok(
        Date.parse(ready.status?.timeline?.ready ?? '') > Date.parse(ready.status?.timeline?.domainStarted ?? ''),
      );
      const page = await fetch(`http://${ready.status?.address ?? ''}:8000/`, { signal: AbortSignal.timeout(10_000) });
      assert.equal(page.status, 200);
      await page.text();
      await stage.until(name, finishedAs('Succeeded', 'PowerOff'), LONG);
    });
  }

  for (const { code, phase, reason } of [
    { code: 0, phase: 'Succeeded', reason: 'PowerOff' },
    { code: 3, phase: 'Failed', reason: 'NonZeroExit' },
  ] as const) {
    it(`POST /exit with ${code}, then power-off: ${phase}/${reason}`, async () => {
      const name = `exit-${code}`;
      await stage.create(name, guest(`-mode exit -code ${code} ${told}`));
      const { status } = await stage.until(name, finishedAs(phase, reason), LONG);
      assert.equal(status?.exitCode, code);
      assert.equal(status.terminationMessage, `${status.domain?.name ?? ''} leaves with ${code}`);
      if (code !== 0) assert.match(status.message ?? '', /^exited with code 3: edom-\S+ leaves with 3 \(host lxc-1\)$/);
    });
  }

  it('power-off alone: Succeeded, and nothing said of a code', async () => {
    await stage.create('silent', guest('-mode exit -code 3'));
    const { status } = await stage.until('silent', finishedAs('Succeeded', 'PowerOff'), LONG);
    assert.equal(status?.exitCode, undefined);
  });

  it('another code than 0 is retried, as often as backoffLimit says', async () => {
    await stage.create('again', { ...guest(`-mode exit -code 7 ${told}`), backoffLimit: 1 });
    const waits = await stage.until('again', ({ status }) => assert.equal(status?.reason, 'BackOff'), LONG);
    assert.match(waits.status?.message ?? '', /^attempt 1 of 2 failed: NonZeroExit: exited with code 7/);
    const { status } = await stage.until('again', finishedAs('Failed', 'BackoffLimitExceeded'), LONG);
    assert.equal(status?.attempt, 2);
    assert.equal(status.exitCode, 7);
  });

  it('a stranger is refused: this machine, another guest, and the guest itself without its token', async () => {
    await stage.create('victim', guest('-mode run -seconds 600 $(NOTIFY_URL)', NOTIFY));
    const { status } = await stage.until('victim', inPhase('Running'), LONG);
    const name = status?.domain?.name ?? '';
    assert.equal(await post(`/exit/${name}`, '0\n'), 403);
    assert.equal(await post(`/${await tokenOf(status?.domain?.uuid ?? '')}/ready/${name}`), 403);

    const before = stage.log.length;
    await stage.create('stranger', guest(`-mode exit -code 9 -name ${name} ${told}`));
    const stranger = await stage.until('stranger', finishedAs('Succeeded', 'PowerOff'), LONG);
    assert.equal(stranger.status?.exitCode, undefined);
    const refused = stage.log.slice(before).find((line) => line.includes('refused') && line.includes(name)) ?? '';
    assert.ok(refused.includes(stranger.status?.address ?? '?'), stage.log.slice(before).join('\n'));

    await stage.create('forgetful', guest(`-mode exit -code 9 ${told} $(NOTIFY_URL)`));
    const forgetful = await stage.until('forgetful', finishedAs('Succeeded', 'PowerOff'), LONG);
    assert.equal(forgetful.status?.exitCode, undefined);

    const unharmed = await stage.get('victim');
    assert.equal(unharmed.status?.phase, 'Running');
    assert.equal(unharmed.status.exitCode, undefined);
    assert.ok(!isTrue(unharmed.status.conditions, 'Ready'));
  });

  it('a guest is believed by its token after a restart of the controller; the token stands in no status and no log', async () => {
    await stage.create('kept', guest('-mode exit -code 5 -delay_ms 3000 -notify $(NOTIFY_URL)'));
    const { status } = await stage.until('kept', inPhase('Running'), LONG);
    const [name, uuid] = [status?.domain?.name ?? '', status?.domain?.uuid ?? ''];
    const token = await tokenOf(uuid);
    await controller.stop();
    assert.equal(await post(`/exit/${name}`, '0'), 503);
    controller = await stage.controller({ options });
    const done = await stage.until('kept', finishedAs('Failed', 'NonZeroExit'), LONG);
    assert.equal(done.status?.exitCode, 5);
    assert.ok(!JSON.stringify(done).includes(token));
    assert.ok(!stage.log.some((line) => line.includes(token)));
  });

  const probes: readonly [string, ReadinessSpec][] = [
    ['tcp', { tcp: { port: 8000 }, periodMilliseconds: 50, timeoutSeconds: 30 }],
    ['http', { http: { port: 8000, path: '/' }, periodMilliseconds: 50, timeoutSeconds: 30 }],
  ];
  for (const [kind, readiness] of probes) {
    it(`${kind}: Ready when its port answers`, async () => {
      await stage.create(kind, guest('-mode http -shutdown_after 3', readiness));
      const done = await stage.until(kind, finishedAs('Succeeded', 'PowerOff'), LONG);
      const { domainStarted = '', ready = '', stopped = '' } = done.status?.timeline ?? {};
      assert.ok(Date.parse(domainStarted) <= Date.parse(ready) && Date.parse(ready) <= Date.parse(stopped));
      assert.match(done.status?.spawnTime ?? '', /^[0-9.]+m?s$/);
    });
  }

  const never: readonly [string, ReadinessSpec][] = [
    ['nobody listens', { tcp: { port: 9 }, periodMilliseconds: 100, timeoutSeconds: 1 }],
    ['nobody serves', { http: { port: 9, path: '/' }, periodMilliseconds: 100, timeoutSeconds: 1 }],
  ];
  for (const [why, readiness] of never) {
    it(`not ready in time, since ${why}: destroyed, Failed/ReadinessTimeout`, async () => {
      const name = why.replace(' ', '-');
      await stage.create(name, guest('-mode deaf', readiness));
      const { status } = await stage.until(name, finishedAs('Failed', 'ReadinessTimeout'), LONG);
      assert.equal(status?.timeline?.ready, undefined);
      await eventually(async () => {
        const listed = (await host.client.listAllDomains()).map(({ uuid }) => uuid);
        assert.ok(!listed.includes(status?.domain?.uuid ?? ''));
      });
    });
  }

  /** What the domain's guest was told, from the domain's metadata on its host. */
  async function tokenOf(uuid: string): Promise<string> {
    const { metadata } = await stage.rest.get(NAMESPACES, { name: 'kube-system' });
    const reading = readDomainXml(await host.client.getXmlDesc({ name: '', uuid }), metadata.uid);
    assert.ok(reading.ok && reading.domain.ownership.kind === 'ours');
    const { notifyToken = '' } = reading.domain.ownership.identity;
    assert.match(notifyToken, /^[0-9a-f]{32}$/);
    return notifyToken;
  }
});
