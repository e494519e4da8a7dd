import assert from 'node:assert/strict';

import { SecretValues } from '#controller/domain/secrets.ts';
import { FakeClock } from '#controller/kube/testing/fake-clock.ts';
import { LibvirtError } from '#controller/libvirt/index.ts';
import { Ledger } from './ledger.ts';
import { patrol } from './patrol.ts';
import { reconcile } from './reconcile.ts';
import { quarantineLostCreates } from './settling.ts';
import { ADDRESS, createScene, UUID } from './testing/scene.ts';
import type { Scene } from './testing/scene.ts';
import { forgetSession, see } from './tracked.ts';

/** Reconciles until nothing is left to be done at this moment. */
async function settle(scene: Scene): Promise<void> {
  for (let round = 0; round < 20; round += 1) {
    const result = await reconcile(scene.parts, UUID);
    if (result.kind === 'done' || (result.kind === 'again-after' && result.ms > 1_000)) return;
    scene.pass(result.kind === 'again-after' ? result.ms : 50);
  }
}

/** The connection breaks and comes back; what the host is by then is seen anew. */
function reconnect(scene: Scene): void {
  forgetSession(scene.tracked);
  scene.reconnect();
}

const phase = (scene: Scene) => `${scene.stored()?.status?.phase ?? ''}/${scene.stored()?.status?.reason ?? ''}`;

