import assert from 'node:assert/strict';

import {
  readBoolean,
  readChoice,
  readDuration,
  readIdentity,
  readLabel,
  readHost,
  readListenAddress,
  readListenAddressOrOff,
  readNamespace,
} from './values.ts';
import type { Reading } from './values.ts';

interface Table<T> {
  readonly name: string;
  readonly read: (text: string) => Reading<T>;
  readonly accepted: readonly (readonly [string, T])[];
  readonly refused: readonly (readonly [string, string])[];
}

const check = <T>({ name, read, accepted, refused }: Table<T>): void => {
  describe(name, () => {
    for (const [text, value] of accepted) {
      it(`reads ${JSON.stringify(text)}`, () => {
        assert.deepEqual(read(text), { ok: true, value });
      });
    }
    for (const [text, why] of refused) {
      it(`refuses ${JSON.stringify(text)}`, () => {
        assert.deepEqual(read(text), { ok: false, why });
      });
    }
  });
};

const noDuration = (text: string): [string, string] => [text, `"${text}" is no duration such as 30s, 5m or 1h30m`];

check({
  name: 'readDuration',
  read: readDuration,
  accepted: [
    ['60s', 60_000],
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['1.5s', 1500],
    ['1500ms', 1500],
    ['24h', 86_400_000],
  ],
  refused: [
    ...['', '60', 's', '5x', '-5s', '1h 30m', '1e3s', '5s!'].map(noDuration),
    ['500ms', '500ms is shorter than 1s'],
    ['0s', '0s is shorter than 1s'],
    ['25h', '25h is longer than 24h'],
  ],
});

const noAddress = (text: string): [string, string] => [
  text,
  `"${text}" is no HOST:PORT such as 127.0.0.1:9402 or :9402`,
];

check({
  name: 'readListenAddress',
  read: readListenAddress,
  accepted: [
    ['127.0.0.1:9402', { host: '127.0.0.1', port: 9402 }],
    [':0', { host: undefined, port: 0 }],
    ['[::1]:80', { host: '::1', port: 80 }],
    ['localhost:65535', { host: 'localhost', port: 65_535 }],
  ],
  refused: ['', '9402', 'host', 'host:', 'host:65536', '::1:80', '[::1]', '[x]:80', 'http://h:80', 'a b:80'].map(
    noAddress,
  ),
});

check({
  name: 'readListenAddressOrOff',
  read: readListenAddressOrOff,
  accepted: [
    ['off', undefined],
    ['0.0.0.0:9403', { host: '0.0.0.0', port: 9403 }],
  ],
  refused: ['OFF', 'none', ''].map(noAddress),
});

check({
  name: 'readHost',
  read: readHost,
  accepted: [
    ['192.0.2.7', '192.0.2.7'],
    ['hatchery.example.org', 'hatchery.example.org'],
  ],
  refused: ['', '192.0.2.7:9403', 'a b', '-x', 'x/', '::1', 'x'.repeat(254)].map((text) => [
    text,
    `${JSON.stringify(text)} is no host such as 192.0.2.7 or hatchery.example.org`,
  ]),
});

const noLabel = (text: string): [string, string] => [
  text,
  `${JSON.stringify(text)} is no label KEY=VALUE such as hatchery.dev/dom0=true`,
];

check({
  name: 'readLabel',
  read: readLabel,
  accepted: [
    ['hatchery.dev/dom0=true', { key: 'hatchery.dev/dom0', value: 'true' }],
    ['node-restriction.kubernetes.io/dom0=', { key: 'node-restriction.kubernetes.io/dom0', value: '' }],
    ['xen=yes_1.2-3', { key: 'xen', value: 'yes_1.2-3' }],
  ],
  refused: ['', 'xen', '=true', 'a/b/c=d', '/b=c', 'a=b=c', 'A!=b', 'UPPER.dev/x=y', 'xen=-x'].map(noLabel),
});

check({
  name: 'readBoolean',
  read: readBoolean,
  accepted: [
    ['true', true],
    ['false', false],
  ],
  refused: [
    ['yes', '"yes" is neither true nor false'],
    ['1', '"1" is neither true nor false'],
  ],
});

check({
  name: 'readChoice',
  read: readChoice(['json', 'text']),
  accepted: [['json', 'json' as const]],
  refused: [['JSON', '"JSON" is none of json, text']],
});

check({
  name: 'readIdentity',
  read: readIdentity,
  accepted: [['hatchery-controller-7d9f-x2x4q', 'hatchery-controller-7d9f-x2x4q']],
  refused: [['a b', '"a b" is no name of 1 to 253 characters without blanks']],
});

check({
  name: 'readNamespace',
  read: readNamespace,
  accepted: [['hatchery-system', 'hatchery-system']],
  refused: [['Hatchery', '"Hatchery" is no name of a namespace']],
});
