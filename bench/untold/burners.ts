import { Worker } from 'node:worker_threads';

/** Loops that want a CPU each, until they are stopped; as threads of this process they cannot outlive it. */
export class Burners {
  readonly #workers: readonly Worker[];

  constructor(count: number) {
    this.#workers = Array.from({ length: count }, () => new Worker('for (;;);', { eval: true }));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}
