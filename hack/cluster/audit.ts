import { join } from 'node:path';
import type { Bed } from '../bed/bed.ts';
import { writeOwnedFile } from '../bed/owner.ts';

/** Only what a request's domain costs and when: all else would slow down what is measured. */
const POLICY = `apiVersion: audit.k8s.io/v1
kind: Policy
rules:
  - level: Metadata
    verbs: [create, delete]
    resources:
      - { group: hatchery.dev, resources: [ephemeraldomains] }
  - level: None
`;

/** Where a bed's API server writes down, as lines of JSON (audit.k8s.io/v1), which EphemeralDomains it was asked for. */
export function auditLog(bed: Pick<Bed, 'dir'>): string {
  return join(bed.dir, 'logs', 'audit.log');
}

/** What an API server is told that writes that log. */
export async function auditArguments(bed: Bed): Promise<readonly string[]> {
  const policy = join(bed.dir, 'cluster', 'audit-policy.yaml');
  await writeOwnedFile(bed.owner, policy, POLICY);
  return [`--audit-policy-file=${policy}`, `--audit-log-path=${auditLog(bed)}`];
}
