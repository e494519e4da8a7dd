import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { RestClient } from '#controller/kube/index.ts';
import { waitFor } from '#hack/bed/process.ts';
import { step } from '#hack/bed/step.ts';
import { withBenchBed } from '../support/bed.ts';
import type { BenchBed } from '../support/bed.ts';
import { follow } from '../support/follow.ts';
import { helloList } from '../support/hello.ts';
import { rounded, summarize } from '../support/lives.ts';
import { usageOf } from '../support/usage.ts';
import { parseWriteCounts, writesBetween } from './api-counts.ts';
import type { WriteCounts } from './api-counts.ts';

/*
 * Many hello domains by one `kubectl apply`: how fast they go through, and what each costs the API server and the
 * controller. Everything is timed by a watch of the bench's own; writes are counted by the API server.
 */
const { values } = parseArgs({
  options: { domains: { type: 'string', default: '2000' }, hosts: { type: 'string', default: 'test:4' } },
});

/** After so long a bench that is not through has failed. */
const LIMIT_MS = 10 * 60_000;

console.log(JSON.stringify(await withBenchBed({ hosts: values.hosts }, (bed) => measure(bed, Number(values.domains)))));

async function measure({ bed, cluster, client }: BenchBed, domains: number): Promise<object> {
  const pid = Number(await readFile(join(bed.dir, 'run', 'controller.pid'), 'utf8'));
  const manifest = await helloList(domains);
  const following = await follow(client, LIMIT_MS);
  const before = { usage: usageOf(pid), writes: await writes(client) };
  await step(`Applying ${domains} EphemeralDomains with one kubectl apply`, () =>
    cluster.kubectl(['apply', '-f', '-'], { input: manifest, timeoutMs: LIMIT_MS }),
  );
  await step('Waiting until all have ended', (progress) =>
    waitFor(
      `${domains} domains have ended`,
      () => {
        progress(`${following.ended()} of ${domains}`);
        return Promise.resolve(following.ended() >= domains);
      },
      { timeoutMs: LIMIT_MS, intervalMs: 100 },
    ),
  );
  const after = { usage: usageOf(pid), writes: await writes(client) };
  await following.stop();
  const asked = Object.entries(writesBetween(before.writes, after.writes));
  return {
    bench: 'burst',
    ...summarize(following.lives),
    writesPerDomain: Object.fromEntries(asked.map(([kind, count]) => [kind, rounded(count / domains)])) as object,
    controller: {
      peakMiB: rounded(after.usage.peakMiB),
      cpuSeconds: rounded(after.usage.cpuSeconds - before.usage.cpuSeconds),
    },
  };
}

async function writes(client: RestClient): Promise<WriteCounts> {
  return parseWriteCounts(String(await client.getRaw('/metrics')));
}
