// Pods and definitions that name NICs of the node, paths, and plugins outside of their folder. They get no network, the node stays as
// it is, and other pods start meanwhile.

import { type Cluster, nodeNames } from './cluster.ts';
import { until } from './command.ts';
import type { Outcomes } from './outcome.ts';
import { untilNothingLeft } from './traces.ts';
import { underlayPod } from './underlay-pod.ts';

interface Hostile {
  readonly name: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** What the kubelet says of its sandbox. */
  readonly said: RegExp;
}

/** A second NIC, as a pod asks Multus for it. */
const asks = (network: string, nic?: string) => ({
  'k8s.v1.cni.cncf.io/networks': JSON.stringify([
    { name: network, namespace: 'kube-system', ...(nic !== undefined && { interface: nic }) },
  ]),
});

const ofTaken = (...nics: readonly string[]) =>
  nics.map(
    (nic): Hostile => ({
      name: `nic-${nic}`,
      annotations: asks('macvlan-underlay', nic),
      said: new RegExp(`interface name ${nic} already exists`),
    }),
  );

const ofAnnotations: readonly Hostile[] = [
  {
    name: 'ippools-path',
    annotations: { 'ipam.spidernet.io/ippools': '[{"interface":"../eth0","ipv4":["lan-v4"]}]' },
    said: /ippools: \[0\]\.interface: "\.\.\/eth0" must match/,
  },
  {
    name: 'ippool-of-node',
    annotations: { 'ipam.spidernet.io/ippool': '{"interface":"eth1","ipv4":["lan-v4"]}' },
    said: /has unknown keys: interface/,
  },
  {
    name: 'default-nic-path',
    annotations: { 'ipam.spidernet.io/default-route-nic': '../../../proc' },
    said: /default-route-nic is "\.\.\/\.\.\/\.\.\/proc"/,
  },
  {
    name: 'route-file',
    annotations: { 'ipam.spidernet.io/routes': '[{"dst":"/etc/passwd","gw":"192.168.50.1"}]' },
    said: /routes.*\/etc\/passwd/,
  },
];

/** Networks by their name: the configuration, and what the kubelet says of a pod that asks for it. */
type Networks = Readonly<Record<string, readonly [object, RegExp]>>;

const missingNames: Networks = {
  'master-path': [{ type: 'macvlan', master: '../../eth0', ipam: { type: 'spiderpool' } }, /Link not found/],
  'pool-path': [
    { type: 'macvlan', master: 'eth1', ipam: { type: 'spiderpool', default_ipv4_ippool: ['../lan-v4'] } },
    /\.\.\/lan-v4/,
  ],
};

const programsElsewhere: Networks = {
  'plugin-path': [{ type: '../../../bin/busybox' }, /invalid plugin name/],
  'ipam-path': [{ type: 'macvlan', master: 'eth1', ipam: { type: '../spiderpool' } }, /invalid plugin name/],
};

const ofNetworks = (networks: Networks) =>
  Object.entries(networks).map(([name, [, said]]): Hostile => ({ name, annotations: asks(name), said }));

/** No link can have such a name. Multus hands it on. */
const impossible = { path: '../../tmp/x', blank: 'net 1', dots: '..', long: 'a'.repeat(16) };

const ofImpossible = Object.entries(impossible).map(
  ([name, nic]): Hostile => ({
    name: `nic-${name}`,
    annotations: asks('macvlan-underlay', nic),
    said: /\[0\]\.interface: ".*" must match/,
  }),
);

export async function playHostilePods(cluster: Cluster, outcomes: Outcomes): Promise<void> {
  await outcomes.check(
    'pods that ask for NICs, files and plugins that are not theirs get no network',
    async () => {
      await makeNetworks(cluster, { ...missingNames, ...programsElsewhere });
      const ending = [...ofTaken('eth0', 'veth0'), ...ofAnnotations, ...ofNetworks(missingNames)];
      // At their end, too, Multus calls the plugin, which refuses it or the name: they end by force only.
      const stuck = [...ofTaken('lo'), ...ofImpossible, ...ofNetworks(programsElsewhere)];
      await expectRefused(cluster, [...ending, ...stuck]);
      const names = (pods: readonly Hostile[]) => pods.map(({ name }) => name);
      await cluster.kubectl(['delete', 'pod', '--timeout=60s', ...names(ending)]);
      await cluster.kubectl(['delete', 'pod', '--force', '--grace-period=0', ...names(stuck)]);
      await untilNothingLeft(cluster);
    },
  );
}

async function makeNetworks(cluster: Cluster, networks: Networks): Promise<void> {
  for (const [name, [plugin]] of Object.entries(networks)) {
    const config = JSON.stringify({ cniVersion: '1.0.0', name, plugins: [plugin] });
    const kind = { apiVersion: 'k8s.cni.cncf.io/v1', kind: 'NetworkAttachmentDefinition' };
    const object = { ...kind, metadata: { name, namespace: 'kube-system' }, spec: { config } };
    await cluster.kubectl(['create', '-f', '-'], JSON.stringify(object));
  }
}

/** No pod gets a network, an honest one does meanwhile, and the nodes have the links that they had. */
async function expectRefused(cluster: Cluster, pods: readonly Hostile[]): Promise<void> {
  const before = await nodeLinks(cluster);
  for (const { name, annotations } of pods)
    await cluster.kubectl(['create', '-f', '-'], underlayPod({ name, annotations }));
  await cluster.kubectl(['create', '-f', '-'], underlayPod({ name: 'honest' }));
  await cluster.kubectl(['wait', '--for=condition=Ready', 'pod/honest', '--timeout=60s']);
  await cluster.kubectl(['delete', 'pod', 'honest', '--timeout=60s']);
  await until('each is refused for its reason', 30, async () => {
    const reasons = ['--field-selector', 'reason=FailedCreatePodSandBox'];
    const { items } = (await cluster.get('events', ...reasons)) as { items: readonly EventObject[] };
    const faults = pods.flatMap(({ name, said }) => {
      const told = items.filter(({ involvedObject }) => involvedObject.name === name);
      if (told.some(({ message }) => said.test(message))) return [];
      return [`${name}: ${told.at(-1)?.message ?? 'nothing is said of it'}`];
    });
    if (faults.length > 0) throw new Error(faults.join('\n'));
    return true;
  });
  const after = await nodeLinks(cluster);
  if (after.join() !== before.join()) throw new Error(`links were ${before.join()}, and are ${after.join()}`);
}

/** Names and states of the links of the nodes, without those of pods. */
async function nodeLinks(cluster: Cluster): Promise<string[]> {
  const script = "ip -br link | grep -v '^veth'; [ ! -e /tmp/x ] || echo /tmp/x";
  return Promise.all(nodeNames.map((node) => cluster.node(node, ['sh', '-c', script])));
}

interface EventObject {
  readonly message: string;
  readonly involvedObject: { readonly name: string };
}
