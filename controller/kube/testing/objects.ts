import type { KubeObject, ResourceType } from '../types.ts';

/** A kind for tests. */
export interface Thing extends KubeObject {
  readonly spec?: { readonly colour?: string };
}

export const THINGS: ResourceType<Thing> = {
  group: 'test.example',
  version: 'v1',
  plural: 'things',
  kind: 'Thing',
  namespaced: true,
};

/** A Thing 'default/NAME' at a resource version; its UID is NAME-uid unless said. */
export function thing(
  name: string,
  resourceVersion: string | number,
  more: Partial<Thing> & { uid?: string } = {},
): Thing {
  const { uid = `${name}-uid`, metadata, ...rest } = more;
  return {
    apiVersion: 'test.example/v1',
    kind: 'Thing',
    metadata: {
      name,
      namespace: 'default',
      uid,
      resourceVersion: String(resourceVersion),
      creationTimestamp: '2030-01-01T00:00:00Z',
      ...metadata,
    },
    ...rest,
  };
}
