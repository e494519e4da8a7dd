import assert from 'node:assert/strict';

import type { RestClient } from '#controller/kube/index.ts';
import { Callers, callerOfSubject, tokenIn } from './callers.ts';
import { Decisions } from './decisions.ts';

describe('the subject of a client certificate', () => {
  const known = 'system:authenticated';
  const table: readonly (readonly [Parameters<typeof callerOfSubject>[0], ReturnType<typeof callerOfSubject>])[] = [
    [{ CN: 'jane' }, { username: 'jane', groups: [known] }],
    [
      { CN: 'jane', O: 'dev' },
      { username: 'jane', groups: ['dev', known] },
    ],
    [
      { CN: 'jane', O: ['dev', 'ops'] },
      { username: 'jane', groups: ['dev', 'ops', known] },
    ],
    [
      { CN: 'jane', O: known },
      { username: 'jane', groups: [known] },
    ],
    [{ O: 'dev' }, undefined],
    [{ CN: '' }, undefined],
    [{ CN: ['jane', 'admin'] }, undefined],
  ];
  for (const [subject, caller] of table) {
    it(`${JSON.stringify(subject)}: ${caller?.username ?? 'nobody'}`, () => {
      assert.deepEqual(callerOfSubject(subject), caller);
    });
  }
});

describe('a bearer token', () => {
  const table: readonly (readonly [string | undefined, string | undefined])[] = [
    ['Bearer abc.DEF-1_2~3+4/5==', 'abc.DEF-1_2~3+4/5=='],
    ['bearer  abc ', 'abc'],
    ['Basic YTpi', undefined],
    ['Bearer ', undefined],
    ['Bearer a b', undefined],
    ['', undefined],
    [undefined, undefined],
  ];
  for (const [header, token] of table) {
    it(`${JSON.stringify(header)}: ${token ?? 'none'}`, () => {
      assert.equal(tokenIn(header), token);
    });
  }
});

describe('decisions', () => {
  it('are kept for their time, by question, and asked once at a time', async () => {
    let now = 0;
    let asked = 0;
    const decisions = new Decisions<number>(() => now, 1000, 10);
    const ask = () => Promise.resolve(++asked);
    assert.deepEqual(await Promise.all([decisions.decide('a', ask), decisions.decide('a', ask)]), [1, 1]);
    assert.equal(await decisions.decide('b', ask), 2);
    now = 999;
    assert.equal(await decisions.decide('a', ask), 1);
    now = 1000;
    assert.equal(await decisions.decide('a', ask), 3);
  });

  it('are not kept where there was no answer', async () => {
    const decisions = new Decisions<string>(() => 0, 1000, 10);
    await assert.rejects(decisions.decide('a', () => Promise.reject(new RangeError('away'))));
    assert.equal(await decisions.decide('a', () => Promise.resolve('yes')), 'yes');
  });

  it('are so many at most: the oldest go', async () => {
    const decisions = new Decisions<string>(() => 0, 1000, 3);
    for (let i = 0; i < 10; i += 1) await decisions.decide(String(i), () => Promise.resolve('yes'));
    assert.equal(decisions.size, 3);
    assert.equal(await decisions.decide('9', () => Promise.resolve('asked again')), 'yes');
    assert.equal(await decisions.decide('0', () => Promise.resolve('asked again')), 'asked again');
  });
});

describe('callers', () => {
  /** An API server that answers as told, and notes what it was sent. */
  const createApi = (status: unknown) => {
    const specs: unknown[] = [];
    const create = (_type: unknown, { spec }: { readonly spec: unknown }) => {
      specs.push(spec);
      return Promise.resolve({ status });
    };
    return { specs, client: { create } as unknown as RestClient };
  };
  const now = () => 0;
  const attributes = { verb: 'get', resource: 'ephemeraldomains', subresource: 'console', namespace: 'n', name: 'x' };

  it('with a verified certificate are taken at its word, and no token is looked at', async () => {
    const { client, specs } = createApi({ authenticated: true, user: { username: 'other' } });
    const caller = await new Callers(client, now).identify({ subject: { CN: 'jane' }, authorization: 'Bearer t' });
    assert.equal(caller?.username, 'jane');
    assert.deepEqual(specs, []);
  });

  it('with a token are who the API server says', async () => {
    const user = { username: 'jane', uid: '7', groups: ['dev'], extra: { scope: ['a'] } };
    const { client, specs } = createApi({ authenticated: true, user });
    const caller = await new Callers(client, now).identify({ subject: undefined, authorization: 'Bearer t' });
    assert.deepEqual(caller, user);
    assert.deepEqual(specs, [{ token: 't' }]);
  });

  for (const status of [undefined, {}, { authenticated: false, user: { username: 'jane' } }, { authenticated: true }]) {
    it(`with a token of which the API server says ${JSON.stringify(status)}: nobody`, async () => {
      const { client } = createApi(status);
      const caller = await new Callers(client, now).identify({ subject: undefined, authorization: 'Bearer t' });
      assert.equal(caller, undefined);
    });
  }

  const rights = [
    [{ allowed: true }, true],
    [{ allowed: false }, false],
    [{ allowed: true, denied: true }, false],
    [undefined, false],
  ] as const;
  for (const [status, may] of rights) {
    it(`of whom the authorizer says ${JSON.stringify(status)} ${may ? 'may' : 'may not'}`, async () => {
      const { client } = createApi(status);
      assert.equal(await new Callers(client, now).may({ username: 'jane' }, attributes), may);
    });
  }

  it('are told apart by all that the authorizer is told of them', async () => {
    const { client, specs } = createApi({ allowed: true });
    const callers = new Callers(client, now);
    await callers.may({ username: 'jane', groups: ['a'] }, attributes);
    await callers.may({ username: 'jane', groups: ['b'] }, attributes);
    await callers.may({ username: 'jane', groups: ['a'] }, { ...attributes, namespace: 'm' });
    await callers.may({ username: 'jane', groups: ['a'] }, attributes);
    assert.equal(specs.length, 3);
  });
});
