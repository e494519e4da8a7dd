import { access, constants, copyFile, link, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bed } from '../bed/bed.ts';
import { cached } from '../bed/cache.ts';
import { CommandError, run } from '../bed/run.ts';
import { step } from '../bed/step.ts';
import type { Progress } from '../bed/step.ts';

/** Paths of the control plane's programs. */
export type Binaries = Readonly<Record<BinaryName, string>>;

/** Names as KUBEBUILDER_ASSETS knows them. */
export type BinaryName = 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kubectl';

/** The Go package of each program; Go names what it builds after the package's last part. */
const PACKAGES: Readonly<Record<BinaryName, string>> = {
  etcd: 'go.etcd.io/etcd/server/v3',
  'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
  'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
  kubectl: 'k8s.io/kubernetes/cmd/kubectl',
};

const NAMES = Object.keys(PACKAGES) as readonly BinaryName[];
const MODULE = join(import.meta.dirname, 'controlplane');

/** How much a cold build takes; a machine with two busy cores needs about 8 minutes. */
const BUILD_TIMEOUT_MS = 3_600_000;

/**
 * The control plane's programs: from the folder KUBEBUILDER_ASSETS where that is set, and what is missing there built
 * from its own Go modules into the cache.
 */
export async function controlPlaneBinaries(bed: Bed): Promise<Binaries> {
  const assets = process.env['KUBEBUILDER_ASSETS'];
  const given = assets === undefined || assets === '' ? [] : await executablesIn(assets);
  const missing = NAMES.filter((name) => !given.includes(name));
  const built = missing.length === 0 ? undefined : await build(bed, missing);
  const path = (name: BinaryName): string => join(given.includes(name) ? (assets ?? '') : (built ?? ''), name);
  return {
    etcd: path('etcd'),
    'kube-apiserver': path('kube-apiserver'),
    'kube-controller-manager': path('kube-controller-manager'),
    kubectl: path('kubectl'),
  };
}

/** Puts kubectl where people find it, BED/bin/kubectl, and returns that path. */
export async function installKubectl(bed: Bed, binaries: Binaries): Promise<string> {
  const target = join(bed.dir, 'bin', 'kubectl');
  const fresh = `${target}.new`;
  await rm(fresh, { force: true });
  try {
    await link(binaries.kubectl, fresh);
  } catch (error) {
    // Another file system, or a file that is not ours to link.
    if (!['EXDEV', 'EPERM', 'EACCES', 'EMLINK'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    await copyFile(binaries.kubectl, fresh);
  }
  await rename(fresh, target);
  return target;
}

async function executablesIn(folder: string): Promise<readonly BinaryName[]> {
  const found: BinaryName[] = [];
  for (const name of NAMES) if (await isExecutable(join(folder, name))) found.push(name);
  if (found.length === 0) throw new Error(`KUBEBUILDER_ASSETS=${folder}: none of ${NAMES.join(', ')} is there`);
  return found;
}

async function build(bed: Bed, names: readonly BinaryName[]): Promise<string> {
  const goMod = await readFile(join(MODULE, 'go.mod'));
  const goSum = await readFile(join(MODULE, 'go.sum'));
  const version = /^\s*k8s\.io\/kubernetes (v\S+)/m.exec(goMod.toString())?.[1];
  if (version === undefined) throw new Error(`${MODULE}/go.mod requires no k8s.io/kubernetes`);
  // Without these the server calls itself v0.0.0, and clients that ask for its version are confused.
  const stamp = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].map(
    (name) => `-X ${name}.gitVersion=${version}`,
  );
  const flags = ['-ldflags', ['-s -w', ...stamp].join(' ')];
  const inputs = [goMod, goSum, ...flags, ...names, process.platform, process.arch];
  return cached(bed, {
    name: 'controlplane',
    inputs,
    lockTimeoutMs: BUILD_TIMEOUT_MS,
    build: (folder) =>
      step(`Building Kubernetes ${version}: ${names.join(', ')}`, (progress) =>
        compile(bed, folder, flags, names, progress),
      ),
  });
}

async function compile(
  bed: Bed,
  folder: string,
  flags: readonly string[],
  names: readonly BinaryName[],
  progress: Progress,
): Promise<void> {
  let packages = 0;
  const onLine = (line: string): void => {
    if (line.startsWith('go: downloading ')) progress(line.slice(4));
    else progress(`${(packages += 1)} packages compiled`);
  };
  const env = { CGO_ENABLED: '0', GOTOOLCHAIN: 'auto', GOFLAGS: '-mod=readonly', GOWORK: 'off' };
  const argv = ['go', 'build', '-v', ...flags, '-o', `${folder}/`, ...names.map((name) => PACKAGES[name])];
  try {
    await run(argv, { timeoutMs: BUILD_TIMEOUT_MS, cwd: MODULE, env, owner: bed.owner, onLine });
  } catch (error) {
    if (error instanceof CommandError && error.failure.kind === 'spawn') {
      throw new Error('go is not on the PATH: install Go 1.21 or newer, or set KUBEBUILDER_ASSETS', { cause: error });
    }
    throw error;
  }
  if (names.includes('etcd')) await rename(join(folder, 'server'), join(folder, 'etcd'));
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'EACCES' || code === 'ENOTDIR') return false;
    throw error;
  }
}
