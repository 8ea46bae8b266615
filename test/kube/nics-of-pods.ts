// The NICs of pods on a real cluster: what pools record, what the kernel of each node has, and what the node has for them.

import { type Cluster, type NodeName, nodeNames } from './cluster.ts';
import { until } from './command.ts';
import { allocations, nodeTraces } from './traces.ts';

/** A running pod of the tests of nodes. */
export interface LivePod {
  readonly name: string;
  readonly uid: string;
  readonly node: NodeName;
  readonly isReady: boolean;
  /** Of its one container. A restart changes it. */
  readonly containerId: string;
  /** How many NICs it asked for; each has an address of either family. */
  readonly nics: number;
}

interface PodObject {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly deletionTimestamp?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly nodeName?: NodeName };
  readonly status: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly { readonly containerID?: string }[];
  };
}

/** Pods with one of these values of the label `app`, also those that are ending. */
export async function livePods(cluster: Cluster, apps: readonly string[]): Promise<LivePod[]> {
  const { items } = (await cluster.get('pods', '-l', `app in (${apps.join()})`)) as { items: PodObject[] };
  return items.map(({ metadata, spec, status }) => ({
    name: metadata.name,
    uid: metadata.uid,
    node: spec.nodeName ?? 'node1',
    isReady:
      metadata.deletionTimestamp === undefined &&
      status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true,
    containerId: status.containerStatuses?.[0]?.containerID ?? '',
    nics: metadata.annotations?.['k8s.v1.cni.cncf.io/networks'] === undefined ? 1 : 2,
  }));
}

/** Waits until the applications have that many pods, and {@link expectWhole} finds no fault. */
export async function untilWhole(
  cluster: Cluster,
  { apps, podCount }: { readonly apps: readonly string[]; readonly podCount: number },
): Promise<LivePod[]> {
  return until('all pods have all NICs', 120, async () => {
    const pods = await livePods(cluster, apps);
    if (pods.length !== podCount) throw new Error(`there are ${pods.length} pods`);
    await expectWhole(cluster, pods);
    return pods;
  });
}

/** Throws unless every pod is Ready with each of its NICs, and pools, kernels and nodes have that and nothing else. */
export async function expectWhole(cluster: Cluster, pods: readonly LivePod[]): Promise<void> {
  const unready = pods.filter(({ isReady }) => !isReady);
  if (unready.length > 0) throw new Error(`not Ready: ${unready.map(({ name }) => name).join(' ')}`);
  const held = await allocations(cluster);
  const counts = (uid: string) => held.filter(({ podUid }) => podUid === uid).length;
  const faults = [
    ...pods
      .filter(({ uid, nics }) => counts(uid) !== 2 * nics)
      .map(
        ({ name, uid, nics }) => `${name} has ${nics} NICs, and the pools record ${counts(uid)} addresses`,
      ),
    ...held
      .filter(({ podUid }) => !pods.some(({ uid }) => uid === podUid))
      .map(({ address }) => `${address} belongs to no pod`),
  ];
  for (const node of nodeNames) {
    const own = pods.filter((pod) => pod.node === node);
    const recorded = held.filter(({ podUid }) => own.some(({ uid }) => uid === podUid));
    const addresses = recorded.map(({ address }) => address).toSorted();
    const inKernel = await kernelAddresses(cluster, node);
    if (inKernel.join() !== addresses.join())
      faults.push(`${node}: the NICs have ${inKernel.join(' ')}, the pools record ${addresses.join(' ')}`);
    faults.push(...(await ownerless(cluster, node, own, addresses)));
  }
  if (faults.length > 0) throw new Error(faults.join('\n'));
}

/** Addresses of the LANs in all pod namespaces of a node, in order. An address that is there twice is twice here. */
async function kernelAddresses(cluster: Cluster, node: NodeName): Promise<string[]> {
  return (await namespacedAddresses(cluster, node)).map(([address]) => address).toSorted();
}

/** The namespaces of the pods of a node, as paths there, by the addresses of the LANs that are in them. */
export async function podNamespaces(cluster: Cluster, node: NodeName): Promise<ReadonlyMap<string, string>> {
  return new Map(await namespacedAddresses(cluster, node));
}

async function namespacedAddresses(cluster: Cluster, node: NodeName): Promise<[string, string][]> {
  const each = `[ ! -e "$n" ] || ip -n "$n" -o addr show scope global | sed "s|^|/run/netns/$n |"`;
  const script = `cd /run/netns || exit 0; for n in *; do ${each}; done`;
  const lines = (await cluster.node(node, ['sh', '-c', script])).split('\n');
  return lines
    .map((line): [string, string] => {
      const [namespace = '', , , , network = ''] = line.trim().split(/\s+/);
      return [network.split('/')[0] ?? '', namespace];
    })
    .filter(([address]) => /^(192\.168\.|fd00:192:168:)/.test(address));
}

/** Objects of ours on the node that no NIC of these pods explains. */
async function ownerless(
  cluster: Cluster,
  node: NodeName,
  pods: readonly LivePod[],
  addresses: readonly string[],
): Promise<string[]> {
  const traces = await nodeTraces(cluster, node);
  const count = (kind: string) => traces.filter((line) => line.startsWith(`${kind} `)).length;
  const nics = pods.reduce((sum, pod) => sum + pod.nics, 0);
  const astray = traces.filter(
    (line) => /^(route|neighbour) /.test(line) && !addresses.includes(line.split(' ')[1] ?? ''),
  );
  return [
    ...astray.map((line) => `${node} has for no pod: ${line}`),
    ...(count('file') === nics ? [] : [`${node} has ${count('file')} records of ${nics} NICs`]),
    ...(count('link') === pods.length ? [] : [`${node} has ${count('link')} links for ${pods.length} pods`]),
  ];
}
