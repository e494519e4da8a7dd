/**
 * How often each kind of write was asked of the API server: key 'VERB resource' or 'VERB resource/subresource', and the status
 * after a space where it was refused.
 */
export type WriteCounts = Readonly<Record<string, number>>;

const WRITE_VERBS = new Set(['POST', 'PUT', 'PATCH', 'DELETE', 'APPLY']);

/**
 * Reads the API server's own `apiserver_request_total` out of its /metrics text: every request it answered, by
 * whomever.
 */
export function parseWriteCounts(metrics: string): WriteCounts {
  const counts: Record<string, number> = {};
  for (const line of metrics.split('\n')) {
    const parts = /^apiserver_request_total\{(.*)\} (\S+)$/.exec(line);
    if (parts === null) continue;
    const labels = parseLabels(parts[1] ?? '');
    const verb = labels.get('verb') ?? '';
    if (!WRITE_VERBS.has(verb)) continue;
    const subresource = labels.get('subresource') ?? '';
    const code = labels.get('code') ?? '';
    const refused = Number(code) >= 400 ? ` ${code}` : '';
    const key = `${verb} ${labels.get('resource') ?? ''}${subresource === '' ? '' : `/${subresource}`}${refused}`;
    counts[key] = (counts[key] ?? 0) + Number(parts[2]);
  }
  return counts;
}

/** What was asked between two readings; kinds that nobody asked for are left out. */
export function writesBetween(before: WriteCounts, after: WriteCounts): WriteCounts {
  const difference: Record<string, number> = {};
  for (const [key, count] of Object.entries(after)) {
    const more = count - (before[key] ?? 0);
    if (more > 0) difference[key] = more;
  }
  return difference;
}

/** All of several counts together. */
export function sumOfWrites(all: readonly WriteCounts[]): WriteCounts {
  const sums: Record<string, number> = {};
  for (const [key, count] of all.flatMap((counts) => Object.entries(counts))) sums[key] = (sums[key] ?? 0) + count;
  return sums;
}

function parseLabels(text: string): ReadonlyMap<string, string> {
  const labels = new Map<string, string>();
  for (const [, name, value] of text.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)) {
    if (name !== undefined && value !== undefined) labels.set(name, value);
  }
  return labels;
}
