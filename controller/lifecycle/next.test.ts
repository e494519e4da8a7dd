import assert from 'node:assert/strict';

import { nextStep } from './next.ts';
import type { AttemptView, Knowledge, Step } from './next.ts';

const IDENTITY = { boot: 'b', daemon: 'd', outlivesDaemon: true };
const BOUND = { hostBoot: 'b', hostDaemon: 'd', started: false };
const ATTEMPT: AttemptView = {
  ...{ bound: BOUND, stopping: undefined, suspend: false, confirmed: true },
  ...{ deadline: undefined, startDeadline: undefined, graceMs: 0, readyBy: undefined, untold: false },
};
const KNOWN: Knowledge = {
  attempt: ATTEMPT,
  host: { answering: true, identity: IDENTITY },
  found: { kind: 'absent' },
  asked: { kind: 'not-by-us', settled: true },
  shutdownAsked: false,
  now: 1_000,
};
const OVER = { ...ATTEMPT, bound: undefined };
const ACTIVE = { kind: 'active', id: 4 } as const;
const STARTED = { ...ATTEMPT, bound: { ...BOUND, started: true } };

interface Row {
  readonly name: string;
  readonly known: Partial<Knowledge>;
  readonly step: Step;
}

const REST: Step = { kind: 'rest', recheckAfterMs: undefined };
const LOOK: Step = { kind: 'look', afterMs: 0 };

const ROWS: readonly Row[] = [
  { name: 'nobody looked: look', known: { found: undefined }, step: LOOK },
  {
    name: 'bound by ourselves a moment ago: start without a look',
    known: { found: undefined, asked: { kind: 'not-yet' } },
    step: { kind: 'start', defined: false },
  },
  {
    name: 'to be started, but known from a cache only: ask the API server first',
    known: { attempt: { ...ATTEMPT, confirmed: false } },
    step: { kind: 'confirm' },
  },
  {
    name: 'active, Started not stored: store it',
    known: { found: ACTIVE },
    step: { kind: 'write', change: { kind: 'running', id: 4 } },
  },
  {
    name: 'active, and its end may follow at once: rest until it is worth a write',
    known: { found: ACTIVE, attempt: { ...ATTEMPT, quietUntil: 1_500, deadline: 9_000 } },
    step: { kind: 'rest', recheckAfterMs: 500 },
  },
  {
    name: 'active, and its end may follow at once, but its guest has spoken: store it',
    known: { found: ACTIVE, attempt: { ...ATTEMPT, quietUntil: 1_500, untold: true } },
    step: { kind: 'write', change: { kind: 'running', id: 4 } },
  },
  {
    name: 'active still when it is worth a write: store it',
    known: { found: ACTIVE, attempt: { ...ATTEMPT, quietUntil: 1_000 } },
    step: { kind: 'write', change: { kind: 'running', id: 4 } },
  },
  { name: 'active, Started stored: rest', known: { found: ACTIVE, attempt: STARTED }, step: REST },
  {
    name: 'active, with a deadline: rest until then',
    known: { found: ACTIVE, attempt: { ...STARTED, deadline: 1_700 } },
    step: { kind: 'rest', recheckAfterMs: 700 },
  },
  {
    name: 'ended while the Running write was still unsent: only the final one',
    known: { found: { kind: 'ended', end: 'power-off' } },
    step: { kind: 'write', change: { kind: 'succeeded', end: 'power-off' } },
  },
  {
    name: 'heard of its guest while the Running write was still unsent: that one says both',
    known: { found: ACTIVE, attempt: { ...ATTEMPT, untold: true } },
    step: { kind: 'write', change: { kind: 'running', id: 4 } },
  },
  {
    name: 'heard of its guest after Running was stored: a write of its own',
    known: { found: ACTIVE, attempt: { ...STARTED, untold: true } },
    step: { kind: 'write', change: { kind: 'heard' } },
  },
  {
    name: 'heard of its guest in the moment in which its time was up: it was not late',
    known: { found: ACTIVE, attempt: { ...STARTED, untold: true, readyBy: 1_000 } },
    step: { kind: 'write', change: { kind: 'heard' } },
  },
  {
    name: 'heard of its guest while its host is silent: stored all the same',
    known: { attempt: { ...STARTED, untold: true }, host: { answering: false, lostIn: 5_000 } },
    step: { kind: 'write', change: { kind: 'heard' } },
  },
  {
    name: 'heard of its guest, and it has ended: only the final write',
    known: { found: { kind: 'ended', end: 'power-off' }, attempt: { ...STARTED, untold: true } },
    step: { kind: 'write', change: { kind: 'succeeded', end: 'power-off' } },
  },
  {
    name: 'not ready yet: rest until its time is up',
    known: { found: ACTIVE, attempt: { ...STARTED, deadline: 9_000, readyBy: 1_300 } },
    step: { kind: 'rest', recheckAfterMs: 300 },
  },
  { name: 'over, and nobody looked: look', known: { attempt: OVER, found: undefined }, step: LOOK },
  { name: 'over, still listed: acknowledge', known: { attempt: OVER, found: ACTIVE }, step: { kind: 'acknowledge' } },
  { name: 'over and gone: rest', known: { attempt: OVER }, step: REST },
  {
    name: 'over, host silent: rest',
    known: { attempt: OVER, found: ACTIVE, host: { answering: false, lostIn: -1 } },
    step: REST,
  },
  {
    name: 'host silent: rest until it counts as lost',
    known: { host: { answering: false, lostIn: 40_000 } },
    step: { kind: 'rest', recheckAfterMs: 40_000 },
  },
];

