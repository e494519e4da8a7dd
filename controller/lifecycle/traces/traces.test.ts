import assert from 'node:assert/strict';

import { LONELY_MAC } from '#controller/domain/xml.ts';
import type { DomainPlan } from '#controller/domain/xml.ts';
import { LibvirtError } from '#controller/libvirt/index.ts';
import type { Domain, Hypervisor, LibvirtErrorKind } from '#controller/libvirt/index.ts';
import type { Session } from '../session.ts';
import type { Found, HostTrace } from '../trace.ts';
import { createLxcTrace, createTestTrace } from './persistent.ts';
import { createXenTrace } from './xen.ts';

const UUID = '5f1c2a0e-8d34-5b7e-9a41-6c0d3e9b7f25';
const OTHER = '6f1c2a0e-8d34-5b7e-9a41-6c0d3e9b7f25';
const PLAN: DomainPlan = {
  identity: { cluster: 'c', namespace: 'n', name: 'x', uid: 'u', attempt: 1 },
  uuid: UUID,
  name: 'edom-198-18-4-21',
  type: 'pv',
  memoryKiB: 65_536,
  vcpus: 1,
  kernel: 'hatchling',
  imageDirectory: '/images',
};

function failure(kind: LibvirtErrorKind, { code = 1, mayHaveRun = false } = {}): LibvirtError {
  return new LibvirtError('no', { kind, uri: 'test', procedure: 'P', code, mayHaveRun });
}

const absent = () => Promise.reject(failure('no-domain', { code: 42 }));
const domain = (uuid: string): Domain => ({ uuid, name: PLAN.name, id: 7 });
const shutoff = (reason: number) => Promise.resolve({ state: 'shutoff' as const, code: 5, reason });

type Calls = Partial<Record<keyof Hypervisor, (...args: readonly unknown[]) => unknown>>;

/** A host that answers as told, and notes what it was asked. */
function hostOf(calls: Calls): { readonly session: Session; readonly asked: string[] } {
  const asked: string[] = [];
  const noted = Object.entries(calls).map(([name, answer]) => [
    name,
    (...args: readonly unknown[]) => {
      asked.push(name);
      return answer(...args);
    },
  ]);
  const hypervisor = { ...Object.fromEntries(noted), uri: 'test', session: { generation: 1 } } as unknown as Hypervisor;
  return { session: { hypervisor, generation: 1, since: 0 }, asked };
}

const nothing = () => Promise.resolve();
const TRACES: Readonly<Record<'xen' | 'lxc' | 'test', (session: Session) => HostTrace>> = {
  xen: (session) => createXenTrace(session, nothing),
  lxc: createLxcTrace,
  test: createTestTrace,
};

describe('observe: state and reason in the words of the table', () => {
  const rows: readonly ['xen' | 'lxc' | 'test', number, Found][] = [
    ['xen', 0, { kind: 'creating' }],
    ['xen', 1, { kind: 'ended', end: 'power-off' }],
    ['xen', 2, { kind: 'ended', end: 'destroyed' }],
    ['xen', 3, { kind: 'ended', end: 'crashed' }],
    ['lxc', 0, { kind: 'never-run' }],
    ['lxc', 1, { kind: 'ended', end: 'power-off' }],
    ['lxc', 2, { kind: 'ended', end: 'destroyed' }],
    ['lxc', 6, { kind: 'start-failed' }],
    ['test', 0, { kind: 'never-run' }],
    ['test', 3, { kind: 'ended', end: 'crashed' }],
  ];
  for (const [kind, reason, found] of rows) {
    it(`${kind} 5/${reason}: ${found.kind}`, async () => {
      const { session } = hostOf({
        lookupByUuid: () => Promise.resolve(domain(UUID)),
        getState: () => shutoff(reason),
      });
      assert.deepEqual(await TRACES[kind](session).observe(UUID), found);
    });
  }

  for (const state of ['running', 'blocked', 'paused', 'nostate'] as const) {
    it(`${state}: active, with its number`, async () => {
      const getState = () => Promise.resolve({ state, code: 1, reason: 0 });
      const { session } = hostOf({ lookupByUuid: () => Promise.resolve(domain(UUID)), getState });
      assert.deepEqual(await TRACES.xen(session).observe(UUID), { kind: 'active', id: 7 });
    });
  }

  it('no such UUID: absent', async () => {
    const { session } = hostOf({ lookupByUuid: absent });
    assert.deepEqual(await TRACES.xen(session).observe(UUID), { kind: 'absent' });
  });

  it('on a session that is over: fails, with nothing sent', async () => {
    const { session, asked } = hostOf({ lookupByUuid: absent });
    await assert.rejects(TRACES.xen({ ...session, generation: 2 }).observe(UUID), { kind: 'not-connected' });
    assert.deepEqual(asked, []);
  });
});

