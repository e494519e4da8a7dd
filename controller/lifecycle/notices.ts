import type { EphemeralDomain } from '#controller/api/index.ts';
import { readDomainXml } from '#controller/domain/reading.ts';
import { keyOf } from '#controller/kube/index.ts';
import type { Clock } from '#controller/kube/index.ts';
import { LibvirtError } from '#controller/libvirt/index.ts';
import { isToken } from '#controller/notify/token.ts';
import type { Admission, Claim, ExitReport, Receiver, Reception } from '#controller/notify/index.ts';
import { bindingOf } from './attempt.ts';
import type { Binding } from './attempt.ts';
import { currentContact } from './host-state.ts';
import type { HostState } from './host-state.ts';
import { awaitsNotice } from './readiness.ts';
import { onSession } from './session.ts';
import { mayRun } from './tracked.ts';
import type { Tracked } from './tracked.ts';
import type { WallClock } from './time.ts';
import type { HostWorker } from './worker.ts';
import type { DomainStore } from './writer.ts';

export interface NoticesParts {
  readonly store: DomainStore;
  readonly clock: Clock;
  readonly wall: WallClock;
  readonly worker: (host: string) => Pick<HostWorker, 'state' | 'lookAfter'> | undefined;
}

/** A guest waits so long for its answer. */
const STORE_WITHIN_MS = 8_000;

interface Waiting {
  readonly uuid: string;
  /** What this version of the resource says to what was said; undefined: nothing yet. */
  readonly read: (resource: EphemeralDomain) => Reception | undefined;
  readonly answer: (reception: Reception) => void;
}

/** A domain that a request is known to come from. */
interface Speaker {
  readonly worker: Pick<HostWorker, 'lookAfter'>;
  readonly tracked: Tracked;
  /** Of its resource. */
  readonly key: string;
  readonly uid: string;
}

/**
 * Takes in what guests say of themselves: tells whom it is from, notes it for the reconciler, and answers once it is stored.
 * How many wait at once is bounded by the notify server's connections.
 */
export class Notices implements Receiver {
  readonly #parts: NoticesParts;
  /** By UID of the resource. */
  readonly #waiting = new Map<string, Set<Waiting>>();

  constructor(parts: NoticesParts) {
    this.#parts = parts;
  }

