import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createLease, createRestClient, isKubeError, leasedClient, LEASES } from '#controller/kube/index.ts';
import type { Lease, LeaseEnd } from '#controller/kube/index.ts';
import { eventually } from '#test/support/eventually.ts';
import { CONFIG_MAPS, proxyTo, useBench } from './support.ts';

const SHORT = { durationMs: 3_000, renewDeadlineMs: 2_000, retryPeriodMs: 400 };

describe('lease on a real API server', function () {
  this.timeout(60_000);
  const bench = useBench();
  const processes: ChildProcess[] = [];
  const stops: AbortController[] = [];
  const runs: Promise<LeaseEnd>[] = [];

  afterEach(async () => {
    for (const each of processes.splice(0)) each.kill('SIGKILL');
    for (const stop of stops.splice(0)) stop.abort();
    await Promise.all(runs.splice(0));
  });

  /** A contender in this process. */
  function contender(name: string, identity: string, client = bench().client) {
    const stop = new AbortController();
    const lease = createLease({ client, namespace: bench().namespace, name, identity, ...SHORT });
    const run = lease.run(stop.signal);
    stops.push(stop);
    runs.push(run);
    return { lease, stop, run };
  }

  /** A contender in a process of its own, and what it says. */
  function holder(name: string, identity: string) {
    const program = join(import.meta.dirname, 'holder.ts');
    const args = [program, bench().cluster.kubeconfig, bench().namespace, name, identity];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    processes.push(child);
    const said: string[] = [];
    child.stdout.setEncoding('utf8').on('data', (text: string) => said.push(...text.trim().split('\n')));
    return { child, said };
  }

  const leading = ({ said }: { readonly said: readonly string[] }) =>
    eventually(() => assert.ok(said.includes('leading')), { timeoutMs: 20_000 });
  const held = (lease: Lease) => eventually(() => assert.ok(lease.isHeld()));
  const record = (name: string) => bench().client.get(LEASES, { namespace: bench().namespace, name });

  it('has one holder at a time, and passes on at once when it is given up', async () => {
    const first = contender('passed', 'a');
    await held(first.lease);
    const second = contender('passed', 'b');
    await eventually(() => assert.equal(second.lease.holder, 'a'));
    assert.equal(second.lease.isHeld(), false);
    first.stop.abort();
    assert.equal(await first.run, 'stopped');
    await eventually(() => assert.ok(second.lease.isHeld()), { timeoutMs: 2_000 });
    assert.equal((await record('passed')).spec?.leaseTransitions, 1);
  });

  it('goes to another only after its time when the holder is killed', async () => {
    const killed = holder('killed', 'a');
    await leading(killed);
    const { lease } = contender('killed', 'b');
    await eventually(() => assert.equal(lease.holder, 'a'));
    killed.child.kill('SIGKILL');
    const renewed = Date.parse((await record('killed')).spec?.renewTime ?? '');
    await held(lease);
    // Counted from when the contender saw the last renewal, so never earlier than the duration after it.
    const waited = Date.parse((await record('killed')).spec?.acquireTime ?? '') - renewed;
    assert.ok(waited >= SHORT.durationMs, `taken after ${waited} ms`);
  });

  it('is taken back at once by a process of the same identity after kill -9', async () => {
    const killed = holder('restart', 'a');
    await leading(killed);
    killed.child.kill('SIGKILL');
    const before = performance.now();
    const { lease } = contender('restart', 'a');
    await held(lease);
    const waited = performance.now() - before;
    assert.ok(waited < 1_000, `taken after ${waited} ms`);
    assert.equal((await record('restart')).spec?.leaseTransitions, 0);
  });

  it('makes a living process step down when another of its identity starts', async () => {
    const old = holder('replaced', 'a');
    await leading(old);
    const { lease } = contender('replaced', 'a');
    await held(lease);
    await eventually(() => assert.ok(old.said.includes('replaced')));
    assert.ok(lease.isHeld());
  });

  it('is over at the renew deadline when the server cannot be reached, and nothing more is written', async () => {
    await using proxy = await proxyTo(() => bench().config.server);
    const remote = createRestClient({ ...bench().config, server: proxy.server });
    const { lease, run } = contender('cut-off', 'a', remote);
    await held(lease);
    const guarded = leasedClient(remote, lease);
    const write = (name: string) => guarded.create(CONFIG_MAPS, { metadata: { namespace: bench().namespace, name } });
    await write('while-leading');
    proxy.refuse(true);
    proxy.cut();
    const cutAt = performance.now();
    await eventually(() => assert.ok(lease.signal.aborted));
    const took = performance.now() - cutAt;
    assert.ok(took < SHORT.renewDeadlineMs + 200, `noticed after ${took} ms`);
    proxy.refuse(false);
    await assert.rejects(write('too-late'), (error) => isKubeError(error, 'not-leading'));
    assert.equal(await run, 'expired');
    await remote.close();
  });
});
