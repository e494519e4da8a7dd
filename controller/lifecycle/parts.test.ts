import assert from 'node:assert/strict';
import fc from 'fast-check';

import { parseCidr } from '#controller/domain/ipv4.ts';
import { ByUrgency, Gate } from './gate.ts';
import { specOf } from './hosts.ts';
import { Ledger } from './ledger.ts';
import { OrphanGuard } from './orphans.ts';
import { createWallClock, microTime, spanText, timeOf } from './time.ts';

describe('Gate', () => {
  it('lets only so many in, the most urgent first, the first come among equals', async () => {
    const gate = new Gate(1, new ByUrgency());
    const leave = await gate.enter(0);
    const order: string[] = [];
    const waiting = [
      ['late', 2],
      ['a', 0],
      ['b', 0],
    ] as const;
    const all = waiting.map(async ([name, priority]) => {
      const out = await gate.enter(priority);
      order.push(name);
      assert.equal(gate.inside, 1);
      out();
    });
    leave();
    leave();
    await Promise.all(all);
    assert.deepEqual(order, ['a', 'b', 'late']);
    assert.equal(gate.inside, 0);
  });
});

describe('Ledger', () => {
  function ledger(): Ledger {
    const reading = parseCidr('198.18.4.128/29');
    assert.ok(reading.ok);
    const network = { cidr: reading.cidr, gateway: '198.18.4.129', bridge: 'br', vifScript: undefined, mtu: undefined };
    return new Ledger(network, () => 0);
  }
  const claim = { memoryKiB: 1024, vcpus: 1, address: undefined, state: 'bound' } as const;

  it('keeps its totals equal to what its claims come to, under any sequence of changes', () => {
    const uuid = fc.constantFrom('a', 'b', 'c');
    const state = fc.constantFrom('bound', 'running', 'over', 'foreign');
    const change = fc.oneof(
      fc.record({ op: fc.constant('set' as const), uuid, state, memoryKiB: fc.nat(100) }),
      fc.record({ op: fc.constant('state' as const), uuid, state }),
      fc.record({ op: fc.constant('drop' as const), uuid }),
    );
    fc.assert(
      fc.property(fc.array(change), (changes) => {
        const book = ledger();
        for (const one of changes) {
          if (one.op === 'set') book.set(one.uuid, { ...claim, state: one.state, memoryKiB: one.memoryKiB });
          else if (one.op === 'state') book.setState(one.uuid, one.state);
          else book.drop(one.uuid);
        }
        const claims = book.uuids().map((id) => book.get(id)!);
        assert.equal(book.totals.domains, claims.length);
        assert.equal(
          book.totals.memoryKiB,
          claims.reduce((sum, { memoryKiB }) => sum + memoryKiB, 0),
        );
        assert.equal(book.totals.bound, claims.filter((one) => one.state === 'bound').length);
        assert.equal(book.totals.foreign, claims.filter((one) => one.state === 'foreign').length);
      }),
    );
  });

  it('frees an address when the domain goes, and never one that rests', () => {
    const book = ledger();
    const address = book.takeAddress('a');
    book.set('a', { ...claim, address });
    assert.equal(book.freeAddresses, 4);
    book.drop('a');
    assert.equal(book.freeAddresses, 5);
    book.quarantine(address ?? '', { why: 'test' });
    assert.equal(book.freeAddresses, 4);
  });

  it('says when an address is another domain’s', () => {
    const book = ledger();
    assert.ok(book.set('a', { ...claim, address: '198.18.4.130' }));
    assert.equal(book.set('b', { ...claim, address: '198.18.4.130' }), false);
  });
});

describe('OrphanGuard', () => {
  const orphans = (count: number) => Array.from({ length: count }, (_, i) => `o${i}`);
  const judged = (listed: number, count: number, now: () => number = () => 0) => {
    const guard = new OrphanGuard(now, () => ({ listed, orphans: orphans(count) }));
    guard.judge();
    return guard;
  };

  it('lets few be destroyed at once', () => {
    const guard = judged(20, 20);
    assert.equal(guard.state.many, false);
    assert.ok(orphans(20).every((uuid) => guard.turn(uuid) === 0));
  });

  it('lets many be destroyed at once where they are less than half', () => {
    assert.equal(judged(100, 50).state.many, false);
  });

  it('holds many back to ten a minute, until few are left', () => {
    let now = 0;
    const guard = judged(30, 30, () => now);
    assert.deepEqual(guard.state, { many: true, count: 30 });
    let destroyed = 0;
    for (now = 0; now < 60_000; now += 500) if (guard.turn('o0') === 0) destroyed += 1;
    assert.equal(destroyed, 10);
    for (const uuid of orphans(9)) guard.gone(uuid);
    assert.equal(guard.state.many, true);
    guard.gone('o9');
    assert.equal(guard.state.many, false);
  });

  it('looks again before the first is destroyed where resources vanished while it was watching', () => {
    let lost = 0;
    const guard = new OrphanGuard(
      () => 0,
      () => ({ listed: 300, orphans: orphans(lost) }),
    );
    guard.judge();
    lost = 300;
    guard.doubt();
    assert.equal(orphans(300).filter((uuid) => guard.turn(uuid) === 0).length, 1);
    assert.deepEqual(guard.state, { many: true, count: 300 });
  });
});

describe('times', () => {
  it('are written with microseconds and read back', () => {
    const text = microTime(Date.UTC(2026, 0, 2, 3, 4, 5, 6) + 0.789);
    assert.match(text, /^2026-01-02T03:04:05\.00678[89]Z$/);
    assert.ok(Math.abs((timeOf(text) ?? 0) - Date.UTC(2026, 0, 2, 3, 4, 5, 6) - 0.789) < 0.002);
    assert.equal(timeOf('2026-01-02T03:04:05Z'), Date.UTC(2026, 0, 2, 3, 4, 5));
    assert.equal(timeOf('soon'), undefined);
  });

  it('are spans for people', () => {
    assert.deepEqual([-5, 411.6, 1532].map(spanText), ['0ms', '412ms', '1.532s']);
  });

  it('follow a system clock that jumps', () => {
    let [monotonic, system] = [5.25, 1_000_000];
    const cancel = () => undefined;
    const wall = createWallClock({ now: () => monotonic, date: () => new Date(system), after: () => ({ cancel }) });
    assert.equal(wall(), 1_000_000);
    monotonic += 10.5;
    system += 10;
    assert.equal(wall(), 1_000_010.5);
    system += 3_600_000;
    assert.equal(wall(), 4_600_010);
  });
});

describe('the DomainHost of a Node', () => {
  const node = {
    metadata: {
      name: 'n',
      uid: 'u',
      resourceVersion: '1',
      creationTimestamp: '',
      annotations: { 'hatchery.dev/libvirt-uri': 'test+unix:///default', 'hatchery.dev/bridge': 'br' },
    },
    status: { addresses: [{ type: 'InternalIP', address: '192.0.2.7' }] },
  };

  it('counts from annotations only where those are trusted', () => {
    assert.deepEqual(specOf(node, true), { uri: 'test+unix:///default', bridge: 'br' });
    assert.deepEqual(specOf(node, false), { uri: 'xen+tls://192.0.2.7/system' });
  });

  it('without an address there is no host to make', () => {
    assert.equal(specOf({ metadata: node.metadata }, false), undefined);
  });
});
