// The objects of a new cluster: our kinds, its nodes, and the coordinator that knows the cluster's networks.

import {
  type ConfigMap,
  crdManifests,
  type KubeObject,
  type Node,
  type ResourceType,
  resources,
  type ServiceAccount,
  type SpiderCoordinator,
} from '#api';
import { isOrbError } from '#base';
import type { KubeClient } from '#kube';
import { bothFamilies, type LabNode, overlayCidr, serviceCidr } from './addressing.ts';
import { nodeLabels } from './kubelet/index.ts';

async function ensure<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType<T>,
  object: T,
): Promise<T> {
  try {
    return await client.create(type, object);
  } catch (error) {
    const { name = '', namespace } = object.metadata;
    if (!isOrbError(error, 'KUBE_ALREADY_EXISTS')) throw error;
    return client.get(type, namespace === undefined ? { name } : { name, namespace });
  }
}

/** Installs the definitions of our kinds. */
export async function installKinds(client: KubeClient): Promise<void> {
  await Promise.all(crdManifests().map((crd) => ensure(client, resources.customResourceDefinitions, crd)));
}

function nodeObject(node: LabNode): Node {
  const podCIDRs = bothFamilies.map((family) => node.overlayCidr[family]);
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: node.name,
      labels: nodeLabels(node.name),
    },
    spec: { podCIDR: node.overlayCidr[4], podCIDRs },
  };
}

/** Registers the nodes with their addresses. Their kubelets report whether they are ready. */
export async function registerNodes(client: KubeClient, nodes: readonly LabNode[]): Promise<void> {
  await Promise.all(
    nodes.map(async (node) => {
      const made = await ensure(client, resources.nodes, nodeObject(node));
      await client.updateStatus(resources.nodes, {
        ...made,
        status: {
          ...made.status,
          addresses: [
            ...bothFamilies.map((family) => ({ type: 'InternalIP', address: node.address[family] })),
            { type: 'Hostname', address: node.name },
          ],
        },
      });
    }),
  );
}

/**
 * The coordinator's defaults, and the networks of the cluster as kubeadm writes them down. The controller reads them there.
 */
export async function configureNetworks(client: KubeClient): Promise<void> {
  const lists = (cidrs: Readonly<Record<4 | 6, string>>) =>
    bothFamilies.map((family) => cidrs[family]).join(',');
  await ensure<ConfigMap>(client, resources.configMaps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'kubeadm-config', namespace: 'kube-system' },
    data: {
      ClusterConfiguration: [
        'apiVersion: kubeadm.k8s.io/v1beta3',
        'kind: ClusterConfiguration',
        'networking:',
        `  podSubnet: ${lists(overlayCidr)}`,
        `  serviceSubnet: ${lists(serviceCidr)}`,
        '',
      ].join('\n'),
    },
  });
  await ensure<SpiderCoordinator>(client, resources.spiderCoordinators, {
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderCoordinator',
    metadata: { name: 'default' },
    spec: {
      mode: 'auto',
      podCIDRType: 'cluster',
      tunePodRoutes: true,
      hostRuleTable: 500,
      podRPFilter: 0,
      txQueueLen: 0,
    },
  });
}

/** The ServiceAccount of the agents. They show a token of it to the leading controller. */
export async function registerAgents(client: KubeClient): Promise<void> {
  const metadata = { name: 'orbweaver-agent', namespace: 'kube-system' };
  await ensure<ServiceAccount>(client, resources.serviceAccounts, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata,
  });
}
