import type { AdmissionRefusal } from '../admission/index.ts';
import type { Failure, Fault } from '../proxy/index.ts';
import type { SpawnFailure } from '../spawn/index.ts';

/** What a visitor is told of a failure: its words name no address and no host. */
export type Told = Pick<Failure, 'status' | 'phase' | 'reason' | 'why'>;

const REFUSALS: Readonly<Record<AdmissionRefusal, string>> = {
  QueueFull: 'All places for this page are taken, and so are all places to wait for one.',
  QueueTimeout: 'No place became free in the time that a request may wait for one.',
  ClientLimit: 'There are as many requests of yours under way as one visitor may have.',
  IngressFull: 'This ingress has as many requests as it may have.',
};

/** A request that got no slot. */
export const refusalTold = (reason: AdmissionRefusal): Told => ({
  status: reason === 'ClientLimit' ? 429 : 503,
  phase: 'admission',
  reason,
  why: REFUSALS[reason],
});

/** A request whose domain never could be asked; undefined where its visitor left, who is told nothing. */
export const spawnFailureTold = (failure: SpawnFailure): Told | undefined => {
  switch (failure.kind) {
    case 'refused':
      return refusedByServer(failure.status);
    case 'api-unavailable':
      return {
        status: 503,
        phase: 'create',
        reason: 'ApiUnavailable',
        why: 'The Kubernetes API server does not answer.',
      };
    case 'no-place':
      return {
        status: 503,
        phase: 'schedule',
        reason: 'NoPlace',
        why: 'No host had a place for another domain in time.',
      };
    case 'template-fault':
      return { status: 500, phase: 'boot', reason: failure.reason, why: 'The template of this page cannot be run.' };
    case 'host-fault':
      return { status: 502, phase: 'boot', reason: failure.reason, why: 'The host could not start the domain.' };
    case 'guest-ended':
      return { status: 502, phase: 'boot', reason: failure.reason, why: 'The domain ended before it could be asked.' };
    case 'timed-out':
      return { status: 504, phase: failure.during, reason: 'SpawnTimeout', why: 'The domain was not ready in time.' };
    case 'left':
      return undefined;
  }
};

/** A quota answers 403, as a missing right does; neither is the visitor's fault, and a quota has room again. */
const refusedByServer = (status: number | undefined): Told => {
  const isFull = status === 403 || status === 429;
  const why = isFull
    ? 'The cluster allows no further domain here now.'
    : 'The cluster does not accept the domain that this page is made by.';
  return { status: isFull ? 503 : 500, phase: 'create', reason: 'Refused', why };
};

/** A guest that was asked and gave no whole answer; undefined where its visitor left. */
export const faultTold = (fault: Fault): Told | undefined => {
  switch (fault) {
    case 'not-connected':
      return { status: 502, phase: 'connect', reason: 'NotConnected', why: 'The domain took no connection.' };
    case 'guest-ended':
      return { status: 502, phase: 'guest', reason: 'GuestEnded', why: 'The domain ended before it had answered.' };
    case 'bad-answer':
      return {
        status: 502,
        phase: 'guest',
        reason: 'BadAnswer',
        why: 'The domain gave no answer that can be passed on.',
      };
    case 'total-limit':
      return { status: 504, phase: 'guest', reason: 'RequestTimeout', why: 'The domain did not answer in time.' };
    case 'visitor-too-slow':
      return { status: 408, phase: 'guest', reason: 'VisitorTooSlow', why: 'The request came too slowly.' };
    case 'idle':
      return { status: 504, phase: 'answer', reason: 'Idle', why: 'Nothing was said for too long.' };
    case 'visitor-left':
      return undefined;
  }
};

/** Failures after which a visitor may come again, and is told when. */
export const mayComeAgain = ({ status }: Told): boolean => status === 503 || status === 429;
