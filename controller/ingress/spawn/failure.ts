import { EndReason } from '#controller/api/index.ts';
import type { EphemeralDomainStatus } from '#controller/api/index.ts';
import type { KubeError } from '#controller/kube/index.ts';

/** Why a request has no guest. The first byte was sent to none. */
export type SpawnFailure =
  /** The API server refused the resource: a right, a quota, a rule of the CRD. */
  | { readonly kind: 'refused'; readonly status: number | undefined; readonly reason: string; readonly message: string }
  /** The API server could not be asked, or gave no usable answer, for as long as there was. */
  | { readonly kind: 'api-unavailable'; readonly message: string }
  /** No host had a place in time. */
  | { readonly kind: 'no-place'; readonly reason: string; readonly message: string }
  /** What the template says cannot be run, wherever it is. */
  | { readonly kind: 'template-fault'; readonly reason: string; readonly message: string }
  /** Its host failed it: on another it may do better. */
  | {
      readonly kind: 'host-fault';
      readonly reason: string;
      readonly message: string;
      readonly host: string | undefined;
    }
  /** The guest ended, or its resource was deleted, before it could be asked. */
  | { readonly kind: 'guest-ended'; readonly reason: string; readonly message: string }
  /** It was not reachable in time; `during` says how far it came. */
  | { readonly kind: 'timed-out'; readonly during: 'create' | 'schedule' | 'boot' }
  /** The visitor left. */
  | { readonly kind: 'left' };

/** Whether another resource may do better than this one; `avoid` names the host that is at fault. */
export function secondTry(failure: SpawnFailure): { readonly avoid: string | undefined } | undefined {
  return failure.kind === 'host-fault' ? { avoid: failure.host } : undefined;
}

/** What came of a create that the API server answered with no. */
export function refusalOf(error: KubeError): SpawnFailure {
  const { status, reason = error.kind, serverMessage: message } = error;
  return { kind: 'refused', status, reason, message };
}

/** Why a domain that has ended was never reachable. */
export function failureOf(status: EphemeralDomainStatus): SpawnFailure {
  const { reason = '', message = '', host } = status;
  switch (reason) {
    case EndReason.StartDeadlineExceeded:
      return { kind: 'no-place', reason, message };
    case EndReason.StartFailed:
    case EndReason.HostLost:
    case EndReason.HostRebooted:
    case EndReason.HostRemoved:
    case EndReason.HostStateUnknown:
    case EndReason.Unknown:
    case EndReason.DiskFailed:
      return { kind: 'host-fault', reason, message, host };
    case EndReason.ImageNotFound:
    case EndReason.InvalidCommandLine:
    case EndReason.InvalidParameters:
    case EndReason.InvalidTemplate:
      return { kind: 'template-fault', reason, message };
    // Also what is not known yet: reasons are open.
    default:
      return { kind: 'guest-ended', reason, message };
  }
}
