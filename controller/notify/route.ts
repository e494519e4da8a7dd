import { createSocket } from 'node:dgram';

/** Any port: a datagram socket that is connected sends nothing. */
const PORT = 9;
const TIMEOUT_MS = 1_000;

/**
 * The machine's own IPv4 address on the route to another one, which is where that one finds it when nothing between the
 * two translates addresses. Undefined where there is no route.
 */
export const sourceAddressTo = (address: string): Promise<string | undefined> =>
  new Promise((resolve) => {
    const socket = createSocket('udp4');
    const finish = (source: string | undefined) => {
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.close();
      resolve(source);
    };
    const timer = setTimeout(() => finish(undefined), TIMEOUT_MS);
    // ENETUNREACH, EHOSTUNREACH and the like: all of them say that no route leads there.
    socket.once('error', () => finish(undefined));
    socket.connect(PORT, address, () => finish(socket.address().address));
  });
