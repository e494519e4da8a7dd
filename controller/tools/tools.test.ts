import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';

import { selfSigned } from '#controller/serve/index.ts';
import type { ServingCertificate } from '#controller/serve/index.ts';
import { readFromController } from './console-stream.ts';
import { ToolFault } from './fault.ts';
import { NobodyReads, printTo } from './print.ts';

describe('a tool at the controller', () => {
  const CREDENTIALS = { headers: { authorization: 'Bearer secret' }, tls: {} };

  /** A server with this certificate; notes who asked it what. */
  const serve = async (certificate: ServingCertificate, status: number, body: string) => {
    const asked: string[] = [];
    const server = createServer(certificate, (request, response) => {
      asked.push(`${request.headers.authorization ?? ''} ${request.url ?? ''}`);
      response.writeHead(status).end(body);
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    return { asked, port, close: () => server.close() };
  };

  const read = async (port: number, anchor: string): Promise<string> => {
    let text = '';
    const address = { host: '127.0.0.1', port, anchor };
    for await (const bytes of readFromController(address, CREDENTIALS, '/console/n/x')) text += bytes.toString();
    return text;
  };

  it('reads with its token where the certificate is that of the Lease, by whatever name it is reached', async () => {
    const certificate = selfSigned(['another.example'], new Date());
    const server = await serve(certificate, 200, 'hello');
    assert.equal(await read(server.port, certificate.cert), 'hello');
    assert.deepEqual(server.asked, ['Bearer secret /console/n/x']);
    server.close();
  });

  it('sends no token to a server with another certificate', async () => {
    const server = await serve(selfSigned(['127.0.0.1'], new Date()), 200, 'hello');
    await assert.rejects(read(server.port, selfSigned(['127.0.0.1'], new Date()).cert), ToolFault);
    assert.deepEqual(server.asked, []);
    server.close();
  });

  const refusals: readonly (readonly [number, string, RegExp])[] = [
    [409, '{"message": "n/x has no console to read: it has ended"}', /^n\/x has no console to read: it has ended$/],
    [401, '{"message": "no token"}', /^the controller at 127\.0\.0\.1:\d+ does not know you: no token$/],
    [502, '<html>', /^the controller at 127\.0\.0\.1:\d+ answered with 502$/],
  ];
  for (const [status, body, message] of refusals) {
    it(`says what it was told with ${status}`, async () => {
      const certificate = selfSigned(['127.0.0.1'], new Date());
      const server = await serve(certificate, status, body);
      await assert.rejects(
        read(server.port, certificate.cert),
        (error) => error instanceof ToolFault && message.test(error.message),
      );
      server.close();
    });
  }

  it('says where nobody listens', async () => {
    await assert.rejects(read(1, selfSigned(['127.0.0.1'], new Date()).cert), {
      name: 'ToolFault',
      message: /127\.0\.0\.1:1 cannot be reached \(ECONNREFUSED\)/,
    });
  });
});

describe('printing', () => {
  it('goes at the pace of whoever reads, and ends quietly where nobody does any more', async () => {
    const reader = new Writable({
      write: (_bytes, _encoding, done) => done(Object.assign(new Error('gone'), { code: 'EPIPE' })),
    });
    await assert.rejects(printTo(reader)('x'), NobodyReads);
  });
});
