import assert from 'node:assert/strict';

import type { Asked } from './decide.ts';
import { nextStep } from './next.ts';
import type { AttemptView, Change, HostView, Knowledge, Step, Stopping } from './next.ts';
import type { Found } from './trace.ts';

const NOW = 100_000;
const BOUND = { hostBoot: 'b', hostDaemon: 'd', started: true };
const UNSTARTED = { ...BOUND, started: false };
const ACTIVE: Found = { kind: 'active', id: 4 };
const ENDED: Found = { kind: 'ended', end: 'power-off' };
const SILENT: HostView = { answering: false, lostIn: 40_000 };
const LOST: HostView = { answering: false, lostIn: 0 };
const NOT_YET: Asked = { kind: 'not-yet' };
const PENDING: Asked = { kind: 'in-doubt', state: 'pending' };
const SETTLED: Asked = { kind: 'in-doubt', state: 'settled' };

/** How a case differs from one that runs well, with nothing to stop it. */
interface Case {
  readonly bound?: AttemptView['bound'];
  readonly deadline?: number;
  readonly startDeadline?: number;
  readonly grace?: number;
  readonly suspend?: boolean;
  readonly stopping?: Stopping;
  readonly found?: Found;
  readonly asked?: Asked;
  readonly host?: HostView;
  readonly shutdownAsked?: boolean;
}

function stepOf(given: Case): Step {
  const attempt: AttemptView = {
    bound: given.bound ?? BOUND,
    deadline: given.deadline,
    startDeadline: given.startDeadline,
    graceMs: given.grace ?? 30_000,
    suspend: given.suspend ?? false,
    stopping: given.stopping,
    readyBy: undefined,
    untold: false,
    confirmed: true,
  };
  const known: Knowledge = {
    attempt,
    host: given.host ?? { answering: true, identity: { boot: 'b', daemon: 'd', outlivesDaemon: true } },
    found: given.found ?? ACTIVE,
    asked: given.asked ?? { kind: 'ran' },
    shutdownAsked: given.shutdownAsked ?? false,
    now: NOW,
  };
  return nextStep(known);
}

/** A step in few words: `fail DeadlineExceeded`, `stop for suspend`, `rest 40000`. */
function textOf(step: Step): string {
  if (step.kind === 'write') return changeText(step.change);
  if (step.kind === 'rest') return `rest ${step.recheckAfterMs ?? 'for good'}`;
  return step.kind === 'shutdown' ? `shutdown within ${step.withinMs}` : step.kind;
}

function changeText(change: Change): string {
  switch (change.kind) {
    case 'failed':
      return `fail ${change.reason}${change.final ? ' for good' : ''}`;
    case 'stopping':
      return `stop for ${change.why}`;
    case 'suspended':
      return change.neverRan ? 'suspend, same number' : 'suspend';
    case 'running':
    case 'heard':
    case 'succeeded':
    case 'rebind':
      return change.kind;
  }
}

type Row = readonly [name: string, given: Case, step: string];

function table(rows: readonly Row[]): void {
  for (const [name, given, step] of rows) it(`${name}: ${step}`, () => assert.equal(textOf(stepOf(given)), step));
}

const NEW = { bound: UNSTARTED, found: { kind: 'absent' } } as const;

describe('activeDeadlineSeconds over', () => {
  const over = { deadline: NOW };
  const decided = { deadline: NOW - 1_000, stopping: { why: 'deadline', until: NOW + 29_000 } } as const;
  const due = { ...decided, stopping: { why: 'deadline', until: NOW } } as const;
  table([
    ['not yet', { deadline: NOW + 700 }, 'rest 700'],
    ['it runs', over, 'stop for deadline'],
    ['it runs, and Running is not stored', { ...over, bound: UNSTARTED }, 'stop for deadline'],
    ['it runs, without grace', { ...over, grace: 0 }, 'fail DeadlineExceeded for good'],
    ['it runs, and the grace has passed too', { deadline: NOW - 30_000 }, 'fail DeadlineExceeded for good'],
    ['it has ended before anybody decided', { ...over, found: ENDED }, 'succeeded'],
    ['nobody was asked to start it', { ...NEW, ...over, asked: NOT_YET }, 'fail DeadlineExceeded for good'],
    ['its start is in doubt', { ...NEW, ...over, asked: PENDING }, 'look'],
    [
      'its start is in doubt, and the grace has passed too',
      { ...NEW, deadline: NOW - 30_000, asked: PENDING },
      'fail DeadlineExceeded for good',
    ],
    ['its start came to nothing', { ...NEW, ...over, asked: SETTLED }, 'fail DeadlineExceeded for good'],
    ['its host is silent', { ...over, host: SILENT }, 'rest 30000'],
    ['its host is silent, past the grace', { deadline: NOW - 30_000, host: SILENT }, 'fail DeadlineExceeded for good'],
    [
      'its host is silent, and nobody was asked to start it',
      { ...NEW, ...over, asked: NOT_YET, host: SILENT },
      'fail DeadlineExceeded for good',
    ],
    ['decided', decided, 'shutdown within 29000'],
    ['decided and asked', { ...decided, shutdownAsked: true }, 'rest 29000'],
    ['decided, and it has ended', { ...decided, found: ENDED }, 'fail DeadlineExceeded for good'],
    ['decided, and it is gone', { ...decided, found: { kind: 'absent' } }, 'fail DeadlineExceeded for good'],
    [
      'decided, and it has crashed',
      { ...decided, found: { kind: 'ended', end: 'crashed' } },
      'fail DeadlineExceeded for good',
    ],
    ['decided, and the deadline was put off', { ...decided, deadline: NOW + 90_000 }, 'shutdown within 29000'],
    ['decided, and suspended since', { ...decided, suspend: true }, 'shutdown within 29000'],
    ['decided, and the grace has passed', { ...due, shutdownAsked: true }, 'fail DeadlineExceeded for good'],
    ['decided, and its host is silent', { ...decided, host: SILENT }, 'rest 29000'],
    ['decided, and its host is lost', { ...decided, host: LOST }, 'fail DeadlineExceeded for good'],
  ]);
});

