// A kubeconfig with a token of a service account, as a pod of that account would have it.

import { type Cluster, home, type NodeName } from './cluster.ts';

export interface AccountHolder {
  /** A service account of kube-system. */
  readonly account: string;
  /** The node that the token is bound to, as the token of a pod there is. */
  readonly node?: NodeName;
}

/** Writes it into the cluster's file system and returns its path. */
export async function writeKubeconfig(cluster: Cluster, { account, node }: AccountHolder): Promise<string> {
  const bound = node === undefined ? [] : ['--bound-object-kind=Node', `--bound-object-name=${node}`];
  const token = await cluster.kubectl(['create', 'token', account, '-n', 'kube-system', ...bound]);
  const server = {
    server: 'https://172.30.0.1:6443',
    'certificate-authority': `${home}/pki/ca.crt`,
  };
  const document = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: server }],
    users: [{ name: account, user: { token: token.trim() } }],
    contexts: [{ name: 'c', context: { cluster: 'c', user: account } }],
    'current-context': 'c',
  };
  const path = `${home}/${node ?? 'hub'}-${account}.kubeconfig`;
  await cluster.hub(['sh', '-c', `umask 077; cat >${path}`], { input: JSON.stringify(document) });
  return path;
}