describe('list', () => {
  const ended = { ...domain(OTHER), id: -1 };
  const listAllDomains = () => Promise.resolve([domain(UUID), ended]);
  const getState = (ref: unknown) =>
    ref === ended ? shutoff(1) : Promise.resolve({ state: 'running', code: 1, reason: 0 });
  const found = [
    { uuid: UUID, name: PLAN.name, found: { kind: 'active', id: 7 } },
    { uuid: OTHER, name: PLAN.name, found: { kind: 'ended', end: 'power-off' } },
  ];
  const rows: readonly ['xen' | 'lxc' | 'test', string, number][] = [
    ['xen', 'asks after each, since one that is preserved keeps its number', 2],
    ['lxc', 'asks after those alone that have no number', 1],
    ['test', 'asks after those alone that have no number', 1],
  ];
  for (const [kind, what, asks] of rows) {
    it(`${kind}: ${what}`, async () => {
      const { session, asked } = hostOf({ listAllDomains, getState });
      assert.deepEqual(await TRACES[kind](session).list(), found);
      assert.equal(asked.filter((call) => call === 'getState').length, asks);
    });
  }
});

describe('start on Xen', () => {
  const start = (calls: Calls) => TRACES.xen(hostOf(calls).session).start(PLAN);

  it('is one call', async () => {
    const { session, asked } = hostOf({ createXml: () => Promise.resolve(domain(UUID)) });
    assert.deepEqual(await TRACES.xen(session).start(PLAN), { kind: 'started', id: 7 });
    assert.deepEqual(asked, ['createXml']);
  });

  it('no answer: in doubt', async () => {
    const lost = failure('connection-lost', { code: 0, mayHaveRun: true });
    assert.deepEqual(await start({ createXml: () => Promise.reject(lost) }), { kind: 'in-doubt', timedOut: false });
    const late = failure('timeout', { code: 0, mayHaveRun: true });
    assert.deepEqual(await start({ createXml: () => Promise.reject(late) }), { kind: 'in-doubt', timedOut: true });
  });

  it('nothing sent: so it says', async () => {
    const unsent = failure('queue-full', { code: 0 });
    assert.deepEqual(await start({ createXml: () => Promise.reject(unsent) }), { kind: 'not-sent' });
  });

  it('refused, and the UUID is there: it exists', async () => {
    const createXml = () => Promise.reject(failure('operation-invalid', { code: 55 }));
    const answer = await start({ createXml, lookupByUuid: () => Promise.resolve(domain(UUID)) });
    assert.deepEqual(answer, { kind: 'exists' });
  });

  it('refused, and another UUID has the name: held by that', async () => {
    const createXml = () => Promise.reject(failure('operation-failed', { code: 9 }));
    const answer = await start({ createXml, lookupByUuid: absent, lookupByName: () => Promise.resolve(domain(OTHER)) });
    assert.deepEqual(answer, { kind: 'name-held', by: OTHER });
  });

  it('refused, and the host knows neither: refused, in its own words', async () => {
    const createXml = () => Promise.reject(failure('internal'));
    const answer = await start({ createXml, lookupByUuid: absent, lookupByName: absent });
    assert.deepEqual(answer, { kind: 'refused', why: 'test: P: no' });
  });

  it('refused, and the host cannot be asked why: in doubt', async () => {
    const createXml = () => Promise.reject(failure('internal'));
    const lookupByUuid = () => Promise.reject(failure('connection-lost', { code: 0 }));
    assert.deepEqual(await start({ createXml, lookupByUuid }), { kind: 'in-doubt', timedOut: false });
  });
});

