import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { answersOk } from '#hack/commands/controller.ts';
import type { IngressProcess } from '#hack/commands/ingress.ts';

/** As the manifest's readinessProbe has it. */
const PROBE_MS = 1000;

type Way = 'http' | 'tls';

interface Backend {
  readonly process: IngressProcess;
  ready: boolean;
  readonly sockets: Set<Socket>;
}

/**
 * What a Service and its probes are in a cluster: one address for several replicas, by connections and not by requests. It
 * sends new connections to replicas whose readiness probe succeeds, in turn, and leaves those that are open where they are.
 */
export class Balancer {
  readonly #backends: Backend[] = [];
  readonly #servers: Readonly<Record<Way, Server>>;
  #turn = 0;
  #refusals = 0;
  #probing: NodeJS.Timeout | undefined;

  constructor() {
    const serve = (way: Way): Server =>
      createServer({ allowHalfOpen: true, noDelay: true }, (visitor) => this.#pass(visitor, way, 0));
    this.#servers = { http: serve('http'), tls: serve('tls') };
  }

  /** Connections that a replica refused; the next one got them. */
  get refusals(): number {
    return this.#refusals;
  }

  get names(): readonly string[] {
    return this.#backends.map(({ process }) => process.name);
  }

  async listen(): Promise<Readonly<Record<Way, number>>> {
    const listening = (server: Server): Promise<number> =>
      new Promise((resolve) =>
        server.listen(0, '127.0.0.1', 4096, () => resolve((server.address() as AddressInfo).port)),
      );
    const ports = { http: await listening(this.#servers.http), tls: await listening(this.#servers.tls) };
    this.#probing = setInterval(() => void this.#probe(), PROBE_MS);
    return ports;
  }

  /** A replica that is ready. */
  add(process: IngressProcess): void {
    this.#backends.push({ process, ready: true, sockets: new Set() });
  }

  /** A replica that is gone. */
  remove(name: string): void {
    const index = this.#backends.findIndex(({ process }) => process.name === name);
    if (index >= 0) this.#backends.splice(index, 1);
  }

  close(): void {
    clearInterval(this.#probing);
    for (const { sockets } of this.#backends) for (const socket of sockets) socket.destroy();
    for (const server of Object.values(this.#servers)) server.close();
  }

  async #probe(): Promise<void> {
    await Promise.all(
      this.#backends.map(async (backend) => {
        backend.ready = await answersOk(`${backend.process.metricsUrl}/readyz`);
      }),
    );
  }

  #pass(visitor: Socket, way: Way, tried: number): void {
    visitor.on('error', () => visitor.destroy());
    const ready = this.#backends.filter((backend) => backend.ready);
    const backend = ready[(this.#turn += 1) % ready.length];
    if (backend === undefined || tried > this.#backends.length) {
      visitor.resetAndDestroy();
      return;
    }
    const url = new URL(way === 'http' ? backend.process.url : backend.process.tlsUrl);
    const replica = connect({ host: url.hostname, port: Number(url.port), allowHalfOpen: true, noDelay: true });
    const refused = (): void => {
      // A Service's client has its connection refused, and tries again.
      this.#refusals += 1;
      this.#pass(visitor, way, tried + 1);
    };
    replica.once('error', refused);
    replica.once('connect', () => {
      replica.removeListener('error', refused);
      join(visitor, replica);
      backend.sockets.add(replica);
      replica.once('close', () => backend.sockets.delete(replica));
    });
  }
}

/** Each end that one side has is passed on as it was: a FIN, or a reset. */
function join(visitor: Socket, replica: Socket): void {
  visitor.pipe(replica);
  replica.pipe(visitor);
  visitor.once('error', () => replica.resetAndDestroy());
  replica.once('error', () => visitor.resetAndDestroy());
  visitor.once('close', () => replica.destroy());
  replica.once('close', () => visitor.destroySoon());
}
