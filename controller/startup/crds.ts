import {
  DOMAIN_HOSTS,
  EPHEMERAL_DOMAIN_TEMPLATES,
  EPHEMERAL_DOMAINS,
  SCHEMA_VERSION,
  SCHEMA_VERSION_ANNOTATION,
} from '#controller/api/index.ts';
import { CUSTOM_RESOURCE_DEFINITIONS, isKubeError } from '#controller/kube/index.ts';
import type { CustomResourceDefinition, KubeObject, ResourceType, RestClient } from '#controller/kube/index.ts';

import { StartFault } from './fault.ts';
import { patiently } from './patience.ts';
import type { Patience } from './patience.ts';

const KINDS: readonly ResourceType<KubeObject>[] = [EPHEMERAL_DOMAINS, EPHEMERAL_DOMAIN_TEMPLATES, DOMAIN_HOSTS];

const APPLY = 'kubectl apply -f crds/';

/** Checks that the CRDs are there, served, and not older than this program. Throws StartFault. */
export const checkCrds = async (client: RestClient, patience: Patience): Promise<void> => {
  for (const type of KINDS) {
    const name = `${type.plural}.${type.group}`;
    const crd = await patiently(patience, (signal) => getCrd(client, name, signal));
    const fault = crdFault(type, crd);
    if (fault !== undefined) throw new StartFault(`CRD ${name} ${fault}`);
  }
};

const getCrd = async (
  client: RestClient,
  name: string,
  signal: AbortSignal,
): Promise<CustomResourceDefinition | undefined> => {
  try {
    return await client.get(CUSTOM_RESOURCE_DEFINITIONS, { name }, { signal, timeoutMs: 10_000 });
  } catch (error) {
    if (isKubeError(error, 'not-found')) return undefined;
    throw error;
  }
};

/** What is wrong with a CRD, to follow its name in a sentence; undefined where it will do. */
export const crdFault = (
  type: ResourceType<KubeObject>,
  crd: CustomResourceDefinition | undefined,
): string | undefined => {
  if (crd === undefined) return `is missing: ${APPLY}`;
  const text = crd.metadata.annotations?.[SCHEMA_VERSION_ANNOTATION] ?? '';
  const version = /^[0-9]{1,9}$/.test(text) ? Number(text) : 0;
  if (version < SCHEMA_VERSION) {
    return `is too old (schema version ${version}, this program needs ${SCHEMA_VERSION}): ${APPLY}`;
  }
  if (!crd.spec.versions.some(({ name, served }) => name === type.version && served)) {
    return `does not serve ${type.version}: ${APPLY}`;
  }
  const established = crd.status?.conditions?.find((condition) => condition.type === 'Established');
  if (established?.status === 'True') return undefined;
  return `is not Established (${established?.reason ?? 'no condition yet'}): kubectl describe crd ${crd.metadata.name}`;
};
