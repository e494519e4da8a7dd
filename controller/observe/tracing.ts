import type { Attributes, SpanKind } from '@opentelemetry/api';

import type { Logger } from './logger.ts';

/** One span as others refer to it; https://www.w3.org/TR/trace-context/ */
export interface SpanContext {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
  readonly sampled: boolean;
}

/** A span that is over. */
export interface SpanRecord {
  readonly name: string;
  readonly kind: 'server' | 'client' | 'internal';
  /** Where its own ids were given away before it was over; undefined: new ones, in its parent's trace. */
  readonly own?: Pick<SpanContext, 'traceId' | 'spanId'> | undefined;
  readonly parent?: SpanContext | undefined;
  /** What it came from without being a part of it. */
  readonly link?: Pick<SpanContext, 'traceId' | 'spanId'> | undefined;
  /** Wall clock ms. */
  readonly start: number;
  readonly end: number;
  readonly attributes: Attributes;
  /** What it failed by; undefined: it did not. */
  readonly failure?: string | undefined;
}

/** Tells of spans once they are over, so that nothing is carried along while they last. */
export interface Tracer {
  /** Returns what children refer to it by; undefined: nobody is told. Never fails. */
  record(span: SpanRecord): SpanContext | undefined;
}

/** Where nothing is configured: costs nothing. */
export const NO_TRACER: Tracer = { record: () => undefined };

export interface Tracing {
  readonly tracer: Tracer;
  /** Sends what waits, for at most a few seconds. */
  close(): Promise<void>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Whether OpenTelemetry's own variables name somebody to tell. */
export const isTraced = (environment: Environment): boolean => {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: all, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: traces } = environment;
  const isOff = environment['OTEL_SDK_DISABLED']?.toLowerCase() === 'true';
  return !isOff && environment['OTEL_TRACES_EXPORTER'] !== 'none' && [all, traces].some((url) => (url ?? '') !== '');
};

const QUEUE = { maxQueueSize: 2_048, maxExportBatchSize: 512, scheduledDelayMillis: 1_000, exportTimeoutMillis: 5_000 };
const CLOSE_MS = 3_000;

/**
 * Begins to tell of spans where OTEL_* variables say to whom. They are read by the exporter itself, from the process'
 * environment. What cannot be sent is dropped, and said in the log by OpenTelemetry's own words.
 */
export const startTracing = async (
  environment: Environment,
  service: { readonly name: string; readonly version: string; readonly instance: string },
  logger: Pick<Logger, 'warn'>,
): Promise<Tracing> => {
  if (!isTraced(environment)) return { tracer: NO_TRACER, close: () => Promise.resolve() };
  // Imported late: what is not configured loads nothing.
  const api = await import('@opentelemetry/api');
  const sdk = await import('@opentelemetry/sdk-trace');
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
  const { detectResources, envDetector, resourceFromAttributes } = await import('@opentelemetry/resources');
  const warn = (message: string): void => logger.warn('OpenTelemetry', { why: message });
  const quiet = (): void => undefined;
  const diagnostics = { error: warn, warn, info: quiet, debug: quiet, verbose: quiet };
  api.diag.setLogger(diagnostics, { logLevel: api.DiagLogLevel.WARN, suppressOverrideMessage: true });
  const ours = resourceFromAttributes({
    'service.name': service.name,
    'service.version': service.version,
    'service.instance.id': service.instance,
  });
  const ids = new GivenIds(new sdk.RandomIdGenerator());
  const provider = new sdk.TracerProvider({
    resource: ours.merge(detectResources({ detectors: [envDetector] })),
    // A trace that a trusted caller does not sample is told to nobody; all others are.
    sampler: new sdk.ParentBasedSampler({ root: new sdk.AlwaysOnSampler() }),
    idGenerator: ids,
    spanProcessors: [new sdk.BatchSpanProcessor({ ...QUEUE, exporter: new OTLPTraceExporter() })],
  });
  const inner = provider.getTracer('hatchery', service.version);
  const kinds = kindsOf(api.SpanKind);
  const contextOf = ({ traceId, spanId, sampled }: SpanContext) => ({
    ...{ traceId, spanId, isRemote: true },
    traceFlags: sampled ? api.TraceFlags.SAMPLED : api.TraceFlags.NONE,
  });
  const record: Tracer['record'] = ({ name, kind, own, parent, link, start, end, attributes, failure }) => {
    ids.next = own;
    const links = link === undefined ? [] : [{ context: contextOf({ ...link, sampled: true }) }];
    const context =
      parent === undefined ? api.ROOT_CONTEXT : api.trace.setSpanContext(api.ROOT_CONTEXT, contextOf(parent));
    const span = inner.startSpan(name, { kind: kinds[kind], startTime: secondsOf(start), attributes, links }, context);
    ids.next = undefined;
    if (failure !== undefined) span.setStatus({ code: api.SpanStatusCode.ERROR, message: failure });
    span.end(secondsOf(Math.max(start, end)));
    const { traceId, spanId, traceFlags } = span.spanContext();
    return { traceId, spanId, sampled: (traceFlags & api.TraceFlags.SAMPLED) !== 0 };
  };
  return {
    tracer: { record },
    close: async () => {
      const late = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_MS).unref());
      await Promise.race([provider.shutdown().catch((error: unknown) => warn(String(error))), late]);
    },
  };
};

/** Seconds and nanoseconds: a number would be taken for the process' own clock where it is small. */
const secondsOf = (ms: number): [number, number] => {
  const micros = Math.round(ms * 1_000);
  return [Math.floor(micros / 1e6), (micros % 1e6) * 1_000];
};

interface Ids {
  generateTraceId(): string;
  generateSpanId(): string;
}

/** Ids that were given away before their span was over, else random ones. */
class GivenIds implements Ids {
  next: SpanRecord['own'];
  readonly #random: Ids;

  constructor(random: Ids) {
    this.#random = random;
  }

  generateTraceId(): string {
    return this.next?.traceId ?? this.#random.generateTraceId();
  }

  generateSpanId(): string {
    return this.next?.spanId ?? this.#random.generateSpanId();
  }
}

const kindsOf = (kinds: typeof SpanKind): Readonly<Record<SpanRecord['kind'], SpanKind>> => ({
  server: kinds.SERVER,
  client: kinds.CLIENT,
  internal: kinds.INTERNAL,
});

/** A traceparent header's value. */
export const traceparentOf = ({ traceId, spanId, sampled }: SpanContext): string =>
  `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;

/** What a traceparent of version 00 says, of exactly its 55 characters; undefined where it is none. */
export const spanContextIn = (text: string | undefined): SpanContext | undefined => {
  const [, traceId = '', spanId = '', flags = ''] =
    /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(text ?? '') ?? [];
  if (/^0*$/.test(traceId) || /^0*$/.test(spanId)) return undefined;
  return { traceId, spanId, sampled: (parseInt(flags, 16) & 1) === 1 };
};
