import { EPHEMERAL_DOMAINS } from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import { isKubeError, keyOf } from '#controller/kube/index.ts';
import type { KubeLogger, RestClient } from '#controller/kube/index.ts';

export interface HistoryParts {
  readonly rest: Pick<RestClient, 'delete'>;
  readonly logger: KubeLogger;
}

/**
 * Keeps of each template at most so many finished EphemeralDomains of this replica: for each one that finishes the oldest
 * is deleted, so that the work is bounded by the requests. What a deletion that failed leaves, its TTL takes.
 */
export class History {
  readonly #parts: HistoryParts;
  /** By namespace/template: UIDs, the oldest first. */
  readonly #finished = new Map<string, Map<string, EphemeralDomain['metadata']>>();

  constructor(parts: HistoryParts) {
    this.#parts = parts;
  }

  /** One has finished; `limit`: how many of its template are kept, undefined: all, or not known now. */
  finished({ metadata, spec }: EphemeralDomain, limit: number | undefined): void {
    const key = templateKey(metadata, spec);
    const all = this.#finished.get(key) ?? new Map<string, EphemeralDomain['metadata']>();
    this.#finished.set(key, all);
    all.set(metadata.uid, metadata);
    if (limit === undefined) return;
    for (const [uid, oldest] of all) {
      if (all.size <= limit) return;
      all.delete(uid);
      void this.#delete(oldest);
    }
  }

  gone({ metadata, spec }: EphemeralDomain): void {
    const key = templateKey(metadata, spec);
    const all = this.#finished.get(key);
    all?.delete(metadata.uid);
    if (all?.size === 0) this.#finished.delete(key);
  }

  async #delete({ namespace, name, uid }: EphemeralDomain['metadata']): Promise<void> {
    try {
      await this.#parts.rest.delete(
        EPHEMERAL_DOMAINS,
        { namespace, name },
        { preconditions: { uid }, timeoutMs: 10_000 },
      );
    } catch (error) {
      if (isKubeError(error, 'not-found', 'conflict')) return;
      this.#parts.logger.warn('A finished EphemeralDomain over historyLimit stays', { namespace, name, error });
    }
  }
}

function templateKey(metadata: EphemeralDomain['metadata'], spec: EphemeralDomain['spec']): string {
  return keyOf({ namespace: metadata.namespace, name: spec.templateRef?.name ?? '' });
}
