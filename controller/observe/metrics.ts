import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';

/** Metrics of the process itself (prom-client's defaults), and which version runs. Others register theirs with it. */
export const createRegistry = (version: string): Registry => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const build = new Gauge({
    name: 'hatchery_build_info',
    help: 'Always 1; which version of Hatchery and of Node runs.',
    labelNames: ['version', 'node'],
    registers: [registry],
  });
  build.set({ version, node: process.version }, 1);
  return registry;
};
