#!/usr/bin/env node
/** The program `hatchery`: reads what it is told, checks that it can work, and runs the controller, the ingress, or a tool. */
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';

import { ConfigError, readCommandLine } from '#controller/config/index.ts';
import type { ConsoleRequest, Invocation } from '#controller/config/index.ts';
import { KubeConfigError } from '#controller/kube/index.ts';
import { createLogger } from '#controller/observe/index.ts';
import { StartFault } from '#controller/startup/fault.ts';
import { Interrupted } from '#controller/startup/patience.ts';
import { runController } from '#controller/startup/run-controller.ts';
import type { Outside } from '#controller/startup/run-controller.ts';
import { runIngress } from '#controller/startup/run-ingress.ts';
import { failOnUnhandled, stopOnSignals } from '#controller/startup/signals.ts';
import { printConsole } from '#controller/tools/console.ts';
import { ToolFault } from '#controller/tools/fault.ts';
import { NobodyReads, printTo } from '#controller/tools/print.ts';

import manifest from '../package.json' with { type: 'json' };

const VERSION = manifest.version;

type Serving = Extract<Invocation, { readonly kind: 'controller' | 'ingress' }>;

/** 0: ended as told, 1: failed, 2: refused to start, with one line that says why. */
type ExitCode = 0 | 1 | 2;

const readText = (path: string): Promise<string> => readFile(path, 'utf8');

/** The whole program, from its command line to its end. */
const hatchery = async (): Promise<ExitCode> => {
  const invocation = await readCommandLine({
    args: process.argv.slice(2),
    environment: process.env,
    surroundings: { hostname: hostname(), isTerminal: process.stderr.isTTY, folder: process.cwd() },
    readFile: readText,
    version: VERSION,
  });
  if (invocation.kind === 'print') {
    process.stdout.write(invocation.text);
    return 0;
  }
  if (invocation.kind === 'console') return runConsole(invocation.request);
  const { config } = invocation;
  const logger = createLogger({ level: config.logLevel, format: config.logFormat, stream: process.stderr });
  failOnUnhandled(process, logger, () => logger.close());
  const stop = stopOnSignals(process, logger, graceOf(invocation));
  try {
    await serve(invocation, {
      ...{ version: VERSION, logger, readFile: readText, environment: process.env, stop },
    });
    logger.info('Hatchery has ended');
  } catch (error) {
    if (isRefusal(error)) throw error;
    if (!(error instanceof Interrupted)) {
      logger.error('Hatchery has failed', { error });
      return 1;
    }
  } finally {
    await logger.close();
  }
  return 0;
};

/** Time that work under way has after a signal, ms. */
const graceOf = (invocation: Serving): number => {
  if (invocation.kind === 'controller') return 0;
  const { drainDelay, drainLimit, drainUpgradedLimit } = invocation.config;
  return drainDelay + Math.max(drainLimit, drainUpgradedLimit);
};

/** The commands that run until they are told to end. */
const serve = (invocation: Serving, outside: Outside): Promise<void> => {
  switch (invocation.kind) {
    case 'controller':
      return runController(invocation.config, outside);
    case 'ingress':
      return runIngress(invocation.config, outside);
  }
};

/** `hatchery console`; Ctrl-C ends it as it ends any program. */
const runConsole = async (request: ConsoleRequest): Promise<ExitCode> => {
  try {
    await printConsole(request, VERSION, { print: printTo(process.stdout), tell: say });
  } catch (error) {
    if (error instanceof ToolFault) {
      complain(error);
      return 1;
    }
    if (!(error instanceof NobodyReads)) throw error;
  }
  return 0;
};

const isRefusal = (error: unknown): error is Error =>
  error instanceof ConfigError || error instanceof KubeConfigError || error instanceof StartFault;

/** One line on standard error. */
const say = (line: string): void => {
  process.stderr.write(`hatchery: ${line.replaceAll(/\s*\n\s*/g, ' ')}\n`);
};

const complain = ({ message }: Error): void => say(message);

const main = async (): Promise<ExitCode> => {
  try {
    return await hatchery();
  } catch (error) {
    if (!isRefusal(error)) throw error;
    complain(error);
    return 2;
  }
};

process.exit(await main());
