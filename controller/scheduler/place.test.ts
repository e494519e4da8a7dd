import assert from 'node:assert/strict';

import { refusal } from './filter.ts';
import type { Ask, HostView } from './filter.ts';
import { place } from './place.ts';
import { memoryText, waitingMessage } from './reasons.ts';
import { selectorMatches } from './selector.ts';
import { isTolerated } from './tolerations.ts';
import type { Toleration } from './tolerations.ts';

const MI = 2 ** 20;
const NAMESPACE = { name: 'batch', labels: { team: 'a' } };
const ASK: Ask = { memory: 64 * MI, type: 'pv', disks: false, secrets: false, interface: true, namespace: NAMESPACE };

const GPU = { key: 'gpu', effect: 'NoSchedule' };

function host(name: string, more: Partial<HostView> = {}): HostView {
  return {
    name,
    labels: {},
    unschedulable: false,
    taints: [],
    domainTypes: ['pv', 'pvh'],
    attachesDisks: true,
    freeMemory: 1024 * MI,
    freeAddresses: 10,
    domains: 0,
    maxDomains: 100,
    starting: 0,
    maxStarting: 4,
    ...more,
  };
}

describe('refusal', () => {
  const rows: readonly { name: string; host: Partial<HostView>; ask?: Partial<Ask>; refused: string | undefined }[] = [
    { name: 'a free host', host: {}, refused: undefined },
    { name: 'a host that is not Ready', host: { notReady: 'NotAnswering' }, refused: 'not-ready' },
    { name: 'a cordoned Node', host: { unschedulable: true }, refused: 'cordoned' },
    { name: 'a NoSchedule taint', host: { taints: [{ key: 'gpu', effect: 'NoSchedule' }] }, refused: 'tainted' },
    { name: 'a NoExecute taint', host: { taints: [{ key: 'gpu', effect: 'NoExecute' }] }, refused: 'tainted' },
    {
      name: 'a PreferNoSchedule taint',
      host: { taints: [{ key: 'gpu', effect: 'PreferNoSchedule' }] },
      refused: undefined,
    },
    {
      name: 'the taint of a Node without a kubelet',
      host: { taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] },
      refused: undefined,
    },
    {
      name: 'the taint of an unreachable kubelet',
      host: { taints: [{ key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' }] },
      refused: undefined,
    },
    {
      name: 'a taint that is tolerated',
      host: { taints: [{ key: 'gpu', value: 'a', effect: 'NoSchedule' }] },
      ask: { tolerations: [{ key: 'gpu', value: 'a' }] },
      refused: undefined,
    },
    {
      name: 'a second taint that is not tolerated',
      host: { taints: [GPU, { key: 'spot', effect: 'NoExecute' }] },
      ask: { tolerations: [{ key: 'gpu', operator: 'Exists' }] },
      refused: 'tainted',
    },
    {
      name: 'a cordoned Node though everything is tolerated',
      host: { unschedulable: true, taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }] },
      ask: { tolerations: [{ operator: 'Exists' }] },
      refused: 'cordoned',
    },
    {
      name: 'a namespace that is allowed',
      host: { allowedNamespaces: { matchLabels: { team: 'a' } } },
      refused: undefined,
    },
    {
      name: 'a namespace that is not allowed',
      host: { allowedNamespaces: { matchLabels: { team: 'b' } } },
      refused: 'namespace',
    },
    {
      name: 'a namespace that is not known yet, where not all are allowed',
      host: { allowedNamespaces: {} },
      ask: { namespace: { name: 'new', labels: undefined } },
      refused: 'namespace',
    },
    {
      name: 'a namespace that is not known yet, where all are allowed',
      host: {},
      ask: { namespace: { name: 'new', labels: undefined } },
      refused: undefined,
    },
    { name: 'too little memory', host: { freeMemory: 64 * MI - 1 }, refused: 'memory' },
    { name: 'just enough memory', host: { freeMemory: 64 * MI }, refused: undefined },
    { name: 'no free address', host: { freeAddresses: 0 }, refused: 'address' },
    {
      name: 'no free address where none is needed',
      host: { freeAddresses: 0 },
      ask: { interface: false },
      refused: undefined,
    },
    { name: 'a type that it has', host: {}, ask: { type: 'pvh' }, refused: undefined },
    { name: 'a type that it does not have', host: {}, ask: { type: 'hvm' }, refused: 'type' },
    { name: 'disks', host: {}, ask: { disks: true }, refused: undefined },
    { name: 'disks, which it cannot attach', host: { attachesDisks: false }, ask: { disks: true }, refused: 'disks' },
    { name: 'secrets', host: {}, ask: { secrets: true }, refused: undefined },
    {
      name: 'secrets, whose disk it cannot attach',
      host: { attachesDisks: false },
      ask: { secrets: true },
      refused: 'secrets',
    },
    { name: 'no disks where it cannot attach any', host: { attachesDisks: false }, refused: undefined },
    {
      name: 'a type that is not known yet',
      host: { notReady: 'Connecting', domainTypes: [] },
      refused: 'not-ready',
    },
    { name: 'maxDomains reached', host: { domains: 100 }, refused: 'domains' },
    { name: 'maxStarting reached', host: { starting: 4 }, refused: 'starting' },
    {
      name: 'labels that do not match',
      host: { labels: { zone: 'a' } },
      ask: { hostSelector: { matchLabels: { zone: 'b' } } },
      refused: 'selector',
    },
  ];
  for (const row of rows) {
    it(`${row.refused === undefined ? 'accepts' : 'refuses'} ${row.name}`, () => {
      assert.equal(refusal(host('h', row.host), { ...ASK, ...row.ask })?.kind, row.refused);
    });
  }
});

