import { DOMAIN_HOSTS } from '#controller/api/index.ts';
import type { DomainHost } from '#controller/api/index.ts';
import { cidrContains, ipv4Text, parseCidr } from '#controller/domain/ipv4.ts';
import type { Cidr } from '#controller/domain/ipv4.ts';
import { createReflector, createStore } from '#controller/kube/index.ts';
import type { Clock, KubeLogger, KubeMetrics, Random, RestClient } from '#controller/kube/index.ts';
import type { NotifyEndpoint, NotifyPort } from '#controller/notify/index.ts';

export interface HostsParts {
  readonly client: RestClient;
  readonly notify: Pick<NotifyPort, 'endpointFor'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: KubeLogger;
  readonly metrics?: KubeMetrics | undefined;
}

/** What the ingress knows of the network of guests. */
export interface Hosts {
  /** Name of the DomainHost whose domainCIDR holds an address. */
  hostOf(address: string): string | undefined;
  /**
   * What guests are told for NOTIFY_HOST and NOTIFY_PORT. It stands in the resource before it has a host, so it is the same
   * for all hosts: this machine's address on the route to the first of them, unless --notify-advertise says another.
   */
  notifyEndpoint(): NotifyEndpoint | undefined;
  hasSynced(): boolean;
  run(signal: AbortSignal): Promise<void>;
}

interface Range {
  readonly name: string;
  readonly cidr: Cidr;
}

/** Hosts that follow the API server once run() was called. */
export const createHosts = ({ client, notify, clock, random, logger, metrics }: HostsParts): Hosts => {
  const store = createStore<DomainHost>({ logger });
  let ranges: readonly Range[] = [];
  let endpoint: NotifyEndpoint | undefined;
  let settled = false;
  let looking = Promise.resolve();

  const findEndpoint = async (): Promise<void> => {
    for (const { cidr } of ranges) {
      const found = await notify.endpointFor(ipv4Text(cidr.first + 1));
      if (found !== undefined) {
        endpoint = found;
        break;
      }
    }
    settled = store.hasSynced();
  };
  const changed = (): void => {
    ranges = store
      .list()
      .flatMap(({ metadata: { name }, spec }) => rangeOf(name, spec.domainCIDR))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
    looking = looking.then(findEndpoint);
  };
  store.addHandlers({ added: changed, updated: changed, deleted: changed });
  const reflector = createReflector({
    ...{ client, type: DOMAIN_HOSTS, store, clock, random, logger },
    ...(metrics === undefined ? {} : { metrics }),
  });
  return {
    hostOf: (address) => ranges.find(({ cidr }) => cidrContains(cidr, address))?.name,
    notifyEndpoint: () => endpoint,
    hasSynced: () => settled,
    run: async (signal) => {
      // A list of nothing calls no handler.
      const synced = store.waitForSync(signal).then((is) => {
        if (is) changed();
      });
      await Promise.all([reflector.run(signal), synced]);
      await looking;
    },
  };
};

const rangeOf = (name: string, text: string | undefined): readonly Range[] => {
  const reading = text === undefined ? undefined : parseCidr(text);
  return reading?.ok === true ? [{ name, cidr: reading.cidr }] : [];
};
