import type { Writable } from 'node:stream';

import winston from 'winston';

import { renderFields } from './render.ts';
import type { Rendered } from './render.ts';

/** What a message is about, as keys and values; errors become {kind, message, cause}, secrets are left out. */
export type LogFields = Readonly<Record<string, unknown>>;

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

/** Messages are constant sentences; all that varies stands in the fields. */
export interface Logger {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  /** A logger that adds these fields to each of its lines. */
  child(fields: LogFields): Logger;
}

/** The program's own logger, which it closes at its end. */
export interface RootLogger extends Logger {
  /** Resolves when all lines are handed to the stream, after a second at the latest. Nothing is logged after it. */
  close(): Promise<void>;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  /** One JSON object a line, or text for people. */
  readonly format: 'json' | 'text';
  readonly stream: Writable;
}

type Line = winston.Logform.TransformableInfo & {
  readonly time: string;
  readonly fields: Readonly<Record<string, Rendered>>;
};

const CLOSE_MS = 1000;

export const createLogger = (options: LoggerOptions): RootLogger => {
  const format = winston.format.printf((info) =>
    options.format === 'json' ? jsonLine(info as Line) : textLine(info as Line),
  );
  const target = winston.createLogger({
    level: options.level,
    levels: { error: 0, warn: 1, info: 2, debug: 3 },
    format,
    // Its typings declare the same class twice, once as an interface.
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment
    transports: [new winston.transports.Stream({ stream: options.stream })],
  });
  return {
    ...loggerTo(target, {}),
    close: () =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, CLOSE_MS);
        target.once('finish', () => {
          clearTimeout(timer);
          resolve();
        });
        target.end();
      }),
  };
};

const loggerTo = (target: winston.Logger, base: LogFields): Logger => {
  const write = (level: LogLevel, message: string, fields: LogFields = {}): void => {
    if (!target.isLevelEnabled(level)) return;
    // One object: winston would join a field named `message` to the message.
    target.log({ level, message, time: new Date().toISOString(), fields: renderFields({ ...base, ...fields }) });
  };
  return {
    error: (message, fields) => write('error', message, fields),
    warn: (message, fields) => write('warn', message, fields),
    info: (message, fields) => write('info', message, fields),
    debug: (message, fields) => write('debug', message, fields),
    child: (fields) => loggerTo(target, { ...base, ...fields }),
  };
};

/** The line's own keys come first, and win over fields of the same name. */
const jsonLine = ({ time, level, message, fields }: Line): string => {
  const own = { time, level, message };
  return JSON.stringify({ ...own, ...fields, ...own });
};

const textLine = ({ time, level, message, fields }: Line): string => {
  const pairs = Object.entries(fields).map(([key, value]) => `${key}=${textValue(value)}`);
  return [time.slice(11, 23), level.toUpperCase().padEnd(5), String(message), ...pairs].join(' ');
};

const textValue = (value: Rendered): string => {
  if (typeof value === 'string') return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value);
};
