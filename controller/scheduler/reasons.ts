import type { Ask, Refusal } from './filter.ts';

/**
 * Why no host takes a domain, for its condition Scheduled: "0/4 hosts: 2 have not enough memory (asked 512Mi, most free
 * 300Mi), 1 is not Ready (xen-1: NotAnswering), 1 does not match hostSelector".
 */
export function waitingMessage(ask: Ask, refusals: readonly Refusal[], dom0Label: string): string {
  if (refusals.length === 0) return `there is no dom0 host: label a Node ${dom0Label}`;
  const parts = PHRASES.flatMap(({ kind, phrase }) => {
    const group = refusals.filter((refusal) => refusal.kind === kind);
    return group.length === 0 ? [] : [{ count: group.length, text: phrase(group, ask) }];
  });
  parts.sort((a, b) => b.count - a.count);
  return `0/${refusals.length} hosts: ${parts.map(({ text }) => text).join(', ')}`;
}

interface Phrase {
  readonly kind: Refusal['kind'];
  readonly phrase: (group: readonly Refusal[], ask: Ask) => string;
}

const PHRASES: readonly Phrase[] = [
  { kind: 'memory', phrase: memoryPhrase },
  { kind: 'not-ready', phrase: notReadyPhrase },
  { kind: 'selector', phrase: (group) => `${group.length} ${verb(group, 'does', 'do')} not match hostSelector` },
  { kind: 'namespace', phrase: namespacePhrase },
  { kind: 'type', phrase: (group, { type }) => `${group.length} cannot run ${type}` },
  { kind: 'disks', phrase: (group) => `${group.length} cannot attach disks` },
  { kind: 'secrets', phrase: (group) => `${group.length} cannot attach the disk that parameters from Secrets need` },
  { kind: 'address', phrase: (group) => `${group.length} ${verb(group, 'has', 'have')} no free address` },
  { kind: 'domains', phrase: domainsPhrase },
  { kind: 'starting', phrase: (group) => `${group.length} ${verb(group, 'is', 'are')} busy starting domains` },
  { kind: 'cordoned', phrase: (group) => `${group.length} ${verb(group, 'is', 'are')} cordoned (${names(group)})` },
  { kind: 'tainted', phrase: taintedPhrase },
];

function memoryPhrase(group: readonly Refusal[], ask: Ask): string {
  const most = group.reduce((free, refusal) => (refusal.kind === 'memory' ? Math.max(free, refusal.free) : free), 0);
  const detail = `asked ${memoryText(ask.memory)}, most free ${memoryText(most)}`;
  return `${group.length} ${verb(group, 'has', 'have')} not enough memory (${detail})`;
}

function notReadyPhrase(group: readonly Refusal[]): string {
  const which = listed(
    group.map((refusal) => (refusal.kind === 'not-ready' ? `${refusal.host}: ${refusal.reason}` : refusal.host)),
  );
  return `${group.length} ${verb(group, 'is', 'are')} not Ready (${which})`;
}

function domainsPhrase(group: readonly Refusal[]): string {
  const limits = new Set(group.flatMap((refusal) => (refusal.kind === 'domains' ? [refusal.limit] : [])));
  return `${group.length} ${verb(group, 'holds', 'hold')} maxDomains (${[...limits].join(', ')})`;
}

function namespacePhrase(group: readonly Refusal[], { namespace }: Ask): string {
  return `${group.length} ${verb(group, 'does', 'do')} not allow namespace ${namespace.name}`;
}

function taintedPhrase(group: readonly Refusal[]): string {
  const taints = new Set(group.flatMap((refusal) => (refusal.kind === 'tainted' ? [refusal.taint] : [])));
  return `${group.length} ${verb(group, 'is', 'are')} tainted (${listed([...taints])})`;
}

function verb(group: readonly unknown[], one: string, many: string): string {
  return group.length === 1 ? one : many;
}

function names(group: readonly Refusal[]): string {
  return listed(group.map((refusal) => refusal.host));
}

/** At most so many hosts are named: a status message must stay readable with hundreds of them. */
const MOST_LISTED = 3;

function listed(texts: readonly string[]): string {
  const shown = texts.slice(0, MOST_LISTED).join(', ');
  return texts.length > MOST_LISTED ? `${shown} and ${texts.length - MOST_LISTED} more` : shown;
}

/** Bytes as a person writes them: whole Gi where that is exact, else whole Mi, else Ki. */
export function memoryText(bytes: number): string {
  if (bytes >= 2 ** 30 && bytes % 2 ** 30 === 0) return `${bytes / 2 ** 30}Gi`;
  if (bytes >= 2 ** 20 || bytes === 0) return `${Math.floor(bytes / 2 ** 20)}Mi`;
  return `${Math.floor(bytes / 1024)}Ki`;
}
