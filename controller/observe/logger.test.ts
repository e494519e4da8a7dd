import assert from 'node:assert/strict';
import { Writable } from 'node:stream';

import { createLogger } from './logger.ts';
import type { LogFields, LogLevel, RootLogger } from './logger.ts';

interface Log {
  readonly logger: RootLogger;
  /** Closes the logger and gives its lines. */
  readonly lines: () => Promise<readonly string[]>;
}

const startLog = (format: 'json' | 'text' = 'json', level: LogLevel = 'debug'): Log => {
  const chunks: string[] = [];
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk.toString());
      done();
    },
  });
  const logger = createLogger({ level, format, stream });
  const lines = async (): Promise<readonly string[]> => {
    await logger.close();
    return chunks.join('').split('\n').slice(0, -1);
  };
  return { logger, lines };
};

const logged = async (fields: LogFields): Promise<Readonly<Record<string, unknown>>> => {
  const log = startLog();
  log.logger.info('A thing happened', fields);
  const [line] = await log.lines();
  const { time, ...rest } = JSON.parse(line ?? '') as Readonly<Record<string, unknown>>;
  assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  return rest;
};

describe('the log', () => {
  it('is one JSON object a line, the message apart from what varies', async () => {
    assert.deepEqual(
      await logged({ key: 'default/hello', namespace: 'default', name: 'hello', attempt: 1, host: undefined }),
      {
        level: 'info',
        message: 'A thing happened',
        key: 'default/hello',
        namespace: 'default',
        name: 'hello',
        attempt: 1,
      },
    );
  });

  it('leaves out what is less severe than its level', async () => {
    const log = startLog('json', 'warn');
    for (const level of ['debug', 'info', 'warn', 'error'] as const) log.logger[level]('Said');
    const levels = (await log.lines()).map((line) => (JSON.parse(line) as { readonly level: string }).level);
    assert.deepEqual(levels, ['warn', 'error']);
  });

  it('adds the fields of a child to each of its lines', async () => {
    const log = startLog();
    log.logger.child({ host: 'xen-1' }).child({ attempt: 2 }).info('Said', { attempt: 3 });
    const [line] = await log.lines();
    const { host, attempt } = JSON.parse(line ?? '') as Readonly<Record<string, unknown>>;
    assert.deepEqual([host, attempt], ['xen-1', 3]);
  });

  it('lets no field stand in for the line own time, level or message', async () => {
    const { message, level } = await logged({ message: 'forged', level: 'error', time: 'never' });
    assert.deepEqual([message, level], ['A thing happened', 'info']);
  });

  it('tells an error by kind, message and cause', async () => {
    const cause = Object.assign(new Error('connect refused'), { code: 'ECONNREFUSED' });
    const failed = Object.assign(new Error('get Node xen-1', { cause }), { kind: 'transport' });
    assert.deepEqual((await logged({ error: failed }))['error'], {
      kind: 'transport',
      message: 'get Node xen-1',
      cause: { kind: 'ECONNREFUSED', message: 'connect refused' },
    });
  });

  it('keeps the stack only of errors that mean a wrong program', async () => {
    const { error } = await logged({ error: new TypeError('x is not a function') });
    assert.ok(typeof error === 'object' && error !== null && 'stack' in error);
  });

  it('is readable text for people', async () => {
    const log = startLog('text');
    log.logger.warn('Host is silent', { host: 'xen-1', why: 'no answer', sinceMs: 1200 });
    assert.match(
      (await log.lines())[0] ?? '',
      /^\d\d:\d\d:\d\d\.\d{3} WARN {2}Host is silent host=xen-1 why="no answer" sinceMs=1200$/,
    );
  });

  it('keeps a line a line, whatever is in its fields', async () => {
    for (const format of ['json', 'text'] as const) {
      const log = startLog(format);
      log.logger.info('Said', { why: 'one\ntwo\r\u001b[31m' });
      assert.equal((await log.lines()).length, 1);
    }
  });

  const secrets: readonly (readonly [string, LogFields])[] = [
    ['a field named for a secret', { token: 'SECRET', nested: { clientKey: 'SECRET', password: 'SECRET' } }],
    ['a bearer token in a text', { header: 'Authorization: Bearer SECRETSECRET' }],
    ['a JSON web token', { why: 'sent eyJhbGciOiJI.SECRET.SECRET' }],
    ['a private key', { file: '-----BEGIN RSA PRIVATE KEY-----\nSECRET\n-----END RSA PRIVATE KEY-----' }],
    ['half of a private key', { file: '-----BEGIN PRIVATE KEY-----\nSECRET' }],
    ['a password in a URL', { url: 'xen+tls://root:SECRET@h/system', object: new URL('https://u:SECRET@h/') }],
    ['bytes', { pem: Buffer.from('SECRET'), body: new Uint8Array(6) }],
    ['a secret in the cause of an error', { error: new Error('x', { cause: new Error('Basic SECRETSECRET') }) }],
  ];
  for (const [what, fields] of secrets) {
    it(`never holds ${what}`, async () => {
      assert.equal(JSON.stringify(await logged(fields)).includes('SECRET'), false);
    });
  }

  it('bounds what a field can hold', async () => {
    const circular: { self?: unknown } = {};
    circular.self = circular;
    const line = JSON.stringify(await logged({ text: 'x'.repeat(100_000), list: Array(1000).fill(1), circular }));
    assert.ok(line.length < 6000, String(line.length));
  });
});
