import assert from 'node:assert/strict';
import { createStore } from './cache.ts';
import type { StoreOptions } from './store.ts';
import { FakeClock, settle } from './testing/fake-clock.ts';
import { thing } from './testing/objects.ts';
import type { Thing } from './testing/objects.ts';

/** A store and what its handlers were told, as text. */
function watched(options: StoreOptions<Thing, 'colour'> = {}) {
  const store = createStore<Thing, 'colour'>(options);
  const told: string[] = [];
  store.addHandlers({
    added: (object) => void told.push(`added ${label(object)}`),
    updated: (object, previous) => void told.push(`updated ${label(previous)} to ${label(object)}`),
    deleted: (object, how) => void told.push(`${how} ${label(object)}`),
  });
  return { store, told };
}

function label(object: Thing): string {
  return `${object.metadata.name}@${object.metadata.resourceVersion}`;
}

describe('store: what changes are told', () => {
  it('tells of additions, updates and deletions', () => {
    const { store, told } = watched();
    store.upsert(thing('a', 1));
    store.upsert(thing('a', 2));
    store.remove(thing('a', 3), 'deleted');
    assert.deepEqual(told, ['added a@1', 'updated a@1 to a@2', 'deleted a@2']);
    assert.equal(store.size, 0);
  });

  it('tells a new handler of all there is', () => {
    const { store } = watched();
    store.upsert(thing('a', 1));
    const seen: string[] = [];
    const leave = store.addHandlers({ added: (object) => void seen.push(object.metadata.name) });
    leave();
    store.upsert(thing('b', 2));
    assert.deepEqual(seen, ['a']);
  });

  it('calls a changed UID under one key a deletion and an addition', () => {
    const { store, told } = watched();
    store.upsert(thing('a', 1));
    store.upsert(thing('a', 5, { uid: 'other' }));
    assert.deepEqual(told, ['added a@1', 'replaced a@1', 'added a@5']);
  });

  it('goes on when a handler throws or rejects, and reports it', async () => {
    const errors: unknown[] = [];
    const report = (message: string, fields?: Readonly<Record<string, unknown>>): void =>
      void errors.push([message, fields]);
    const logger = { debug: report, info: report, warn: report, error: report };
    const { store, told } = watched({ logger });
    store.addHandlers({
      added: () => {
        throw new Error('first');
      },
      updated: () => Promise.reject(new Error('second')),
    });
    store.upsert(thing('a', 1));
    store.upsert(thing('a', 2));
    await settle();
    assert.equal(told.length, 2);
    assert.equal(errors.length, 2);
    assert.match(JSON.stringify(errors), /default\/a.*first.*second/);
  });
});

describe('store: a new list', () => {
  it('deletes what is missing in it and keeps quiet about what did not change', () => {
    const { store, told } = watched();
    store.replaceAll([thing('a', 1), thing('b', 2), thing('c', 3)], '3');
    told.length = 0;
    store.replaceAll([thing('a', 1), thing('c', 7)], '9');
    assert.deepEqual(told, ['missing b@2', 'updated c@3 to c@7']);
  });

  it('keeps what was put and is newer than the list', () => {
    const { store } = watched();
    store.put(thing('a', 12));
    store.replaceAll([], '10');
    assert.equal(store.get('default/a')?.metadata.resourceVersion, '12');
  });

  it('replaces all when the server began another history', () => {
    const { store, told } = watched();
    store.replaceAll([thing('a', 900), thing('b', 901)], '901');
    told.length = 0;
    store.replaceAll([thing('a', 20)], '30', { historyChanged: true });
    assert.deepEqual(told, ['missing b@901', 'updated a@900 to a@20']);
    store.upsert(thing('b', 31));
    assert.equal(store.size, 2);
  });

  it('is what makes the store synced, after the handlers were called', async () => {
    const { store, told } = watched();
    const gaveUp = await store.waitForSync(AbortSignal.abort());
    const waiting = store.waitForSync().then(() => told.length);
    assert.equal(store.hasSynced(), false);
    store.replaceAll([thing('a', 1)], '1');
    assert.deepEqual([gaveUp, await waiting, store.hasSynced()], [false, 1, true]);
  });
});

