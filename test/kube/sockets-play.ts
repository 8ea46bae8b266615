// Services in socket calls on a whole cluster: switched on and off by a value of the chart, while pods use Services.

import { Callers, KeptConnections, Waiters } from './callers.ts';
import { ChartRelease } from './chart-release.ts';
import { type Cluster, nodeNames } from './cluster.ts';
import { until } from './command.ts';
import { Installation } from './installation.ts';
import { storeNetworks } from './networks.ts';
import { nodePortPlaces, type Place, type PodPlace, podPlaces, probeIn, servicePlace } from './places.ts';
import { ask, type Cell, castOf, familyOf, fault, tryAll, untilServed } from './reach.ts';
import { expectNoRefusal } from './rights.ts';
import type { ScenarioParts } from './scenario.ts';
import { underlayPod } from './underlay-pod.ts';

/** The nodes' cgroups, as node.sh mounts them. */
const served = ['agent.serviceMode=ebpf', 'agent.serviceCgroup=/run/sockets'];
const left = ['agent.serviceMode=kube-proxy', 'agent.serviceCgroup=/run/sockets'];

export async function playSockets(parts: ScenarioParts): Promise<void> {
  const { cluster, outcomes, root } = parts;
  const release = new ChartRelease(parts);
  const installation = new Installation(cluster, root);
  const orbctl = (node: (typeof nodeNames)[number], ...args: string[]) =>
    cluster.node(node, [...installation.orbctl, 'service', ...args]);

  await storeNetworks(cluster, 'kubeadm');
  await installation.startServers();
  await outcomes.require('Helm installs it, and kube-proxy serves the Services', async () => {
    await release.install();
    await installation.makeUnderlay();
    for (const name of ['workloads', 'shop']) await installation.apply(`test/kube/manifests/${name}.yaml`);
    for (const name of ['underlay', 'shop'])
      await cluster.kubectl(['rollout', 'status', `deployment/${name}`, '--timeout=120s']);
    await untilServed(await castOf(cluster, installation.probe));
  });
  const [pod] = await podPlaces(cluster, 'underlay');
  if (pod === undefined) throw new Error('there is no underlay pod');
  const shop = await servicePlace(cluster, 'shop');
  const service = await servicePlace(cluster, 'underlay');
  const nodePorts = nodePortPlaces().filter(({ kind }) => kind === 'service');

  await outcomes.check(
    'by kube-proxy, connections of underlay pods to Services pass their nodes',
    async () => {
      const count = await newEntries(cluster, () => askPods(cluster, [service]));
      if (count === 0) throw new Error('none passed');
    },
  );
  const early = await KeptConnections.start(cluster, pod, service);
  await outcomes.require(
    'with agent.serviceMode=ebpf, both nodes say that socket calls are served',
    async () => {
      await release.upgrade(served);
      for (const node of nodeNames)
        await until(`${node} serves`, 30, async () =>
          (await orbctl(node, 'list')).includes('default/underlay'),
        );
    },
  );
  await outcomes.check('nodes, pods and Services are reached', async () => {
    console.log(`     ${await tryAll(await castOf(cluster, installation.probe))}`);
  });
  await outcomes.check(
    'servers see the underlay pod itself, also by NodePorts of its node, and no connection passes a node',
    async () => {
      const count = await newEntries(cluster, async () => {
        const faults = await askPods(cluster, [service, shop, ...nodePorts]);
        if (faults.length > 0) throw new Error(faults.join('\n'));
      });
      if (count > 0) throw new Error(`${count} connections to Services passed the nodes`);
    },
  );
  await outcomes.check('a pod with the annotation stays with kube-proxy', async () => {
    const annotations = { 'orbweaver.io/service-mode': 'kube-proxy' };
    await cluster.kubectl(['create', '-f', '-'], underlayPod({ name: 'mesh', annotations }));
    await cluster.kubectl(['wait', '--for=condition=Ready', 'pod/mesh', '--timeout=60s']);
    await until('its packets pass the node', 30, async () => {
      const from = { name: 'mesh', probe: probeIn(cluster, 'mesh') };
      const count = await newEntries(cluster, () => ask(cellsOf(from, service, undefined)));
      return count > 0;
    });
    await cluster.kubectl(['delete', 'pod', 'mesh', '--timeout=60s']);
  });
  const late = await KeptConnections.start(cluster, pod, service);
  await outcomes.check(
    'new connections leave an endpoint that goes, and connected UDP sockets are ended',
    async () => {
      const waiters = await Waiters.start(cluster, pod, shop);
      await scale(cluster, 1);
      const faults = await askPods(cluster, [shop]);
      if (faults.length > 0) throw new Error(faults.join('\n'));
      await scale(cluster, 0);
      await waiters.untilEnded();
    },
  );
  await outcomes.check('without an endpoint, connections are refused at once, in pods', async () => {
    const cells = cellsOf(pod, shop, pod).filter(({ protocol }) => protocol === 'tcp');
    const wrong = (await ask(cells)).filter(([, { reason }]) => reason?.includes('refused') !== true);
    if (wrong.length > 0) throw new Error(JSON.stringify(wrong));
  });
  await outcomes.check('no connection fails while agents, and their programs, are exchanged', async () => {
    const callers = await Callers.start(cluster, pod, service);
    await release.upgrade([...served, 'agent.debug.logLevel=debug']);
    await callers.stopWithoutFailure();
  });
  await outcomes.check('no connection fails while the node goes back to kube-proxy', async () => {
    const callers = await Callers.start(cluster, pod, service);
    await release.upgrade(left);
    for (const node of nodeNames)
      await until(`the programs of ${node} are away`, 30, async () => {
        await cluster.node(node, ['test', '!', '-e', '/sys/fs/bpf/orbweaver']);
        return true;
      });
    await callers.stopWithoutFailure();
  });
  await outcomes.check('then kube-proxy serves as before', async () => {
    const count = await newEntries(cluster, () => askPods(cluster, [service]));
    if (count === 0) throw new Error('none passed');
    console.log(`     ${await tryAll(await castOf(cluster, installation.probe))}`);
  });
  await outcomes.check('connections from before and from the time between lost nothing', async () => {
    await early.stopWithoutLoss();
    await late.stopWithoutLoss();
  });
  await outcomes.check('the API server has refused no request of our programs', () =>
    expectNoRefusal(cluster),
  );
}

