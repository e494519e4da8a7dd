import { StringDecoder } from 'node:string_decoder';
import { KubeError } from './errors.ts';
import type { CallSubject } from './errors.ts';
import type { StreamReply } from './exchange.ts';
import { errorOfWire, isRecord } from './replies.ts';
import type { WatchEvent, WatchStream } from './rest-client.ts';
import type { KubeObject } from './types.ts';

/** etcd refuses objects above 1.5 MB; in JSON they may grow, but not to this. */
const MAX_LINE_CHARACTERS = 32 * 1024 * 1024;

/** Cuts a stream into lines, whatever its chunks. */
export class LineDecoder {
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';

  /** The lines that end in this chunk. Throws RangeError when a line is longer than any event. */
  push(chunk: Buffer): readonly string[] {
    const lines = (this.#rest + this.#decoder.write(chunk)).split('\n');
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > MAX_LINE_CHARACTERS) throw new RangeError('a line is too long');
    return lines.filter((line) => line !== '');
  }

  /** Whether the stream stopped in the middle of a line. */
  get partial(): boolean {
    return this.#rest !== '';
  }
}

/** The events of an open watch. What cannot be understood ends it with KubeError 'malformed'. */
export function watchStream<T extends KubeObject>(subject: CallSubject, reply: StreamReply): WatchStream<T> {
  return { close: () => reply.close(), [Symbol.asyncIterator]: () => readEvents<T>(subject, reply) };
}

async function* readEvents<T extends KubeObject>(
  subject: CallSubject,
  reply: StreamReply,
): AsyncGenerator<readonly WatchEvent<T>[], void, undefined> {
  const lines = new LineDecoder();
  try {
    for await (const chunk of reply.body) {
      const { events, bad } = parseLines<T>(lines.push(chunk));
      if (events.length > 0) yield events;
      if (bad !== undefined) throw malformed(subject, bad);
    }
  } catch (error) {
    throw error instanceof RangeError ? malformed(subject, error.message) : errorOfWire(subject, error);
  }
  if (lines.partial) throw malformed(subject, 'the stream ended within a line');
}

/** What came before a bad line still counts: it was sent in order. */
function parseLines<T>(lines: readonly string[]): {
  readonly events: WatchEvent<T>[];
  readonly bad: string | undefined;
} {
  const events: WatchEvent<T>[] = [];
  for (const line of lines) {
    const event = parseEvent<T>(line);
    if (typeof event === 'string') return { events, bad: event };
    events.push(event);
  }
  return { events, bad: undefined };
}

/** One line of a watch, or what is wrong with it. */
function parseEvent<T>(line: string): WatchEvent<T> | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return `a line of the watch is not JSON (${line.length} characters)`;
  }
  if (!isRecord(value) || !isRecord(value['object'])) return 'a line of the watch holds no object';
  const { type, object } = value;
  switch (type) {
    case 'ERROR':
      return { type, status: object };
    case 'BOOKMARK': {
      const version = isRecord(object['metadata']) ? object['metadata']['resourceVersion'] : undefined;
      return typeof version === 'string' ? { type, resourceVersion: version } : 'a bookmark has no resourceVersion';
    }
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      return isKubeObject(object) ? { type, object: object as T } : `an object of a ${type} event has no metadata`;
    default:
      return `unknown watch event type ${JSON.stringify(type)}`;
  }
}

export function isKubeObject(value: Readonly<Record<string, unknown>>): boolean {
  const metadata = value['metadata'];
  return isRecord(metadata) && typeof metadata['name'] === 'string' && typeof metadata['resourceVersion'] === 'string';
}

function malformed(subject: CallSubject, message: string): KubeError {
  return new KubeError({ ...subject, error: 'malformed', message });
}