describe('store: a put of a write of our own', () => {
  it('is taken at once, and its echo on the watch is no news', () => {
    const { store, told } = watched();
    store.upsert(thing('a', 1));
    assert.equal(store.put(thing('a', 3)), true);
    store.upsert(thing('a', 2));
    store.upsert(thing('a', 3));
    assert.deepEqual(told, ['added a@1', 'updated a@1 to a@3']);
  });

  it('never goes back behind the watch', () => {
    const { store } = watched();
    store.upsert(thing('a', 10));
    assert.equal(store.put(thing('a', 9)), false);
    assert.equal(store.get('default/a')?.metadata.resourceVersion, '10');
  });

  it('does not bring back what was deleted since', () => {
    const { store, told } = watched();
    store.upsert(thing('a', 9));
    store.remove(thing('a', 11), 'deleted');
    assert.equal(store.put(thing('a', 10)), false);
    assert.deepEqual(told, ['added a@9', 'deleted a@9']);
  });

  it('does not bring back what a list had no more', () => {
    const { store } = watched();
    store.replaceAll([thing('a', 1)], '1');
    store.replaceAll([], '20');
    assert.equal(store.put(thing('a', 19)), false);
    assert.equal(store.put(thing('a', 21, { uid: 'new' })), true);
  });

  it('is not undone by a deletion of an object before it', () => {
    const { store } = watched();
    store.put(thing('a', 15, { uid: 'second' }));
    store.remove(thing('a', 12, { uid: 'first' }), 'deleted');
    assert.equal(store.get('default/a')?.metadata.uid, 'second');
  });

  it('forgets deletions after some minutes', async () => {
    const clock = new FakeClock();
    const { store } = watched({ clock });
    store.remove(thing('a', 11), 'deleted');
    await clock.advance(300_000);
    assert.equal(store.put(thing('a', 10)), true);
  });

  it('that no longer belongs into the store leaves it as unmatched', () => {
    const { store, told } = watched({ accepts: (object) => object.spec?.colour === 'red' });
    store.upsert(thing('a', 1, { spec: { colour: 'red' } }));
    assert.equal(store.put(thing('a', 2, { spec: { colour: 'blue' } })), false);
    assert.equal(store.put(thing('b', 3, { spec: { colour: 'blue' } })), false);
    assert.deepEqual(told, ['added a@1', 'unmatched a@1']);
  });

  it('drops managedFields', () => {
    const { store } = watched();
    const metadata = { ...thing('a', 1).metadata, managedFields: [{}] };
    store.put(thing('a', 1, { metadata }));
    assert.equal('managedFields' in (store.get('default/a')?.metadata ?? {}), false);
  });
});

describe('store: indexes', () => {
  const indexers = { colour: (object: Thing) => (object.spec?.colour === undefined ? [] : [object.spec.colour]) };

  it('find by value, follow changes and forget empty values', () => {
    const { store } = watched({ indexers });
    store.upsert(thing('a', 1, { spec: { colour: 'red' } }));
    store.upsert(thing('b', 2, { spec: { colour: 'red' } }));
    store.upsert(thing('a', 3, { spec: { colour: 'blue' } }));
    store.remove(thing('b', 4), 'deleted');
    assert.deepEqual(store.byIndex('colour', 'red'), []);
    assert.deepEqual(store.byIndex('colour', 'blue').map(label), ['a@3']);
    assert.deepEqual(store.indexValues('colour'), ['blue']);
  });

  it('leave out an object whose indexer throws', () => {
    const failing = {
      colour: (): never => {
        throw new Error('no colour');
      },
    };
    const { store, told } = watched({ indexers: failing });
    store.upsert(thing('a', 1));
    assert.deepEqual([told, store.indexValues('colour')], [['added a@1'], []]);
  });
});
