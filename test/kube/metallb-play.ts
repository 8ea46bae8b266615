// Services of type LoadBalancer towards underlay pods, with addresses that MetalLB announces on the same LAN.

import { until } from './command.ts';
import { Installation } from './installation.ts';
import { installMetalLb } from './metallb.ts';
import { storeNetworks } from './networks.ts';
import { podPlaces } from './places.ts';
import { ask, type Cell, castOf, familyOf, fault } from './reach.ts';
import type { ScenarioParts } from './scenario.ts';

const balanced = {
  'policy Cluster': ['192.168.50.241', 'fd00:192:168:50::241'],
  'policy Local': ['192.168.50.242', 'fd00:192:168:50::242'],
} as const;

/** As in manifests/metallb.yaml. */
const ofMetalLb = ['192.168.50.240/28', 'fd00:192:168:50::240/124'];

/** The addresses of the router in the LAN of the pods, and in the network of the nodes. */
const clients = {
  'client on the LAN': ['192.168.50.1', 'fd00:192:168:50::1'],
  'client of another network': ['172.30.0.1', 'fd00:172:30::1'],
} as const;

export async function playMetalLb({ cluster, outcomes, root }: ScenarioParts): Promise<void> {
  const installation = new Installation(cluster, root);
  await outcomes.require('underlay pods run, and MetalLB announces addresses of their LAN', async () => {
    await storeNetworks(cluster, 'kubeadm');
    await installation.controller.start();
    await installation.makeUnderlay();
    await installation.startAgents();
    await installation.apply('test/kube/manifests/workloads.yaml');
    await cluster.kubectl(['rollout', 'status', 'deployment/underlay', '--timeout=120s']);
    await installMetalLb(cluster);
    await installation.apply('test/kube/manifests/metallb.yaml');
  });
  const { client, nodes, overlay } = await castOf(cluster, installation.probe);
  const underlay = await podPlaces(cluster, 'underlay');
  const outside = Object.entries(clients).flatMap(([name, addresses]) =>
    cellsOf({ ...client, name }, { bind: addresses, isSeen: true }),
  );
  const tryUntil = (title: string, cells: readonly Cell[]) =>
    outcomes.check(title, () =>
      until('they are reached', 60, async () => {
        const faults = (await ask(cells)).map(fault).filter((text) => text !== undefined);
        if (faults.length > 0)
          throw new Error(`${faults.length} of ${cells.length}: ${faults.slice(0, 8).join('\n')}`);
        return true;
      }),
    );
  const tryWith = async (what: string) => {
    await tryUntil(`${what}: clients outside reach the pods, and policy Local shows them`, outside);
    await tryUntil(
      `${what}: nodes and overlay pods reach them`,
      [...nodes, ...overlay].flatMap((from) => cellsOf(from, { isSeen: false })),
    );
  };
  if (!cluster.hasKubeProxy) await tryWith('without kube-proxy');
  else
    for (const mode of ['iptables', 'nftables'] as const) {
      await outcomes.require(`kube-proxy works in mode ${mode} alone`, () => cluster.changeProxyMode(mode));
      await tryWith(`kube-proxy in mode ${mode}`);
    }
  // The parent of a macvlan NIC does not hear its own pods: they must reach the address through their node.
  const hijacked = JSON.stringify({ spec: { hijackCIDR: ofMetalLb } });
  await cluster.kubectl(['patch', 'spidercoordinator', 'default', '--type=merge', '-p', hijacked]);
  await tryUntil(
    'with the addresses in hijackCIDR, running underlay pods reach them too',
    underlay.flatMap((from) => cellsOf(from, { isSeen: false })),
  );
  await outcomes.check('no request of our programs was refused, and they logged no error', () =>
    installation.expectNoFaults(),
  );
}

interface CellOptions {
  readonly bind?: readonly string[];
  /** Whether the pods of policy Local see the client. */
  readonly isSeen: boolean;
}

/** Each address by TCP and UDP, several times: kube-proxy picks a pod each time. */
function cellsOf(from: Cell['from'], { bind, isSeen }: CellOptions): Cell[] {
  return Object.entries(balanced).flatMap(([policy, addresses]) =>
    addresses.flatMap((address) => {
      const own = bind?.find((one) => familyOf(one) === familyOf(address));
      return (['tcp', 'udp'] as const).flatMap((protocol) =>
        Array.from(
          { length: 4 },
          (): Cell => ({
            from,
            to: { name: `Service of ${policy}` },
            protocol,
            address,
            port: 80,
            ...(own !== undefined && { bind: own }),
            ...(own !== undefined && isSeen && policy === 'policy Local' && { sources: [own] }),
          }),
        ),
      );
    }),
  );
}
