import type { ConditionView } from '../domainhosts.ts';

/** As much of an EphemeralDomain as the demo looks at. */
export interface DomainView {
  readonly metadata: { readonly name: string; readonly namespace?: string };
  /** Of one that was made for a request. */
  readonly spec?: { readonly request?: unknown };
  readonly status?: {
    readonly phase?: string;
    readonly reason?: string;
    readonly message?: string;
    readonly host?: string;
    readonly address?: string;
    readonly attempt?: number;
    readonly conditions?: readonly ConditionView[];
    readonly domain?: { readonly name?: string; readonly uuid?: string };
    readonly timeline?: Readonly<Record<string, string>>;
  };
}

/** What a change says that was not said before, in one line; undefined where it says nothing new. */
export function describeChange(before: DomainView | undefined, after: DomainView): string | undefined {
  const was = before?.status ?? {};
  const now = after.status ?? {};
  const parts: string[] = [];
  if (now.phase !== undefined && now.phase !== was.phase) parts.push(now.phase);
  if (now.host !== was.host && now.host !== undefined) parts.push(`host ${now.host}`);
  if (now.address !== was.address && now.address !== undefined) parts.push(`address ${now.address}`);
  if (now.reason !== was.reason && now.reason !== undefined) parts.push(`reason ${now.reason}`);
  if (now.message !== was.message && now.message !== undefined && now.message !== '') parts.push(`"${now.message}"`);
  if (before === undefined && parts.length === 0) parts.push('created');
  return parts.length === 0 ? undefined : parts.join(', ');
}

/** Whether it has come to its end. */
export function isFinished(domain: DomainView | undefined): boolean {
  const phase = domain?.status?.phase;
  return phase === 'Succeeded' || phase === 'Failed';
}

/** One moment of a timeline: when, after the first one, and after the one before. */
export interface Moment {
  readonly name: string;
  readonly sinceFirstMs: number;
  readonly sinceLastMs: number;
}

/** The moments of a timeline in the order of time; its times have microseconds, which Date has not. */
export function momentsOf(timeline: Readonly<Record<string, string>>): readonly Moment[] {
  const times = Object.entries(timeline)
    .map(([name, text]) => ({ name, ms: milliseconds(text) }))
    .filter(({ ms }) => !Number.isNaN(ms));
  // The sort is stable: moments of the same instant stay in the order that the status gives them.
  times.sort((a, b) => a.ms - b.ms);
  const first = times[0]?.ms ?? 0;
  return times.map(({ name, ms }, index) => ({
    name,
    sinceFirstMs: ms - first,
    sinceLastMs: ms - (times[index - 1]?.ms ?? ms),
  }));
}

/** Milliseconds of an RFC 3339 time, with the digits that Date.parse drops. */
function milliseconds(text: string): number {
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? '0';
  const whole = Date.parse(text.replace(/\.\d+/, ''));
  return whole + Number(`0.${fraction}`) * 1000;
}
