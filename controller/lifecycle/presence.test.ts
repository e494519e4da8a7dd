import assert from 'node:assert/strict';

import type { EphemeralDomain } from '#controller/api/index.ts';
import { keyOf } from '#controller/kube/index.ts';
import type { Contact } from './contact.ts';
import { createPresenceSource } from './presence.ts';
import { resource } from './testing/resources.ts';
import type { Found } from './trace.ts';
import { track } from './tracked.ts';

const { metadata } = resource();
const { name, namespace = '', uid } = metadata;
const CONTACT = {} as Contact;

/** What the controller knows of one deleted EphemeralDomain. */
interface Known {
  readonly stored?: EphemeralDomain;
  /** As its host was last found to have it; 'unseen': bound, and nobody has looked. */
  readonly tracked?: Found | 'unseen';
  /** The one host has not listed its domains yet. */
  readonly unlisted?: true;
  /** Where its creator knew it to be bound. */
  readonly host?: string;
}

const isPresent = ({ stored, tracked, unlisted, host }: Known): boolean => {
  const domain = track('d-1', { key: keyOf(metadata), uid, attempt: 1, address: undefined }, 0);
  domain.found = tracked === 'unseen' ? undefined : tracked;
  const domains = new Map(tracked === undefined ? [] : [[domain.uuid, domain]]);
  const source = createPresenceSource(
    { get: (key) => (key === keyOf(metadata) ? stored : undefined) },
    () => new Map([['xen-1', { domains, contact: unlisted ? undefined : CONTACT }]]),
  );
  return source.presentOf(namespace, [{ name, uid, host }])?.has(uid) ?? assert.fail('a source always tells');
};

describe('the domain of a deleted EphemeralDomain', () => {
  const cases: readonly (readonly [boolean, string, Known])[] = [
    [true, 'whose deletion the watch has not told yet', { stored: resource() }],
    [true, 'that runs', { tracked: { kind: 'active', id: 4 } }],
    [true, 'that is defined and was not started yet', { tracked: { kind: 'never-run' } }],
    [true, 'that may have been asked for', { tracked: 'unseen' }],
    [true, 'that is not listed, and perhaps still asked for', { tracked: { kind: 'absent' } }],
    [true, 'whose host has listed nothing yet', { unlisted: true, host: 'xen-1' }],
    [false, 'that ended, and leaves but a trace', { tracked: { kind: 'ended', end: 'power-off' } }],
    [false, 'that nobody knows any more', { host: 'xen-1' }],
    [false, 'that had ended before', { stored: resource({}, { phase: 'Succeeded' }) }],
    [
      ...[false, 'whose name another has by now'],
      { stored: { ...resource(), metadata: { ...metadata, uid: 'u-2' } } },
    ] as const,
    [false, 'whose host nobody looks after any more', { host: 'xen-2' }],
    [false, 'that was never bound, whatever hosts have listed', { unlisted: true }],
  ];
  for (const [present, which, known] of cases) {
    it(`is ${present ? 'taken to be there' : 'gone'}: one ${which}`, () => {
      assert.equal(isPresent(known), present);
    });
  }
});
