// The networks of the cluster, as the controller writes them into the SpiderCoordinator.

import { type Cluster, nodeNames } from './cluster.ts';
import { until } from './command.ts';

/** Of hub.sh. */
export const podNetworks = ['10.244.0.0/16', 'fd00:10:244::/48'];
const serviceNetworks = ['10.96.0.0/16', 'fd00:10:96::/112'];

interface CoordinatorStatus {
  readonly phase?: string;
  readonly overlayPodCIDR?: readonly string[];
  readonly serviceCIDR?: readonly string[];
}

/** Where a cluster without an overlay of its own has the networks of its pods written down. */
export type NetworkSource = 'kubeadm' | 'flags';

/** What `kubeadm init` stores (kubeadm.k8s.io/v1beta4). */
const clusterConfiguration = `apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.34.0
networking:
  dnsDomain: cluster.local
  podSubnet: ${podNetworks.join()}
  serviceSubnet: ${serviceNetworks.join()}
`;

const kubeadmConfig = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'kubeadm-config', namespace: 'kube-system' },
  data: { ClusterConfiguration: clusterConfiguration },
};

/** The API server shows a static pod of the control plane like this. Nobody schedules it here. */
const controllerManager = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'kube-controller-manager-hub',
    namespace: 'kube-system',
    labels: { component: 'kube-controller-manager', tier: 'control-plane' },
  },
  spec: {
    schedulerName: 'nobody',
    containers: [
      {
        name: 'kube-controller-manager',
        image: 'localhost/orbweaver/probe:1',
        command: ['kube-controller-manager', '--allocate-node-cidrs=true', `--cluster-cidr=${podNetworks}`],
      },
    ],
  },
};

/** Stores where the cluster's networks are written down. */
export async function storeNetworks(cluster: Cluster, source: NetworkSource): Promise<void> {
  await cluster.kubectl(['create', '-f', '-'], JSON.stringify(sources[source]));
}

const sources = { kubeadm: kubeadmConfig, flags: controllerManager } as const;

/** Before the source is there, the status says what is missing. Then it has the networks, and keeps them. */
export async function expectDiscovery(cluster: Cluster, source: NetworkSource): Promise<void> {
  await until('the status says that no source has the networks of the pods', 20, async () => {
    const { phase, serviceCIDR } = await statusOf(cluster);
    return phase === 'NotReady' && serviceCIDR?.join() === serviceNetworks.join();
  });
  await storeNetworks(cluster, source);
  await untilSynced(cluster, podNetworks);
}

/** Waits until the status has these networks of pods, and those of Services. */
export async function untilSynced(cluster: Cluster, pods: readonly string[] = podNetworks): Promise<void> {
  await until(`the SpiderCoordinator has ${pods.join(' ')}`, 30, async () => {
    const status = await statusOf(cluster);
    const { phase, overlayPodCIDR = [], serviceCIDR = [] } = status;
    const found = [phase, overlayPodCIDR.toSorted().join(), serviceCIDR.toSorted().join()].join(' ');
    const wanted = ['Synced', pods.toSorted().join(), serviceNetworks.toSorted().join()].join(' ');
    if (found !== wanted) throw new Error(`its status is ${JSON.stringify(status)}`);
    return true;
  });
}

/** The annotation by which podCIDRType `auto` finds the overlay. */
export async function expectClusterCni(cluster: Cluster, text: string): Promise<void> {
  await until(`the Nodes are told ${text}`, 30, async () => {
    const path = '{.metadata.annotations.orbweaver\\.io/cluster-cni}';
    const said = await Promise.all(
      nodeNames.map((node) => cluster.kubectl(['get', 'node', node, '-o', `jsonpath=${path}`])),
    );
    if (said.some((each) => each !== text)) throw new Error(said.join(' '));
    return true;
  });
}

async function statusOf(cluster: Cluster): Promise<CoordinatorStatus> {
  const { status = {} } = (await cluster.get('spidercoordinator', 'default')) as {
    status?: CoordinatorStatus;
  };
  return status;
}
