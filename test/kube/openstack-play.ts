// Nodes that are VMs of OpenStack: kube-scheduler places pods by the addresses that our agents publish on the Nodes, and
// kubelet leaves them there.

import { environmentOf } from '../openstack/scene.ts';
import { unpackedServers } from '../openstack/servers/installation.ts';
import { type Cluster, type NodeName, nodeNames } from './cluster.ts';
import { until } from './command.ts';
import { Installation } from './installation.ts';
import { storeNetworks } from './networks.ts';
import { OpenStackServers } from './openstack-servers.ts';
import type { ScenarioParts } from './scenario.ts';

const RESOURCE = 'openstack.orbweaver.io/addresses';
/** Keys of the agents' section. Addresses of ended pods are ready again soon. */
const own = { neutronCountAddresses: true, addressRestSeconds: 1, neutronReadyHigh: 12 };
/** What a node says before its first pod. */
const BEFORE = own.neutronReadyHigh + 1;

const definition = {
  apiVersion: 'k8s.cni.cncf.io/v1',
  kind: 'NetworkAttachmentDefinition',
  metadata: { name: 'neutron', namespace: 'kube-system' },
  spec: {
    config: JSON.stringify({
      ...{ cniVersion: '1.0.0', name: 'neutron' },
      plugins: [
        {
          ...{ type: 'macvlan', master: 'eth1', mode: 'bridge' },
          ipam: { type: 'neutron', neutronConf: { hostInterface: 'eth1' } },
        },
        { type: 'coordinator' },
      ],
    }),
  },
};

interface PodObject {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly spec: {
    readonly nodeName?: NodeName;
    readonly containers: readonly { readonly resources: { readonly requests?: Record<string, string> } }[];
  };
  readonly status: {
    readonly phase: string;
    readonly conditions?: readonly { readonly type: string; readonly message?: string }[];
    readonly containerStatuses?: readonly { readonly restartCount: number }[];
  };
}

interface NodeObject {
  readonly status: {
    readonly capacity: Readonly<Record<string, string>>;
    readonly allocatable: Readonly<Record<string, string>>;
  };
}

/** A pod that is rather on node1 than on node2. Its containers ask for these resources. */
function podOf(name: string, resources: object = { limits: { [RESOURCE]: '1' } }): object {
  const preference = {
    matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['node1'] }],
  };
  const container = { name: 'c', image: 'localhost/orbweaver/probe:1', imagePullPolicy: 'Never', resources };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...{ name, labels: { app: 'neutron' } },
      annotations: { 'v1.multus-cni.io/default-network': 'kube-system/neutron' },
    },
    spec: {
      terminationGracePeriodSeconds: 1,
      affinity: {
        nodeAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, preference }],
        },
      },
      containers: [container],
    },
  };
}

export async function playOpenStack({ cluster, outcomes, root }: ScenarioParts): Promise<void> {
  const unpacked = await unpackedServers();
  if (unpacked instanceof Error) {
    const [why] = unpacked.message.split('\n');
    console.log(`     skipped: the OpenStack servers are Debian 12's, and cannot be had here: ${why}`);
    return;
  }
  const installation = new Installation(cluster, root, { own, environment: environmentOf() });
  const pods = new NeutronPods(cluster);
  let servers: OpenStackServers | undefined;
  try {
    await outcomes.require('both nodes are VMs of Nova, and their agents have a login', async () => {
      servers = await OpenStackServers.start(cluster, unpacked);
      await storeNetworks(cluster, 'kubeadm');
      await installation.controller.start();
      await installation.makeUnderlay();
      await cluster.kubectl(['apply', '-f', '-'], JSON.stringify(definition));
      await installation.startAgents();
    });
    await outcomes.check('before the first pod, each Node has what is fetched with it, and one more', () =>
      pods.untilAmounts(BEFORE, BEFORE),
    );
    await outcomes.check('a pod requests what its limit says, and nothing else is accepted', () =>
      expectWholeAmounts(cluster),
    );
    const [first, second] = servers?.scene.vms.map(({ addressesForPods }) => addressesForPods) ?? [];
    if (first !== 2 || second !== 1) throw new Error('the checks are for two addresses and one');
    await outcomes.check('pods fill the node that they prefer', async () => {
      for (const name of ['a', 'b']) {
        await pods.start(name, 'node1');
        await pods.untilAmounts(first, BEFORE);
      }
    });
    await outcomes.check('the next pod goes to the other node', async () => {
      await pods.start('c', 'node2');
      await pods.untilAmounts(first, second);
    });
    await outcomes.check('the pod after it is Pending, and its condition names the resource', async () => {
      await pods.create('d');
      await pods.untilRefused('d');
    });
    await outcomes.check('it starts when a pod ends', async () => {
      await pods.remove('a');
      await pods.untilRuns('d', 'node1');
    });
    await outcomes.check('running pods and amounts survive new kubelets and new agents', async () => {
      const before = await pods.identities();
      for (const node of nodeNames) {
        await cluster.restart(node, 'kubelet', 'TERM');
        await installation.agents.stop(node, 'TERM');
        await installation.agents.start(node);
      }
      await cluster.kubectl(['wait', '--for=condition=Ready', 'node', '--all', '--timeout=60s']);
      await pods.untilAmounts(first, second);
      const after = await pods.identities();
      if (before !== after) throw new Error(`before: ${before}\nafter: ${after}`);
    });
    await outcomes.check(
      'of six pods at once, those run that have an address, and no other is placed',
      async () => {
        await pods.remove('b', 'c', 'd');
        await pods.untilAmounts(first, second);
        const names = Array.from({ length: 6 }, (_, i) => `burst-${i}`);
        await pods.create(...names);
        await pods.untilCounts({ running: first + second, refused: names.length - first - second });
      },
    );
    await outcomes.check('no request of our programs was refused, and they logged no error', () =>
      installation.expectNoFaults(),
    );
  } finally {
    servers?.stop();
  }
}

