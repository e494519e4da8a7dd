import { CommandError } from '#hack/bed/run.ts';
import { sharedCluster, STARTUP_TIMEOUT_MS } from '#test/support/bed.ts';

/** An object to apply; JSON is YAML, so kubectl reads it as it is. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly [field: string]: unknown;
}

/** One thing that the API server said is wrong. */
export interface Fault {
  /** `spec.domain.memory`; `<nil>` where the server names none. */
  readonly field: string;
  /** From the field on: `Invalid value: "lots": memory must be …`. */
  readonly message: string;
}

/** What kubectl said of each object, by name; an object without faults was accepted. */
export type Verdicts = ReadonlyMap<string, readonly Fault[]>;

/** kubectl's sentence for one object of several, and for the only one. */
const REFUSALS = [
  /^(?:Error from server|for:) .*?: [^\s:]+ "([^"]+)" is invalid: \[?(.*?)\]?$/,
  /^The \S+ "([^"]+)" is invalid: ?(.*)$/,
];

/** Faults on one line are parted by commas, which stand within them too: a new one begins with a field's path. */
const NEXT_FAULT = /, (?=(?:<nil>|[\w.[\]]+): (?:Invalid value|Required value|Unsupported value|Too \w+|Forbidden)\b)/;

const faultOf = (text: string): Fault => {
  const colon = text.indexOf(': ');
  return { field: text.slice(0, colon), message: text.slice(colon + 2) };
};

/** Reads what kubectl wrote about objects that the API server refused. */
const faultsIn = (stderr: string): Verdicts => {
  const faults = new Map<string, Fault[]>();
  let current: Fault[] = [];
  for (const line of stderr.split('\n')) {
    const match = REFUSALS.map((form) => form.exec(line)).find((each) => each !== null);
    if (match !== undefined) {
      const [, name = '', told = ''] = match;
      current = told === '' ? [] : told.split(NEXT_FAULT).map(faultOf);
      faults.set(name, current);
    } else if (line.startsWith('* ')) {
      current.push(faultOf(line.slice(2)));
    }
  }
  return faults;
};

/** YAML takes JSON, but for control characters that JSON lets stand. */
const documentOf = (object: Manifest): string =>
  JSON.stringify(object).replaceAll(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/**
 * Applies all objects in one call of kubectl (`command` and its options, without -f). Fails where kubectl says anything
 * but that objects are invalid.
 */
export const applyAll = async (command: readonly string[], objects: readonly Manifest[]): Promise<Verdicts> => {
  const { kubectl } = await sharedCluster();
  const input = objects.map(documentOf).join('\n---\n');
  try {
    await kubectl([...command, '-f', '-'], { input });
    return new Map(objects.map((object) => [object.metadata.name, []]));
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const faults = faultsIn(error.stderr);
    if (faults.size === 0) throw error;
    return new Map(objects.map(({ metadata }) => [metadata.name, faults.get(metadata.name) ?? []]));
  }
};

/** What kubectl wrote to stderr as it refused; fails where it did not. */
export const refusalOf = async (args: readonly string[], input?: string): Promise<string> => {
  const { kubectl } = await sharedCluster();
  try {
    await kubectl(args, input === undefined ? {} : { input });
  } catch (error) {
    if (error instanceof CommandError) return error.stderr;
    throw error;
  }
  throw new Error(`kubectl ${args.join(' ')} was not refused`);
};

/**
 * Makes namespaces before the tests of a file and deletes them after, with all that is in them: what stays would be placed
 * on the hosts of a later test.
 */
export const useNamespaces = (...names: readonly string[]): void => {
  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    const { kubectl } = await sharedCluster();
    for (const name of names) await kubectl(['create', 'namespace', name]);
  });
  after(async function () {
    this.timeout(60_000);
    const { kubectl } = await sharedCluster();
    for (const name of names) await kubectl(['delete', 'ephemeraldomains', '--all', '--namespace', name]);
    await kubectl(['delete', 'namespace', '--wait=false', ...names]);
  });
};

/** Fields of a spec, as a test writes them. */
export type Fields = Readonly<Record<string, unknown>>;

/** A spec that is accepted, with nothing that could be left out. */
export const SMALLEST = { domain: { memory: '64Mi', boot: { kernel: 'hatchling' } } } as const;

export const ephemeralDomain = (name: string, spec?: Fields): Manifest => ({
  apiVersion: 'hatchery.dev/v1alpha1',
  kind: 'EphemeralDomain',
  metadata: { name },
  ...(spec === undefined ? {} : { spec }),
});

export const template = (name: string, spec: Fields): Manifest => ({
  apiVersion: 'hatchery.dev/v1alpha1',
  kind: 'EphemeralDomainTemplate',
  metadata: { name },
  spec: { template: { spec } },
});

export const domainHost = (name: string, spec: Fields): Manifest => ({
  apiVersion: 'hatchery.dev/v1alpha1',
  kind: 'DomainHost',
  metadata: { name },
  spec,
});

/** SMALLEST with changes within domain; undefined takes a field away. */
export const withDomain = (changes: Fields): Fields => ({ domain: { ...SMALLEST.domain, ...changes } });

/** SMALLEST with changes within domain.boot. */
export const withBoot = (changes: Fields): Fields => withDomain({ boot: { ...SMALLEST.domain.boot, ...changes } });
