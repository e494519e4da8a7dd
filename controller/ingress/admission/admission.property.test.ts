import assert from 'node:assert/strict';
import fc from 'fast-check';

import { FakeClock, settle } from '#controller/kube/testing/fake-clock.ts';
import { AdmissionQueue } from './admission.ts';
import type { Admission, CrowdLimits, Slot, TemplateLimits } from './types.ts';

/** What may happen; `which` picks one of those that there are. */
type Step =
  | { readonly kind: 'come'; readonly namespace: string; readonly template: string; readonly client: string }
  | { readonly kind: 'leave' | 'release'; readonly which: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'replicas'; readonly count: number }
  | { readonly kind: 'edit'; readonly namespace: string; readonly template: string; readonly limits: TemplateLimits };

const namespace = fc.constantFrom('a', 'b', 'c');
const template = fc.constantFrom('x', 'y');
const limits: fc.Arbitrary<TemplateLimits> = fc.record(
  {
    maxConcurrent: fc.integer({ min: 0, max: 4 }),
    maxQueued: fc.integer({ min: 0, max: 8 }),
    queueTimeoutMs: fc.integer({ min: 1, max: 50 }),
    maxPerClient: fc.integer({ min: 1, max: 6 }),
  },
  { requiredKeys: ['maxConcurrent', 'maxQueued', 'queueTimeoutMs'] },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('come' as const),
      namespace,
      template,
      client: fc.constantFrom('1', '2'),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('release' as const, 'release' as const, 'leave' as const),
      which: fc.nat(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 40 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('replicas' as const), count: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('edit' as const), namespace, template, limits }) },
);

interface Visit {
  readonly crowd: string;
  readonly client: string;
  readonly since: number;
  readonly leave: () => void;
  slot: Slot | undefined;
}

/** What should be so, kept in plain lists and looked through from end to end. */
class Model {
  readonly total: CrowdLimits;
  readonly limits = new Map<string, TemplateLimits>();
  waiting: Visit[] = [];
  held: Visit[] = [];
  replicas = 1;
  /** Of each crowd, and each namespace, that could be given a slot all the while: who was given one since its own last one. */
  readonly #passedBy = new Map<string, string[]>();

  constructor(total: CrowdLimits) {
    this.total = total;
  }

  of(list: readonly Visit[], crowd: string): readonly Visit[] {
    return list.filter((visit) => visit.crowd === crowd);
  }

  share(limit: number): number {
    return Math.ceil(limit / this.replicas);
  }

  hasSlot(crowd: string): boolean {
    return this.of(this.held, crowd).length < this.share(this.limits.get(crowd)?.maxConcurrent ?? 0);
  }

  hasTotal(): boolean {
    return this.held.length < this.share(this.total.maxConcurrent);
  }

  timeoutOf(crowd: string): number {
    return Math.min(this.limits.get(crowd)?.queueTimeoutMs ?? Infinity, this.total.queueTimeoutMs);
  }

  /** Crowds with somebody waiting and a slot of their own to give. */
  eligible(): ReadonlySet<string> {
    return new Set(this.waiting.map(({ crowd }) => crowd).filter((crowd) => this.hasSlot(crowd)));
  }

