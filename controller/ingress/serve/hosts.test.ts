import assert from 'node:assert/strict';

import type { DomainHost } from '#controller/api/index.ts';
import { KubeError, silentLogger } from '#controller/kube/index.ts';
import type { RestClient, WatchEvent } from '#controller/kube/index.ts';
import { FakeClock, settle } from '#controller/kube/testing/fake-clock.ts';
import type { NotifyEndpoint } from '#controller/notify/index.ts';
import { createHosts } from './hosts.ts';
import type { Hosts } from './hosts.ts';

const hostOf = (name: string, domainCIDR?: string): DomainHost => ({
  metadata: { name, uid: name, resourceVersion: '1', creationTimestamp: '2030-01-01T00:00:00Z' },
  spec: { uri: 'xen+tls://192.0.2.1/system', ...(domainCIDR === undefined ? {} : { domainCIDR }) },
});

/** Lists these, and never tells of a change. */
const listing = (items: readonly DomainHost[]): RestClient =>
  ({
    server: 'https://h:1',
    list: () => Promise.resolve({ items, resourceVersion: '5' }),
    watch: (_type: unknown, { signal }: { readonly signal?: AbortSignal }) => {
      const closed = new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve()));
      return Promise.resolve({
        close: () => undefined,
        [Symbol.asyncIterator]: async function* () {
          yield [] as WatchEvent<DomainHost>[];
          await closed;
          const what = { verb: 'watch', kind: 'DomainHost', ref: {}, host: 'h' } as const;
          throw new KubeError({ error: 'aborted', ...what, message: 'the test is over' });
        },
      });
    },
  }) as unknown as RestClient;

describe('what the ingress knows of the network of guests', () => {
  let stopping = new AbortController();
  let ended = Promise.resolve();
  afterEach(async () => {
    stopping.abort();
    await ended;
  });

  /** `routes`: the address of this machine on the route to each of these. */
  const start = async (items: readonly DomainHost[], routes: Readonly<Record<string, string>> = {}): Promise<Hosts> => {
    const endpointFor = (address: string): Promise<NotifyEndpoint | undefined> => {
      const host = routes[address];
      return Promise.resolve(host === undefined ? undefined : { host, port: 9_000 });
    };
    const parts = { clock: new FakeClock(), random: () => 0, logger: silentLogger };
    const hosts = createHosts({ ...parts, client: listing(items), notify: { endpointFor } });
    assert.equal(hosts.hasSynced(), false);
    stopping = new AbortController();
    ended = hosts.run(stopping.signal);
    await settle();
    return hosts;
  };

  it('is known once all hosts are read, also where there are none', async () => {
    const hosts = await start([]);
    assert.equal(hosts.hasSynced(), true);
    assert.equal(hosts.notifyEndpoint(), undefined);
    assert.equal(hosts.hostOf('198.18.0.1'), undefined);
  });

  it('tells whose domainCIDR holds an address', async () => {
    const hosts = await start([hostOf('xen-2', '198.18.1.0/24'), hostOf('xen-1', '198.18.0.0/24'), hostOf('bare')]);
    for (const [address, name] of [
      ['198.18.0.7', 'xen-1'],
      ['198.18.1.7', 'xen-2'],
      ['198.18.2.7', undefined],
      ['nonsense', undefined],
    ] as const) {
      assert.equal(hosts.hostOf(address), name, address);
    }
  });

  it('tells guests this machine’s address on the route to the first host that one leads to, by name', async () => {
    const items = [hostOf('c', '198.18.2.0/24'), hostOf('a', '198.18.0.0/24'), hostOf('b', '198.18.1.0/24')];
    const hosts = await start(items, { '198.18.1.1': '192.0.2.11', '198.18.2.1': '192.0.2.12' });
    assert.deepEqual(hosts.notifyEndpoint(), { host: '192.0.2.11', port: 9_000 });
  });
});
