import type { Bed } from '../bed/bed.ts';
import { writeOwnedFile } from '../bed/owner.ts';

/** What a kubeconfig says: where the server is, and who one is to it. */
export interface KubeconfigContent {
  readonly server: string;
  readonly user: string;
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** A kubeconfig that needs no other file, with namespace default; JSON, which is YAML too. */
export function renderKubeconfig(content: KubeconfigContent): string {
  const { server, user } = content;
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'hatchery', cluster: { server, 'certificate-authority-data': content.ca.toString('base64') } }],
    users: [
      {
        name: user,
        user: {
          'client-certificate-data': content.cert.toString('base64'),
          'client-key-data': content.key.toString('base64'),
        },
      },
    ],
    contexts: [{ name: 'hatchery', context: { cluster: 'hatchery', user, namespace: 'default' } }],
    'current-context': 'hatchery',
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

/** Writes a kubeconfig that only the owner may read. */
export async function writeKubeconfig(bed: Bed, path: string, content: KubeconfigContent): Promise<void> {
  await writeOwnedFile(bed.owner, path, renderKubeconfig(content), 0o600);
}