describe('place', () => {
  it('prefers the host with the fewest domains starting', () => {
    const hosts = [host('a', { starting: 2 }), host('b', { starting: 1, freeMemory: 64 * MI })];
    assert.deepEqual(place(ASK, hosts), { kind: 'host', host: 'b' });
  });

  it('then the one with the most free memory, then the first by name', () => {
    const roomy = host('c', { freeMemory: 2048 * MI });
    assert.deepEqual(place(ASK, [host('b'), roomy, host('a')]), { kind: 'host', host: 'c' });
    assert.deepEqual(place(ASK, [host('b'), host('a')]), { kind: 'host', host: 'a' });
  });

  it('takes one that is to be avoided only where no other has room', () => {
    const ask = { ...ASK, avoid: ['a', 'b'] };
    const busy = host('c', { starting: 3, freeMemory: 64 * MI });
    assert.deepEqual(place(ask, [host('a'), host('b'), busy]), { kind: 'host', host: 'c' });
    const full = host('c', { freeMemory: 0 });
    assert.deepEqual(place(ask, [host('b'), full, host('a', { starting: 1 })]), { kind: 'host', host: 'b' });
  });

  it('says for each host why it refused', () => {
    const placement = place(ASK, [host('a', { unschedulable: true }), host('b', { freeAddresses: 0 })]);
    assert.deepEqual(placement, {
      kind: 'none',
      refusals: [
        { kind: 'cordoned', host: 'a' },
        { kind: 'address', host: 'b' },
      ],
    });
  });
});

describe('waitingMessage', () => {
  it('counts hosts by why they refuse, the commonest first', () => {
    const ask = { ...ASK, memory: 512 * MI, hostSelector: { matchLabels: { zone: 'a' } } };
    const labels = { zone: 'a' };
    const hosts = [
      host('xen-4', { labels: {} }),
      host('xen-3', { labels, notReady: 'NotAnswering' }),
      host('xen-1', { labels, freeMemory: 300 * MI }),
      host('xen-2', { labels, freeMemory: 200 * MI }),
    ];
    const placement = place(ask, hosts);
    assert.equal(placement.kind, 'none');
    assert.equal(
      waitingMessage(ask, placement.refusals, 'hatchery.dev/dom0=true'),
      '0/4 hosts: 2 have not enough memory (asked 512Mi, most free 300Mi), 1 is not Ready (xen-3: NotAnswering), ' +
        '1 does not match hostSelector',
    );
  });

  it('names the namespace that a host does not allow', () => {
    const placement = place(ASK, [host('a', { allowedNamespaces: { matchLabels: { team: 'b' } } })]);
    assert.equal(placement.kind, 'none');
    assert.equal(waitingMessage(ASK, placement.refusals, 'x'), '0/1 hosts: 1 does not allow namespace batch');
  });

  it('says what a host is not able to do', () => {
    const ask = { ...ASK, type: 'hvm', disks: true };
    const able = { domainTypes: ['pv', 'pvh', 'hvm'], attachesDisks: false };
    const placement = place(ask, [host('xen-1'), host('xen-2'), host('lxc-1', able)]);
    assert.equal(placement.kind, 'none');
    const told = waitingMessage(ask, placement.refusals, 'x');
    assert.equal(told, '0/3 hosts: 2 cannot run hvm, 1 cannot attach disks');
  });

  it('says that parameters from Secrets are why a host without disks will not do', () => {
    const ask = { ...ASK, secrets: true };
    const placement = place(ask, [host('lxc-1', { attachesDisks: false })]);
    assert.equal(placement.kind, 'none');
    const told = waitingMessage(ask, placement.refusals, 'x');
    assert.equal(told, '0/1 hosts: 1 cannot attach the disk that parameters from Secrets need');
  });

  it('says what to do where there is no host at all', () => {
    assert.equal(
      waitingMessage(ASK, [], 'hatchery.dev/dom0=true'),
      'there is no dom0 host: label a Node hatchery.dev/dom0=true',
    );
  });

  it('names at most three hosts', () => {
    const hosts = ['a', 'b', 'c', 'd', 'e'].map((name) => host(name, { notReady: 'NotAnswering' }));
    const placement = place(ASK, hosts);
    assert.equal(placement.kind, 'none');
    assert.match(waitingMessage(ASK, placement.refusals, 'x'), /\(a: NotAnswering, .* and 2 more\)/);
  });

  it('writes memory as people do', () => {
    const texts = [0, 4096, 300 * MI, 1024 * MI, 1536 * MI].map(memoryText);
    assert.deepEqual(texts, ['0Mi', '4Ki', '300Mi', '1Gi', '1536Mi']);
  });
});

