import { selectorMatches } from './selector.ts';
import type { Labels, LabelSelector } from './selector.ts';
import { isTolerated } from './tolerations.ts';
import type { Taint, Toleration } from './tolerations.ts';

/** What an EphemeralDomain asks of a host. */
export interface Ask {
  /** Bytes. */
  readonly memory: number;
  /** pv, pvh or hvm. */
  readonly type: string;
  readonly disks: boolean;
  /** Whether parameters come from Secrets, and so on a disk. */
  readonly secrets: boolean;
  /** Whether it needs an address. */
  readonly interface: boolean;
  readonly hostSelector?: LabelSelector | undefined;
  readonly tolerations?: readonly Toleration[] | undefined;
  /** Names of hosts that are taken only where no other takes it. */
  readonly avoid?: readonly string[] | undefined;
  readonly namespace: AskingNamespace;
}

/** Where an EphemeralDomain lives. */
export interface AskingNamespace {
  readonly name: string;
  /** Absent while the Namespace is not known: only hosts that allow every namespace take it then. */
  readonly labels: Labels | undefined;
}

/** One dom0 host as the scheduler sees it at this moment. */
export interface HostView {
  readonly name: string;
  /** Absent where the host is Ready; else its condition's reason. */
  readonly notReady?: string | undefined;
  /** Of the Node. */
  readonly labels: Labels;
  readonly unschedulable: boolean;
  readonly taints: readonly Taint[];
  /** Absent: every namespace. */
  readonly allowedNamespaces?: LabelSelector | undefined;
  /** Types of domain that it takes; known once it has been Ready. */
  readonly domainTypes: readonly string[];
  readonly attachesDisks: boolean;
  /** Bytes that no domain uses or is promised. */
  readonly freeMemory: number;
  readonly freeAddresses: number;
  /** Domains that hold memory here: bound, running, ended and not acknowledged, foreign. */
  readonly domains: number;
  readonly maxDomains: number;
  /** Bound, and not yet started. */
  readonly starting: number;
  /** At most so many may be bound and not yet started. */
  readonly maxStarting: number;
}

export type Refusal =
  | { readonly kind: 'not-ready'; readonly host: string; readonly reason: string }
  | { readonly kind: 'cordoned'; readonly host: string }
  | { readonly kind: 'tainted'; readonly host: string; readonly taint: string }
  | { readonly kind: 'selector'; readonly host: string }
  | { readonly kind: 'namespace'; readonly host: string }
  | { readonly kind: 'type'; readonly host: string }
  | { readonly kind: 'disks'; readonly host: string }
  | { readonly kind: 'secrets'; readonly host: string }
  | { readonly kind: 'memory'; readonly host: string; readonly free: number }
  | { readonly kind: 'address'; readonly host: string }
  | { readonly kind: 'domains'; readonly host: string; readonly limit: number }
  | { readonly kind: 'starting'; readonly host: string };

/** These two speak of a kubelet, which a dom0 need not run: DomainHost's Ready counts instead. */
const KUBELET_TAINTS: ReadonlySet<string> = new Set(['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']);
const REPELLING: ReadonlySet<string> = new Set(['NoSchedule', 'NoExecute']);

/** Why a host cannot take a domain now, what lasts longest first; undefined where it can. */
export function refusal(host: HostView, ask: Ask): Refusal | undefined {
  if (!selectorMatches(ask.hostSelector, host.labels)) return { kind: 'selector', host: host.name };
  if (!allowsNamespace(host, ask.namespace)) return { kind: 'namespace', host: host.name };
  if (host.notReady !== undefined) return { kind: 'not-ready', host: host.name, reason: host.notReady };
  if (!host.domainTypes.includes(ask.type)) return { kind: 'type', host: host.name };
  if (ask.disks && !host.attachesDisks) return { kind: 'disks', host: host.name };
  if (ask.secrets && !host.attachesDisks) return { kind: 'secrets', host: host.name };
  if (host.unschedulable) return { kind: 'cordoned', host: host.name };
  const taint = host.taints.find((each) => repels(each) && !isTolerated(each, ask.tolerations ?? []));
  if (taint !== undefined) return { kind: 'tainted', host: host.name, taint: taintText(taint) };
  if (host.freeMemory < ask.memory) return { kind: 'memory', host: host.name, free: Math.max(host.freeMemory, 0) };
  if (ask.interface && host.freeAddresses < 1) return { kind: 'address', host: host.name };
  if (host.domains >= host.maxDomains) return { kind: 'domains', host: host.name, limit: host.maxDomains };
  if (host.starting >= host.maxStarting) return { kind: 'starting', host: host.name };
  return undefined;
}

function repels({ key, effect }: Taint): boolean {
  return REPELLING.has(effect) && !KUBELET_TAINTS.has(key);
}

function allowsNamespace({ allowedNamespaces }: HostView, { labels }: AskingNamespace): boolean {
  if (allowedNamespaces === undefined) return true;
  return labels !== undefined && selectorMatches(allowedNamespaces, labels);
}

function taintText({ key, value, effect }: Taint): string {
  return value === undefined || value === '' ? `${key}:${effect}` : `${key}=${value}:${effect}`;
}
