import assert from 'node:assert/strict';

import { findCondition } from '#controller/api/index.ts';
import type { EphemeralDomain, EphemeralDomainStatus, RequestSpec } from '#controller/api/index.ts';
import { keyOf } from '#controller/kube/index.ts';
import { bindPatch, changePatch } from './render.ts';
import { merge, resource } from './testing/resources.ts';
import { createTimelineSink } from './timeline.ts';
import { ask, noteNeverRan, track } from './tracked.ts';
import type { Tracked } from './tracked.ts';
import type { Session } from './session.ts';

const NOW = Date.UTC(2026, 10, 23, 12, 0, 0);
const REQUEST: RequestSpec = { receivedTime: '2026-11-23T11:59:59.876543Z' };
const DOMAIN = { type: 'pv' as const, memory: '64Mi', vcpus: 1, boot: { kernel: 'k' } };
const TIMES = { ready: NOW + 100, responded: NOW + 112.25 };

const patched = (to: EphemeralDomain, { status }: { readonly status?: unknown }): EphemeralDomain => ({
  ...to,
  status: merge(to.status, status) as EphemeralDomainStatus,
});

const bound = (spec: EphemeralDomain): EphemeralDomain => {
  const place = { host: 'xen-1', address: '198.18.4.21', name: 'edom-198-18-4-21', uuid: 'd-1' };
  return patched(spec, bindPatch(spec, { ...place, hostBoot: 'b', hostDaemon: 'd', seen: NOW }, NOW));
};

const served = (): EphemeralDomain => bound(resource({ domain: DOMAIN, request: REQUEST }));
const running = (): EphemeralDomain => {
  const one = served();
  return patched(one, changePatch(one, { kind: 'running', id: 4 }, { started: NOW + 50 }, NOW + 51));
};

const askedFor = (): Tracked => {
  const tracked = track('d-1', undefined, 0);
  ask(tracked, { generation: 1 } as Session, 0, NOW);
  return tracked;
};

const sinkOf = (known: EphemeralDomain, tracked = askedFor()) =>
  createTimelineSink({ get: (key) => (key === keyOf(known.metadata) ? known : undefined) }, () => ({
    domains: new Map([[tracked.uuid, tracked]]),
  }));

describe('what is told of when a request was answered', () => {
  it('is noted for the next write, the first word of it', () => {
    const [one, tracked] = [running(), askedFor()];
    const { uid } = one.metadata;
    const sink = sinkOf(one, tracked);
    assert.equal(sink.noteTimes(keyOf(one.metadata), { uid, ...TIMES }).kind, 'noted');
    assert.equal(sink.noteTimes(keyOf(one.metadata), { uid, ready: 1, responded: 2 }).kind, 'noted');
    assert.deepEqual([tracked.readyAt, tracked.respondedAt], [TIMES.ready, TIMES.responded]);
    noteNeverRan(tracked);
    assert.deepEqual([tracked.readyAt, tracked.respondedAt], [undefined, undefined]);
  });

  const over = (): EphemeralDomain => {
    const one = running();
    return patched(one, changePatch(one, { kind: 'succeeded', end: 'power-off' }, { started: NOW + 50 }, NOW + 200));
  };
  const plain = (): EphemeralDomain => bound(resource({ domain: DOMAIN }));
  const cases: readonly (readonly [string, () => EphemeralDomain, string | undefined, Tracked | undefined, RegExp])[] =
    [
      ['a namesake', running, 'another', askedFor(), /another UID/],
      ['one that the controller judges itself', plain, undefined, askedFor(), /no spec\.request/],
      ['one that has ended', over, undefined, askedFor(), /has ended/],
      [
        'one that waits for a place',
        () => resource({ domain: DOMAIN, request: REQUEST }),
        undefined,
        askedFor(),
        /host/,
      ],
      ['an attempt that was not asked for yet', served, undefined, notYet(), /not started/],
      ['one that its host does not know', served, undefined, undefined, /not started/],
    ];
  for (const [what, make, uid, tracked, why] of cases) {
    it(`is not taken for ${what}`, () => {
      const one = make();
      const noted = (tracked === undefined ? nobody(one) : sinkOf(one, tracked)).noteTimes(keyOf(one.metadata), {
        uid: uid ?? one.metadata.uid,
        ...TIMES,
      });
      assert.equal(noted.kind, 'not-taken');
      assert.match(noted.why, why);
      assert.equal(tracked?.readyAt, undefined);
    });
  }

  it('is not taken for what is not there', () => {
    const one = running();
    assert.deepEqual(sinkOf(one).noteTimes('default/other', { uid: 'u', ...TIMES }), { kind: 'not-found' });
  });

  it('is in the final write: when it was ready, when its answer began, and what its visitor waited', () => {
    const one = running();
    const times = { started: NOW + 50, ...TIMES, stopped: NOW + 150 };
    const { status } = patched(one, changePatch(one, { kind: 'succeeded', end: 'power-off' }, times, NOW + 151));
    assert.ok(status !== undefined);
    assert.partialDeepStrictEqual(status.timeline, {
      requested: '2026-11-23T11:59:59.876543Z',
      ready: '2026-11-23T12:00:00.100000Z',
      responded: '2026-11-23T12:00:00.112250Z',
    });
    // 112.25 ms and 123.457 ms before noon.
    assert.equal(status.spawnTime, '236ms');
    const ready = findCondition(status.conditions, 'Ready');
    assert.deepEqual([ready?.status, ready?.reason], ['False', 'DomainStopped']);
  });

  it('makes it Ready with a write that comes while it runs', () => {
    const one = running();
    const change = { kind: 'stopping', why: 'deadline', id: 4 } as const;
    const { status } = patched(one, changePatch(one, change, { started: NOW + 50, ...TIMES }, NOW + 900));
    const ready = findCondition(status?.conditions, 'Ready');
    assert.deepEqual([ready?.status, ready?.reason], ['True', 'DomainReady']);
  });

  it('leaves no spawnTime where nobody told when its answer began', () => {
    const one = running();
    const { status } = patched(one, changePatch(one, { kind: 'succeeded', end: 'power-off' }, { ready: NOW }, NOW));
    assert.deepEqual([status?.spawnTime, status?.timeline?.responded], [undefined, undefined]);
  });

  it('is never told as less than nothing, whatever the clocks say', () => {
    const one = running();
    const times = { ready: NOW - 10_000, responded: NOW - 9_000 };
    const { status } = patched(one, changePatch(one, { kind: 'succeeded', end: 'power-off' }, times, NOW));
    assert.equal(status?.spawnTime, '0ms');
  });

  it('of an earlier attempt is gone with the next binding', () => {
    const one = running();
    const told = {
      ...one,
      status: { ...one.status, timeline: { ...one.status?.timeline, responded: 'x', ready: 'y' } },
    };
    const { status } = bound(told);
    assert.deepEqual([status?.timeline?.responded, status?.timeline?.ready], [undefined, undefined]);
    assert.equal(status?.timeline?.requested, '2026-11-23T11:59:59.876543Z');
  });

  function notYet(): Tracked {
    return { ...track('d-1', undefined, 0), request: { kind: 'not-yet' } };
  }

  function nobody(one: EphemeralDomain) {
    return createTimelineSink({ get: () => one }, () => undefined);
  }
});
