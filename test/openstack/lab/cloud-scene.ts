// What the lab makes in the real cloud: two networks on a router to the outside, a VM with a port for each node, and a
// floating IP.

import assert from 'node:assert/strict';
import { Api, makeNetwork, type PortObject } from '../scene.ts';
import { admin } from '../servers/place.ts';

export interface Vm {
  /** Of the node. */
  readonly name: string;
  readonly serverId: string;
  readonly port: PortObject;
  /** The node's own. */
  readonly address: string;
  readonly networkId: string;
}

export interface CloudScene {
  readonly vms: readonly Vm[];
  readonly networks: readonly { readonly id: string; readonly cidr: string }[];
  readonly routerId: string;
  readonly outerId: string;
  readonly floatingIp: string;
}

/** The outside, as the router sees it: this address is the lab's own, and that of all clients. */
export const outside = { cidr: '203.0.113.0/24', address: '203.0.113.1' } as const;

/** Two nodes in one network, and a third in another one. */
const placesOfNodes = [
  { name: 'node1', network: 0, address: '10.6.0.11' },
  { name: 'node2', network: 0, address: '10.6.0.12' },
  { name: 'node3', network: 1, address: '10.7.0.13' },
] as const;

export async function makeCloudScene(api: Api): Promise<CloudScene> {
  const outerId = await makeOuterNetwork();
  const gateway = { external_gateway_info: { network_id: outerId } };
  const { id: routerId } = await api.make('router', { name: 'vrouter', ...gateway });
  // One after another: the servers' SQLite lets writers wait for long.
  const networks: { readonly id: string; readonly cidr: string; readonly subnetId: string }[] = [];
  for (const net of ['10.6.0', '10.7.0']) {
    const cidr = `${net}.0/24`;
    const { networkId: id, subnetId } = await makeNetwork(api, `nodes-${networks.length}`, cidr);
    const allocation_pools = [{ start: `${net}.100`, end: `${net}.250` }];
    await api.neutron('PUT', `/subnets/${subnetId}`, { subnet: { allocation_pools } });
    await api.neutron('PUT', `/routers/${routerId}/add_router_interface`, { subnet_id: subnetId });
    networks.push({ id, cidr, subnetId });
  }
  const vms: Vm[] = [];
  for (const { name, network, address } of placesOfNodes) {
    const { id: networkId, subnetId } = networks[network] ?? assert.fail();
    const fixed_ips = [{ subnet_id: subnetId, ip_address: address }];
    const port = await api.make<PortObject>('port', { name, network_id: networkId, fixed_ips });
    vms.push({ name, port, address, networkId, serverId: await api.makeServer(name, port.id) });
  }
  const floating = { floating_network_id: outerId };
  const { floating_ip_address: floatingIp } = await api.make<{ id: string; floating_ip_address: string }>(
    'floatingip',
    floating,
  );
  return { vms, networks, routerId, outerId, floatingIp };
}

async function makeOuterNetwork(): Promise<string> {
  const operator = await Api.of(admin);
  const { id } = await operator.make('network', { name: 'outside', 'router:external': true });
  const fields = { network_id: id, cidr: outside.cidr, gateway_ip: outside.address, enable_dhcp: false };
  await operator.make('subnet', { ...fields, ip_version: 4 });
  return id;
}
