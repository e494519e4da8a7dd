import { effectiveSpec, EPHEMERAL_DOMAINS, isFinished } from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import type { ConsoleRequest } from '#controller/config/index.ts';
import { ConsoleText } from '#controller/console/index.ts';
import { createRestClient, isKubeError, loadKubeConfig } from '#controller/kube/index.ts';
import type { ClientConfig, RestClient } from '#controller/kube/index.ts';
import { readFromController } from './console-stream.ts';
import { ToolFault } from './fault.ts';
import { findController } from './lease-address.ts';

/** Prints; resolves once more may be printed. Rejects where nobody reads any more. */
export type Print = (output: string | Uint8Array) => Promise<void>;

/**
 * `hatchery console`: prints what a domain wrote on its console, as it runs or as it was captured. Throws ToolFault, or
 * KubeConfigError, with one line that says what to do.
 */
export async function printConsole(request: ConsoleRequest, version: string, print: Print): Promise<void> {
  const { kubeconfig, context } = request;
  const config = await loadKubeConfig({ kubeconfig, context });
  const client = createRestClient(config, { userAgent: `hatchery/${version}`, connections: 1, timeoutMs: 15_000 });
  try {
    await printOf(request, config, client, print);
  } finally {
    await client.close();
  }
}

async function printOf(request: ConsoleRequest, config: ClientConfig, client: RestClient, print: Print): Promise<void> {
  const { name, follow, raw } = request;
  const namespace = request.namespace ?? config.namespace;
  const key = `${namespace}/${name}`;
  const resource = await askApiServer(`EphemeralDomain ${key}`, () =>
    client.get(EPHEMERAL_DOMAINS, { namespace, name }),
  );
  if (isFinished(resource.status?.phase)) return print(tailOf(resource, key));
  const lease = `Lease hatchery-controller in namespace ${request.systemNamespace}`;
  const address = await askApiServer(lease, () => findController(client, request.systemNamespace));
  const credentials = await config.credentials();
  if (Object.keys(credentials.headers).some((header) => header.startsWith('impersonate-'))) {
    throw new ToolFault('this kubeconfig impersonates somebody, which consoles do not support: use one of their own');
  }
  const text = new ConsoleText();
  const path = `/console/${namespace}/${name}?follow=${follow}`;
  for await (const bytes of readFromController(address, credentials, path)) await print(raw ? bytes : text.push(bytes));
  if (!raw) await print(text.end());
}

/** What was captured of a domain that has ended. */
function tailOf(resource: EphemeralDomain, key: string): string {
  const { consoleTail } = resource.status ?? {};
  if (consoleTail !== undefined) return consoleTail;
  const captured = (effectiveSpec(resource)?.domain.console?.captureBytes ?? 0) > 0;
  throw new ToolFault(
    captured
      ? `${key} has ended, and nothing was read from its console`
      : `${key} has ended, and its console was not captured: set spec.domain.console.captureBytes for the next one`,
  );
}

async function askApiServer<T>(what: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!isKubeError(error)) throw error;
    if (error.kind === 'not-found') throw new ToolFault(`there is no ${what}`, { cause: error });
    throw new ToolFault(`${what} cannot be read: ${error.message}`, { cause: error });
  }
}
