import assert from 'node:assert/strict';

import type { EphemeralDomainSpec, EphemeralDomainStatus } from '#controller/api/index.ts';
import { silentLogger } from '#controller/kube/logger.ts';
import { createReporter } from './reporter.ts';
import { resource } from './testing/resources.ts';

const REQUEST: Partial<EphemeralDomainSpec> = { request: { receivedTime: '2026-11-23T11:59:59.000Z' } };

/** TYPE/REASON of each Event that a change to this status makes. */
function eventsOf(spec: Partial<EphemeralDomainSpec>, status: EphemeralDomainStatus): readonly string[] {
  const told: string[] = [];
  const events = {
    event: (_about: unknown, _object: unknown, type: string, reason: string) => void told.push(`${type}/${reason}`),
    stop: () => Promise.resolve(0),
  };
  const ignore = (): void => undefined;
  const metrics = { scheduled: ignore, started: ignore, startFailed: ignore, ended: ignore };
  const reporter = createReporter(silentLogger, events, { ...metrics, hostReady: ignore, hostGone: ignore });
  reporter.changed(resource(spec, status));
  return told;
}

describe('Reporter', () => {
  const rows: readonly [string, Partial<EphemeralDomainSpec>, EphemeralDomainStatus, readonly string[]][] = [
    ['a domain succeeds', {}, { phase: 'Succeeded', reason: 'PowerOff' }, ['Normal/PowerOff']],
    ['a request’s domain succeeds', REQUEST, { phase: 'Succeeded', reason: 'PowerOff' }, []],
    ['a domain fails', {}, { phase: 'Failed', reason: 'HostLost' }, ['Warning/HostLost']],
    ['a request’s domain fails', REQUEST, { phase: 'Failed', reason: 'HostLost' }, ['Warning/HostLost']],
    ['a domain runs', {}, { phase: 'Running', reason: 'DomainStarted' }, []],
    ['an attempt fails', {}, { phase: 'Pending', reason: 'BackOff' }, ['Warning/BackOff']],
    ['somebody suspends a domain', {}, { phase: 'Pending', reason: 'Suspended' }, ['Normal/Suspended']],
  ];
  for (const [what, spec, status, expected] of rows) {
    it(`makes ${expected.length === 0 ? 'no Event' : `the Event ${expected.join()}`} when ${what}`, () => {
      assert.deepEqual(eventsOf(spec, status), expected);
    });
  }
});
