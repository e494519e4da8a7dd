import { randomUUID } from 'node:crypto';

import { connect } from '#controller/libvirt/index.ts';
import type { ConnectOptions, Hypervisor, LifecycleEvent } from '#controller/libvirt/index.ts';

/** The smallest domain that the test driver takes. */
export const testDomain = (name: string, uuid: string = randomUUID(), extra = ''): string =>
  `<domain type='test'><name>${name}</name><uuid>${uuid}</uuid><memory>1024</memory><os><type>hvm</type></os>${extra}</domain>`;

/** A hypervisor with the lifecycle events that it told, in their order. */
export interface Recorded {
  readonly hypervisor: Hypervisor;
  readonly events: readonly LifecycleEvent[];
}

/** Connects, waits for the session, and keeps what events come. */
export const connectRecorded = async (options: ConnectOptions): Promise<Recorded> => {
  const events: LifecycleEvent[] = [];
  const hypervisor = connect(options);
  hypervisor.observe({ onLifecycle: (event) => events.push(event) });
  await hypervisor.connected(10_000);
  return { hypervisor, events };
};
