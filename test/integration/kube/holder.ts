import { createLease, createRestClient, loadKubeConfig } from '#controller/kube/index.ts';

/**
 * A process that holds a lease until it is killed: `node holder.ts KUBECONFIG NAMESPACE NAME IDENTITY`. Says "leading" and
 * then why it ended; the durations are short, and the same as in the test.
 */
const [kubeconfig, namespace, name, identity] = process.argv.slice(2);
if (kubeconfig === undefined || namespace === undefined || name === undefined || identity === undefined) {
  throw new Error('usage: holder.ts KUBECONFIG NAMESPACE NAME IDENTITY');
}
const client = createRestClient(await loadKubeConfig({ kubeconfig }));
const lease = createLease({
  ...{ client, namespace, name, identity },
  ...{ durationMs: 3_000, renewDeadlineMs: 2_000, retryPeriodMs: 400 },
  onStartedLeading: () => console.log('leading'),
});
const stop = new AbortController();
process.on('SIGTERM', () => stop.abort());
console.log(await lease.run(stop.signal));
await client.close();
