import assert from 'node:assert/strict';

import { judge } from './decide.ts';
import type { Asked, HostIdentity, Verdict } from './decide.ts';
import type { Found } from './trace.ts';

const XEN: HostIdentity = { boot: 'boot-1', daemon: 'daemon-1', outlivesDaemon: true };
const LXC: HostIdentity = { boot: 'boot-1', daemon: 'daemon-1', outlivesDaemon: false };
const HOSTS: readonly (readonly [string, HostIdentity])[] = [
  ['xen', XEN],
  ['lxc and test', LXC],
];

const ABSENT: Found = { kind: 'absent' };
const NEVER_RUN = { kind: 'never-run' } as const;
const NOT_STARTED = { kind: 'start-failed' } as const;
const NOT_BY_US: Asked = { kind: 'not-by-us', settled: true };
const REFUSED_FIRST: Asked = { kind: 'refused', why: 'no bridge', first: true };
const REFUSED_AGAIN: Asked = { kind: 'refused', why: 'failed to create', first: false };

interface Row {
  readonly name: string;
  readonly on: 'xen' | 'lxc and test' | 'all';
  readonly found: Found;
  readonly asked?: Asked;
  readonly started?: boolean;
  readonly otherBoot?: boolean;
  readonly otherDaemon?: boolean;
  /** What its guest reported by POST /exit. */
  readonly code?: number;
  /** The verdict's kind, with the reason of a failure. */
  readonly verdict: string;
}

/** DESIGN.md's table, each row with what can be beside it. */
const TABLE: readonly Row[] = [
  { name: 'active: adopted', on: 'all', found: { kind: 'active', id: 3 }, verdict: 'adopt' },
  { name: 'active, Started stored', on: 'all', found: { kind: 'active', id: 3 }, started: true, verdict: 'adopt' },
  { name: 'active, other daemon', on: 'all', found: { kind: 'active', id: 3 }, otherDaemon: true, verdict: 'adopt' },
  {
    name: 'active though our own create is in doubt',
    on: 'all',
    found: { kind: 'active', id: 3 },
    asked: { kind: 'in-doubt', state: 'pending' },
    verdict: 'adopt',
  },

  { name: 'ended by power-off', on: 'all', found: { kind: 'ended', end: 'power-off' }, verdict: 'succeeded' },
  { name: 'ended by a reboot', on: 'all', found: { kind: 'ended', end: 'reboot' }, verdict: 'succeeded' },
  { name: 'ended, and nobody told', on: 'all', found: { kind: 'ended', end: 'vanished' }, verdict: 'succeeded' },
  { name: 'crashed', on: 'all', found: { kind: 'ended', end: 'crashed' }, verdict: 'failed Crashed' },
  { name: 'destroyed by hand', on: 'all', found: { kind: 'ended', end: 'destroyed' }, verdict: 'failed Destroyed' },
  {
    name: 'ended, other daemon: it shows what it saw itself',
    on: 'all',
    found: { kind: 'ended', end: 'power-off' },
    otherDaemon: true,
    verdict: 'succeeded',
  },

  { name: 'ended after code 0', on: 'all', found: { kind: 'ended', end: 'power-off' }, code: 0, verdict: 'succeeded' },
  {
    name: 'ended by power-off after another code',
    on: 'all',
    found: { kind: 'ended', end: 'power-off' },
    code: 3,
    verdict: 'failed NonZeroExit',
  },
  {
    name: 'ended by a reboot after another code',
    on: 'all',
    found: { kind: 'ended', end: 'reboot' },
    code: 255,
    verdict: 'failed NonZeroExit',
  },
  {
    name: 'ended after another code, and nobody told',
    on: 'all',
    found: { kind: 'ended', end: 'vanished' },
    code: 1,
    verdict: 'failed NonZeroExit',
  },
  {
    name: 'crashed after code 0',
    on: 'all',
    found: { kind: 'ended', end: 'crashed' },
    code: 0,
    verdict: 'failed Crashed',
  },
  {
    name: 'destroyed by hand after code 0',
    on: 'all',
    found: { kind: 'ended', end: 'destroyed' },
    code: 0,
    verdict: 'failed Destroyed',
  },
  {
    name: 'active after a code: it has not ended',
    on: 'all',
    found: { kind: 'active', id: 3 },
    code: 3,
    verdict: 'adopt',
  },
  {
    name: 'off, other daemon, after code 0: its guest said how it ended',
    on: 'lxc and test',
    found: { kind: 'never-run' },
    started: true,
    otherDaemon: true,
    code: 0,
    verdict: 'succeeded',
  },
  {
    name: 'not there, other boot, after another code',
    on: 'all',
    found: ABSENT,
    started: true,
    otherBoot: true,
    code: 4,
    verdict: 'failed NonZeroExit',
  },

  { name: 'not there, same boot, Started not stored', on: 'all', found: ABSENT, verdict: 'start' },
  {
    name: 'not there, same boot, other daemon',
    on: 'all',
    found: ABSENT,
    otherDaemon: true,
    verdict: 'start',
  },
  { name: 'not there, bound by ourselves', on: 'all', found: ABSENT, asked: { kind: 'not-yet' }, verdict: 'start' },
  {
    name: 'not there, and a former process may have a create under way',
    on: 'all',
    found: ABSENT,
    asked: { kind: 'not-by-us', settled: false },
    verdict: 'look-again',
  },
  {
    name: 'not there, and our own create may be under way',
    on: 'all',
    found: ABSENT,
    asked: { kind: 'in-doubt', state: 'pending' },
    verdict: 'look-again',
  },
  {
    name: 'not there, and our own create cannot be under way any more',
    on: 'all',
    found: ABSENT,
    asked: { kind: 'in-doubt', state: 'settled' },
    verdict: 'start',
  },
  {
    name: 'not there, and the host does not answer our create',
    on: 'all',
    found: ABSENT,
    asked: { kind: 'in-doubt', state: 'hung' },
    verdict: 'failed StartFailed',
  },

  { name: 'not there, Started stored', on: 'all', found: ABSENT, started: true, verdict: 'failed Destroyed' },
  {
    name: 'not there, known to have run',
    on: 'all',
    found: ABSENT,
    asked: { kind: 'ran' },
    verdict: 'failed Destroyed',
  },

  { name: 'not there, other boot', on: 'all', found: ABSENT, otherBoot: true, verdict: 'failed HostRebooted' },
  {
    name: 'not there, other boot, Started stored',
    on: 'all',
    found: ABSENT,
    otherBoot: true,
    started: true,
    verdict: 'failed HostRebooted',
  },

  { name: '5/0, same daemon', on: 'lxc and test', found: { kind: 'never-run' }, verdict: 'start' },
  {
    name: '5/0, same daemon, a create may be under way',
    on: 'lxc and test',
    found: { kind: 'never-run' },
    asked: { kind: 'in-doubt', state: 'pending' },
    verdict: 'look-again',
  },
  {
    name: '5/0, same daemon, though it is known to have run',
    on: 'lxc and test',
    found: { kind: 'never-run' },
    asked: { kind: 'ran' },
    verdict: 'failed Unknown',
  },
  { name: '5/0, Started stored', on: 'lxc and test', found: NEVER_RUN, started: true, verdict: 'failed Unknown' },
  { name: '5/6, Started stored', on: 'lxc and test', found: NOT_STARTED, started: true, verdict: 'failed Unknown' },
  {
    name: '5/0, same daemon, its create refused',
    on: 'lxc and test',
    found: { kind: 'never-run' },
    asked: REFUSED_FIRST,
    verdict: 'failed StartFailed',
  },
  { name: '5/6, same daemon', on: 'lxc and test', found: { kind: 'start-failed' }, verdict: 'failed StartFailed' },
  {
    name: '5/0, other daemon',
    on: 'lxc and test',
    found: { kind: 'never-run' },
    otherDaemon: true,
    verdict: 'failed Unknown',
  },
  {
    name: '5/6, other daemon',
    on: 'lxc and test',
    found: { kind: 'start-failed' },
    otherDaemon: true,
    verdict: 'failed Unknown',
  },

  { name: '5/0', on: 'xen', found: { kind: 'creating' }, verdict: 'look-again' },
  { name: '5/0, other daemon', on: 'xen', found: { kind: 'creating' }, otherDaemon: true, verdict: 'look-again' },

  {
    name: 'the very first create refused, no such UUID',
    on: 'all',
    found: ABSENT,
    asked: REFUSED_FIRST,
    verdict: 'failed StartFailed',
  },
  {
    name: 'a create refused, no such UUID, an earlier one in doubt',
    on: 'xen',
    found: ABSENT,
    asked: REFUSED_AGAIN,
    verdict: 'failed HostStateUnknown',
  },
  {
    name: 'a define refused, no such UUID',
    on: 'lxc and test',
    found: ABSENT,
    asked: REFUSED_AGAIN,
    verdict: 'failed StartFailed',
  },

  {
    name: 'name held by another UUID',
    on: 'all',
    found: ABSENT,
    asked: { kind: 'name-held', by: 'another' },
    verdict: 'rebind',
  },
];

