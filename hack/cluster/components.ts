import { join } from 'node:path';
import type { Bed } from '../bed/bed.ts';
import type { ProcessOptions } from '../bed/process.ts';
import type { Binaries } from './binaries.ts';
import type { Pki } from './pki.ts';

/** All that the command lines of the control plane are made of. */
export interface ComponentInput {
  readonly bed: Bed;
  readonly binaries: Binaries;
  readonly pki: Pki;
}

/** The ports of etcd: for clients, and for other members, of which there are none. */
export interface EtcdPorts {
  readonly client: number;
  readonly peer: number;
}

/** The processes of a control plane in the order of their start. */
export const COMPONENTS = ['etcd', 'kube-apiserver', 'kube-controller-manager'] as const;

/** etcd that only the API server's certificate opens; without fsync, since a test bed's data may be lost. */
export function etcdProcess({ bed, binaries, pki }: ComponentInput, ports: EtcdPorts): ProcessOptions {
  const client = `https://127.0.0.1:${ports.client}`;
  const peer = `http://127.0.0.1:${ports.peer}`;
  return {
    name: 'etcd',
    command: binaries.etcd,
    asOwner: true,
    args: [
      `--data-dir=${join(bed.dir, 'cluster', 'etcd')}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      `--cert-file=${pki.server.cert}`,
      `--key-file=${pki.server.key}`,
      `--trusted-ca-file=${pki.ca}`,
      '--client-cert-auth',
      '--unsafe-no-fsync',
      '--log-level=warn',
    ],
  };
}

/** The API server: client certificates, RBAC. */
export function apiServerProcess(
  { bed, binaries, pki }: ComponentInput,
  port: number,
  etcdClientPort: number,
  more: readonly string[] = [],
): ProcessOptions {
  return {
    name: 'kube-apiserver',
    command: binaries['kube-apiserver'],
    asOwner: true,
    args: [
      '--bind-address=127.0.0.1',
      `--secure-port=${port}`,
      `--cert-dir=${join(bed.dir, 'cluster', 'kube-apiserver')}`,
      `--tls-cert-file=${pki.server.cert}`,
      `--tls-private-key-file=${pki.server.key}`,
      `--client-ca-file=${pki.ca}`,
      `--etcd-servers=https://127.0.0.1:${etcdClientPort}`,
      `--etcd-cafile=${pki.ca}`,
      `--etcd-certfile=${pki.etcdClient.cert}`,
      `--etcd-keyfile=${pki.etcdClient.key}`,
      '--authorization-mode=RBAC',
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${pki.serviceAccount.publicKey}`,
      `--service-account-signing-key-file=${pki.serviceAccount.key}`,
      '--service-cluster-ip-range=10.96.0.0/24',
      // The Service "kubernetes" would need an address that is not a loopback one.
      '--endpoint-reconciler-type=none',
      '--profiling=false',
      ...more,
    ],
  };
}

/** The controllers that a cluster without kubelets needs; node lifecycle would call each Node unreachable. */
const CONTROLLERS = [
  'clusterrole-aggregation-controller',
  'garbage-collector-controller',
  'namespace-controller',
  'resourcequota-controller',
  'serviceaccount-controller',
];

/** The controller manager; it serves nothing. */
export function controllerManagerProcess({ binaries, pki }: ComponentInput, kubeconfig: string): ProcessOptions {
  return {
    name: 'kube-controller-manager',
    command: binaries['kube-controller-manager'],
    asOwner: true,
    args: [
      `--kubeconfig=${kubeconfig}`,
      `--authentication-kubeconfig=${kubeconfig}`,
      `--authorization-kubeconfig=${kubeconfig}`,
      '--secure-port=0',
      '--leader-elect=false',
      '--use-service-account-credentials',
      `--service-account-private-key-file=${pki.serviceAccount.key}`,
      `--root-ca-file=${pki.ca}`,
      `--controllers=${CONTROLLERS.join(',')}`,
    ],
  };
}
