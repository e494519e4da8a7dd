import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { parseAllDocuments } from 'yaml';

import { niceOf } from '../bed/weight.ts';
import { INGRESS_NICE } from './ingress.ts';

interface Workload {
  readonly kind: string;
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly containers: readonly { readonly resources: { readonly requests: { readonly cpu: string } } }[];
      };
    };
  };
}

/** Millicores that the one container of a manifest's Deployment requests. */
const cpuRequestIn = async (manifest: string): Promise<number> => {
  const text = await readFile(join(import.meta.dirname, '..', '..', 'manifests', manifest), 'utf8');
  const deployment = parseAllDocuments(text)
    .map((document) => document.toJS() as Workload)
    .find(({ kind }) => kind === 'Deployment');
  const cpu = deployment?.spec.template.spec.containers[0]?.resources.requests.cpu ?? '';
  return cpu.endsWith('m') ? Number(cpu.slice(0, -1)) : Number(cpu) * 1_000;
};

describe('the ingress of a test bed', () => {
  it('weighs as its Deployment requests, beside a controller that is an ordinary one', async () => {
    assert.equal(niceOf(await cpuRequestIn('ingress.yaml')), INGRESS_NICE);
    assert.equal(niceOf(await cpuRequestIn('deployment.yaml')), 0);
  });
});
