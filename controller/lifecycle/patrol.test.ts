import assert from 'node:assert/strict';

import { FakeClock } from '#controller/kube/testing/fake-clock.ts';
import type { Contact } from './contact.ts';
import type { HostState } from './host-state.ts';
import { patrol } from './patrol.ts';
import { hearStarted, see, track } from './tracked.ts';
import type { Tracked } from './tracked.ts';

const WITHIN_MS = 10_000;

/** A host with running domains, whose processes end when a test says so and of which nobody tells. */
class QuietHost {
  readonly clock = new FakeClock();
  readonly gone = new Set<string>();
  readonly noticed = new Map<string, number>();
  readonly failures: unknown[] = [];
  readonly domains: readonly Tracked[];
  /** How long an answer takes. */
  answerMs = 0;
  resyncMs = 0;
  probes = 0;
  readonly #stop = new AbortController();

  constructor(count: number) {
    const owner = { key: 'n/x', uid: 'u', attempt: 1, address: '198.18.4.130' };
    this.domains = Array.from({ length: count }, (_, index) => {
      const tracked = track(`d${index}`, owner, 0);
      see(tracked, { kind: 'active', id: index }, 0);
      return tracked;
    });
  }

  start(): void {
    const trace = { hasVanished: (uuid: string) => this.#probe(uuid) };
    const session = { hypervisor: { session: { generation: 1 } }, generation: 1, since: 0 };
    const domains = new Map(this.domains.map((tracked) => [tracked.uuid, tracked]));
    const state = { domains, contact: { trace, session } as unknown as Contact } as unknown as HostState;
    const parts = {
      ...{ state, clock: this.clock, wall: () => this.clock.now() },
      changed: (uuid: string) => void this.noticed.set(uuid, this.clock.now()),
      resync: () => this.#passed(this.resyncMs),
      failed: (error: unknown) => void this.failures.push(error),
    };
    void patrol(parts, this.#stop.signal);
  }

  stop(): void {
    this.#stop.abort();
  }

  async #probe(uuid: string): Promise<boolean> {
    this.probes += 1;
    await this.#passed(this.answerMs);
    return this.gone.has(uuid);
  }

  #passed(ms: number): Promise<void> {
    return ms === 0 ? Promise.resolve() : new Promise((resolve) => void this.clock.after(ms, resolve));
  }
}

describe('patrol', () => {
  let host: QuietHost;
  afterEach(() => host.stop());

  function hostOf(count: number): QuietHost {
    host = new QuietHost(count);
    return host;
  }

  const hosts = [
    { name: 'answers at once', domains: 1, answerMs: 0, resyncMs: 0 },
    { name: 'takes 400 ms an answer, 10 domains', domains: 10, answerMs: 400, resyncMs: 0 },
    { name: 'takes 20 s to be listed', domains: 1, answerMs: 100, resyncMs: 20_000 },
    { name: 'takes 5 ms an answer, 1,000 domains', domains: 1_000, answerMs: 5, resyncMs: 5_000 },
  ];
  for (const { name, domains, ...slow } of hosts) {
    for (const after of [100, 29_500, 31_000]) {
      it(`a host that ${name}: an end after ${after} ms is noticed within 10 s`, async () => {
        Object.assign(hostOf(domains), slow);
        host.start();
        await host.clock.advance(after);
        host.gone.add('d0');
        await host.clock.advance(WITHIN_MS);
        assert.ok(host.noticed.has('d0'), 'not noticed');
        assert.deepEqual([...host.noticed.keys()], ['d0']);
        assert.deepEqual(host.failures, []);
      });
    }
  }

  it('an end right after the start is noticed within 4 s, since hosts tell late of starts', async () => {
    hostOf(1).start();
    host.gone.add('d0');
    await host.clock.advance(4_000);
    assert.ok(host.noticed.has('d0'), 'not noticed');
  });

  it('one probe alone says nothing: two must agree', async () => {
    hostOf(1).start();
    host.gone.add('d0');
    while (host.probes < 1) await host.clock.advance(100);
    host.gone.delete('d0');
    await host.clock.advance(60_000);
    assert.deepEqual([...host.noticed], []);
  });

  it('a sign of life between two probes counts', async () => {
    hostOf(1).start();
    host.gone.add('d0');
    while (host.probes < 1) await host.clock.advance(100);
    const [tracked] = host.domains;
    assert.ok(tracked !== undefined);
    hearStarted(tracked, 1, host.clock.now(), 0);
    await host.clock.advance(2_000);
    assert.deepEqual([...host.noticed], []);
  });

  it('asks after 1,000 domains at most 150 times a second', async () => {
    hostOf(1_000).start();
    await host.clock.advance(10_000);
    host.probes = 0;
    await host.clock.advance(20_000);
    assert.ok(host.probes / 20 <= 150, `${host.probes / 20} a second`);
  });

  it('a host that is slower than its domains are many is asked no faster for it', async () => {
    Object.assign(hostOf(1_000), { answerMs: 100 });
    host.start();
    await host.clock.advance(30_000);
    assert.ok(host.probes <= 30 * 20, `${host.probes} in 30 s`);
  });
});
