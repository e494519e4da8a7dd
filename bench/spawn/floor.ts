/*
 * The floor: the least that a request needs to be served by a domain of its own. For each request it makes the same domain
 * by the same libvirt calls as Hatchery, waits for the guest's own notice and passes the request on. No API server, nothing
 * stored, no queue, no retry, no limit but those of libvirt. A process of its own, as the ingress and the controller are.
 *
 * Reads its settings as JSON from its first argument; prints one line, `{"port":…}`, once it serves; ends with its stdin.
 */
import { randomUUID } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expandCommandLine } from '#controller/domain/cmdline.ts';
import { domainName, macOf } from '#controller/domain/identity.ts';
import type { Cidr } from '#controller/domain/ipv4.ts';
import { ipv4Text, netmaskOf, parseCidr } from '#controller/domain/ipv4.ts';
import { domainXml } from '#controller/domain/xml.ts';
import { connect, LibvirtError } from '#controller/libvirt/index.ts';
import type { Domain, LifecycleEvent, TlsCredentials } from '#controller/libvirt/index.ts';

/** What the floor is told. */
export interface FloorSettings {
  readonly kind: 'xen' | 'lxc';
  /**
   * `same`: Hatchery's own calls (LXC: define, create, undefine; Xen: create preserved, destroy). `plain`: one create of a
   * domain that goes by itself, the fastest way that there is.
   */
  readonly style: 'same' | 'plain';
  readonly uri: string;
  readonly tls: TlsCredentials | undefined;
  readonly bridge: string;
  readonly domainCIDR: string;
  readonly gateway: string;
  readonly imageDirectory: string;
  readonly vifScript: string | undefined;
  readonly mtu: number | undefined;
  /** How many addresses it may use, counted down from the end of the range: Hatchery begins at the other end. */
  readonly addresses: number;
  /** As in the template that Hatchery serves. */
  readonly guest: {
    readonly memoryKiB: number;
    readonly vcpus: number;
    readonly kernel: string;
    readonly initrd: string | undefined;
    readonly cmdline: string;
    readonly port: number;
  };
}

const READY_TIMEOUT_MS = 30_000;

const settings = JSON.parse(process.argv[2] ?? '') as FloorSettings;
const { guest, style, kind } = settings;
const network = readNetwork(settings.domainCIDR);
const cluster = randomUUID();
const free: string[] = Array.from({ length: settings.addresses }, (_, index) => ipv4Text(network.last - 1 - index));
const byName = new Map<string, { readonly ready: () => void; readonly address: string }>();
const hypervisor = connect({ uri: settings.uri, tls: settings.tls, observer: { onLifecycle } });
const notify = await serve(createServer(onNotice), '0.0.0.0');
const notifyHost = await addressTowards(settings.gateway);
await hypervisor.connected(30_000);
const front = await serve(createServer({ keepAlive: false }, onVisitor), '127.0.0.1');
console.log(JSON.stringify({ port: front }));
process.stdin.resume();
await once(process.stdin, 'end');
process.exit(0);

function onVisitor(visitor: IncomingMessage, answer: ServerResponse): void {
  const receivedAt = Date.now();
  const address = free.shift();
  if (address === undefined) {
    answer.writeHead(503).end();
    return;
  }
  hatch(address, receivedAt)
    .then(() => passOn(address, visitor, answer))
    .catch((error: unknown) => {
      console.error(error);
      answer.writeHead(502).end();
    });
}

/** Starts a domain; resolves once its guest has said that it is ready. Its address is free again when it has ended. */
async function hatch(address: string, receivedAt: number): Promise<void> {
  const uuid = randomUUID();
  const name = domainName(address, uuid);
  const ready = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`${name} is not ready after ${READY_TIMEOUT_MS} ms`)),
      READY_TIMEOUT_MS,
    );
    byName.set(name, {
      address,
      ready: () => {
        clearTimeout(timer);
        resolve();
      },
    });
  });
  const xml = xmlOf(name, uuid, address, receivedAt);
  // The notice may come before libvirt's answer, and says all that is needed.
  await Promise.race([ready, start(xml).then(() => ready)]);
}

async function start(xml: string): Promise<void> {
  if (kind === 'xen' || style === 'plain') await hypervisor.createXml(xml);
  else await hypervisor.create(await hypervisor.defineXml(xml));
}

function xmlOf(name: string, uuid: string, address: string, receivedAt: number): string {
  const command = expandCommandLine(guest.cmdline, {
    DOMAIN_NAME: name,
    DOMAIN_UUID: uuid,
    IP: address,
    PREFIX: String(network.prefix),
    NETMASK: netmaskOf(network),
    GATEWAY: settings.gateway,
    NOTIFY_HOST: notifyHost,
    NOTIFY_PORT: String(notify),
    NOTIFY_URL: `http://${notifyHost}:${notify}/${uuid.replaceAll('-', '')}`,
    REQUEST_TIME: (receivedAt / 1000).toFixed(3),
  });
  if (!command.ok) throw new Error(command.fault.message);
  const xml = domainXml(kind, {
    identity: { cluster, namespace: 'floor', name, uid: uuid, attempt: 1, address },
    ...{ uuid, name, type: 'pv', memoryKiB: guest.memoryKiB, vcpus: guest.vcpus, kernel: guest.kernel },
    ...{ initrd: guest.initrd, cmdline: command.text, imageDirectory: settings.imageDirectory },
    interface: {
      ...{ mac: macOf(address), bridge: settings.bridge, address },
      ...{ vifScript: settings.vifScript, mtu: settings.mtu },
    },
  });
  return style === 'plain' ? xml.replaceAll('>preserve</on_', '>destroy</on_') : xml;
}

function onNotice(notice: IncomingMessage, answer: ServerResponse): void {
  const name = notice.url?.split('/').at(-1) ?? '';
  byName.get(name)?.ready();
  answer.end();
}

function passOn(address: string, visitor: IncomingMessage, answer: ServerResponse): void {
  const { method, url, rawHeaders } = visitor;
  const onward = httpRequest({
    ...{ host: address, port: guest.port, method, path: url, headers: rawHeaders, setHost: false },
    agent: false,
  });
  onward.on('response', (response) => {
    answer.writeHead(response.statusCode ?? 502, response.rawHeaders);
    response.pipe(answer);
  });
  onward.on('error', () => answer.destroy());
  visitor.pipe(onward);
}

function onLifecycle({ domain, event }: LifecycleEvent): void {
  const known = byName.get(domain.name);
  if (known === undefined || (event !== 'stopped' && event !== 'shutdown')) return;
  byName.delete(domain.name);
  acknowledge(domain)
    .then(() => free.push(known.address))
    .catch((error: unknown) => {
      console.error(error);
    });
}

async function acknowledge(domain: Domain): Promise<void> {
  if (style === 'plain') return;
  try {
    if (kind === 'xen') await hypervisor.destroy(domain);
    else await hypervisor.undefine(domain);
  } catch (error) {
    // The bench removes what libvirt told nobody the end of, and may have been faster.
    if (!(error instanceof LibvirtError) || error.kind !== 'no-domain') throw error;
  }
}

async function serve(server: Server, host: string): Promise<number> {
  server.listen(0, host, 4096);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** This machine's own address on the route to another. */
async function addressTowards(other: string): Promise<string> {
  const socket = createSocket('udp4');
  socket.connect(9, other);
  await once(socket, 'connect');
  const { address } = socket.address();
  socket.close();
  return address;
}

function readNetwork(text: string): Cidr {
  const reading = parseCidr(text);
  if (!reading.ok) throw new Error(reading.why);
  return reading.cidr;
}
