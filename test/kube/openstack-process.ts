// A process in the namespaces of a cluster's control plane: starts the servers of OpenStack, makes a VM for each node, prints
// what it made as a line of JSON, and ends the servers when its input ends.

import { once } from 'node:events';
import { Api, type PortObject } from '../openstack/scene.ts';
import { Cloud } from '../openstack/servers/cloud.ts';
import { startCloud } from '../openstack/servers/installation.ts';

/** The nodes as VMs. */
export interface CloudOfNodes {
  readonly vms: readonly {
    readonly serverId: string;
    /** How many addresses the network of this VM has for pods. */
    readonly addressesForPods: number;
  }[];
}

/** Each VM has a network of its own, so that one of them is full first. On the wire, all are one LAN. */
const addressesForPods = [2, 1];

async function makeVms(): Promise<CloudOfNodes> {
  const api = await Api.of();
  const vms: CloudOfNodes['vms'][number][] = [];
  for (const [i, count] of addressesForPods.entries()) {
    const { id: network_id } = await api.make('network', { name: `nodes-${i + 1}` });
    const first = 100 * (i + 1);
    const subnet = await api.make('subnet', {
      ...{ network_id, cidr: '192.168.50.0/24', gateway_ip: '192.168.50.1', ip_version: 4 },
      allocation_pools: [{ start: `192.168.50.${first}`, end: `192.168.50.${first + count - 1}` }],
    });
    // As hub.sh and node.sh give them to eth1.
    const port = await api.make<PortObject>('port', {
      ...{ network_id, mac_address: `02:00:00:00:01:0${i + 1}` },
      fixed_ips: [{ subnet_id: subnet.id, ip_address: `192.168.50.${11 + i}` }],
    });
    const serverId = await api.makeServer(`node${i + 1}`, port.id);
    vms.push({ serverId, addressesForPods: count });
  }
  return { vms };
}

const root = process.argv[2] ?? '';
const cloud = new Cloud(root, { maximumRoutes: 30, maximumAddressPairs: 10, maximumNics: 4 });
try {
  await startCloud(cloud, root);
  console.log(JSON.stringify(await makeVms()));
  process.stdin.resume();
  await once(process.stdin, 'close');
} finally {
  await cloud.stop();
}
