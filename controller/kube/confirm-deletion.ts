import { isKubeError } from './errors.ts';
import type { CallOptions, RestClient } from './rest-client.ts';
import type { KubeObject, ResourceType } from './types.ts';

/** What a live GET says about an object that disappeared from a watch. */
export type DeletionVerdict<T> =
  | { readonly kind: 'deleted' }
  | { readonly kind: 'replaced'; readonly by: T }
  | { readonly kind: 'exists'; readonly object: T };

/**
 * A live GET (never the cache) that tells a deleted object from one that only left a selector. A 404 for the whole type
 * (its CRD gone) is also 'deleted': who must tell these apart asks for the CRD. Throws KubeError.
 */
export async function confirmDeletion<T extends KubeObject>(
  client: Pick<RestClient, 'get'>,
  type: ResourceType<T>,
  object: T,
  options?: CallOptions,
): Promise<DeletionVerdict<T>> {
  try {
    const found = await client.get(type, object.metadata, options);
    return found.metadata.uid === object.metadata.uid
      ? { kind: 'exists', object: found }
      : { kind: 'replaced', by: found };
  } catch (error) {
    if (isKubeError(error, 'not-found')) return { kind: 'deleted' };
    throw error;
  }
}
