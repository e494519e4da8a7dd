import assert from 'node:assert/strict';

import { spawnBody } from './body.ts';
import { failureOf, secondTry } from './failure.ts';
import { phasesOf } from './marks.ts';
import { spawnRequest as request } from './testing/request.ts';
import { boundedText, labelValue, nameOf } from './words.ts';

const SUFFIX = '0123456789abcdef';

const maker = { replica: 'r-1', suffix: SUFFIX, notify: undefined };

describe('the EphemeralDomain of a request', () => {
  it('has a policy of its own where the template leaves it open', () => {
    const { spec } = spawnBody(request(), maker);
    assert.deepEqual(spec, {
      templateRef: { name: 'web' },
      ...{ priority: 1_000, backoffLimit: 0, startDeadlineSeconds: 5, activeDeadlineSeconds: 91 },
      ttlSecondsAfterFinished: 300,
      request: { receivedTime: '2026-01-02T03:04:05.678901Z' },
    });
  });

  it('leaves to the template what that says, also a nought', () => {
    const policy = { priority: 0, backoffLimit: 2, startDeadlineSeconds: 60, activeDeadlineSeconds: 5 };
    const { spec } = spawnBody(request({ ...policy, ttlSecondsAfterFinished: 0 }), maker);
    assert.deepEqual(Object.keys(spec), ['templateRef', 'request']);
  });

  it('names each host to avoid once', () => {
    const { spec } = spawnBody(request({}, { avoidHosts: ['xen-1', 'xen-1'] }), maker);
    assert.deepEqual(spec.request?.avoidHosts, ['xen-1']);
  });

  it('has the template’s own labels and annotations, and ours before them', () => {
    const labels = { team: 'a', 'hatchery.dev/replica': 'forged' };
    const { metadata } = spawnBody(request({}, {}, { labels, annotations: { note: 'x' } }), maker);
    assert.deepEqual([metadata.labels?.['team'], metadata.labels?.['hatchery.dev/replica']], ['a', 'r-1']);
    assert.equal(metadata.annotations?.['note'], 'x');
  });
});

describe('words of strangers in names, labels and annotations', () => {
  it('a name is the template’s, cut to fit, and a suffix', () => {
    assert.equal(nameOf('web', SUFFIX), `web-${SUFFIX}`);
    const long = nameOf(`${'a'.repeat(235)}.${'b'.repeat(17)}`, SUFFIX);
    assert.equal(long, `${'a'.repeat(235)}-${SUFFIX}`);
    assert.ok(long.length <= 253);
  });

  const labels: readonly [string, RegExp][] = [
    ['web.v1', /^web\.v1$/],
    ['a'.repeat(63), /^a{63}$/],
    ['a'.repeat(64), /^a{46}-[0-9a-f]{16}$/],
    ['-a b', /^a_b-[0-9a-f]{16}$/],
    ['é', /^_?-?[0-9a-f]{16}$/],
    ['', /^[0-9a-f]{16}$/],
  ];
  for (const [text, wanted] of labels) {
    it(`a label is always one that can be: ${JSON.stringify(text.slice(0, 8))}`, () => {
      assert.match(labelValue(text), wanted);
      assert.match(labelValue(text), /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/);
    });
  }

  it('labels of long texts that begin alike differ', () => {
    assert.notEqual(labelValue('a'.repeat(64)), labelValue('a'.repeat(65)));
  });

  const texts: readonly [string, number, string][] = [
    ['/a/b', 8, '/a/b'],
    ['/a\r\nb\u202ec', 32, '/a b c'],
    ['x'.repeat(10), 8, 'xxxxx…'],
    ['ééééé', 8, 'éé…'],
    ['', 8, ''],
  ];
  for (const [text, bytes, wanted] of texts) {
    it(`an annotation is one safe line of at most ${bytes} bytes: ${JSON.stringify(text)}`, () => {
      assert.equal(boundedText(text, bytes), wanted);
      assert.ok(Buffer.byteLength(boundedText(text, bytes)) <= bytes);
    });
  }
});

describe('why a request has no guest', () => {
  const rows: readonly [string, string, boolean][] = [
    ['StartFailed', 'host-fault', true],
    ['HostLost', 'host-fault', true],
    ['HostRebooted', 'host-fault', true],
    ['Unknown', 'host-fault', true],
    ['HostStateUnknown', 'host-fault', true],
    ['ImageNotFound', 'template-fault', false],
    ['InvalidParameters', 'template-fault', false],
    ['StartDeadlineExceeded', 'no-place', false],
    ['PowerOff', 'guest-ended', false],
    ['Crashed', 'guest-ended', false],
    ['SomethingNew', 'guest-ended', false],
  ];
  for (const [reason, kind, isTriedAgain] of rows) {
    it(`${reason}: ${kind}, ${isTriedAgain ? 'one more try on another host' : 'no other try'}`, () => {
      const failure = failureOf({ phase: 'Failed', reason, host: 'xen-1' });
      assert.equal(failure.kind, kind);
      assert.deepEqual(secondTry(failure), isTriedAgain ? { avoid: 'xen-1' } : undefined);
    });
  }
});

describe('where the time of a spawn went', () => {
  const timeline = {
    created: '2026-01-02T03:04:05.000000Z',
    domainRequested: '2026-01-02T03:04:05.020000Z',
    domainStarted: '2026-01-02T03:04:05.070000Z',
  };
  const marks = { begun: 1_000, created: 1_010, bound: 1_025, ready: 1_110, reachable: 1_111 };
  const rows: readonly [string, Parameters<typeof phasesOf>[0], string][] = [
    ['before the POST is answered', { begun: 1_000 }, ''],
    ['while it is waited for', { begun: 1_000, created: 1_010 }, 'api 10'],
    ['as one, while the controller has not told more', marks, 'api 10, spawn 100, ready 1'],
    ['with the controller’s own times', { ...marks, timeline }, 'api 10, schedule 20, create 50, boot 30, ready 1'],
    [
      'no phase below nought, where clocks disagree',
      { ...marks, timeline: { ...timeline, domainStarted: '2026-01-02T03:04:09.000000Z' } },
      'api 10, schedule 20, create 80, boot 0, ready 1',
    ],
    [
      'of a guest that spoke before the POST was answered',
      { ...marks, ready: 1_004, reachable: 1_004 },
      'api 4, spawn 0, ready 0',
    ],
  ];
  for (const [what, given, wanted] of rows) {
    it(what, () =>
      assert.equal(
        phasesOf(given)
          .map(({ name, ms }) => `${name} ${Math.round(ms)}`)
          .join(', '),
        wanted,
      ),
    );
  }
});
