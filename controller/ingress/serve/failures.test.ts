import assert from 'node:assert/strict';

import type { AdmissionRefusal } from '../admission/index.ts';
import type { Fault } from '../proxy/index.ts';
import type { SpawnFailure } from '../spawn/index.ts';
import { faultTold, mayComeAgain, refusalTold, spawnFailureTold } from './failures.ts';
import type { Told } from './failures.ts';

/** What only who runs the cluster may read. */
const INNER = 'dom0 xen-1 at 198.18.4.21: no route to host';

const told = ({ status, phase, reason }: Told) => `${status} ${phase} ${reason}`;

const REFUSALS: Readonly<Record<AdmissionRefusal, string>> = {
  QueueFull: '503 admission QueueFull',
  QueueTimeout: '503 admission QueueTimeout',
  ClientLimit: '429 admission ClientLimit',
  IngressFull: '503 admission IngressFull',
};

const SPAWN_FAILURES: readonly (readonly [SpawnFailure, string | undefined])[] = [
  [{ kind: 'refused', status: 403, reason: 'Forbidden', message: INNER }, '503 create Refused'],
  [{ kind: 'refused', status: 429, reason: 'TooManyRequests', message: INNER }, '503 create Refused'],
  [{ kind: 'refused', status: 422, reason: 'Invalid', message: INNER }, '500 create Refused'],
  [{ kind: 'refused', status: undefined, reason: 'tls', message: INNER }, '500 create Refused'],
  [{ kind: 'api-unavailable', message: INNER }, '503 create ApiUnavailable'],
  [{ kind: 'no-place', reason: 'StartDeadlineExceeded', message: INNER }, '503 schedule NoPlace'],
  [{ kind: 'template-fault', reason: 'ImageNotFound', message: INNER }, '500 boot ImageNotFound'],
  [{ kind: 'host-fault', reason: 'HostLost', message: INNER, host: 'xen-1' }, '502 boot HostLost'],
  [{ kind: 'guest-ended', reason: 'PowerOff', message: INNER }, '502 boot PowerOff'],
  [{ kind: 'timed-out', during: 'create' }, '504 create SpawnTimeout'],
  [{ kind: 'timed-out', during: 'schedule' }, '504 schedule SpawnTimeout'],
  [{ kind: 'timed-out', during: 'boot' }, '504 boot SpawnTimeout'],
  [{ kind: 'left' }, undefined],
];

const FAULTS: Readonly<Record<Fault, string | undefined>> = {
  'not-connected': '502 connect NotConnected',
  'guest-ended': '502 guest GuestEnded',
  'bad-answer': '502 guest BadAnswer',
  'total-limit': '504 guest RequestTimeout',
  'visitor-too-slow': '408 guest VisitorTooSlow',
  idle: '504 answer Idle',
  'visitor-left': undefined,
};

describe('what a visitor is told', () => {
  for (const [reason, expected] of Object.entries(REFUSALS)) {
    it(`who got no slot (${reason}): ${expected}`, () => {
      assert.equal(told(refusalTold(reason as AdmissionRefusal)), expected);
    });
  }

  for (const [failure, expected] of SPAWN_FAILURES) {
    const detail = 'status' in failure ? ` with ${failure.status ?? 'no status'}` : '';
    it(`whose domain is ${failure.kind}${detail}: ${expected ?? 'nothing'}`, () => {
      const words = spawnFailureTold(failure);
      assert.equal(words && told(words), expected);
    });
  }

  for (const [fault, expected] of Object.entries(FAULTS)) {
    it(`whose guest is asked, ${fault}: ${expected ?? 'nothing'}`, () => {
      const words = faultTold(fault as Fault);
      assert.equal(words && told(words), expected);
    });
  }

  const all = [
    ...Object.keys(REFUSALS).map((reason) => refusalTold(reason as AdmissionRefusal)),
    ...SPAWN_FAILURES.map(([failure]) => spawnFailureTold(failure)),
    ...Object.keys(FAULTS).map((fault) => faultTold(fault as Fault)),
  ].filter((words) => words !== undefined);

  it('names no host and no address, and is a sentence', () => {
    for (const { why, reason } of all) {
      assert.doesNotMatch(`${why} ${reason}`, /xen-1|198\.18|dom0/);
      assert.match(why, /^[A-Z].*\.$/);
    }
  });

  it('is when to come again where the answer is 503 or 429, and nowhere else', () => {
    for (const words of all) assert.equal(mayComeAgain(words), [429, 503].includes(words.status), told(words));
  });
});
