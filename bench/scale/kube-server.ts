// A kube-apiserver with its etcd, of the programs that test/kube builds. Both listen on the loopback alone.

import type { ChildProcess } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { resources } from '#api';
import { silentLogger } from '#base';
import { connect, kubeconfigFile } from '#kube';
import { builtPrograms, goVersion } from '../../test/kube/build.ts';
import { run } from '../../test/kube/command.ts';
import { clusterSet } from '../../test/kube/programs.ts';
import { type ApiServer, benchFolder, freePort, kill, startProgram } from './api-server.ts';

const NO_GO = 'kube-apiserver is built from source, and Go is not installed';
const PATIENCE_MS = 120_000;
/** Of the documentation networks (RFC 5737): the server only writes it into an object, and refuses the loopback. */
const ADVERTISED = '192.0.2.1';

/** Why a kube-apiserver cannot be started here. Undefined if it can. */
export async function noKubeServer(): Promise<string | undefined> {
  return (await goVersion()) === undefined ? NO_GO : undefined;
}

/** Starts both. The first call builds the programs, for 15 minutes. Throws where {@link noKubeServer} says why. */
export async function startKubeServer(): Promise<ApiServer> {
  const go = await goVersion();
  if (go === undefined) throw new Error(NO_GO);
  const programs = await builtPrograms(go, clusterSet);
  const folder = benchFolder();
  const file = (name: string) => join(folder, name);
  mkdirSync(file('bin'));
  for (const name of ['etcd', 'kube-apiserver', 'pki']) {
    symlinkSync(join(programs, 'components'), join(file('bin'), name));
  }
  await run([join(file('bin'), 'pki'), file('pki'), '127.0.0.1']);
  const [etcdPort, peerPort, port] = [await freePort(), await freePort(), await freePort()];
  const kubeconfig = file('pki/admin.kubeconfig');
  writeFileSync(kubeconfig, readFileSync(kubeconfig, 'utf8').replace('127.0.0.1:6443', `127.0.0.1:${port}`));
  const start = (name: string, flags: Readonly<Record<string, string>>) => {
    const log = openSync(file(`${name}.log`), 'a');
    const argv = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
    return startProgram([join(file('bin'), name), ...argv], { stdio: ['ignore', log, log] });
  };
  const etcd = start('etcd', etcdFlags(file('etcd'), etcdPort, peerPort));
  let server: ChildProcess | undefined;
  const startServer = async () => {
    server = start('kube-apiserver', serverFlags(file('pki'), etcdPort, port));
    await untilServed(kubeconfig, server, file('kube-apiserver.log'));
  };
  const stop = async () => {
    await kill(server);
    await kill(etcd);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await startServer();
  } catch (error) {
    await stop();
    throw error;
  }
  return { kubeconfig, outage: { begin: () => kill(server), end: startServer }, stop };
}

function etcdFlags(folder: string, port: number, peerPort: number): Record<string, string> {
  const [clients, peers] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${peerPort}`];
  return {
    'data-dir': folder,
    'listen-client-urls': clients,
    'advertise-client-urls': clients,
    'listen-peer-urls': peers,
    'initial-advertise-peer-urls': peers,
    'initial-cluster': `default=${peers}`,
    'log-level': 'warn',
  };
}

function serverFlags(pki: string, etcdPort: number, port: number): Record<string, string> {
  return {
    'etcd-servers': `http://127.0.0.1:${etcdPort}`,
    'bind-address': '127.0.0.1',
    'secure-port': String(port),
    'advertise-address': ADVERTISED,
    'endpoint-reconciler-type': 'none',
    'tls-cert-file': join(pki, 'apiserver.crt'),
    'tls-private-key-file': join(pki, 'apiserver.key'),
    'client-ca-file': join(pki, 'ca.crt'),
    'service-account-issuer': 'https://kubernetes.default.svc',
    'service-account-key-file': join(pki, 'sa.key'),
    'service-account-signing-key-file': join(pki, 'sa.key'),
    'service-cluster-ip-range': '10.96.0.0/16',
    'authorization-mode': 'Node,RBAC',
    // Nobody makes the ServiceAccounts of namespaces here.
    'disable-admission-plugins': 'ServiceAccount',
    profiling: 'false',
  };
}

/** Resolves when the namespaces are there that every cluster has. */
async function untilServed(kubeconfig: string, server: ChildProcess, log: string): Promise<void> {
  const client = connect(kubeconfigFile(kubeconfig), { log: silentLogger });
  const deadline = performance.now() + PATIENCE_MS;
  try {
    for (;;) {
      const names = ['default', 'kube-system'];
      const found = await Promise.allSettled(names.map((name) => client.get(resources.namespaces, { name })));
      if (found.every(({ status }) => status === 'fulfilled')) return;
      if (server.exitCode !== null || performance.now() > deadline) {
        throw new Error(`kube-apiserver does not serve:\n${readFileSync(log, 'utf8').slice(-2000)}`);
      }
      await sleep(100);
    }
  } finally {
    client.close();
  }
}
