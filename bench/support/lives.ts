import type { EphemeralDomain } from '#controller/api/index.ts';
import type { WatchEvent } from '#controller/kube/index.ts';

/** One EphemeralDomain as a watch saw it. Times are milliseconds of the watcher's monotonic clock. */
export interface Life {
  readonly name: string;
  readonly addedAt: number;
  /** When its binding was seen. */
  boundAt: number | undefined;
  /** When its last phase was seen. */
  endedAt: number | undefined;
  phase: string;
  attempt: number;
  /** Versions seen after the first: each is one write to it. */
  writes: number;
}

/** Lives by the resource's UID. */
export type Lives = Map<string, Life>;

/** Takes in one event of a watch; bookmarks and errors change nothing here. */
export function recordEvent(lives: Lives, event: WatchEvent<EphemeralDomain>, now: number): void {
  if (event.type === 'BOOKMARK' || event.type === 'ERROR' || event.type === 'DELETED') return;
  const { metadata, status } = event.object;
  const known = lives.get(metadata.uid);
  const life = known ?? newLife(metadata.name, now);
  if (known === undefined) lives.set(metadata.uid, life);
  else life.writes += 1;
  life.phase = status?.phase ?? '';
  life.attempt = status?.attempt ?? 0;
  if (status?.host !== undefined) life.boundAt ??= now;
  if (isEnded(life)) life.endedAt ??= now;
}

/** Whether a life came to its end, well or badly. */
export function isEnded(life: Pick<Life, 'phase'>): boolean {
  return life.phase === 'Succeeded' || life.phase === 'Failed';
}

/** What a burst of lives came to. Durations in seconds. */
export interface Summary {
  readonly domains: number;
  readonly succeeded: number;
  readonly failed: number;
  /** First resource seen to last end seen. */
  readonly seconds: number;
  readonly perSecond: number;
  /** Placed more than 5 s after they were seen: those may cost writes that say why they wait. */
  readonly waitedOver5s: number;
  readonly maxWritesPlacedWithin5s: number;
  readonly maxWrites: number;
  readonly meanWrites: number;
}

/** Adds up lives that have all ended. */
export function summarize(lives: Lives): Summary {
  const all = [...lives.values()];
  const first = Math.min(...all.map((life) => life.addedAt));
  const last = Math.max(...all.map((life) => life.endedAt ?? Number.NaN));
  const late = all.filter((life) => (life.boundAt ?? life.endedAt ?? 0) - life.addedAt > 5000);
  const prompt = all.filter((life) => !late.includes(life));
  const seconds = (last - first) / 1000;
  return {
    domains: all.length,
    succeeded: all.filter((life) => life.phase === 'Succeeded').length,
    failed: all.filter((life) => life.phase === 'Failed').length,
    seconds: rounded(seconds),
    perSecond: rounded(all.length / seconds),
    waitedOver5s: late.length,
    maxWritesPlacedWithin5s: Math.max(0, ...prompt.map((life) => life.writes)),
    maxWrites: Math.max(0, ...all.map((life) => life.writes)),
    meanWrites: rounded(all.reduce((sum, life) => sum + life.writes, 0) / all.length),
  };
}

function newLife(name: string, now: number): Life {
  return { name, addedAt: now, boundAt: undefined, endedAt: undefined, phase: '', attempt: 0, writes: 0 };
}

/** Two digits behind the point. */
export function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
