import assert from 'node:assert/strict';

import { KubeError, silentLogger } from '#controller/kube/index.ts';
import type { Clock, KubeErrorKind } from '#controller/kube/index.ts';

import { StartFault } from './fault.ts';
import { Interrupted, patiently } from './patience.ts';

/** A clock on which every wait is over at once; `waits` are those that were asked for. */
const instantClock = (waits: number[]): Clock => ({
  now: () => 0,
  date: () => new Date(0),
  after: (ms, callback) => {
    waits.push(ms);
    setImmediate(callback);
    return { cancel: () => undefined };
  },
});

const failure = (error: KubeErrorKind): KubeError =>
  new KubeError({ error, verb: 'get', kind: 'Node', ref: {}, host: '127.0.0.1:6443', message: 'x' });

const patience = (waits: number[], signal = new AbortController().signal) => ({
  signal,
  clock: instantClock(waits),
  random: () => 1,
  logger: silentLogger,
});

describe('patiently', () => {
  it('asks a server that does not answer again, later each time up to a bound', async () => {
    const waits: number[] = [];
    let calls = 0;
    const answer = await patiently(patience(waits), () => {
      calls += 1;
      return calls <= 8 ? Promise.reject(failure('transport')) : Promise.resolve('answer');
    });
    assert.equal(answer, 'answer');
    assert.deepEqual(waits, [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  });

  it('does not wait for what does not pass by itself', async () => {
    const call = (): Promise<never> => Promise.reject(failure('forbidden'));
    await assert.rejects(patiently(patience([]), call), { kind: 'forbidden' });
  });

  it('refuses credentials that the server does not know', async () => {
    const call = (): Promise<never> => Promise.reject(failure('unauthorized'));
    await assert.rejects(patiently(patience([]), call), (error) => {
      assert.ok(error instanceof StartFault);
      assert.match(error.message, /^the API server at 127.0.0.1:6443 does not know these credentials/);
      return true;
    });
  });

  it('ends when it is told to', async () => {
    const stop = new AbortController();
    const call = (): Promise<never> => {
      stop.abort();
      return Promise.reject(failure('aborted'));
    };
    await assert.rejects(patiently(patience([], stop.signal), call), Interrupted);
  });
});
