import assert from 'node:assert/strict';
import { createEventRecorder, EVENTS, NODES } from '#controller/kube/index.ts';
import type { EventRecorder, KubeObject, ResourceType } from '#controller/kube/index.ts';
import { eventually } from '#test/support/eventually.ts';
import { CONFIG_MAPS, put, useBench } from './support.ts';

describe('events on a real API server', function () {
  this.timeout(30_000);
  const bench = useBench();
  let recorder: EventRecorder;
  beforeEach(() => {
    recorder = createEventRecorder({ client: bench().client, component: 'hatchery', instance: 'me' });
  });
  const say = <T extends KubeObject>(type: ResourceType<T>, object: T, reason: string, message: string): void =>
    recorder.event(type, object, 'Normal', reason, message);
  const eventsOf = async (name: string) => {
    const { client, namespace } = bench();
    return (await client.list(EVENTS, { namespace, fieldSelector: `involvedObject.name=${name}` })).items;
  };

  it('read well in kubectl describe and kubectl get events', async () => {
    const { cluster, namespace } = bench();
    const object = await put(bench(), 'told');
    say(CONFIG_MAPS, object, 'Placed', 'Placed on host-1');
    for (let i = 0; i < 3; i++) say(CONFIG_MAPS, object, 'Started', 'Domain started');
    assert.equal(await recorder.stop(10_000), 0);
    const described = await cluster.kubectl(['describe', 'configmap', 'told', '-n', namespace]);
    assert.match(described, /Events:\n\s+Type\s+Reason\s+Age\s+From\s+Message/);
    assert.match(described, /Normal\s+Placed\s+\S+\s+hatchery\s+Placed on host-1/);
    assert.match(described, /Normal\s+Started\s+\S+ \(x3 over \S+\)\s+hatchery\s+Domain started/);
    const listed = await cluster.kubectl(['get', 'events', '-n', namespace, '--field-selector=reason=Started']);
    assert.match(listed, /LAST SEEN\s+TYPE\s+REASON\s+OBJECT\s+MESSAGE/);
    assert.match(listed, /Normal\s+Started\s+configmap\/told\s+Domain started/);
  });

  it('are counted up in place, and combined when there are too many like them', async () => {
    const object = await put(bench(), 'chatty');
    for (let i = 0; i < 14; i++) say(CONFIG_MAPS, object, 'Tried', `attempt ${i}`);
    assert.equal(await recorder.stop(10_000), 0);
    const events = await eventsOf('chatty');
    assert.equal(events.length, 10);
    const combined = events.find(({ message }) => message?.startsWith('(combined') === true);
    assert.deepEqual([combined?.message, combined?.count], ['(combined from similar events): attempt 13', 5]);
  });

  it('of what has no namespace are shown by kubectl describe too', async () => {
    const { client, cluster, namespace } = bench();
    const node = await client.create(NODES, { metadata: { name: `${namespace}-node` } });
    say(NODES, node, 'Ready', 'Host is ready');
    assert.equal(await recorder.stop(10_000), 0);
    const described = await cluster.kubectl(['describe', 'node', node.metadata.name]);
    assert.match(described, /Normal\s+Ready\s+\S+\s+hatchery\s+Host is ready/);
    await client.delete(NODES, node.metadata);
  });

  it('that are gone from the server are made anew, counted on', async () => {
    const object = await put(bench(), 'expired');
    say(CONFIG_MAPS, object, 'Again', 'once more');
    const first = await eventually(async () => {
      const [event] = await eventsOf('expired');
      assert.ok(event !== undefined);
      return event;
    });
    await bench().client.delete(EVENTS, first.metadata);
    say(CONFIG_MAPS, object, 'Again', 'once more');
    assert.equal(await recorder.stop(10_000), 0);
    const [second] = await eventsOf('expired');
    assert.deepEqual([second?.count, second?.message], [2, 'once more']);
    assert.notEqual(second?.metadata.name, first.metadata.name);
  });
});
