import {
  HostCondition,
  HostReason,
  MAX_HELD_ADDRESSES,
  MAX_HELD_MESSAGE_LENGTH,
  setCondition,
} from '#controller/api/index.ts';
import type { Condition, DomainHost, DomainHostStatus, NewCondition } from '#controller/api/index.ts';
import type { HostView } from '#controller/scheduler/index.ts';
import { hypervisorType } from './contact.ts';
import { askableKiB } from './host-state.ts';
import { secondTime } from './time.ts';
import type { HostWorker } from './worker.ts';
import { mostBound } from './worker-parts.ts';
import type { Readiness } from './worker-parts.ts';

/** A host as the scheduler sees it. `notReady`: why it gets nothing new whatever its worker says. */
export function viewForScheduler(
  worker: HostWorker,
  node: Pick<HostView, 'labels' | 'unschedulable' | 'taints' | 'allowedNamespaces'>,
  notReady: string | undefined,
): HostView {
  const { state, readiness } = worker;
  const { totals, freeAddresses } = state.ledger;
  return {
    ...node,
    name: state.name,
    notReady: notReady ?? (readiness.ready ? undefined : readiness.reason),
    domainTypes: state.contact?.domainTypes ?? [],
    attachesDisks: state.config.uri.kind === 'xen',
    freeMemory: askableKiB(state) * 1024,
    freeAddresses,
    domains: totals.domains - totals.foreign,
    maxDomains: state.config.maxDomains,
    starting: totals.bound,
    maxStarting: mostBound(state.config),
  };
}

/** A DomainHost's whole status, from its worker (none where its spec makes no sense). */
export function hostStatus(
  host: DomainHost,
  worker: HostWorker | undefined,
  readiness: Readiness,
  now: number,
): DomainHostStatus {
  const conditions = conditionsOf(host, worker, readiness, now);
  const { generation } = host.metadata;
  const observed = generation === undefined ? {} : { observedGeneration: generation };
  if (worker === undefined) return { ...observed, conditions };
  const { state } = worker;
  const { totals } = state.ledger;
  const addresses = state.ledger.addressCounts();
  const contact = state.contact;
  return {
    ...observed,
    conditions,
    ...(contact === undefined
      ? {}
      : {
          hypervisor: {
            type: hypervisorType(state.config.uri.kind),
            version: contact.version,
            libvirtVersion: contact.libvirtVersion,
            domainTypes: contact.domainTypes,
          },
          capacity: {
            memory: mebibytes(state.memoryKiB - state.config.reservedMemoryKiB),
            vcpus: contact.vcpus,
            ...(addresses === undefined ? {} : { addresses: addresses.usable }),
          },
          boot: contact.identity.boot,
          daemon: contact.identity.daemon,
        }),
    allocated: {
      memory: mebibytes(totals.memoryKiB),
      domains: totals.domains,
      vcpus: totals.vcpus,
      ...(addresses === undefined ? {} : { addresses: addresses.used }),
    },
    heldAddresses: Array.from(state.ledger.quarantined(), ([address, { why }]) => ({
      address,
      reason: 'Quarantined',
      message: why.slice(0, MAX_HELD_MESSAGE_LENGTH),
    })).slice(0, MAX_HELD_ADDRESSES),
    running: totals.running,
    starting: totals.bound,
  };
}

function conditionsOf(
  host: DomainHost,
  worker: HostWorker | undefined,
  readiness: Readiness,
  now: number,
): readonly Condition[] {
  const ready: NewCondition = readiness.ready
    ? { type: HostCondition.Ready, status: 'True', reason: HostReason.HostReady, message: 'domains are placed here' }
    : { type: HostCondition.Ready, status: 'False', reason: readiness.reason, message: readiness.message };
  const set = (conditions: readonly Condition[] | undefined, condition: NewCondition) =>
    setCondition(conditions, { ...condition, ...observed(host) }, secondTime(now));
  const told = set(host.status?.conditions, ready);
  const { many, count } = worker?.orphans.state ?? { many: false, count: 0 };
  const wasTold = told.some(({ type }) => type === HostCondition.ManyOrphans);
  if (!many && !wasTold) return told;
  const message = many
    ? `${count} domains have no EphemeralDomain: at most 10 a minute are destroyed; restore the resources to keep the domains`
    : '';
  return set(told, {
    type: HostCondition.ManyOrphans,
    status: many ? 'True' : 'False',
    reason: many ? HostReason.OrphansHeldBack : HostReason.FewOrphans,
    message,
  });
}

function observed({ metadata: { generation } }: DomainHost): { readonly observedGeneration?: number } {
  return generation === undefined ? {} : { observedGeneration: generation };
}

function mebibytes(kib: number): string {
  return `${Math.max(Math.floor(kib / 1024), 0)}Mi`;
}
