/** `hatchery ingress`, once it is known what it is told. */
import { ConfigError } from '#controller/config/index.ts';
import type { IngressConfig } from '#controller/config/index.ts';
import { createIngress } from '#controller/ingress/ingress.ts';
import { readDefaultCertificate } from '#controller/ingress/serve/default-certificate.ts';
import type { DefaultCertificate } from '#controller/ingress/serve/default-certificate.ts';
import {
  createEventRecorder,
  createKubeMetrics,
  createRestClient,
  loadKubeConfig,
  systemClock,
} from '#controller/kube/index.ts';
import type { RestClient } from '#controller/kube/index.ts';
import { startNotifyServer } from '#controller/notify/index.ts';
import { createRegistry, startObserveServer, startTracing } from '#controller/observe/index.ts';
import type { Health } from '#controller/observe/index.ts';

import { checkCrds } from './crds.ts';
import { patiently } from './patience.ts';
import type { Patience } from './patience.ts';
import { checkPermissions, ingressRightsOf } from './permissions.ts';
import { listen } from './ports.ts';
import type { Outside } from './run-controller.ts';
import { niceV8Helpers, setV8Flags } from './v8.ts';

const EVENTS_MS = 2_000;

/** Everything that an ingress is made of, in the order in which it comes to life. */
export const runIngress = async (
  config: IngressConfig,
  { version, logger, environment, stop }: Outside,
): Promise<void> => {
  setV8Flags();
  await niceV8Helpers().catch((error: unknown) =>
    logger.debug("V8's helpers keep the priority of the thread that answers", { error }),
  );
  const kubeConfig = await loadKubeConfig({ kubeconfig: config.kubeconfig, context: config.context });
  const registry = createRegistry(version);
  const metrics = createKubeMetrics(registry);
  const userAgent = `hatchery-ingress/${version}`;
  const parts = { logger, metrics, clock: systemClock, random: Math.random };
  let ready = (): Health => ({ ok: false, why: 'the API server has not been asked yet' });
  const observe = await listen('metrics-address', config.metricsAddress, (address) =>
    startObserveServer({
      address,
      registries: () => [registry],
      alive: () => ({ ok: true }),
      ready: () => (stop.aborted ? { ok: false, why: 'told to end' } : ready()),
      onError: (error) => logger.warn('A request for metrics or a probe failed', { error }),
    }),
  );
  const notify = await listen('notify-address', config.notifyAddress, (address) =>
    startNotifyServer({ address, advertise: config.notifyAdvertise, logger, now: () => systemClock.now() }),
  );
  const { identity } = config;
  logger.info('Hatchery starts', {
    ...{ version, identity, server: kubeConfig.server },
    ...{ address: observe.address.address, port: observe.address.port, notifyPort: notify.address.port },
  });
  const service = { name: 'hatchery-ingress', version, instance: identity };
  const tracing = await startTracing(environment, service, logger);
  const client = createRestClient(kubeConfig, { metrics, userAgent });
  const events = createEventRecorder({ ...parts, client, component: 'hatchery-ingress', instance: identity });
  try {
    const patience = { signal: stop, clock: systemClock, random: Math.random, logger };
    await checkPermissions(client, ingressRightsOf(config), patience);
    await checkCrds(client, patience);
    const defaultCertificate = await defaultCertificateOf(config, client, patience);
    const ingress = createIngress({
      ...parts,
      config,
      kubeConfig,
      client,
      events,
      notify,
      registry,
      tracer: tracing.tracer,
      defaultCertificate,
    });
    ready = () => ingress.ready();
    await ingress.run(stop);
  } finally {
    const unsent = await events.stop(EVENTS_MS);
    if (unsent > 0) logger.warn('Events were left unsent', { unsent });
    await client.close();
    await notify.close();
    await observe.close();
    await tracing.close();
  }
};

const defaultCertificateOf = async (
  { defaultTlsSecret }: IngressConfig,
  client: RestClient,
  patience: Patience,
): Promise<DefaultCertificate | undefined> => {
  if (defaultTlsSecret === undefined) return undefined;
  const reading = await patiently(patience, (signal) => readDefaultCertificate(client, defaultTlsSecret, signal));
  if (!reading.ok) throw new ConfigError(`default-tls-secret: ${reading.why}`);
  return reading.value;
};
