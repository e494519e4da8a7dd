import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { get } from 'node:https';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

import type { Bed } from '#hack/bed/bed.ts';
import type { Cleanup } from '#hack/bed/cleanup.ts';
import { bedProcesses } from '#hack/bed/leftovers.ts';
import { endProcess, runningIdentity } from '#hack/bed/process.ts';
import { freePort, PortTakenError } from '#hack/cluster/ports.ts';
import { takeDown } from '#hack/commands/down.ts';
import { UsageError } from '#hack/commands/hostlist.ts';
import { bringUp } from '#hack/commands/up.ts';
import { ownBed, STARTUP_TIMEOUT_MS } from '#test/support/bed.ts';

/** The bed is taken down as a whole. */
const NO_CLEANUP: Cleanup = { add: () => undefined };

describe('the ingress of make up', function () {
  this.timeout(STARTUP_TIMEOUT_MS);
  let bed: Bed;
  let port: number;

  before(async () => {
    bed = await ownBed();
    port = await freePort();
  });
  after(() => takeDown(bed));

  const up = (wanted?: number) => bringUp(bed, NO_CLEANUP, { hosts: [], ingress: { port: wanted } });
  const kept = async (file: string): Promise<string> => (await readFile(join(bed.dir, file), 'utf8')).trim();
  const identity = () => runningIdentity(bed, 'ingress');
  /** No domain is started for this one, and so no host needed. */
  const icon = async (): Promise<number> => {
    const answer = await fetch(`${await kept('ingress.url')}favicon.ico`, { signal: AbortSignal.timeout(5_000) });
    await answer.arrayBuffer();
    return answer.status;
  };

  it('refuses a PORT that is taken, and says so before anything is started', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const taken = (other.address() as AddressInfo).port;
    await assert.rejects(up(taken), (error) => {
      assert.ok(error instanceof PortTakenError);
      assert.match(error.message, new RegExp(`port ${taken} of 127\\.0\\.0\\.1 is taken: .*PORT$`));
      return true;
    });
    other.close();
    assert.deepEqual(bedProcesses(bed.id), []);
  });

  it('serves examples/ingress.yaml on PORT, and keeps its addresses', async () => {
    await up(port);
    assert.equal(await kept('ingress.url'), `http://127.0.0.1:${port}/`);
    assert.equal(await icon(), 404);
    const url = new URL('favicon.ico', await kept('ingress-tls.url'));
    const asked = get(url, { ca: await kept('ingress-ca.pem'), agent: false });
    const [response] = (await once(asked, 'response')) as [{ readonly statusCode: number; resume(): void }];
    response.resume();
    assert.equal(response.statusCode, 404);
  });

  it('is left as it is by another make up', async () => {
    const before = await identity();
    await up(port);
    assert.deepEqual(await identity(), before);
    assert.equal(await kept('ingress.url'), `http://127.0.0.1:${port}/`);
  });

  it('is not moved to another PORT while it runs', async () => {
    await assert.rejects(up(await freePort()), (error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, new RegExp(`the ingress runs on port ${port} already`));
      return true;
    });
  });

  it('is started again where its process is gone, under its old address', async () => {
    const before = await identity();
    assert.ok(before !== undefined);
    await endProcess(before, { signal: 'SIGKILL' });
    await up();
    assert.notDeepEqual(await identity(), before);
    assert.equal(await kept('ingress.url'), `http://127.0.0.1:${port}/`);
    assert.equal(await icon(), 404);
  });
});