function shown(verdict: Verdict): string {
  return verdict.kind === 'failed' ? `failed ${verdict.reason}` : verdict.kind;
}

describe("judge: DESIGN.md's table", () => {
  for (const row of TABLE) {
    for (const [kind, host] of HOSTS) {
      if (row.on !== 'all' && row.on !== kind) continue;
      it(`${kind}: ${row.name} -> ${row.verdict}`, () => {
        const attempt = {
          hostBoot: row.otherBoot === true ? 'boot-0' : host.boot,
          hostDaemon: row.otherDaemon === true || row.otherBoot === true ? 'daemon-0' : host.daemon,
          started: row.started ?? false,
          exit: row.code === undefined ? undefined : { code: row.code, message: '' },
        };
        assert.equal(shown(judge(attempt, host, row.found, row.asked ?? NOT_BY_US)), row.verdict);
      });
    }
  }

  it('only starts what is defined already, without defining it again', () => {
    const attempt = { hostBoot: 'boot-1', hostDaemon: 'daemon-1', started: false };
    assert.deepEqual(judge(attempt, LXC, { kind: 'never-run' }, NOT_BY_US), { kind: 'start', defined: true });
    assert.deepEqual(judge(attempt, LXC, ABSENT, NOT_BY_US), { kind: 'start', defined: false });
  });

  it('tells the code and the words of its guest', () => {
    const attempt = { hostBoot: 'boot-1', hostDaemon: 'daemon-1', started: true };
    const off: Found = { kind: 'ended', end: 'power-off' };
    const said = (message: string) => judge({ ...attempt, exit: { code: 3, message } }, XEN, off, NOT_BY_US);
    const failed = { kind: 'failed', reason: 'NonZeroExit' };
    assert.deepEqual(said('no disk'), { ...failed, message: 'exited with code 3: no disk' });
    assert.deepEqual(said(''), { ...failed, message: 'exited with code 3' });
  });

  it('tells the cause that the host gave', () => {
    const attempt = { hostBoot: 'boot-1', hostDaemon: 'daemon-1', started: false };
    const verdict = judge(attempt, LXC, { kind: 'start-failed' }, REFUSED_FIRST);
    assert.deepEqual(verdict, { kind: 'failed', reason: 'StartFailed', message: 'no bridge' });
  });
});
