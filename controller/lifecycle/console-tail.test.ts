import assert from 'node:assert/strict';

import { attendConsole, withConsoleTail } from './console-tail.ts';
import type { Change } from './next.ts';
import { changePatch } from './render.ts';
import { createScene, UUID } from './testing/scene.ts';
import type { Found } from './trace.ts';

const ENDED: Found = { kind: 'ended', end: 'power-off' };
const CHANGES: readonly (readonly [what: string, change: Change, isEnd: boolean])[] = [
  ['that it runs', { kind: 'running', id: 1 }, false],
  ['what its guest said', { kind: 'heard' }, false],
  ['that it is to be stopped for its deadline', { kind: 'stopping', why: 'deadline', id: 1 }, false],
  ['that it is to be stopped for a suspension', { kind: 'stopping', why: 'suspend', id: 1 }, false],
  ['that it is suspended', { kind: 'suspended', neverRan: false }, false],
  ['that it never ran', { kind: 'rebind', heldBy: 'other' }, false],
  ['that it succeeded', { kind: 'succeeded', end: 'power-off' }, true],
  ['its deadline', { kind: 'failed', reason: 'DeadlineExceeded', message: 'late', final: true }, true],
  ['a failed attempt', { kind: 'failed', reason: 'Crashed', message: 'it crashed', final: false }, true],
];

/** A console that has said something, the last of which may still be on its way. */
const consoles = () => {
  const captured: string[] = [];
  return { captured, capture: (uuid: string) => captured.push(uuid), lingerMs: () => 100, tail: () => 'goodbye' };
};

function bound(captureBytes: number) {
  const boot = { kernel: 'k' };
  const scene = createScene('xen', {
    domain: { type: 'pv', memory: '32Mi', vcpus: 1, boot, console: { captureBytes } },
  });
  const resource = scene.stored();
  assert.ok(resource !== undefined);
  return { resource, tracked: { ...scene.tracked, found: ENDED } };
}

describe('the tail of a console', () => {
  for (const [what, change, isEnd] of CHANGES) {
    it(`${isEnd ? 'is waited for, and stored with' : 'neither holds up nor goes with'} the write of ${what}`, () => {
      const { resource, tracked } = bound(4096);
      const step = { kind: 'write', change } as const;
      assert.equal(attendConsole(consoles(), tracked, resource, step), isEnd ? 100 : 0);
      const patch = withConsoleTail(changePatch(resource, change, {}, 0), change, consoles(), tracked, resource);
      assert.equal(patch.status?.consoleTail, isEnd ? 'goodbye' : undefined);
    });
  }

  it('of a domain that still runs is stored as it is: nothing more need come of it', () => {
    const { resource, tracked } = bound(4096);
    const step = { kind: 'write', change: { kind: 'failed', reason: 'ReadinessTimeout', message: '', final: false } };
    const running = { ...tracked, found: { kind: 'active', id: 1 } } as const;
    assert.equal(attendConsole(consoles(), running, resource, step as { kind: 'write'; change: Change }), 0);
  });

  it('is captured from the moment that the domain is there, also while it is asked to shut down', () => {
    const { resource, tracked } = bound(4096);
    const asked = consoles();
    attendConsole(asked, tracked, resource, { kind: 'shutdown', withinMs: 1_000 });
    attendConsole(asked, { ...tracked, found: { kind: 'absent' } }, resource, { kind: 'start', defined: false });
    assert.deepEqual(asked.captured, [UUID]);
  });

  it('leaves a status alone whose spec does not ask for it', () => {
    const { resource, tracked } = bound(0);
    const change: Change = { kind: 'succeeded', end: 'power-off' };
    const patch = changePatch(resource, change, {}, 0);
    assert.equal(withConsoleTail(patch, change, consoles(), tracked, resource), patch);
  });
});
