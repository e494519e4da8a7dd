import { Counter, Gauge, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';

/** Figures of the controller. Labels are bounded: phases, reasons and hosts, never names of domains. */
export interface LifecycleMetrics {
  scheduled(ms: number | undefined): void;
  started(host: string, ms: number): void;
  startFailed(host: string): void;
  ended(phase: string, reason: string): void;
  hostReady(host: string, ready: boolean): void;
  hostGone(host: string): void;
}

/** Counts of the moment, read when the metrics are. */
export interface LifecycleGauges {
  readonly domainsByPhase: () => ReadonlyMap<string, number>;
  readonly pending: () => number;
}

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

export function createLifecycleMetrics(registry: Registry, gauges: LifecycleGauges): LifecycleMetrics {
  const registers = [registry];
  const schedule = new Histogram({
    name: 'hatchery_schedule_duration_seconds',
    help: 'From the first sight of an EphemeralDomain to its binding.',
    buckets: SECONDS,
    registers,
  });
  const start = new Histogram({
    name: 'hatchery_start_duration_seconds',
    help: 'From asking libvirt to start a domain to its answer.',
    labelNames: ['host'],
    buckets: SECONDS,
    registers,
  });
  const starts = new Counter({
    name: 'hatchery_domain_starts_total',
    help: 'Starts of domains, by their result.',
    labelNames: ['host', 'result'],
    registers,
  });
  const ends = new Counter({
    name: 'hatchery_domain_ends_total',
    help: 'EphemeralDomains that have ended, by phase and reason.',
    labelNames: ['phase', 'reason'],
    registers,
  });
  const ready = new Gauge({
    name: 'hatchery_host_ready',
    help: 'Whether a DomainHost is Ready.',
    labelNames: ['host'],
    registers,
  });
  gauge(registry, 'hatchery_pending_domains', 'EphemeralDomains that wait for a place.', () => gauges.pending());
  phaseGauge(registry, gauges.domainsByPhase);
  return {
    scheduled: (ms) => {
      if (ms !== undefined) schedule.observe(ms / 1000);
    },
    started: (host, ms) => {
      start.observe({ host }, ms / 1000);
      starts.inc({ host, result: 'started' });
    },
    startFailed: (host) => starts.inc({ host, result: 'failed' }),
    ended: (phase, reason) => ends.inc({ phase, reason }),
    hostReady: (host, isReady) => ready.set({ host }, isReady ? 1 : 0),
    hostGone: (host) => {
      ready.remove({ host });
      start.remove({ host });
    },
  };
}

function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read());
    },
  });
}

function phaseGauge(registry: Registry, read: () => ReadonlyMap<string, number>): void {
  new Gauge({
    name: 'hatchery_domains',
    help: 'EphemeralDomains by phase.',
    labelNames: ['phase'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [phase, count] of read()) this.set({ phase }, count);
    },
  });
}
