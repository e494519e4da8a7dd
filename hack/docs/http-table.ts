import { CASES1 } from '#controller/ingress/proxy/testing/cases1.ts';
import type { Case1 } from '#controller/ingress/proxy/testing/cases1.ts';
import { CASES2 } from '#controller/ingress/proxy/testing/cases2.ts';
import type { Case2 } from '#controller/ingress/proxy/testing/cases2.ts';
import { observe1, observe2, startRawScene } from '#controller/ingress/proxy/testing/observe.ts';
import type { Observed } from '#controller/ingress/proxy/testing/observe.ts';
import type { RawFields } from '#controller/ingress/proxy/testing/raw-http2.ts';

/** docs/http-table.md, made by sending each case to the real front over real connections. */
export const HTTP_TABLE = 'docs/http-table.md';

const LONGEST_LINE = 100;
const MOST_LINES = 24;

/** What each guest is told of its visitor, where the visitor says nothing that is believed; of a.example over either scheme. */
const originOf = (scheme: string, authority: string): string =>
  [
    'X-Forwarded-For: 127.0.0.1',
    `X-Forwarded-Proto: ${scheme}`,
    `X-Forwarded-Host: ${authority}`,
    'X-Real-IP: 127.0.0.1',
    `Forwarded: for=127.0.0.1;proto=${scheme};host="${authority}"`,
    `traceparent: 00-${'ab'.repeat(16)}-${'ab'.repeat(8)}-01`,
    '',
  ].join('\r\n');

const ORIGIN_MARK = '(origin)';

const withoutOrigin = (heard: string): string => {
  const authority = /\r\nHost: (.*)\r\n/.exec(heard)?.[1] ?? '';
  return ['http', 'https'].reduce(
    (text, scheme) => text.replace(originOf(scheme, authority), `${ORIGIN_MARK}\r\n`),
    heard,
  );
};

const escaped = (text: string): string =>
  text
    .replaceAll('\\', '\\\\')
    .replaceAll('\r', '\\r')
    .replaceAll('\n', '\\n')
    .replace(/[^\x20-\x7e]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`);

const shortened = (line: string): string =>
  line.length <= LONGEST_LINE ? line : `${line.slice(0, 24)}… (${line.length} bytes)`;

const fewer = (lines: readonly string[]): readonly string[] =>
  lines.length <= MOST_LINES ? lines : [...lines.slice(0, 4), `… (${lines.length - 7} more) …`, ...lines.slice(-3)];

/** Lines as a cell: each in code, one below the other. */
const cell = (lines: readonly string[]): string =>
  fewer(lines)
    .map((line) => `\`${line.replaceAll('|', '\\|')}\``)
    .join('<br>');

/** Bytes as lines, each with its end. */
const linesOf = (bytes: string): readonly string[] => {
  const lines = bytes.split('\r\n');
  const last = lines.pop() ?? '';
  return [...lines.map((line) => `${shortened(escaped(line))}⏎`), ...(last === '' ? [] : [shortened(escaped(last))])];
};

const fieldLines = (fields: RawFields): readonly string[] =>
  fields.map(([name, value]) => `${escaped(name)} = ${shortened(escaped(value))}`);

const framesOf = ({ fields, body, trailers }: Case2): readonly string[] => [
  ...['HEADERS', ...fieldLines(fields)],
  ...(body === undefined ? [] : [`DATA ${escaped(body)}`]),
  ...(trailers === undefined ? [] : ['HEADERS', ...fieldLines(trailers)]),
];

const answerOf = ({ statuses, reset }: Observed): string =>
  [...statuses.map(String), ...(reset === undefined ? [] : [`reset, ${reset}`])].join(', ') || 'none';

const row = (name: string, input: string, seen: Observed): string => {
  const heard = seen.heard.map((bytes) => cell(linesOf(withoutOrigin(bytes)))).join('<br>and<br>');
  return `| ${name.replaceAll('|', '\\|')} | ${input} | ${answerOf(seen)} | ${seen.connection} | ${heard || 'nothing'} |`;
};

const table = (title: string, rows: readonly string[]): string =>
  [
    `### ${title}\n`,
    '| case | input | answer | connection | what the guest got |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');

const tablesOf = async <T extends Case1 | Case2>(
  groups: Readonly<Record<string, readonly T[]>>,
  inputOf: (one: T) => string,
  observe: (one: T) => Promise<Observed>,
): Promise<string> => {
  const tables: string[] = [];
  for (const [group, cases] of Object.entries(groups)) {
    const rows: string[] = [];
    for (const one of cases) rows.push(row(one.name, inputOf(one), await observe(one)));
    tables.push(table(`${group.charAt(0).toUpperCase()}${group.slice(1)}`, rows));
  }
  return tables.join('\n');
};

const count = (groups: Readonly<Record<string, readonly unknown[]>>): number => Object.values(groups).flat().length;

const opening = (): string => `# What the ingress makes of a request

<!-- Made by \`node hack/generate/main.ts\` from controller/ingress/proxy/testing/cases1.ts and cases2.ts: change those. -->

Requests as raw bytes, malformed ones and such as two readers could understand in two ways: ${count(CASES1)} of HTTP/1 and ${count(CASES2)} of HTTP/2. Each was sent to the real front over a real connection, in front of a guest that writes down what it hears and answers 200; tests hold the ingress to it ([\`raw.test.ts\`](../controller/ingress/proxy/raw.test.ts)).

- **input**: \`⏎\` is CR LF; all other bytes that no page can show are written as in C. Of HTTP/2 the fields and frames: names and values are sent as they stand, uncompressed.
- **answer**: the status; of HTTP/2 also the code of the stream's reset, alone where the stream is malformed by RFC 9113 itself. _None_: the connection was ended without one.
- **connection**: _kept_ where a second request on it was then answered, by another guest.
- **what the guest got**: all of its bytes. \`${ORIGIN_MARK}\` stands for these six lines, with the host and scheme of that request:

\`\`\`http
${originOf('http', 'a.example').replaceAll('\r\n', '\n').trimEnd()}
\`\`\`

`;

/** Runs every case, and says what came of each. */
export const httpTable = async (): Promise<string> => {
  const scene = await startRawScene();
  try {
    const http1 = await tablesOf(
      CASES1,
      ({ bytes }) => cell(linesOf(bytes)),
      ({ bytes }) => observe1(scene, bytes),
    );
    const http2 = await tablesOf(
      CASES2,
      (one) => cell(framesOf(one)),
      (one) => observe2(scene, one),
    );
    return `${opening()}## HTTP/1\n\n${http1}\n## HTTP/2\n\n${http2}`;
  } finally {
    await scene.close();
  }
};
