import { MAX_VALUE_BYTES } from '#controller/api/index.ts';
import type { Parameter } from '#controller/api/index.ts';
import type { ParameterValues } from '#controller/domain/cmdline.ts';
import { MAX_SECRET_BYTES, SecretValues } from '#controller/domain/secrets.ts';
import { CONFIG_MAPS, isKubeError, SECRETS } from '#controller/kube/index.ts';
import type { KubeObject, ResourceType, RestClient } from '#controller/kube/index.ts';
import { plainValues } from '#controller/templates/index.ts';

/** The values of an attempt's parameters. */
export interface Values {
  /** For the command line. */
  readonly plain: ParameterValues;
  /** For a disk of their own. */
  readonly secrets: SecretValues;
}

/** Why a value is not to be had yet. */
export type ValueLack = 'ConfigMapNotFound' | 'SecretNotFound' | 'SecretForbidden';

export type ValuesReading =
  | { readonly ok: true; readonly values: Values }
  /** `reason` InvalidParameters: it can never be a value; else it is not to be had yet. */
  | { readonly ok: false; readonly reason: ValueLack | 'InvalidParameters'; readonly message: string };

type Fault = Exclude<ValuesReading, { ok: true }>;

const TIMEOUT_MS = 10_000;

/**
 * The values of parameters, each ConfigMap and each Secret read once, so that the keys of one suit each other; at most one is
 * held at a time. Throws KubeError where the API server could not be asked. No message holds a value.
 */
export async function readValues(
  rest: Pick<RestClient, 'get'>,
  namespace: string,
  parameters: readonly Parameter[],
): Promise<ValuesReading> {
  const plain = new Map(plainValues(parameters));
  for (const [name, references] of referencesTo('configMapKeyRef', parameters)) {
    const map = await getNamed(rest, CONFIG_MAPS, namespace, name);
    for (const reference of references) {
      const value = valueIn(CONFIG_MAP, { namespace, name }, map, reference);
      if (typeof value !== 'string') return value;
      const { parameter, key } = reference;
      const bytes = Buffer.byteLength(value);
      if (bytes > MAX_VALUE_BYTES) {
        const message = `parameter ${parameter}: key "${key}" of ConfigMap "${name}" has ${bytes} bytes; a value has at most ${MAX_VALUE_BYTES}`;
        return { ok: false, reason: 'InvalidParameters', message };
      }
      plain.set(parameter, value);
    }
  }
  const secrets = await readSecrets(rest, namespace, parameters);
  return secrets instanceof SecretValues ? { ok: true, values: { plain, secrets } } : secrets;
}

async function readSecrets(
  rest: Pick<RestClient, 'get'>,
  namespace: string,
  parameters: readonly Parameter[],
): Promise<SecretValues | Fault> {
  const values = new Map<string, Uint8Array>();
  let bytes = 0;
  for (const [name, references] of referencesTo('secretKeyRef', parameters)) {
    const secret = await getSecret(rest, namespace, name);
    if (secret === 'forbidden') return forbidden({ namespace, name }, references);
    for (const reference of references) {
      const value = valueIn(SECRET, { namespace, name }, secret, reference);
      if (typeof value !== 'string') return value;
      const decoded = Buffer.from(value, 'base64');
      bytes += decoded.length;
      if (bytes > MAX_SECRET_BYTES) {
        const message = `parameters from Secrets have at most ${MAX_SECRET_BYTES} bytes together: with ${reference.parameter} (key "${reference.key}" of Secret "${name}") they have ${bytes}`;
        return { ok: false, reason: 'InvalidParameters', message };
      }
      values.set(reference.parameter, decoded);
    }
  }
  // In the order of the parameters, whatever they come from.
  return new SecretValues(
    parameters.flatMap(({ name }) => {
      const value = values.get(name);
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}

interface Reference {
  readonly parameter: string;
  readonly key: string;
}

/** What is referred to by name, and by which parameters. */
function referencesTo(
  source: 'configMapKeyRef' | 'secretKeyRef',
  parameters: readonly Parameter[],
): ReadonlyMap<string, readonly Reference[]> {
  const grouped = new Map<string, Reference[]>();
  for (const { name: parameter, valueFrom } of parameters) {
    const selector = valueFrom?.[source];
    if (selector === undefined) continue;
    grouped.set(selector.name, [...(grouped.get(selector.name) ?? []), { parameter, key: selector.key }]);
  }
  return grouped;
}

interface Kind {
  readonly word: string;
  readonly missing: ValueLack;
}

const CONFIG_MAP: Kind = { word: 'ConfigMap', missing: 'ConfigMapNotFound' };
const SECRET: Kind = { word: 'Secret', missing: 'SecretNotFound' };

interface Place {
  readonly namespace: string;
  readonly name: string;
}

/** A ConfigMap, or a Secret, whose values are base64. */
interface Data extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

async function getSecret(
  rest: Pick<RestClient, 'get'>,
  namespace: string,
  name: string,
): Promise<Data | 'forbidden' | undefined> {
  try {
    return await getNamed(rest, SECRETS, namespace, name);
  } catch (error) {
    if (isKubeError(error, 'forbidden')) return 'forbidden';
    throw error;
  }
}

async function getNamed(
  rest: Pick<RestClient, 'get'>,
  type: ResourceType<Data>,
  namespace: string,
  name: string,
): Promise<Data | undefined> {
  try {
    return await rest.get(type, { namespace, name }, { timeoutMs: TIMEOUT_MS });
  } catch (error) {
    if (isKubeError(error, 'not-found')) return undefined;
    throw error;
  }
}

/** The text under a key, or why there is none. */
function valueIn(
  { word, missing }: Kind,
  { namespace, name }: Place,
  found: Data | undefined,
  { parameter, key }: Reference,
): string | Fault {
  const lacks = (what: string): Fault => ({ ok: false, reason: missing, message: `parameter ${parameter}: ${what}` });
  if (found === undefined) return lacks(`there is no ${word} "${name}" in namespace ${namespace}: create it`);
  const { data = {} } = found;
  // A key may be called constructor.
  const value = Object.hasOwn(data, key) ? data[key] : undefined;
  return value ?? lacks(`${word} "${name}" has no key "${key}" in its data: add it`);
}

/** An administrator may let the controller read Secrets of some namespaces only. */
function forbidden({ namespace, name }: Place, [first]: readonly Reference[]): Fault {
  const message =
    `parameter ${first?.parameter ?? ''}: the controller may not read Secret "${name}" in namespace ${namespace}: ` +
    'let an administrator bind the role hatchery-controller-secrets to it there';
  return { ok: false, reason: 'SecretForbidden', message };
}