/** Kubernetes wants whole amounts, and requests that equal the limits. */
async function expectWholeAmounts(cluster: Cluster): Promise<void> {
  const create = (resources: object) =>
    cluster.kubectl(
      ['create', '--dry-run=server', '-o', 'json', '-f', '-'],
      JSON.stringify(podOf('x', resources)),
    );
  const made = JSON.parse(await create({ limits: { [RESOURCE]: '1' } })) as PodObject;
  const requested = made.spec.containers[0]?.resources.requests?.[RESOURCE];
  if (requested !== '1') throw new Error(`the container requests ${requested}`);
  for (const [resources, why] of [
    [{ limits: { [RESOURCE]: '2' }, requests: { [RESOURCE]: '1' } }, /must be equal to/],
    [{ requests: { [RESOURCE]: '1' } }, /Limit must be set for non overcommitable resources/],
    [{ limits: { [RESOURCE]: '500m' } }, /must be an integer/],
  ] as const) {
    const said = await create(resources).catch((error: Error) => error.message);
    if (!why.test(said)) throw new Error(`${JSON.stringify(resources)}: ${said}`);
  }
}

/** The pods of the run, and what the Nodes say of addresses. */
class NeutronPods {
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Waits until the Nodes say so, by the numbers that the scheduler and kubelet read. */
  async untilAmounts(...amounts: readonly number[]): Promise<void> {
    const wanted = amounts.map((amount) => `${amount} ${amount}`).join(', ');
    await until(`the Nodes have ${wanted}`, 60, async () => {
      const said = await Promise.all(
        nodeNames.map(async (node) => {
          const { status } = (await this.#cluster.get('node', node)) as NodeObject;
          return `${status.capacity[RESOURCE]} ${status.allocatable[RESOURCE]}`;
        }),
      );
      if (said.join(', ') !== wanted) throw new Error(`they have ${said.join(', ')}`);
      return true;
    });
  }

  async create(...names: readonly string[]): Promise<void> {
    const items = names.map((name) => podOf(name));
    const list = { apiVersion: 'v1', kind: 'List', items };
    await this.#cluster.kubectl(['create', '-f', '-'], JSON.stringify(list));
  }

  /** Resolves when it runs. */
  async start(name: string, node: NodeName): Promise<void> {
    await this.create(name);
    await this.untilRuns(name, node);
  }

  async untilRuns(name: string, node: NodeName): Promise<void> {
    await this.#cluster.kubectl(['wait', '--for=condition=Ready', `pod/${name}`, '--timeout=60s']);
    const { spec } = (await this.#cluster.get('pod', name)) as PodObject;
    if (spec.nodeName !== node) throw new Error(`${name} is on ${spec.nodeName}`);
  }

  async untilRefused(name: string): Promise<void> {
    await until(`${name} is refused`, 30, async () =>
      isRefused((await this.#cluster.get('pod', name)) as PodObject),
    );
  }

  /** Waits until so many pods run, and so many are placed nowhere. */
  async untilCounts(wanted: { readonly running: number; readonly refused: number }): Promise<void> {
    await until(`pods are ${JSON.stringify(wanted)}`, 60, async () => {
      const pods = await this.#all();
      const running = pods.filter(({ status }) => status.phase === 'Running').length;
      const refused = pods.filter(isRefused).length;
      if (running === wanted.running && refused === wanted.refused) return true;
      const lines = pods.map(
        ({ metadata, spec, status }) => `${metadata.name} ${spec.nodeName} ${status.phase}`,
      );
      throw new Error(lines.join('; '));
    });
  }

  /** Of the running pods: who they are, and how often they were started again. */
  async identities(): Promise<string> {
    const pods = (await this.#all()).filter(({ status }) => status.phase === 'Running');
    return pods
      .map(({ metadata, status }) => `${metadata.uid} ${status.containerStatuses?.[0]?.restartCount}`)
      .join(', ');
  }

  async remove(...names: readonly string[]): Promise<void> {
    await this.#cluster.kubectl(['delete', 'pod', ...names, '--timeout=60s']);
  }

  async #all(): Promise<PodObject[]> {
    return ((await this.#cluster.get('pods', '-l', 'app=neutron')) as { items: PodObject[] }).items;
  }
}

function isRefused({ spec, status }: PodObject): boolean {
  const scheduled = status.conditions?.find(({ type }) => type === 'PodScheduled');
  return spec.nodeName === undefined && scheduled?.message?.includes(`Insufficient ${RESOURCE}`) === true;
}
