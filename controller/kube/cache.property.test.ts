import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createStore } from './cache.ts';
import { compareResourceVersions } from './resource-version.ts';
import { thing } from './testing/objects.ts';
import type { Thing } from './testing/objects.ts';

/** What the server did, one step a resource version; some of it by us, whose answers may come late. */
type Step = { readonly kind: 'write' | 'delete'; readonly name: string; readonly ours: boolean };

interface Change {
  readonly version: number;
  readonly kind: 'write' | 'delete';
  readonly object: Thing;
  readonly ours: boolean;
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('write', 'write', 'delete'),
  name: fc.constantFrom('a', 'b'),
  ours: fc.boolean(),
});

/** Plays the steps on an imagined server: deletions of nothing fall away, a creation gets a new UID. */
function history(steps: readonly Step[]): readonly Change[] {
  const living = new Map<string, string>();
  const changes: Change[] = [];
  for (const { kind, name, ours } of steps) {
    const version = changes.length + 1;
    if (kind === 'delete' && !living.has(name)) continue;
    const uid = living.get(name) ?? `${name}-${version}`;
    changes.push({ version, kind, object: thing(name, version, { uid }), ours });
    if (kind === 'delete') living.delete(name);
    else living.set(name, uid);
  }
  return changes;
}

function stateAt(changes: readonly Change[], version: number): ReadonlyMap<string, Thing> {
  const state = new Map<string, Thing>();
  for (const change of changes.slice(0, version)) {
    if (change.kind === 'delete') state.delete(change.object.metadata.name);
    else state.set(change.object.metadata.name, change.object);
  }
  return state;
}

describe('store: any interleaving of watch, new lists and answers of our own writes', () => {
  it('never goes back, and ends in the state of the server', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), fc.infiniteStream(fc.nat({ max: 5 })), (steps, choices) => {
        const changes = history(steps);
        const store = createStore<Thing>();
        const answers = changes.filter((change) => change.ours && change.kind === 'write');
        const newest = new Map<string, string>();
        const check = (object: Thing): void => {
          const { uid, resourceVersion } = object.metadata;
          const before = newest.get(uid);
          assert.ok(before === undefined || compareResourceVersions(resourceVersion, before) > 0, `${uid} went back`);
          newest.set(uid, resourceVersion);
        };
        const gone = new Set<string>();
        store.addHandlers({
          added: (object) => {
            assert.ok(!gone.has(object.metadata.uid), `${object.metadata.uid} rose again`);
            check(object);
          },
          updated: check,
          deleted: (object) => void gone.add(object.metadata.uid),
        });
        let watched = 0;
        while (watched < changes.length || answers.length > 0) {
          const { value: choice } = choices.next() as IteratorYieldResult<number>;
          const change = changes[watched];
          if (choice <= 2 && change !== undefined) {
            watched += 1;
            if (change.kind === 'delete') store.remove(change.object, 'deleted');
            else store.upsert(change.object);
          } else if (choice === 3) {
            watched = Math.min(changes.length, watched + 1);
            store.replaceAll([...stateAt(changes, watched).values()], String(watched));
          } else {
            const answer = answers.splice(choice % Math.max(1, answers.length), 1)[0];
            if (answer !== undefined) store.put(answer.object);
          }
        }
        const versions = (objects: Iterable<Thing>) => [...objects].map((each) => each.metadata.resourceVersion).sort();
        assert.deepEqual(versions(store.list()), versions(stateAt(changes, changes.length).values()));
      }),
      { numRuns: 500 },
    );
  });
});
