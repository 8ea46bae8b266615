// The walk-through of CNI type `veth-host` with the real Neutron: after macvlan, because this kernel may lack ipvlan.

import { after, before, describe } from 'node:test';
import { resources } from '#api';
import { CloudSite } from '../e2e/cloud-site.ts';
import { nodeAddress, nodeNic, OneNode } from '../e2e/one-node.ts';
import { runProgram } from '../e2e/program.ts';
import { type Network, Runtime } from '../e2e/runtime.ts';
import { publishedNetwork, tryWalkThrough } from '../e2e/veth-host-walk.ts';
import { Api, environmentOf, type PortObject } from './scene.ts';
import { authUrl, member } from './servers/place.ts';

describe('veth-host after macvlan, with addresses of a port', () => {
  const runtime = new Runtime();
  let api: Api;
  let node: OneNode;
  let site: CloudSite;
  let port: PortObject;
  let network: Network;

  before(async () => {
    api = await Api.of();
    const { id: networkId } = await api.make('network', { name: 'walk' });
    const fields = { network_id: networkId, cidr: '10.6.0.0/16', ip_version: 4 };
    const { id: subnetId } = await api.make('subnet', fields);
    const fixed_ips = [{ subnet_id: subnetId, ip_address: nodeAddress[4] }];
    port = await api.make<PortObject>('port', { network_id: networkId, fixed_ips });
    await api.makeServer('walk', port.id);
    Object.assign(process.env, environmentOf());
    node = await OneNode.start({ agent: { addressRestSeconds: 1 } });
    runProgram('ip', ['link', 'set', nodeNic, 'address', port.mac_address]);
    // The configuration alone says what pods reach through their node.
    await node.client.delete(resources.spiderCoordinators, { name: 'default' });
    site = await CloudSite.start('macvlan');
    const { username, project } = member;
    network = publishedNetwork('macvlan', { username, project, domain: 'default', authUrl }, networkId);
  });
  after(async () => {
    await runtime.clear();
    await site.stop();
    await node.stop();
    for (const link of [nodeNic, 'lan']) runProgram('ip', ['link', 'delete', link]);
  });

  const onPort = async () => {
    const read = await api.neutron<{ port: PortObject }>('GET', `/ports/${port.id}`);
    return read.port.fixed_ips.map(({ ip_address }) => ip_address);
  };
  tryWalkThrough(() => ({ node, runtime, site, network, onPort }));
});
