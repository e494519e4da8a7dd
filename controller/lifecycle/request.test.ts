import assert from 'node:assert/strict';

import { findCondition } from '#controller/api/index.ts';
import type { EphemeralDomain, EphemeralDomainStatus, RequestSpec } from '#controller/api/index.ts';
import { readHostSpec } from '#controller/domain/hostspec.ts';
import { askOf, signatureOf } from './asks.ts';
import { bindingOf } from './attempt.ts';
import { planDomain } from './plan.ts';
import { awaitsNotice, probeOf, quietUntil, readyBy } from './readiness.ts';
import { bindPatch, changePatch } from './render.ts';
import { merge, resource } from './testing/resources.ts';

const NOW = Date.UTC(2026, 10, 23, 12, 0, 0);
const REQUEST: RequestSpec = { receivedTime: '2026-11-23T11:59:59.876543Z', avoidHosts: ['xen-2'] };

function served(readiness: object = {}, cmdline = ''): EphemeralDomain {
  const domain = { type: 'pv' as const, memory: '64Mi', vcpus: 1, boot: { kernel: 'k', cmdline }, ...readiness };
  return resource({ domain, request: REQUEST });
}

function patched(to: EphemeralDomain, { status }: { readonly status?: unknown }): EphemeralDomain {
  return { ...to, status: merge(to.status, status) as EphemeralDomainStatus };
}

function bound(spec: EphemeralDomain): EphemeralDomain {
  const place = { host: 'xen-1', address: '198.18.4.21', name: 'edom-198-18-4-21', uuid: 'd-1' };
  return patched(spec, bindPatch(spec, { ...place, hostBoot: 'b', hostDaemon: 'd', seen: NOW }, NOW));
}

describe('what the controller does with spec.request', () => {
  const kinds: readonly [string, object][] = [
    ['no readiness', {}],
    ['readiness by notify', { readiness: { notify: {}, timeoutSeconds: 1 } }],
    ['readiness by tcp', { readiness: { tcp: { port: 22 }, periodMilliseconds: 100, timeoutSeconds: 1 } }],
    ['readiness by http', { readiness: { http: { port: 80, path: '/' }, periodMilliseconds: 100, timeoutSeconds: 1 } }],
  ];
  for (const [what, readiness] of kinds) {
    it(`${what}: neither probed nor timed nor waited for, and Ready comes from its creator alone`, () => {
      const running = bound(served(readiness));
      assert.equal(probeOf(running, '198.18.4.21'), undefined);
      assert.equal(awaitsNotice(running), false);
      assert.equal(readyBy(running, NOW), undefined);
      const started = patched(running, changePatch(running, { kind: 'running', id: 4 }, { started: NOW }, NOW));
      const ready = findCondition(started.status?.conditions, 'Ready');
      assert.deepEqual([ready?.status, ready?.reason], ['False', 'NotReadyYet']);
      assert.match(ready?.message ?? '', /its creator, which serves spec\.request, says so/);
      assert.equal(started.status?.timeline?.ready, undefined);
    });
  }

  it('that it runs is not worth a write in its first half second, nor before it was seen to run', () => {
    const running = bound(served());
    assert.equal(quietUntil(running, NOW), NOW + 500);
    assert.equal(quietUntil(running, undefined), undefined);
    assert.equal(quietUntil(bound(resource({})), NOW), undefined);
  });

  it('when it was ready is told with the next write, where that is known by then', () => {
    const running = bound(served());
    const times = { started: NOW, ready: NOW + 30 };
    const started = patched(running, changePatch(running, { kind: 'running', id: 4 }, times, NOW + 40));
    assert.equal(findCondition(started.status?.conditions, 'Ready')?.status, 'True');
    // That is how long its visitor waited, which nobody has told yet.
    assert.equal(started.status?.spawnTime, undefined);
  });

  it('REQUEST_TIME is when the request came, in seconds since 1970 as the original told its guests', () => {
    const reading = readHostSpec({ uri: 'test+unix:///default?socket=/x' });
    assert.ok(reading.ok, JSON.stringify(reading));
    for (const [spec, cmdline] of [
      [served({}, '-ts_req_received $(REQUEST_TIME)'), '-ts_req_received 1795435199.876543'],
      [
        bound(resource({ domain: { ...served().spec.domain!, boot: { kernel: 'k', cmdline: '$(REQUEST_TIME)' } } })),
        '$(REQUEST_TIME)',
      ],
    ] as const) {
      const one = bound(spec);
      const planning = planDomain(one, bindingOf(one)!, reading.config, 'c', new Map());
      assert.ok(planning.ok);
      assert.equal(planning.plan.cmdline, cmdline);
    }
  });

  it('hosts to avoid are asked for, and what differs in them alone waits for the same place', () => {
    assert.deepEqual(askOf(served(), {}).avoid, ['xen-2']);
    assert.equal(signatureOf(served()), signatureOf(resource({ domain: served().spec.domain! })));
  });
});