  /** Forgets what was counted of those that could not be given a slot meanwhile. */
  look(): void {
    const crowds = this.eligible();
    const current = new Set([...crowds, ...[...crowds].map(namespaceOf)]);
    for (const key of this.#passedBy.keys()) if (!current.has(key)) this.#passedBy.delete(key);
    for (const key of current) if (!this.#passedBy.has(key)) this.#passedBy.set(key, []);
  }

  /** One out of the queue was given a slot: was it its turn? */
  served(visit: Visit): void {
    const { crowd } = visit;
    assert.equal(this.of(this.waiting, crowd)[0], visit, 'first come, first served');
    assert.ok(this.hasSlot(crowd) && this.hasTotal(), 'never above a limit');
    const namespace = namespaceOf(crowd);
    for (const [key, passed] of this.#passedBy) {
      const isNamespace = namespaceOf(key) === key;
      if (key === crowd || key === namespace) passed.length = 0;
      else if (isNamespace || namespaceOf(key) === namespace) {
        const other = isNamespace ? namespace : crowd;
        assert.ok(!passed.includes(other), `${other} was served twice while ${key} waited`);
        passed.push(other);
      }
    }
    this.waiting = this.waiting.filter((each) => each !== visit);
    this.held.push(visit);
    this.look();
  }
}

const namespaceOf = (crowd: string): string => crowd.slice(0, 1);

async function play(total: CrowdLimits, first: TemplateLimits, steps: readonly Step[]): Promise<void> {
  const clock = new FakeClock();
  const queue = new AdmissionQueue({ clock, random: () => 0.5, total });
  const model = new Model(total);
  const answers: { readonly visit: Visit; readonly answer: Admission }[] = [];

  const come = ({ namespace: at, template: of, client }: Extract<Step, { kind: 'come' }>) => {
    const crowd = `${at}/${of}`;
    const given = model.limits.get(crowd) ?? first;
    model.limits.set(crowd, given);
    const signal = new AbortController();
    const visit: Visit = { crowd, client, since: clock.now(), leave: () => signal.abort(), slot: undefined };
    void queue
      .admit({ namespace: at, template: of, client, limits: given }, signal.signal)
      .then((answer) => answers.push({ visit, answer }));
    return visit;
  };

  /** What a newcomer has to be told. */
  const expected = ({ crowd, client }: Visit): string => {
    const { maxPerClient = Infinity, maxQueued } = model.limits.get(crowd) ?? first;
    const here = [...model.held, ...model.waiting].filter((each) => each.crowd === crowd && each.client === client);
    if (here.length >= maxPerClient) return 'ClientLimit';
    const queued = model.of(model.waiting, crowd).length;
    if (queued === 0 && model.hasSlot(crowd) && model.hasTotal()) return 'admitted';
    if (queued >= model.share(maxQueued)) return 'QueueFull';
    return model.waiting.length >= model.share(total.maxQueued) ? 'IngressFull' : 'waits';
  };

  const take = () => {
    for (const { visit, answer } of answers.splice(0)) {
      if (answer.kind === 'admitted') {
        visit.slot = answer.slot;
        model.served(visit);
      } else {
        assert.ok(answer.kind === 'refused' && answer.reason === 'QueueTimeout', 'nobody else is sent away');
        assert.ok(clock.now() - visit.since >= model.timeoutOf(visit.crowd), 'not before its time');
        model.waiting = model.waiting.filter((each) => each !== visit);
        model.look();
      }
    }
  };

  for (const one of steps) {
    switch (one.kind) {
      case 'come': {
        const visit = come(one);
        const told = expected(visit);
        await settle();
        const answer = answers.shift()?.answer;
        assert.equal(answer === undefined ? 'waits' : answer.kind === 'refused' ? answer.reason : answer.kind, told);
        if (answer?.kind === 'admitted') {
          visit.slot = answer.slot;
          model.held.push(visit);
        } else if (answer === undefined) model.waiting.push(visit);
        break;
      }
      case 'leave': {
        const all = [...model.waiting, ...model.held];
        const visit = all[one.which % Math.max(all.length, 1)];
        visit?.leave();
        await settle();
        if (visit === undefined || !model.waiting.includes(visit)) break;
        assert.equal(answers.shift()?.answer.kind, 'left');
        model.waiting = model.waiting.filter((each) => each !== visit);
        break;
      }
      case 'release': {
        const visit = model.held[one.which % Math.max(model.held.length, 1)];
        visit?.slot?.release();
        model.held = model.held.filter((each) => each !== visit);
        break;
      }
      case 'wait':
        await clock.advance(one.ms);
        break;
      case 'replicas':
        queue.replicasChanged(one.count);
        model.replicas = one.count;
        break;
      case 'edit':
        if (!model.limits.has(`${one.namespace}/${one.template}`)) break;
        queue.limitsChanged(one.namespace, one.template, one.limits);
        model.limits.set(`${one.namespace}/${one.template}`, one.limits);
        await clock.advance(0);
        break;
    }
    model.look();
    await settle();
    take();
    assert.deepEqual(queue.load, { waiting: model.waiting.length, held: model.held.length }, 'nobody is lost');
    assert.ok(!model.hasTotal() || model.eligible().size === 0, 'nobody waits beside a free slot');
    for (const { crowd, since } of model.waiting)
      assert.ok(clock.now() - since < model.timeoutOf(crowd), 'sent away in time');
  }
}

describe('AdmissionQueue, whatever happens in whatever order', function () {
  this.timeout(60_000);

  it('keeps every limit, takes turns, loses nobody, and gives no slot to who has left', async () => {
    const total = fc.record({
      maxConcurrent: fc.integer({ min: 1, max: 5 }),
      maxQueued: fc.integer({ min: 0, max: 12 }),
      queueTimeoutMs: fc.constantFrom(20, 1_000),
    });
    await fc.assert(fc.asyncProperty(total, limits, fc.array(step, { maxLength: 60, size: 'max' }), play), {
      numRuns: 200,
    });
  });
});
