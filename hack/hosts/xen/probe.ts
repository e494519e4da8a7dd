import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';

/** libvirt's port for TLS. */
export const TLS_PORT = 16514;

/**
 * Whether a libvirtd takes our client certificate: after the handshake it sends one byte, 1, once it has looked at it
 * (RFC-less; src/rpc/virnetserverclient.c). It takes no client before its drivers are ready.
 */
export async function answersTls(address: string, pkipath: string, timeoutMs: number): Promise<boolean> {
  const read = (name: string): Promise<Buffer> => readFile(join(pkipath, name));
  const [ca, cert, key] = await Promise.all([read('cacert.pem'), read('clientcert.pem'), read('clientkey.pem')]);
  return new Promise((resolve) => {
    const socket = connect({ host: address, port: TLS_PORT, ca, cert, key });
    const settle = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(timeoutMs, () => {
      settle(false);
    });
    socket.once('data', (data: Buffer) => {
      settle(data[0] === 1);
    });
    socket.once('error', () => {
      settle(false);
    });
    socket.once('close', () => {
      settle(false);
    });
  });
}
