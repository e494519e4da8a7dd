import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';

import { Registry } from 'prom-client';

import { silentLogger, systemClock } from '#controller/kube/index.ts';
import type { Credentials } from '#controller/kube/index.ts';
import { NoController } from '#controller/reach/index.ts';
import { selfSigned } from '#controller/serve/index.ts';
import { eventually } from '#test/support/eventually.ts';
import { createLink } from '../link/index.ts';
import type { Link, LinkParts } from '../link/index.ts';
import { createTimelineSender } from './sender.ts';
import type { TimelineSenderParts } from './sender.ts';

const CERTIFICATE = selfSigned(['controller.example'], new Date());
const MESSAGE = { namespace: 'shop', name: 'web-1', uid: 'u-1', ready: 1_767_323_045_678.901, responded: undefined };

interface Told {
  readonly path: string;
  readonly token: string;
  readonly body: string;
  /** The client's port: one for each connection. */
  readonly from: number;
}

describe('telling the controller of a request', () => {
  const servers: Server[] = [];
  const links: Link[] = [];
  const told: Told[] = [];
  /** Answers, in turn; the last for ever. 0: the connection ends without one; undefined: nothing ever comes. */
  let statuses: (number | undefined)[];

  beforeEach(() => {
    told.length = 0;
    statuses = [202];
  });
  afterEach(async () => {
    for (const link of links.splice(0)) await link.close();
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  const serve = async (certificate = CERTIFICATE): Promise<number> => {
    const server = createServer(certificate, (request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.once('end', () => {
        const { url: path = '', socket, headers } = request;
        told.push({ path, body, token: headers.authorization ?? '', from: socket.remotePort ?? 0 });
        const status = statuses.length > 1 ? statuses.shift() : statuses[0];
        if (status === 0) socket.destroy();
        else if (status !== undefined) response.writeHead(status, { 'content-length': 0 }).end();
      });
    }).listen(0, '127.0.0.1');
    servers.push(server);
    await new Promise((resolve) => server.once('listening', resolve));
    return (server.address() as AddressInfo).port;
  };

  const senderTo = (
    ports: readonly number[],
    { clock = systemClock, find, afterwards }: Partial<LinkParts & Pick<TimelineSenderParts, 'afterwards'>> = {},
  ) => {
    const registry = new Registry();
    let found = 0;
    const link = createLink({
      find: () => {
        if (find !== undefined) return find();
        const port = ports[Math.min(found, ports.length - 1)] ?? 0;
        found += 1;
        return Promise.resolve({ host: '127.0.0.1', port, anchor: CERTIFICATE.cert });
      },
      credentials: (): Promise<Credentials> => Promise.resolve({ headers: { authorization: 'Bearer t' }, tls: {} }),
      clock,
    });
    const told = { link, clock, logger: silentLogger, registry };
    const sender = createTimelineSender(afterwards === undefined ? told : { ...told, afterwards });
    links.push(link);
    const outcomes = async (): Promise<Readonly<Record<string, number>>> => {
      const metric = await registry.getSingleMetric('hatchery_ingress_timeline_messages_total')?.get();
      return Object.fromEntries((metric?.values ?? []).map(({ labels, value }) => [String(labels['outcome']), value]));
    };
    const until = (expected: Readonly<Record<string, number>>): Promise<void> =>
      eventually(async () => assert.deepEqual(await outcomes(), expected));
    return { sender, until, finds: () => found };
  };

  it('posts the times with its own token, over one connection for one after the other', async () => {
    const { sender, until } = senderTo([await serve()]);
    sender.tell(MESSAGE);
    await until({ noted: 1 });
    sender.tell({ ...MESSAGE, name: 'web-2', responded: MESSAGE.ready });
    await until({ noted: 2 });
    const [first, second] = told;
    assert.deepEqual([first?.path, first?.token], ['/timeline/shop/web-1', 'Bearer t']);
    assert.deepEqual(JSON.parse(first?.body ?? ''), { uid: 'u-1', ready: '2026-01-02T03:04:05.678901Z' });
    assert.equal(first?.from, second?.from);
    await sender.close();
  });

  it('sends nothing to a server with another certificate than the Lease’s', async () => {
    const { sender, until } = senderTo([await serve(selfSigned(['127.0.0.1'], new Date()))]);
    sender.tell(MESSAGE);
    await until({ unreachable: 1 });
    assert.deepEqual(told, []);
    await sender.close();
  });

  for (const status of [404, 409]) {
    it(`counts one that came too late (${status})`, async () => {
      statuses = [status];
      const { sender, until, finds } = senderTo([await serve()]);
      sender.tell(MESSAGE);
      await until({ late: 1 });
      assert.equal(finds(), 1);
      await sender.close();
    });
  }

  for (const status of [400, 401, 403]) {
    it(`counts one that was refused (${status})`, async () => {
      statuses = [status];
      const { sender, until } = senderTo([await serve()]);
      sender.tell(MESSAGE);
      await until({ refused: 1 });
      await sender.close();
    });
  }

  it('says it once more where a kept connection had ended', async () => {
    statuses = [202, 0, 202];
    const { sender, until } = senderTo([await serve()]);
    sender.tell(MESSAGE);
    await until({ noted: 1 });
    sender.tell(MESSAGE);
    await until({ noted: 2 });
    assert.equal(told.length, 3);
    await sender.close();
  });

  it('looks for the controller anew where another acts by now, and not before a second is over', async () => {
    const first = await serve();
    statuses = [503];
    let now = 0;
    const clock = { ...systemClock, now: () => now };
    const { sender, until, finds } = senderTo([first, await serve()], { clock });
    sender.tell(MESSAGE);
    await until({ unreachable: 1 });
    sender.tell(MESSAGE);
    await until({ unreachable: 2 });
    assert.equal(finds(), 1);
    now = 1_001;
    statuses = [202];
    sender.tell(MESSAGE);
    await until({ unreachable: 2, noted: 1 });
    assert.equal(finds(), 2);
    await sender.close();
  });

  it('counts what no controller is there for', async () => {
    const find = () => Promise.reject(new NoController('no controller acts'));
    const { sender, until } = senderTo([], { find });
    sender.tell(MESSAGE);
    await until({ unreachable: 1 });
    await sender.close();
  });

  it('takes no more than waits for a controller that does not answer, and never keeps its caller', async () => {
    statuses = [undefined];
    const { sender, until } = senderTo([await serve()], { afterwards: (work) => work() });
    for (let i = 0; i < 600; i++) sender.tell(MESSAGE);
    // Two are on their way, 512 wait.
    await until({ dropped: 86 });
    await sender.close();
  }).timeout(10_000);

  it('drops what nobody knows the UID of', async () => {
    const { sender, until } = senderTo([await serve()]);
    sender.tell({ ...MESSAGE, uid: undefined });
    await until({ dropped: 1 });
    await sender.close();
  });
});
