import assert from 'node:assert/strict';
import { mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bed } from './bed.ts';
import { hasEnded, isSameProcess, parseStat, processIdentity, processStat } from './identity.ts';
import { bedProcesses } from './leftovers.ts';
import { isRunning, logTail, recordedProcesses, startProcess, stopProcess, waitFor, WaitError } from './process.ts';
import { eventually } from '#test/support/eventually.ts';

describe('processes of a bed', () => {
  let bed: Bed;
  beforeEach(async () => {
    const dir = await mkdtemp(join(tmpdir(), 'hatchery-process-'));
    const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    bed = { root: dir, dir, id: dir.slice(-6), runDir: join(dir, 'r'), cacheDir: join(dir, 'c'), owner, block: 0 };
    for (const folder of ['run', 'logs']) await mkdir(join(dir, folder));
  });
  afterEach(async () => {
    for (const name of await recordedProcesses(bed)) await stopProcess(bed, name, { graceMs: 100 });
    await rm(bed.dir, { recursive: true, force: true });
  });

  const start = (script: string): Promise<{ readonly pid: number }> =>
    startProcess(bed, { name: 'it', command: 'sh', args: ['-c', script] });

  it('write digits and a newline to the pid file, the process own number', async () => {
    const { pid } = await start('exec sleep 60');
    assert.equal(await readFile(join(bed.dir, 'run', 'it.pid'), 'utf8'), `${pid}\n`);
    await eventually(async () => {
      assert.match(await readFile(`/proc/${pid}/cmdline`, 'utf8'), /^sleep/);
    });
    assert.equal(await isRunning(bed, 'it'), true);
  });

  it('have the nice value that they were given, and so has their session', async () => {
    const nice = 7;
    const { pid } = await startProcess(bed, { name: 'it', command: 'sleep', args: ['60'], nice });
    assert.equal(getPriority(pid), nice);
    const group = await readFile(`/proc/${pid}/autogroup`, 'utf8').catch(() => undefined);
    // A kernel without groups of sessions has no such file.
    if (group !== undefined) assert.match(group, new RegExp(` nice ${nice}$`, 'm'));
  });

  it('are refused a second time under one name', async () => {
    await start('exec sleep 60');
    await assert.rejects(start('exec sleep 60'), /it runs already/);
  });

  it('end by SIGTERM, and leave nothing in run/', async () => {
    const { pid } = await start('exec sleep 60');
    await stopProcess(bed, 'it');
    const stat = processStat(pid);
    assert.ok(stat === undefined || stat.state === 'Z');
    assert.deepEqual(await recordedProcesses(bed), []);
  });

  it('end by SIGKILL where they ignore SIGTERM', async () => {
    await start("trap '' TERM; echo deaf; while :; do sleep 0.05; done");
    await eventually(async () => {
      assert.equal(await logTail(bed, 'it'), 'deaf');
    });
    await stopProcess(bed, 'it', { graceMs: 100 });
    assert.equal(await isRunning(bed, 'it'), false);
  });

  it('are never taken for a later process of the same number', async () => {
    const innocent = await start('exec sleep 60');
    const identity = { ...processIdentity(innocent.pid), startTicks: '1' };
    await writeFile(join(bed.dir, 'run', 'old.identity'), `${JSON.stringify(identity)}\n`);
    await stopProcess(bed, 'old');
    assert.equal(await isRunning(bed, 'old'), false);
    assert.equal(isSameProcess(processIdentity(innocent.pid)), true);
  });

  it('count as not running where a kill cut the identity short', async () => {
    await writeFile(join(bed.dir, 'run', 'it.identity'), '{"pid":1,');
    assert.equal(await isRunning(bed, 'it'), false);
  });

  it('carry the id of the bed, yet are no leftovers to the program that runs them', async () => {
    const { pid } = await start('exec sleep 60');
    // Empty for the moment in which the shell becomes sleep.
    const marked = new RegExp(`HATCHERY_BED=${bed.id}\0`);
    await eventually(async () => assert.match(await readFile(`/proc/${pid}/environ`, 'utf8'), marked));
    assert.deepEqual(bedProcesses(bed.id), []);
  });

  it('make waiting for something fail as soon as they have ended, with the end of their log', async () => {
    await start('echo cannot bind; exit 1');
    const waiting = waitFor('it listens', () => false, { timeoutMs: 60_000, process: { bed, name: 'it' } });
    await assert.rejects(waiting, (error: unknown) => {
      assert.ok(error instanceof WaitError);
      assert.match(error.message, /it listens: it has ended[^]*cannot bind/);
      return true;
    });
  });

  it('are not blamed for the end of what they need: that one is named, with its own log', async () => {
    await startProcess(bed, { name: 'store', command: 'sh', args: ['-c', 'echo address in use; exit 1'] });
    await start('echo no store; exec sleep 60');
    const process = { bed, name: 'it', needs: ['store'] };
    const waiting = waitFor('it listens', () => false, { timeoutMs: 60_000, process });
    await assert.rejects(waiting, /it listens: store has ended[^]*store\.log:\naddress in use/);
  });

  it('that cannot be started are told by name', async () => {
    await assert.rejects(startProcess(bed, { name: 'it', command: '/nonexistent', args: [] }), /nonexistent/);
  });
});

describe('hasEnded', () => {
  const stat = { state: 'Z', parent: 1, threads: 1, startTicks: '1' };

  it('is true of a zombie, but not while some of its threads still run', () => {
    assert.equal(hasEnded(stat), true);
    assert.equal(hasEnded({ ...stat, threads: 2 }), false);
    assert.equal(hasEnded({ ...stat, state: 'S' }), false);
  });
});

describe('parseStat', () => {
  it('reads past a command name with blanks and parentheses', () => {
    const fields = ['S', '42', ...Array.from({ length: 15 }, () => '0'), '3', '0', '9876', '0'];
    const expected = { state: 'S', parent: 42, threads: 3, startTicks: '9876' };
    assert.deepEqual(parseStat(`7 (a) b (c) ${fields.join(' ')}`), expected);
  });
});
