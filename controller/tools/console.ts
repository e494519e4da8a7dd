import { setTimeout as sleep } from 'node:timers/promises';

import { effectiveSpec, EPHEMERAL_DOMAINS, isFinished } from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import type { ConsoleRequest } from '#controller/config/index.ts';
import { ConsoleText } from '#controller/console/index.ts';
import { createRestClient, loadKubeConfig } from '#controller/kube/index.ts';
import type { ClientConfig, RestClient } from '#controller/kube/index.ts';
import { findController, impersonates } from '#controller/reach/index.ts';
import { askApiServer } from './ask.ts';
import { readFromController } from './console-stream.ts';
import { NoConsole, ToolFault } from './fault.ts';
import { untilRunning } from './running.ts';

/** Prints; resolves once more may be printed. Rejects where nobody reads any more. */
export type Print = (output: string | Uint8Array) => Promise<void>;

/** A domain that has no console any more is looked at so often, until its end is stored. */
const LOOKS = 6;
const LOOK_MS = 500;

/** Where a tool says what there is to say: the output, and lines about it for people. */
export interface Speech {
  readonly print: Print;
  readonly tell: (line: string) => void;
}

/**
 * `hatchery console`: prints what a domain wrote on its console, as it runs or as it was captured; told to follow it waits
 * until there is one. Throws ToolFault, or KubeConfigError, with one line that says what to do.
 */
export async function printConsole(request: ConsoleRequest, version: string, speech: Speech): Promise<void> {
  const { kubeconfig, context } = request;
  const config = await loadKubeConfig({ kubeconfig, context });
  const client = createRestClient(config, { userAgent: `hatchery/${version}`, connections: 1, timeoutMs: 15_000 });
  try {
    await printOf(request, config, client, speech);
  } finally {
    await client.close();
  }
}

async function printOf(
  request: ConsoleRequest,
  config: ClientConfig,
  client: RestClient,
  { print, tell }: Speech,
): Promise<void> {
  const namespace = request.namespace ?? config.namespace;
  const key = `${namespace}/${request.name}`;
  const look = () =>
    askApiServer(`EphemeralDomain ${key}`, () => client.get(EPHEMERAL_DOMAINS, { namespace, name: request.name }));
  let resource = await look();
  for (;;) {
    if (request.follow) resource = await untilRunning(client, resource, { tell, sleep });
    if (isFinished(resource.status?.phase)) return print(tailOf(resource, key));
    try {
      await printLive(request, namespace, config, client, print);
      return;
    } catch (error) {
      if (!(error instanceof NoConsole) || !request.follow) throw error;
      // It may have ended, which is stored soon; else it is its host that has no consoles.
      const before = resource.metadata.resourceVersion;
      for (let looks = 0; looks < LOOKS && resource.metadata.resourceVersion === before; looks += 1) {
        await sleep(LOOK_MS);
        resource = await look();
      }
      if (resource.metadata.resourceVersion === before) throw error;
    }
  }
}

/** Prints what the controller reads of a console that is open. */
async function printLive(
  { name, follow, raw, systemNamespace }: ConsoleRequest,
  namespace: string,
  config: ClientConfig,
  client: RestClient,
  print: Print,
): Promise<void> {
  const lease = `Lease hatchery-controller in namespace ${systemNamespace}`;
  const address = await askApiServer(lease, () => findController(client, systemNamespace));
  const credentials = await config.credentials();
  if (impersonates(credentials)) {
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