  /** A resource has changed: perhaps it says now what was waited for. */
  noticed(resource: EphemeralDomain): void {
    for (const one of [...(this.#waiting.get(resource.metadata.uid) ?? [])]) tell(one, resource);
  }

  /** A resource was deleted. */
  gone({ metadata }: EphemeralDomain): void {
    for (const { answer } of [...(this.#waiting.get(metadata.uid) ?? [])]) answer('over');
  }

  async admit({ name, peer, token }: Claim): Promise<Admission> {
    const resource = this.#parts.store.byIndex('name', name).find((one) => bindingOf(one)?.name === name);
    const binding = resource === undefined ? undefined : bindingOf(resource);
    if (resource === undefined || binding === undefined) return { kind: 'unknown' };
    if (binding.address !== peer) return { kind: 'stranger', why: 'this is not the address of that domain' };
    const worker = this.#parts.worker(binding.host);
    const tracked = worker?.state.domains.get(binding.uuid);
    if (worker === undefined || tracked === undefined) return { kind: 'unavailable', why: 'its host is not known yet' };
    // Whoever has that address meanwhile is somebody that the host did not tell us of.
    if (!mayRun(tracked)) return { kind: 'unavailable', why: 'that domain was not started yet' };
    const given = await tokenOf(worker.state, tracked);
    if (given === 'unknown') return { kind: 'unavailable', why: 'its host cannot be asked now' };
    if (!isToken(token, given.given))
      return { kind: 'stranger', why: 'the token of NOTIFY_URL is missing, or another' };
    const speaker = { worker, tracked, key: keyOf(resource.metadata), uid: resource.metadata.uid };
    return {
      kind: 'guest',
      guest: { ready: () => this.#ready(speaker), exit: (report) => this.#exit(speaker, report) },
    };
  }

  /** Its resource as it is now, while the attempt goes on. */
  #current({
    tracked,
    key,
    uid,
  }: Speaker): { readonly resource: EphemeralDomain; readonly binding: Binding } | undefined {
    const resource = this.#parts.store.get(key);
    const binding = resource === undefined ? undefined : bindingOf(resource);
    if (resource?.metadata.uid !== uid || binding?.uuid !== tracked.uuid) return undefined;
    return { resource, binding };
  }

  #ready(speaker: Speaker): Promise<Reception> {
    const { worker, tracked } = speaker;
    const current = this.#current(speaker);
    if (current === undefined) return Promise.resolve('over');
    // Ready hangs on something else, or is stored: it does no harm to say so.
    if (!awaitsNotice(current.resource) || current.binding.ready) return Promise.resolve('stored');
    tracked.readyAt ??= this.#parts.wall();
    worker.lookAfter(tracked.uuid);
    return this.#stored(speaker, (now) => (bindingOf(now)?.ready === true ? 'stored' : undefined));
  }

  #exit(speaker: Speaker, report: ExitReport): Promise<Reception> {
    const { worker, tracked } = speaker;
    const current = this.#current(speaker);
    if (current === undefined) return Promise.resolve('over');
    if (current.binding.exit !== undefined) return Promise.resolve('said-before');
    tracked.exit ??= report;
    // The same once more is no contradiction while it is not stored: its answer was lost, or came too late.
    const isSame = tracked.exit.code === report.code && tracked.exit.message === report.message;
    if (!isSame) return Promise.resolve('said-before');
    worker.lookAfter(tracked.uuid);
    return this.#stored(speaker, ({ status }) => (status?.exitCode === undefined ? undefined : 'stored'));
  }

  /** Resolves when the API server holds it, when that can no longer be, or when time is up. */
  #stored({ uid, tracked: { uuid } }: Speaker, read: Waiting['read']): Promise<Reception> {
    return new Promise((resolve) => {
      const all = this.#waiting.get(uid) ?? new Set();
      this.#waiting.set(uid, all);
      const answer = (reception: Reception) => {
        timer.cancel();
        all.delete(waiting);
        if (all.size === 0 && this.#waiting.get(uid) === all) this.#waiting.delete(uid);
        resolve(reception);
      };
      const timer = this.#parts.clock.after(STORE_WITHIN_MS, () => answer('not-stored'));
      const waiting = { uuid, read, answer };
      all.add(waiting);
    });
  }
}

/** What was said before an end is stored with it at the latest; after it there is nothing left to wait for. */
function tell({ uuid, read, answer }: Waiting, resource: EphemeralDomain): void {
  const isThere = resource.status?.domain?.uuid === undefined || resource.status.domain.uuid === uuid;
  const reception = isThere ? read(resource) : undefined;
  if (reception !== undefined) answer(reception);
  else if (bindingOf(resource)?.uuid !== uuid) answer('over');
}

/** The token that a domain's guest was told; read from its host where another process started it. */
async function tokenOf(
  state: HostState,
  tracked: Tracked,
): Promise<{ readonly given: string | undefined } | 'unknown'> {
  if (tracked.token !== 'unread') return tracked.token;
  const contact = currentContact(state);
  if (contact === undefined) return 'unknown';
  try {
    const ref = { name: '', uuid: tracked.uuid };
    const xml = await onSession(contact.session, 'DOMAIN_GET_XML_DESC', (host) => host.getXmlDesc(ref));
    const reading = readDomainXml(xml, state.cluster);
    if (!reading.ok || reading.domain.ownership.kind !== 'ours') return 'unknown';
    const token = { given: reading.domain.ownership.identity.notifyToken };
    tracked.token = token;
    return token;
  } catch (error) {
    if (error instanceof LibvirtError) return 'unknown';
    throw error;
  }
}
