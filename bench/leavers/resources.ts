import { RequestAnnotation } from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import { attemptUuid } from '#controller/domain/identity.ts';
import type { RestClient } from '#controller/kube/index.ts';
import { watchDomains } from '../support/follow.ts';

/** The EphemeralDomain of one request, as a watch of the bench's own saw it; times of performance.now(). */
export interface Seen {
  readonly name: string;
  /** Of its first attempt's domain. */
  readonly uuid: string;
  readonly addedAt: number;
  boundAt?: number;
  runningAt?: number;
  address?: string;
  deletedAt?: number;
}

/** EphemeralDomains by the path of the request that they were made for. */
export interface Resources {
  readonly byPath: ReadonlyMap<string, Seen>;
  /** Resolves once that request's EphemeralDomain is so; rejects when it is not in time. */
  until(path: string, what: string, holds: (seen: Seen) => boolean, timeoutMs: number): Promise<Seen>;
  stop(): Promise<void>;
}

/** Watches from now on, over a connection of its own. */
export async function watchResources(client: RestClient, limitMs: number): Promise<Resources> {
  const byPath = new Map<string, Seen>();
  const looks = new Set<(path: string) => void>();
  const stop = await watchDomains(client, limitMs, (event) => {
    if (event.type === 'ERROR') throw new Error(`the watch has ended: ${event.status.message ?? ''}`);
    if (event.type === 'BOOKMARK') return;
    const path = record(byPath, event.object, event.type === 'DELETED');
    for (const look of [...looks]) look(path);
  });
  return {
    byPath,
    until: (path, what, holds, timeoutMs) =>
      new Promise((resolve, reject) => {
        const look = (changed: string): void => {
          const seen = byPath.get(path);
          if (changed !== path || seen === undefined || !holds(seen)) return;
          clearTimeout(late);
          looks.delete(look);
          resolve(seen);
        };
        const late = setTimeout(() => {
          looks.delete(look);
          reject(new Error(`the EphemeralDomain of ${path} is ${what}: not so after ${timeoutMs} ms`));
        }, timeoutMs);
        looks.add(look);
        look(path);
      }),
    stop,
  };
}

function record(byPath: Map<string, Seen>, { metadata, status }: EphemeralDomain, isDeleted: boolean): string {
  const now = performance.now();
  const path = metadata.annotations?.[RequestAnnotation.Path] ?? metadata.name;
  const seen = byPath.get(path) ?? { name: metadata.name, uuid: attemptUuid(metadata.uid, 1), addedAt: now };
  byPath.set(path, seen);
  if (status?.host !== undefined) seen.boundAt ??= now;
  if (status?.phase === 'Running') seen.runningAt ??= now;
  if (status?.address !== undefined) seen.address ??= status.address;
  if (isDeleted) seen.deletedAt ??= now;
  return path;
}