async function scale(cluster: Cluster, replicas: number): Promise<void> {
  await cluster.kubectl(['scale', 'deployment/shop', `--replicas=${replicas}`]);
  await until(`${replicas} pods of the shop`, 60, async () => {
    const pods = await cluster.kubectl(['get', 'pods', '-l', 'app=shop', '-o', 'name']);
    return pods.split('\n').filter((name) => name !== '').length === replicas;
  });
}

/** Asks the Services from each underlay pod, several times. The server must see the pod itself. Returns what is wrong. */
async function askPods(cluster: Cluster, services: readonly Place[]): Promise<string[]> {
  const pods = await podPlaces(cluster, 'underlay');
  // A place of a node is for its own pods.
  const cells = pods.flatMap((pod) =>
    services
      .filter(({ node = pod.node }) => node === pod.node)
      .flatMap((service) => cellsOf(pod, service, pod)),
  );
  return (await ask(cells)).map(fault).filter((text) => text !== undefined);
}

function cellsOf(from: Cell['from'], to: Place, seen: PodPlace | undefined): Cell[] {
  return to.addresses.flatMap((address) =>
    (['tcp', 'udp'] as const).flatMap((protocol) => {
      const own = seen?.addresses.find((one) => familyOf(one) === familyOf(address));
      const cell = {
        from,
        to,
        protocol,
        address,
        port: to.port,
        ...(own !== undefined && { sources: [own] }),
      };
      return Array<Cell>(4).fill(cell);
    }),
  );
}

/** Does the work. How many packets to addresses of Services made a new entry of conntrack on the nodes meanwhile. */
async function newEntries(cluster: Cluster, work: () => Promise<unknown>): Promise<number> {
  const counting = `table inet counted {
    chain prerouting {
      type filter hook prerouting priority mangle;
      ip daddr { 10.96.0.0/16, 172.30.0.11, 172.30.0.12 } th dport { 80, 30080 } ct state new counter
      ip6 daddr { fd00:10:96::/112, fd00:172:30::11, fd00:172:30::12 } th dport { 80, 30080 } ct state new counter
    }
  }`;
  for (const node of nodeNames) await cluster.node(node, ['nft', '-f', '-'], { input: counting });
  try {
    await work();
    let entries = 0;
    for (const node of nodeNames) {
      const table = await cluster.node(node, ['nft', 'list', 'table', 'inet', 'counted']);
      for (const [, count] of table.matchAll(/counter packets (\d+)/g)) entries += Number(count);
    }
    return entries;
  } finally {
    for (const node of nodeNames) await cluster.node(node, ['nft', 'delete', 'table', 'inet', 'counted']);
  }
}
