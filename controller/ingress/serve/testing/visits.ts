import type { Exchange, Head, Leaving } from '../../proxy/index.ts';
import type { Spawned, SpawnMarks } from '../../spawn/index.ts';
import { beginVisit } from '../visit.ts';
import type { Visit } from '../visit.ts';

/** When the head of each was whole, monotonic ms. */
export const RECEIVED = 1_000;

const HEAD: Head = {
  ...{ protocol: 'http/1', version: '1.1', method: 'GET', target: '/cart?id=7', path: '/cart' },
  ...{ host: 'shop.test', authority: 'shop.test:8080', scheme: 'http', client: '192.0.2.1' },
  ...{ framing: { kind: 'none' }, expectsContinue: false, takesTrailers: false, upgrades: [] },
  ...{ accept: '', headers: () => [] },
  trace: { traceId: 'f'.repeat(32), spanId: 'a'.repeat(16), sampled: false },
};

/** A visit that has come so far. Of its exchange only what a record is made of is there. */
export const visitOf = (
  more: Partial<Omit<Visit, 'exchange'>> = {},
  { left, state = 'open' }: { readonly left?: Leaving; readonly state?: Exchange['answer']['state'] } = {},
): Visit => {
  const exchange = {
    ...{ head: HEAD, receivedMs: RECEIVED, left, answer: { state } },
    connection: { protocol: 'http/1', peer: '192.0.2.1', tls: false },
  } as unknown as Exchange;
  return Object.assign(beginVisit(exchange), more);
};

export const spawnedOf = (marks: SpawnMarks): Spawned => ({
  ...{ namespace: 'ns', name: 'shop-0123456789abcdef', uid: 'u-1', host: 'xen-1', marks, exit: undefined },
  ...{ reachable: new Promise(() => undefined), ended: new Promise(() => undefined) },
  delete: () => Promise.resolve(),
});