describe('reconcile', () => {
  for (const kind of ['xen', 'lxc', 'test'] as const) {
    it(`${kind}: starts, stores Running, stores the end, and only then acknowledges`, async () => {
      const scene = createScene(kind);
      await settle(scene);
      assert.equal(phase(scene), 'Running/DomainStarted');
      scene.host.end('power-off');
      see(scene.tracked, { kind: 'ended', end: 'power-off' }, 0);
      await settle(scene);
      assert.equal(phase(scene), 'Succeeded/PowerOff');
      assert.equal(scene.host.state.kind, 'none');
      assert.equal(scene.host.runs, 1);
      assert.equal(scene.patches(), 2);
      assert.equal(scene.state.domains.size, 0);
      assert.equal(scene.state.ledger.totals.domains, 0);
    });

    it(`${kind}: destroys what still runs when its resource is gone`, async () => {
      const scene = createScene(kind);
      await settle(scene);
      scene.remove();
      scene.tracked.owner = { ...scene.tracked.owner!, uid: 'another' };
      await settle(scene);
      assert.equal(scene.host.state.kind, 'none');
      assert.equal(scene.state.ledger.totals.domains, 0);
    });
  }

  describe('with a parameter from a ConfigMap', () => {
    const parameter = { name: 'A', valueFrom: { configMapKeyRef: { name: 'm', key: 'k' } } };
    const domain = { type: 'pv', memory: '64Mi', vcpus: 1, boot: { kernel: 'k', cmdline: '$(A)' } } as const;

    it('the values that the scheduler read are used, and forgotten once it runs', async () => {
      const scene = createScene('xen', { domain, parameters: [parameter] });
      scene.tracked.values = { plain: new Map([['A', 'read']]), secrets: new SecretValues() };
      await settle(scene);
      assert.equal(phase(scene), 'Running/DomainStarted');
      assert.equal(scene.tracked.values, undefined);
    });

    it('another process bound it: they are read from the API server', async () => {
      const scene = createScene('xen', { domain, parameters: [parameter] });
      scene.configMaps.set('m', { k: 'v' });
      await settle(scene);
      assert.equal(phase(scene), 'Running/DomainStarted');
      assert.equal(scene.host.runs, 1);
    });

    it('gone meanwhile: unbound without a start, its place and its attempt given back', async () => {
      const scene = createScene('xen', { domain, parameters: [parameter] });
      await settle(scene);
      assert.equal(phase(scene), 'Pending/ConfigMapNotFound');
      assert.equal(scene.stored()?.status?.attempt, undefined);
      assert.equal(scene.stored()?.status?.host, undefined);
      assert.equal(scene.host.runs, 0);
      assert.equal(scene.patches(), 1);
      assert.equal(scene.state.ledger.totals.domains, 0);
      assert.equal(scene.state.domains.size, 0);
    });

    it('holds a line break: Failed, with the parameter’s name, and never started', async () => {
      const scene = createScene('xen', { domain, parameters: [parameter] });
      scene.configMaps.set('m', { k: 'a\nb' });
      await settle(scene);
      assert.equal(phase(scene), 'Failed/InvalidCommandLine');
      assert.match(scene.stored()?.status?.message ?? '', /^parameter A holds the control character U\+000A/);
      assert.equal(scene.host.runs, 0);
    });
  });

  it('a parameter’s Secret is gone meanwhile: unbound without a start, named without a value [end: secret-missing]', async () => {
    const domain = { type: 'pv', memory: '64Mi', vcpus: 1, boot: { kernel: 'k' } } as const;
    const parameter = { name: 'A', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } };
    const scene = createScene('xen', { domain, parameters: [parameter] });
    await settle(scene);
    assert.equal(phase(scene), 'Pending/SecretNotFound');
    const message = 'parameter A: there is no Secret "s" in namespace default: create it';
    assert.equal(scene.stored()?.status?.message, message);
    assert.equal(scene.host.runs, 0);
    assert.equal(scene.state.ledger.totals.domains, 0);
  });

  it('a look that an event crosses does not count', async () => {
    const scene = createScene('xen');
    await settle(scene);
    scene.tracked.found = undefined;
    const trace = scene.state.contact!.trace;
    let crossed = false;
    Object.assign(trace, {
      observe: () => {
        if (!crossed) scene.host.end('crashed');
        scene.tracked.heard += crossed ? 0 : 1;
        crossed = true;
        return Promise.resolve(scene.host.look());
      },
    });
    await settle(scene);
    assert.equal(phase(scene), 'Failed/Crashed');
  });

  it('a connection that breaks while a trace is acknowledged is no more than that', async () => {
    const scene = createScene('xen');
    await settle(scene);
    scene.remove();
    scene.tracked.owner = { ...scene.tracked.owner!, uid: 'another' };
    const lost = new LibvirtError('lost', { kind: 'connection-lost', uri: 'test', procedure: 'P', mayHaveRun: true });
    Object.assign(scene.state.contact!.trace, {
      acknowledge: () => {
        forgetSession(scene.tracked);
        return Promise.reject(lost);
      },
    });
    await assert.rejects(reconcile(scene.parts, UUID), lost);
  });

  it('Xen: libvirtd killed within a create leaves a domain that only Xen knows [end: host-state-unknown]', async () => {
    const scene = createScene('xen');
    scene.startAnswer = () => {
      scene.host.act('create');
      scene.host.restartDaemon(false);
      return Promise.resolve({ kind: 'in-doubt', timedOut: false });
    };
    await reconcile(scene.parts, UUID);
    scene.startAnswer = undefined;
    reconnect(scene);
    scene.pass(6_000);
    await settle(scene);
    assert.equal(phase(scene), 'Failed/HostStateUnknown');
    assert.equal(scene.host.runs, 0);
    const held = scene.state.ledger.quarantined().get(ADDRESS);
    assert.match(held?.why ?? '', /xl destroy edom-198-18-4-130/);
  });

  for (const backoffLimit of [0, 1]) {
    it(`Xen: … its address is held back by a later process, too; backoffLimit ${backoffLimit} [end: host-state-unknown]`, async () => {
      const scene = createScene('xen', { backoffLimit });
      scene.startAnswer = () => {
        scene.host.act('create');
        scene.host.restartDaemon(false);
        return Promise.resolve({ kind: 'in-doubt', timedOut: false });
      };
      await reconcile(scene.parts, UUID);
      scene.startAnswer = undefined;
      reconnect(scene);
      scene.pass(6_000);
      await settle(scene);
      assert.equal(phase(scene), backoffLimit === 0 ? 'Failed/HostStateUnknown' : 'Pending/BackOff');
      const heldBy = (boot: string) => {
        const later = { ...scene.state, ledger: new Ledger(scene.state.config.network, () => 0) };
        quarantineLostCreates(later, scene.parts.store, boot);
        return [...later.ledger.quarantined().keys()];
      };
      assert.deepEqual(heldBy(scene.state.contact?.identity.boot ?? ''), [ADDRESS]);
      assert.deepEqual(heldBy('another boot'), []);
    });
  }

  it('Xen: the very first create refused: StartFailed, and the address is free again [end: start-failed]', async () => {
    const scene = createScene('xen');
    scene.startAnswer = () => Promise.resolve({ kind: 'refused', why: 'no bridge br0' });
    await settle(scene);
    assert.equal(phase(scene), 'Failed/StartFailed');
    assert.match(scene.stored()?.status?.message ?? '', /no bridge br0 \(host h\)/);
    assert.equal(scene.state.ledger.quarantined().size, 0);
  });

  it('a create in doubt is looked at, not repeated, until it can no longer be under way [end: answer-lost]', async () => {
    for (const kind of ['xen', 'lxc'] as const) {
      const scene = createScene(kind);
      scene.startAnswer = () => {
        scene.host.underway.push(kind === 'xen' ? 'create' : 'start');
        if (kind === 'lxc') scene.host.act('define');
        return Promise.resolve({ kind: 'in-doubt', timedOut: false });
      };
      await reconcile(scene.parts, UUID);
      scene.startAnswer = undefined;
      reconnect(scene);
      await reconcile(scene.parts, UUID);
      assert.equal(scene.host.runs, 0);
      scene.host.act(scene.host.underway.shift()!);
      scene.host.unpause();
      scene.pass(6_000);
      await settle(scene);
      assert.equal(phase(scene), 'Running/DomainStarted');
      assert.equal(scene.host.runs, 1);
    }
  });

  it('LXC: its daemon restarted after an end that was not stored: Unknown, not started again [end: daemon-killed-ended]', async () => {
    const scene = createScene('lxc');
    await settle(scene);
    scene.host.end('power-off');
    scene.host.restartDaemon(false);
    reconnect(scene);
    await settle(scene);
    assert.equal(phase(scene), 'Failed/Unknown');
    assert.equal(scene.host.runs, 1);
    assert.equal(scene.host.state.kind, 'none');
  });

  it('its host rebooted: HostRebooted, not started again [end: host-rebooted]', async () => {
    const scene = createScene('xen');
    await settle(scene);
    scene.host.reboot();
    reconnect(scene);
    await settle(scene);
    assert.equal(phase(scene), 'Failed/HostRebooted');
    assert.equal(scene.host.runs, 1);
  });

  it('LXC: an end that nobody tells is noticed within 10 s, and stored before the domain is cleared [end: untold-end]', async () => {
    const scene = createScene('lxc');
    await settle(scene);
    scene.vanished = true;
    const { state } = scene;
    const stop = new AbortController();
    const begun = scene.parts.now();
    const timers = new FakeClock();
    const clock = {
      now: scene.parts.now,
      date: () => new Date(scene.parts.wall()),
      after: (ms: number, callback: () => void) => timers.after(ms, callback),
    };
    const nothing = () => Promise.resolve();
    const noticed = () => stop.abort();
    const { wall } = scene.parts;
    void patrol({ state, clock, wall, changed: noticed, resync: nothing, failed: assert.ifError }, stop.signal);
    while (!stop.signal.aborted) {
      const ms = timers.nextIn ?? assert.fail('nobody looks any more');
      scene.pass(ms);
      await timers.advance(ms);
    }
    assert.ok(scene.parts.now() - begun <= 10_000);
    assert.equal(scene.host.state.kind, 'running');
    await settle(scene);
    assert.equal(phase(scene), 'Succeeded/PowerOff');
    assert.equal(scene.host.state.kind, 'none');
  });
});
