import { MAX_VALUE_BYTES } from '#controller/api/index.ts';
import type { ConfigMapKeySelector, Parameter } from '#controller/api/index.ts';
import type { ParameterValues } from '#controller/domain/cmdline.ts';
import { CONFIG_MAPS, isKubeError } from '#controller/kube/index.ts';
import type { ConfigMap, RestClient } from '#controller/kube/index.ts';
import { plainValues } from '#controller/templates/index.ts';

export type ValuesReading =
  | { readonly ok: true; readonly values: ParameterValues }
  /** `reason` ConfigMapNotFound: something is not there yet; InvalidParameters: it can never be a value. */
  | { readonly ok: false; readonly reason: 'ConfigMapNotFound' | 'InvalidParameters'; readonly message: string };

const TIMEOUT_MS = 10_000;

/**
 * The values of parameters, each ConfigMap read once, so that the keys of one suit each other; at most one is held at a time.
 * Throws KubeError where the API server could not be asked. No message holds a value.
 */
export async function readValues(
  rest: Pick<RestClient, 'get'>,
  namespace: string,
  parameters: readonly Parameter[],
): Promise<ValuesReading> {
  const values = new Map(plainValues(parameters));
  for (const [name, references] of byConfigMap(parameters)) {
    const map = await getConfigMap(rest, namespace, name);
    for (const { parameter, key } of references) {
      const where = `parameter ${parameter}: `;
      if (map === undefined) {
        return missing(`${where}there is no ConfigMap "${name}" in namespace ${namespace}: create it`);
      }
      const { data = {} } = map;
      // A key may be called constructor.
      const value = Object.hasOwn(data, key) ? data[key] : undefined;
      if (value === undefined) return missing(`${where}ConfigMap "${name}" has no key "${key}" in its data: add it`);
      const bytes = Buffer.byteLength(value);
      if (bytes > MAX_VALUE_BYTES) {
        const message = `${where}key "${key}" of ConfigMap "${name}" has ${bytes} bytes; a value has at most ${MAX_VALUE_BYTES}`;
        return { ok: false, reason: 'InvalidParameters', message };
      }
      values.set(parameter, value);
    }
  }
  return { ok: true, values };
}

interface Reference {
  readonly parameter: string;
  readonly key: string;
}

function byConfigMap(parameters: readonly Parameter[]): ReadonlyMap<string, readonly Reference[]> {
  const references = parameters.flatMap(({ name, valueFrom }): readonly (readonly [string, ConfigMapKeySelector])[] =>
    valueFrom === undefined ? [] : [[name, valueFrom.configMapKeyRef]],
  );
  const grouped = new Map<string, Reference[]>();
  for (const [parameter, { name, key }] of references) {
    grouped.set(name, [...(grouped.get(name) ?? []), { parameter, key }]);
  }
  return grouped;
}

async function getConfigMap(
  rest: Pick<RestClient, 'get'>,
  namespace: string,
  name: string,
): Promise<ConfigMap | undefined> {
  try {
    return await rest.get(CONFIG_MAPS, { namespace, name }, { timeoutMs: TIMEOUT_MS });
  } catch (error) {
    if (isKubeError(error, 'not-found')) return undefined;
    throw error;
  }
}

function missing(message: string): ValuesReading {
  return { ok: false, reason: 'ConfigMapNotFound', message };
}
