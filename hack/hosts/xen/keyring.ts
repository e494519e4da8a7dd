import { isThere } from '../../bed/files.ts';
import { run } from '../../bed/run.ts';

const KEYRINGS = '/usr/share/keyrings';

/**
 * Makes sure that the machine knows the keys which a Debian suite is signed with: an old debian-archive-keyring does not
 * know a newer suite's, and Debian sends them out as an update of that package.
 */
export async function ensureKeyring(suite: string): Promise<void> {
  const key = `${KEYRINGS}/debian-archive-${suite}-automatic.gpg`;
  if (await isThere(key)) return;
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await run(['apt-get', 'update'], { timeoutMs: 300_000, env });
  const install = ['apt-get', 'install', '--yes', '--no-install-recommends', 'debian-archive-keyring'];
  await run(install, { timeoutMs: 300_000, env });
  if (await isThere(key)) return;
  throw new Error(`debian-archive-keyring knows no keys of Debian ${suite}: ${key} is missing after an update`);
}