describe('nextStep', () => {
  for (const row of ROWS) {
    it(row.name, () => assert.deepEqual(nextStep({ ...KNOWN, ...row.known }), row.step));
  }

  it('gives a domain up whose host is lost', () => {
    const step = nextStep({ ...KNOWN, host: { answering: false, lostIn: 0 } });
    assert.ok(step.kind === 'write' && step.change.kind === 'failed');
    assert.equal(step.change.reason, 'HostLost');
    assert.equal(step.change.final, false);
  });

  const late: readonly [string, Partial<Knowledge>][] = [
    ['while it runs', { found: ACTIVE }],
    ['while its host is silent', { host: { answering: false, lostIn: 10_000 } }],
  ];
  for (const [name, known] of late) {
    it(`fails the attempt when it is not ready in time ${name}`, () => {
      const step = nextStep({ ...KNOWN, attempt: { ...STARTED, readyBy: 1_000 }, ...known });
      assert.ok(step.kind === 'write' && step.change.kind === 'failed');
      assert.equal(step.change.reason, 'ReadinessTimeout');
      assert.equal(step.change.final, false);
    });
  }

  const overdue: readonly [string, Partial<Knowledge>][] = [
    ['while it runs', { found: ACTIVE }],
    ['before it was started', {}],
    ['while its create is under way', { found: { kind: 'creating' } }],
    ['while its host is silent', { host: { answering: false, lostIn: 10_000 } }],
  ];
  for (const [name, known] of overdue) {
    it(`fails it for good, and first of all, when its deadline passes ${name}`, () => {
      const step = nextStep({ ...KNOWN, attempt: { ...ATTEMPT, deadline: 1_000, confirmed: false }, ...known });
      assert.ok(step.kind === 'write' && step.change.kind === 'failed');
      assert.equal(step.change.reason, 'DeadlineExceeded');
      assert.equal(step.change.final, true);
    });
  }

  it('lets an end that is known count, though the deadline has passed too', () => {
    const attempt = { ...ATTEMPT, deadline: 1 };
    const step = nextStep({ ...KNOWN, attempt, found: { kind: 'ended', end: 'power-off' } });
    assert.deepEqual(step, { kind: 'write', change: { kind: 'succeeded', end: 'power-off' } });
  });
});
