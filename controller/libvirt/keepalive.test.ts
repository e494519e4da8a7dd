import assert from 'node:assert/strict';

import { KeepAlive } from './keepalive.ts';
import { FakeClock } from './testing/clock.ts';

const watch = (misses: number) => {
  const clock = new FakeClock();
  const told: string[] = [];
  const keepAlive = new KeepAlive({
    clock,
    intervalMs: 100,
    misses,
    ping: () => told.push(`ping ${clock.now()}`),
    dead: () => told.push(`dead ${clock.now()}`),
  });
  return { clock, told, keepAlive };
};

describe('keep-alive', () => {
  it('pings for each silent interval and gives up after so many unanswered', () => {
    const { clock, told } = watch(2);
    clock.advance(1_000);
    assert.deepEqual(told, ['ping 100', 'ping 200', 'dead 300']);
    assert.equal(clock.pending, 0);
  });

  it('is content with anything that comes', () => {
    const { clock, told, keepAlive } = watch(2);
    for (let i = 0; i < 10; i++) {
      clock.advance(100);
      keepAlive.heard();
    }
    assert.deepEqual(told, ['ping 100']);
    clock.advance(200);
    assert.deepEqual(told, ['ping 100', 'ping 1200']);
  });

  it('sends and notices nothing once it is stopped', () => {
    const { clock, told, keepAlive } = watch(2);
    keepAlive.stop();
    clock.advance(1_000);
    assert.deepEqual(told, []);
  });
});
