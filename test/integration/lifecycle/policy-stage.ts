import assert from 'node:assert/strict';

import { EPHEMERAL_DOMAINS, findCondition } from '#controller/api/index.ts';
import type { EphemeralDomain, EphemeralDomainSpec } from '#controller/api/index.ts';
import { DumpFlags } from '#controller/libvirt/index.ts';
import { eventually } from '#test/support/eventually.ts';
import { createStage, inPhase } from './stage.ts';
import type { Stage } from './stage.ts';
import type { StageHost } from './stage-hosts.ts';
import { tamperedWith, tampering } from './tampered.ts';
import type { Tampering } from './tampered.ts';

/** A stage with one host that can be tampered with, and a controller on it. */
export interface PolicyStage extends Stage {
  readonly theHost: StageHost;
  readonly tamper: Tampering;
  /** Kills the controller there is as kill -9 does. */
  killController(): void;
  startController(): Promise<void>;
  /** Makes one and waits until it runs; returns its domain's UUID. */
  running(name: string, spec?: Partial<EphemeralDomainSpec>): Promise<string>;
  suspend(name: string, isSuspended?: boolean): Promise<void>;
  crash(uuid: string): Promise<void>;
  /** Waits until the host no longer lists the domain. */
  gone(uuid: string): Promise<void>;
}

/** A host that no Node is. */
export const NOWHERE: Partial<EphemeralDomainSpec> = { hostSelector: { matchLabels: { nowhere: 'at-all' } } };

export async function createPolicyStage(): Promise<PolicyStage> {
  const stage = await createStage();
  const theHost = await stage.host();
  const tamper = tampering();
  const start = () => stage.controller({ options: { settleMs: 300 }, between: tamperedWith(tamper) });
  let controller = await start();
  return {
    ...stage,
    theHost,
    tamper,
    killController: () => controller.lifeline.die(),
    startController: async () => {
      controller = await start();
    },
    running: async (name, spec = {}) => {
      await stage.create(name, spec);
      return (await stage.until(name, inPhase('Running'))).status?.domain?.uuid ?? '';
    },
    suspend: async (name, isSuspended = true) => {
      const ref = { name, namespace: stage.namespace };
      await stage.rest.patch(EPHEMERAL_DOMAINS, ref, { spec: { suspend: isSuspended } });
    },
    crash: (uuid) => theHost.client.coreDump({ name: '', uuid }, '/dev/null', DumpFlags.crash),
    gone: (uuid) =>
      eventually(async () => {
        const left = await theHost.client.listAllDomains();
        assert.ok(!left.some((domain) => domain.uuid === uuid));
      }),
  };
}

/** Throws unless it waits for this reason, bound to no host. */
export function waitsAs(reason: string): (resource: EphemeralDomain) => void {
  return ({ status }) => {
    assert.equal(status?.phase, 'Pending');
    assert.equal(status.reason, reason);
    for (const gone of ['host', 'address', 'domain'] as const) assert.equal(status[gone], undefined);
  };
}

/** Throws unless condition Suspended is so. */
export function suspendedAs(status: string, reason: string): (resource: EphemeralDomain) => void {
  return (resource) => {
    const condition = findCondition(resource.status?.conditions, 'Suspended');
    assert.equal(`${condition?.status ?? ''}/${condition?.reason ?? ''}`, `${status}/${reason}`);
  };
}