describe('selectorMatches', () => {
  const labels = { zone: 'a', disk: 'fast' };
  const rows: readonly [string, Parameters<typeof selectorMatches>[0], boolean][] = [
    ['no selector', undefined, true],
    ['an empty selector', {}, true],
    ['a label that is there', { matchLabels: { zone: 'a' } }, true],
    ['a label with another value', { matchLabels: { zone: 'b' } }, false],
    ['a label named like a property of every object', { matchLabels: { constructor: 'a' } }, false],
    ['In', { matchExpressions: [{ key: 'zone', operator: 'In', values: ['b', 'a'] }] }, true],
    ['In, absent', { matchExpressions: [{ key: 'rack', operator: 'In', values: ['b', 'a'] }] }, false],
    ['NotIn', { matchExpressions: [{ key: 'zone', operator: 'NotIn', values: ['a'] }] }, false],
    ['NotIn, absent', { matchExpressions: [{ key: 'rack', operator: 'NotIn', values: ['a'] }] }, true],
    ['Exists', { matchExpressions: [{ key: 'disk', operator: 'Exists' }] }, true],
    ['DoesNotExist', { matchExpressions: [{ key: 'disk', operator: 'DoesNotExist' }] }, false],
    ['an unknown operator', { matchExpressions: [{ key: 'disk', operator: 'Near' }] }, false],
    ['all of several', { matchLabels: { zone: 'a', disk: 'slow' } }, false],
  ];
  for (const [name, selector, matches] of rows) {
    it(`${name}: ${matches ? 'matches' : 'does not match'}`, () =>
      assert.equal(selectorMatches(selector, labels), matches));
  }
});

describe('isTolerated', () => {
  const taint = { key: 'dedicated', value: 'batch', effect: 'NoSchedule' };
  const rows: readonly [string, Toleration, boolean][] = [
    ['Equal with its value', { key: 'dedicated', operator: 'Equal', value: 'batch' }, true],
    ['Equal where no operator is said', { key: 'dedicated', value: 'batch' }, true],
    ['Equal with another value', { key: 'dedicated', operator: 'Equal', value: 'web' }, false],
    ['Equal without a value', { key: 'dedicated' }, false],
    ['Exists', { key: 'dedicated', operator: 'Exists' }, true],
    ['Exists of another key', { key: 'spot', operator: 'Exists' }, false],
    ['Exists of every key', { operator: 'Exists' }, true],
    ['Equal of every key, which the API server refuses', { value: 'batch' }, false],
    ['the same effect', { key: 'dedicated', operator: 'Exists', effect: 'NoSchedule' }, true],
    ['another effect', { key: 'dedicated', operator: 'Exists', effect: 'NoExecute' }, false],
    ['an unknown operator', { key: 'dedicated', operator: 'Near', value: 'batch' }, false],
  ];
  for (const [name, toleration, borne] of rows) {
    it(`${name}: ${borne ? 'borne' : 'not borne'}`, () => assert.equal(isTolerated(taint, [toleration]), borne));
  }

  it('a taint without a value is Equal to a toleration without one', () => {
    assert.ok(isTolerated({ key: 'gpu', effect: 'NoExecute' }, [{ key: 'gpu' }]));
  });

  it('one of several is enough, none is not', () => {
    assert.ok(isTolerated(taint, [{ key: 'spot' }, { operator: 'Exists' }]));
    assert.ok(!isTolerated(taint, []));
  });
});
