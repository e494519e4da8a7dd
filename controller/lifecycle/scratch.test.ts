import assert from 'node:assert/strict';

import { judgeScratch } from './scratch.ts';
import type { ScratchVolume } from './scratch.ts';

const volume = (uuid: string, index = 0): ScratchVolume => ({
  uuid,
  volume: { pool: 'hatchery', name: `${uuid}-${index}`, key: `/images/${uuid}-${index}` },
});

describe('judgeScratch', () => {
  const rows: readonly {
    readonly what: string;
    readonly volumes: readonly ScratchVolume[];
    readonly wanted?: readonly string[];
    readonly suspects?: readonly string[];
    readonly condemned: readonly string[];
    readonly suspectsThen: readonly string[];
  }[] = [
    { what: 'nothing there', volumes: [], suspects: ['gone-0'], condemned: [], suspectsThen: [] },
    { what: 'wanted', volumes: [volume('a')], wanted: ['a'], condemned: [], suspectsThen: [] },
    { what: 'unwanted for the first time', volumes: [volume('a')], condemned: [], suspectsThen: ['a-0'] },
    {
      what: 'unwanted for the second time',
      volumes: [volume('a')],
      suspects: ['a-0'],
      condemned: ['a-0'],
      suspectsThen: [],
    },
    {
      what: 'wanted again in between',
      volumes: [volume('a')],
      wanted: ['a'],
      suspects: ['a-0'],
      condemned: [],
      suspectsThen: [],
    },
    {
      what: 'some of each, and two of one domain',
      volumes: [volume('a', 0), volume('a', 1), volume('b'), volume('c')],
      wanted: ['b'],
      suspects: ['a-0', 'a-1', 'b-0'],
      condemned: ['a-0', 'a-1'],
      suspectsThen: ['c-0'],
    },
  ];
  for (const { what, volumes, wanted = [], suspects = [], condemned, suspectsThen } of rows) {
    it(what, () => {
      const verdict = judgeScratch(volumes, (uuid) => wanted.includes(uuid), new Set(suspects));
      assert.deepEqual(
        verdict.condemned.map((one) => one.volume.name),
        condemned,
      );
      assert.deepEqual([...verdict.suspects], suspectsThen);
    });
  }
});
