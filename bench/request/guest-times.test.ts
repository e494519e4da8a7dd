import assert from 'node:assert/strict';
import { guestTimesOf } from './guest-times.ts';

describe("a guest's times", () => {
  const echo = (notified: number): string =>
    JSON.stringify({ guest: 'edom-1', method: 'GET', times: { notified, accepted: 20, heard: 30 } });

  it('are read from what a hatchling echoes', () => {
    assert.deepEqual(guestTimesOf(echo(10)), { notified: 10, accepted: 20, heard: 30 });
  });

  it('are none of one that told nobody, and none of a page', () => {
    assert.equal(guestTimesOf(echo(0)), undefined);
    assert.equal(guestTimesOf('<!doctype html>'), undefined);
    assert.equal(guestTimesOf('{"status":503}'), undefined);
  });
});
