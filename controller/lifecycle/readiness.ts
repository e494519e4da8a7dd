import { effectiveSpec } from '#controller/api/index.ts';
import type { EphemeralDomain, ReadinessSpec } from '#controller/api/index.ts';
import type { Probe } from '#controller/notify/index.ts';
import { timeOf } from './time.ts';

/**
 * What a resource's domain has to do to be ready, as far as the controller looks after that: of one that its creator serves
 * itself (spec.request) nothing. The one place that reads it.
 */
export function readinessOf(resource: EphemeralDomain): ReadinessSpec | undefined {
  return isServedByCreator(resource) ? undefined : effectiveSpec(resource)?.domain.readiness;
}

/** Whether its creator alone says when it is ready. */
export function isServedByCreator({ spec }: EphemeralDomain): boolean {
  return spec.request !== undefined;
}

/** Whether it is ready as soon as it is started. */
export function isReadyByStart(resource: EphemeralDomain): boolean {
  return !isServedByCreator(resource) && readinessOf(resource) === undefined;
}

/** Whether its guest is to say itself that it is ready. */
export function awaitsNotice(resource: EphemeralDomain): boolean {
  return readinessOf(resource)?.notify !== undefined;
}

/** What is to be looked at, and how often; undefined where readiness does not hang on that. */
export function probeOf(
  resource: EphemeralDomain,
  address: string | undefined,
): { readonly probe: Probe; readonly periodMs: number } | undefined {
  const { tcp, http, periodMilliseconds: periodMs } = readinessOf(resource) ?? {};
  if (address === undefined || periodMs === undefined) return undefined;
  if (tcp !== undefined) return { probe: { kind: 'tcp', address, port: tcp.port }, periodMs };
  if (http !== undefined) return { probe: { kind: 'http', address, port: http.port, path: http.path }, periodMs };
  return undefined;
}

/** What makes it ready, in words; undefined where being started does. */
export function describeReadiness(resource: EphemeralDomain): string | undefined {
  const { notify, tcp, http } = readinessOf(resource) ?? {};
  if (isServedByCreator(resource)) return 'its creator, which serves spec.request, says so';
  if (notify !== undefined) return 'its guest says so by POST /ready';
  if (tcp !== undefined) return `port ${tcp.port} takes a connection`;
  return http === undefined ? undefined : `GET ${http.path} on port ${http.port} is answered well`;
}

/** A controller that takes a running domain over gives it so long, whatever the time: it may have been ready for long. */
const ADOPTED_MS = 5_000;

/**
 * Wall clock ms until which it has to be ready; undefined where there is no limit, or nobody saw it run yet. `seen`: wall
 * clock ms at which this process first did.
 */
export function readyBy(resource: EphemeralDomain, seen: number | undefined): number | undefined {
  const seconds = readinessOf(resource)?.timeoutSeconds;
  if (seconds === undefined || seen === undefined) return undefined;
  const started = timeOf(resource.status?.timeline?.domainStarted) ?? seen;
  const wasAdopted = seen - started > 1_000;
  return Math.max(started + seconds * 1_000, wasAdopted ? seen + ADOPTED_MS : 0);
}

/** A domain that serves one request may well end sooner than this. */
const QUIET_MS = 500;

/**
 * Wall clock ms until which it is not written that it runs: where its creator serves it, nobody waits for that word, and on a
 * fast host the write would compete with the guest itself. `seen`: as for readyBy().
 */
export function quietUntil(resource: EphemeralDomain, seen: number | undefined): number | undefined {
  return seen === undefined || !isServedByCreator(resource) ? undefined : seen + QUIET_MS;
}
