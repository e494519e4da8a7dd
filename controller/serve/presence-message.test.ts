import assert from 'node:assert/strict';

import { MAX_ASKED, presenceAnswer, presenceQuestion, readPresence, readQuestion } from './presence-message.ts';

const UID = '0b9d1f6e-8f6f-4f4e-9f0a-2f4b7c9d1e3a';
const ASKED = [
  { name: 'web-1', uid: UID, host: 'xen-1' },
  { name: 'web-2', uid: 'u-2' },
];

describe('a question for which domains are there', () => {
  it('is read as it was written', () => {
    assert.deepEqual(readQuestion(presenceQuestion(ASKED)), { ok: true, asked: ASKED });
  });

  const one = (more: Readonly<Record<string, unknown>>): string =>
    JSON.stringify({ domains: [{ name: 'web-1', uid: UID, ...more }] });
  const bad: readonly (readonly [string, string, RegExp])[] = [
    ['nothing', '', /JSON object/],
    ['no list', '{"domains": {}}', /a list, domains/],
    ['too many', JSON.stringify({ domains: Array.from({ length: MAX_ASKED + 1 }, () => ASKED[0]) }), /at most 64/],
    ['a domain that is no object', '{"domains": [1]}', /name and uid/],
    ['no UID', one({ uid: undefined }), /name and uid/],
    ['a name that none can have', one({ name: '../x' }), /name and uid/],
    ['a host that none can have', one({ host: 'Xen 1' }), /may have its host/],
    ['a field that nobody knows', one({ phase: 'Running' }), /nothing else/],
  ];
  for (const [what, body, why] of bad) {
    it(`is refused with ${what}`, () => {
      const reading = readQuestion(body);
      assert.ok(!reading.ok);
      assert.match(reading.why, why);
    });
  }
});

describe('the answer', () => {
  it('is read as it was written', () => {
    assert.deepEqual(readPresence(presenceAnswer(new Set([UID]))), new Set([UID]));
    assert.deepEqual(readPresence(presenceAnswer(new Set())), new Set());
  });

  for (const text of ['', '[]', '{}', '{"present": "x"}', '{"present": [1]}', '{"present": ["a b"]}']) {
    it(`is none where it is ${text === '' ? 'empty' : text}`, () => {
      assert.equal(readPresence(text), undefined);
    });
  }
});
