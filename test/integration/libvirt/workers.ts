import { randomUUID } from 'node:crypto';

import { LibvirtError } from '#controller/libvirt/index.ts';
import type { Hypervisor } from '#controller/libvirt/index.ts';
import type { Libvirtd } from '#test/support/libvirtd.ts';
import { testDomain } from './domains.ts';

/**
 * Workers that create and destroy one domain after the other. A call in doubt is settled as libvirt wants it: by
 * looking the UUID up once there is a session again, never by repeating blindly.
 */
export class Workers {
  readonly #hypervisor: Hypervisor;
  readonly #count: number;
  #stopped = false;
  /** Creates and destroys that came to their end. */
  cycles = 0;
  /** Calls that may have run. */
  inDoubt = 0;
  /** Calls refused because there was no session. */
  refused = 0;

  constructor(hypervisor: Hypervisor, count: number) {
    this.#hypervisor = hypervisor;
    this.#count = count;
  }

  /** Resolves when all have stopped; rejects if one met what it could not settle. */
  async run(): Promise<void> {
    await Promise.all(Array.from({ length: this.#count }, (_, i) => this.#work(i)));
  }

  /** Lets each finish the cycle that it is in. */
  stop(): void {
    this.#stopped = true;
  }

  async #work(number: number): Promise<void> {
    for (let turn = 0; !this.#stopped; turn++) {
      const domain = { name: `worker-${number}-${turn}`, uuid: randomUUID() };
      await this.#create(domain);
      await this.#destroy(domain);
      this.cycles++;
    }
  }

  async #create(domain: { readonly name: string; readonly uuid: string }): Promise<void> {
    for (;;) {
      const error = await this.#try(() => this.#hypervisor.createXml(testDomain(domain.name, domain.uuid)));
      if (error === undefined) return;
      if (error.mayHaveRun && (await this.#exists(domain.uuid))) return;
    }
  }

  async #exists(uuid: string): Promise<boolean> {
    for (;;) {
      const error = await this.#try(() => this.#hypervisor.lookupByUuid(uuid));
      if (error === undefined) return true;
      if (error.kind === 'no-domain') return false;
    }
  }

  async #destroy(domain: { readonly name: string; readonly uuid: string }): Promise<void> {
    for (;;) {
      const error = await this.#try(() => this.#hypervisor.destroy(domain));
      // The test driver forgets its domains with the daemon: gone is gone.
      if (error === undefined || error.kind === 'no-domain') return;
    }
  }

  /** Makes a call; the error that it failed with, after waiting for a session if there is none. */
  async #try(call: () => Promise<unknown>): Promise<LibvirtError | undefined> {
    try {
      await call();
      return undefined;
    } catch (error) {
      if (!(error instanceof LibvirtError)) throw error;
      if (error.kind === 'no-domain') return error;
      if (error.kind !== 'connection-lost' && error.kind !== 'not-connected') throw error;
      if (error.mayHaveRun) this.inDoubt++;
      else this.refused++;
      await this.#hypervisor.connected(20_000);
      return error;
    }
  }
}

/** Kills the daemon and starts it again; milliseconds from the kill to the next session, the daemon's start included. */
export const killAndReturn = async (daemon: Libvirtd, hypervisor: Hypervisor): Promise<number> => {
  const killed = performance.now();
  const returned = new Promise<number>((resolve) => {
    const forget = hypervisor.observe({
      onConnected: () => {
        forget();
        resolve(performance.now() - killed);
      },
    });
  });
  await daemon.kill();
  await daemon.start();
  return returned;
};

/** `p50 12 ms, max 30 ms` */
export const describeTimes = (times: readonly number[]): string => {
  const sorted = [...times].sort((a, b) => a - b);
  const middle = sorted[Math.floor((sorted.length - 1) / 2)] ?? NaN;
  return `p50 ${middle.toFixed(0)} ms, max ${(sorted.at(-1) ?? NaN).toFixed(0)} ms`;
};