describe('startDeadlineSeconds over', () => {
  const over = { startDeadline: NOW };
  table([
    ['not yet', { ...NEW, startDeadline: NOW + 1, asked: NOT_YET }, 'start'],
    ['nobody was asked to start it', { ...NEW, ...over, asked: NOT_YET }, 'fail StartDeadlineExceeded for good'],
    ['its start is in doubt', { ...NEW, ...over, asked: PENDING }, 'look'],
    ['its start came to nothing', { ...NEW, ...over, asked: SETTLED }, 'fail StartDeadlineExceeded for good'],
    ['an earlier process may have asked', { ...NEW, ...over, asked: { kind: 'not-by-us', settled: false } }, 'look'],
    ['it runs', over, 'rest for good'],
    ['it runs, and Running is not stored', { ...over, bound: UNSTARTED }, 'running'],
    ['its host is silent', { ...NEW, ...over, asked: NOT_YET, host: SILENT }, 'fail StartDeadlineExceeded for good'],
    [
      'its host is silent, and not yet',
      { ...NEW, startDeadline: NOW + 5_000, asked: NOT_YET, host: SILENT },
      'rest 5000',
    ],
    ['its host is silent, and may have been asked', { ...NEW, ...over, asked: PENDING, host: SILENT }, 'rest 40000'],
  ]);
});

describe('suspended', () => {
  const suspend = { suspend: true };
  const decided = { suspend: true, stopping: { why: 'suspend', until: NOW + 29_000 } } as const;
  const due = { ...decided, stopping: { why: 'suspend', until: NOW } } as const;
  table([
    ['nobody was asked to start it', { ...NEW, ...suspend, asked: NOT_YET }, 'suspend, same number'],
    [
      'nobody was asked, and its host is silent',
      { ...NEW, ...suspend, asked: NOT_YET, host: SILENT },
      'suspend, same number',
    ],
    ['an earlier process asked, and it never ran', { ...NEW, ...suspend, asked: SETTLED }, 'suspend'],
    ['it is defined on its host', { ...NEW, ...suspend, asked: NOT_YET, found: { kind: 'never-run' } }, 'suspend'],
    ['its start is in doubt', { ...NEW, ...suspend, asked: PENDING }, 'look'],
    ['its create is under way', { ...NEW, ...suspend, found: { kind: 'creating' } }, 'look'],
    ['it runs', suspend, 'stop for suspend'],
    ['it runs, and Running is not stored', { ...suspend, bound: UNSTARTED }, 'stop for suspend'],
    ['it runs, and its deadline is over', { ...suspend, deadline: NOW }, 'stop for suspend'],
    ['it has ended', { ...suspend, found: ENDED }, 'succeeded'],
    ['it has crashed', { ...suspend, found: { kind: 'ended', end: 'crashed' } }, 'fail Crashed'],
    ['its host is silent', { ...suspend, host: SILENT }, 'rest 40000'],
    ['its host is lost', { ...suspend, host: LOST }, 'fail HostLost'],
    ['decided', decided, 'shutdown within 29000'],
    ['decided and asked', { ...decided, shutdownAsked: true }, 'rest 29000'],
    ['decided, and taken back since', { ...decided, suspend: false }, 'shutdown within 29000'],
    ['decided, and its deadline is over since', { ...decided, deadline: NOW }, 'shutdown within 29000'],
    ['decided, and the grace has passed', { ...due, shutdownAsked: true }, 'destroy'],
    ['decided, and it has ended', { ...decided, found: ENDED }, 'suspend'],
    ['decided, and it was destroyed', { ...decided, found: { kind: 'ended', end: 'destroyed' } }, 'suspend'],
    ['decided, and it is gone', { ...decided, found: { kind: 'absent' } }, 'suspend'],
    ['decided, and it is listed as never run', { ...decided, found: { kind: 'never-run' } }, 'suspend'],
    ['decided, and its host is silent', { ...decided, host: SILENT }, 'rest 40000'],
    ['decided, and its host is lost', { ...decided, host: LOST }, 'fail HostLost'],
  ]);
});