describe('start by define and create', () => {
  const defined = () => Promise.resolve({ ...domain(UUID), id: -1 });

  it('leaves the definition first, then starts', async () => {
    const { session, asked } = hostOf({ defineXml: defined, create: () => Promise.resolve(domain(UUID)) });
    assert.deepEqual(await TRACES.lxc(session).start(PLAN), { kind: 'started', id: 7 });
    assert.deepEqual(asked, ['defineXml', 'create']);
  });

  it('only starts what is defined', async () => {
    const { session, asked } = hostOf({ create: () => Promise.resolve(domain(UUID)) });
    await TRACES.lxc(session).startDefined(PLAN);
    assert.deepEqual(asked, ['create']);
  });

  const states: readonly [number, string][] = [
    [0, 'refused'],
    [6, 'refused'],
    [1, 'exists'],
  ];
  for (const [reason, kind] of states) {
    it(`create refused, and the domain is at 5/${reason}: ${kind}`, async () => {
      const { session } = hostOf({
        defineXml: defined,
        create: () => Promise.reject(failure('internal')),
        lookupByUuid: () => Promise.resolve(domain(UUID)),
        getState: () => shutoff(reason),
      });
      assert.equal((await TRACES.lxc(session).start(PLAN)).kind, kind);
    });
  }
});

describe('acknowledge', () => {
  const calls = { sendProcessSignal: nothing, destroy: nothing, undefine: nothing, lookupByUuid: absent };

  it('on Xen destroys what is preserved, and takes it well if it is gone', async () => {
    const { session, asked } = hostOf({ destroy: absent });
    await TRACES.xen(session).acknowledge(UUID, { kind: 'ended', end: 'power-off' });
    assert.deepEqual(asked, ['destroy']);
  });

  it('on LXC undefines what has ended, in one call', async () => {
    const { session, asked } = hostOf(calls);
    await TRACES.lxc(session).acknowledge(UUID, { kind: 'ended', end: 'power-off' });
    assert.deepEqual(asked, ['undefine']);
  });

  for (const found of [
    { kind: 'active', id: 7 },
    { kind: 'ended', end: 'reboot' },
    { kind: 'ended', end: 'vanished' },
  ] as const) {
    it(`on LXC kills and destroys first what still runs or is listed so: ${JSON.stringify(found)}`, async () => {
      const { session, asked } = hostOf(calls);
      await TRACES.lxc(session).acknowledge(UUID, found);
      assert.deepEqual(asked, ['sendProcessSignal', 'destroy', 'undefine', 'lookupByUuid']);
    });
  }
});

describe('shutdown and destroy, which leave the trace', () => {
  const kinds = ['xen', 'lxc', 'test'] as const;
  for (const kind of kinds) {
    it(`${kind}: shutdown asks once, and takes it well if there is nothing to ask`, async () => {
      for (const shutdown of [nothing, absent, () => Promise.reject(failure('operation-invalid', { code: 55 }))]) {
        const { session, asked } = hostOf({ shutdown });
        await TRACES[kind](session).shutdown(UUID, 1_000);
        assert.deepEqual(asked, ['shutdown']);
      }
    });

    it(`${kind}: shutdown fails where the host says no`, async () => {
      const { session } = hostOf({ shutdown: () => Promise.reject(failure('internal')) });
      await assert.rejects(TRACES[kind](session).shutdown(UUID, 1_000), { kind: 'internal' });
    });

    it(`${kind}: destroy undefines nothing, and takes it well if it is gone`, async () => {
      for (const destroy of [nothing, absent]) {
        const { session, asked } = hostOf({ destroy, sendProcessSignal: nothing });
        await TRACES[kind](session).destroy(UUID);
        assert.deepEqual(asked, kind === 'lxc' ? ['sendProcessSignal', 'destroy'] : ['destroy']);
      }
    });
  }
});

describe('hasVanished on LXC', () => {
  const mac = '02:48:c6:12:04:15';
  const rows: readonly [string, () => Promise<unknown>, boolean][] = [
    ['its interface counts', () => Promise.resolve({}), false],
    ['its interface is not found', () => Promise.reject(failure('internal')), true],
    ['it is not running', () => Promise.reject(failure('operation-invalid', { code: 55 })), false],
    ['it never had such an interface', () => Promise.reject(failure('invalid-arg', { code: 8 })), false],
    ['it is gone', absent, false],
  ];
  for (const [name, interfaceStats, vanished] of rows) {
    it(`${name}: ${vanished}`, async () => {
      const { session } = hostOf({ interfaceStats });
      assert.equal(await TRACES.lxc(session).hasVanished(UUID, mac), vanished);
    });
  }

  it('without an interface its lonely link is asked about', async () => {
    const asked: unknown[] = [];
    const interfaceStats = (_domain: unknown, device: unknown) => {
      asked.push(device);
      return Promise.reject(failure('internal'));
    };
    assert.equal(await TRACES.lxc(hostOf({ interfaceStats }).session).hasVanished(UUID, undefined), true);
    assert.deepEqual(asked, [LONELY_MAC]);
  });
});
