import { isFinished, isTrue } from '#controller/api/index.ts';
import type { EphemeralDomain, EphemeralDomainStatus } from '#controller/api/index.ts';
import type { WatchEvent } from '#controller/kube/index.ts';

/** What happened to a domain, as its host told, or as the walk did it. */
export type Deed = 'started' | 'power-off' | 'crash' | 'destroyed' | 'destroyed-whole' | 'host-killed' | 'host-paused';

/** The API server's versions of all resources, in order, checked as they come. Violations are collected, not thrown. */
export class History {
  readonly violations: string[] = [];
  /** The last version of each resource that was not deleted, by UID. */
  readonly standing = new Map<string, EphemeralDomain>();
  /** Every attempt that was ever bound: its domain's UUID, and where. */
  readonly bound = new Map<string, string>();
  /** Final versions, by UID. */
  readonly finals = new Map<string, EphemeralDomainStatus>();
  /** All versions in words, with the time at which they came: for the message of a walk that fails. */
  readonly told: string[] = [];
  versions = 0;

  take(event: WatchEvent<EphemeralDomain>): void {
    if (event.type === 'BOOKMARK' || event.type === 'ERROR') return;
    const { object } = event;
    this.versions += 1;
    const { uid, name, resourceVersion } = object.metadata;
    const version = JSON.stringify({ uid, resourceVersion, suspend: object.spec.suspend, ...object.status });
    this.told.push(`${new Date().toISOString()} ${event.type} ${name} ${version}`);
    if (event.type === 'DELETED') {
      this.standing.delete(uid);
      return;
    }
    const before = this.standing.get(uid)?.status;
    this.standing.set(uid, object);
    const { status } = object;
    if (status === undefined) return;
    this.#checkOrder(name, before, status);
    if (isFinished(status.phase)) this.finals.set(uid, status);
    else this.#checkBinding(uid, name, status);
  }

  #checkOrder(name: string, before: EphemeralDomainStatus | undefined, status: EphemeralDomainStatus): void {
    if (isFinished(before?.phase) && JSON.stringify(before) !== JSON.stringify(status)) {
      this.violations.push(`${name}: its end was told twice: ${before?.reason ?? ''}, then ${status.reason ?? ''}`);
    }
    // What never ran gives an attempt's number back: its name was held, or it was suspended before its host was asked.
    const isGivenBack = status.reason === 'NameHeld' || status.reason === 'Suspended';
    if ((status.attempt ?? 0) < (before?.attempt ?? 0) && !isGivenBack) {
      this.violations.push(`${name}: attempt ${before?.attempt ?? 0}, then ${status.attempt ?? 0}`);
    }
    const wasRunning = before?.phase === 'Running' && before.attempt === status.attempt;
    if (wasRunning && status.phase === 'Scheduled') this.violations.push(`${name}: Running, then Scheduled`);
  }

  #checkBinding(uid: string, name: string, { host, domain, address }: EphemeralDomainStatus): void {
    if (host === undefined || domain?.uuid === undefined) return;
    const known = this.bound.get(domain.uuid);
    if (known !== undefined && known !== host && domain.name === undefined) {
      this.violations.push(`${name}: one attempt on ${known} and on ${host}`);
    }
    this.bound.set(domain.uuid, host);
    for (const [other, { metadata, status }] of this.standing) {
      if (other === uid || isFinished(status?.phase) || status?.address === undefined) continue;
      if (status.address !== address) continue;
      const others = `${metadata.name} (${metadata.resourceVersion}: ${JSON.stringify(status)})`;
      this.violations.push(`${address}: of ${name} (${domain.uuid}) and ${others} at once`);
    }
  }
}

/** What may be told of a domain to which this happened; any end may be, where a deadline can pass. */
const TELLS: readonly { readonly reason: string; readonly needs: readonly Deed[] }[] = [
  { reason: 'PowerOff', needs: ['power-off'] },
  { reason: 'Crashed', needs: ['crash'] },
  { reason: 'Destroyed', needs: ['destroyed', 'destroyed-whole'] },
  { reason: 'HostRebooted', needs: ['host-killed'] },
  { reason: 'HostLost', needs: ['host-killed', 'host-paused'] },
];

/** Whether the end that was told of a domain is one that it had: a sentence where not. */
export function untrueEnd(name: string, status: EphemeralDomainStatus, deeds: ReadonlySet<Deed>): string | undefined {
  const { reason = '', message = '' } = status;
  // The last of several attempts: its own reason stands in the message.
  const own = reason === 'BackoffLimitExceeded' ? (/failed: ([A-Za-z]+):/.exec(message)?.[1] ?? '') : reason;
  const told = TELLS.find((each) => each.reason === own);
  if (told === undefined) return undefined;
  if (told.needs.some((deed) => deeds.has(deed))) return undefined;
  return `${name}: told as ${own}, but what happened was: ${[...deeds].join(', ')}`;
}

/** Sentence where a resource that is finished says two things of its end. */
export function contradiction({ metadata, status }: EphemeralDomain): string | undefined {
  const [complete, failed] = ['Complete', 'Failed'].map((type) => isTrue(status?.conditions, type));
  if (complete === (status?.phase === 'Succeeded') && failed === (status?.phase === 'Failed')) return undefined;
  return `${metadata.name}: phase ${status?.phase ?? ''}, Complete ${complete ?? ''}, Failed ${failed ?? ''}`;
}
