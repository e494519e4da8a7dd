import { resolve } from 'node:path';

import { ConfigError } from './load.ts';
import type { Surroundings } from './option.ts';
import { readNamespace } from './values.ts';

/** What `hatchery console` is asked for. */
export interface ConsoleRequest {
  /** The context's own where undefined. */
  readonly namespace: string | undefined;
  readonly name: string;
  readonly follow: boolean;
  readonly raw: boolean;
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  /** Of the Lease. */
  readonly systemNamespace: string;
}

/** As commander has them. */
export interface ConsoleFlags {
  readonly follow?: boolean;
  readonly raw?: boolean;
  readonly namespace?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly systemNamespace?: string;
}

const NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/;

/** Checks the words of the command line. Throws ConfigError. */
export const readConsoleRequest = (
  domain: string,
  flags: ConsoleFlags,
  { folder }: Pick<Surroundings, 'folder'>,
): ConsoleRequest => {
  const [name = '', within, ...more] = domain.split('/').reverse();
  if (!NAME.test(name) || more.length > 0) {
    throw new ConfigError(`${JSON.stringify(domain)} names no EphemeralDomain: write NAMESPACE/NAME or NAME`);
  }
  if (within !== undefined && flags.namespace !== undefined && within !== flags.namespace) {
    throw new ConfigError(`--namespace: says ${flags.namespace}, but ${domain} says ${within}`);
  }
  const { kubeconfig, context } = flags;
  return {
    namespace: namespaceOf(within ?? flags.namespace),
    name,
    follow: flags.follow ?? false,
    raw: flags.raw ?? false,
    kubeconfig: kubeconfig === undefined ? undefined : resolve(folder, kubeconfig),
    context,
    systemNamespace: namespaceOf(flags.systemNamespace) ?? 'hatchery-system',
  };
};

const namespaceOf = (text: string | undefined): string | undefined => {
  if (text === undefined) return undefined;
  const reading = readNamespace(text);
  if (!reading.ok) throw new ConfigError(reading.why);
  return reading.value;
};
