import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { DOMAIN_HOSTS } from '#controller/api/index.ts';
import { NODES } from '#controller/kube/index.ts';
import type { RestClient } from '#controller/kube/index.ts';
import { connect } from '#controller/libvirt/index.ts';
import type { Hypervisor, LifecycleEvent, StoragePool, TlsCredentials } from '#controller/libvirt/index.ts';
import type { TestHost, TlsFolder } from '#hack/hosts/host.ts';
import { startLibvirtd } from '#test/support/libvirtd.ts';
import type { Libvirtd } from '#test/support/libvirtd.ts';
import { openWire } from './wire.ts';
import type { Guard, Wire } from './wire.ts';

const IMAGES = '/var/lib/hatchery/images';

/** Node label that tells one stage's hosts from another's. */
export interface Label {
  readonly key: string;
  readonly value: string;
}

/** A host that the stage's controllers see. */
export interface AdoptedHost {
  readonly name: string;
  /** A client of the test's own; on the test driver it also keeps the driver's memory alive. */
  client: Hypervisor;
  /** How often each domain was started, by UUID, from libvirt's own events. */
  readonly starts: Map<string, number>;
  /** Every lifecycle event, in order. */
  readonly events: Told[];
}

/** An event, and when the test heard of it: ISO 8601. */
export type Told = LifecycleEvent & { readonly at: string };

/** A host on the test driver whose guests end only when the test says so. */
export interface StageHost extends AdoptedHost {
  readonly libvirtd: Libvirtd;
  /** What the controllers reach it by; the test's own client does not. */
  readonly wire: Wire;
  /** After the daemon was killed and started: what it forgot is made again. */
  revive(): Promise<void>;
}

let cidrs = 0;

/** What a client of the test's own saw of a host, over all its connections. */
interface Seen {
  readonly starts: Map<string, number>;
  readonly events: Told[];
}

/** Connects a client of the test's own, which counts starts. */
async function attach(uri: string, { starts, events }: Seen, tls?: TlsCredentials): Promise<Hypervisor> {
  const client = connect({
    uri,
    tls,
    // A daemon that a test pauses keeps this connection: the test driver forgets everything with its last one.
    keepAlive: { intervalMs: 60_000, misses: 10 },
    observer: {
      onLifecycle: (told) => {
        const { domain, event } = told;
        events.push({ ...told, at: new Date().toISOString() });
        if (event === 'started') starts.set(domain.uuid, (starts.get(domain.uuid) ?? 0) + 1);
      },
    },
  });
  await client.connected(30_000);
  return client;
}

/** Makes a host of the test bed known under the stage's label. */
export async function adoptHost(
  rest: RestClient,
  label: Label,
  host: TestHost,
  tls: TlsCredentials | undefined,
): Promise<AdoptedHost> {
  const seen: Seen = { starts: new Map(), events: [] };
  const spec = {
    uri: host.uri,
    domainCIDR: host.domainCIDR,
    gateway: host.gateway,
    imageDirectory: host.imageDirectory,
    ...(host.bridge === undefined ? {} : { bridge: host.bridge }),
    ...(host.vifScript === undefined ? {} : { vifScript: host.vifScript }),
  };
  await rest.create(DOMAIN_HOSTS, { metadata: { name: host.name }, spec });
  await rest.create(NODES, { metadata: { name: host.name, labels: { [label.key]: label.value } } });
  return {
    name: host.name,
    client: await attach(host.uri, seen, tls),
    ...seen,
  };
}

/** The client's credentials, from libvirt's own layout. */
export async function readPki({ pkipath }: TlsFolder): Promise<TlsCredentials> {
  const [ca, cert, key] = await Promise.all(
    ['cacert.pem', 'clientcert.pem', 'clientkey.pem'].map((file) => readFile(join(pkipath, file))),
  );
  if (ca === undefined || cert === undefined || key === undefined) throw new Error('three files were read');
  return { ca, cert, key };
}

/** A libvirtd of the stage's own, and its Node. */
export async function createHost(
  rest: RestClient,
  label: Label,
  name: string,
  annotations: Readonly<Record<string, string>>,
  guard?: Guard,
): Promise<StageHost> {
  const libvirtd = await startLibvirtd({ settings: { max_clients: 100 } });
  const wire = await openWire(join(libvirtd.folder, 'wire'), libvirtd.socket, guard);
  const seen: Seen = { starts: new Map(), events: [] };
  // Before controllers hear of it, which else would make the pool.
  const client = await attach(libvirtd.uri, seen);
  await furnish(client);
  cidrs += 1;
  await rest.create(NODES, {
    metadata: {
      name,
      labels: { [label.key]: label.value, 'kubernetes.io/hostname': name },
      annotations: {
        'hatchery.dev/libvirt-uri': wire.uri,
        'hatchery.dev/domain-cidr': `198.19.${cidrs}.0/24`,
        'hatchery.dev/image-directory': IMAGES,
        ...annotations,
      },
    },
  });
  const host: StageHost = {
    name,
    libvirtd,
    wire,
    client,
    ...seen,
    revive: async () => {
      await host.client.close();
      // Controllers come after the test's own client, which else would miss what they start.
      wire.refuse(true);
      await libvirtd.start();
      host.client = await attach(libvirtd.uri, seen);
      await furnish(host.client);
      wire.refuse(false);
    },
  };
  return host;
}

/** A furnished pool, and no domain: the driver's own "test" goes. */
async function furnish(client: Hypervisor): Promise<void> {
  for (const domain of await client.listAllDomains()) {
    await client.destroy(domain);
    await client.undefine(domain);
  }
  await makePool(client, 'hatchery', randomUUID());
}

/** Makes a pool over the image directory, with an image in it. */
export async function makePool(client: Hypervisor, name: string, uuid: string): Promise<StoragePool> {
  const pool = await client.poolCreateXml(
    `<pool type='dir'><name>${name}</name><uuid>${uuid}</uuid><target><path>${IMAGES}</path></target></pool>`,
  );
  await client.volCreateXml(pool, `<volume><name>hatchling</name><capacity>1024</capacity></volume>`);
  return pool;
}
