// A node whose NIC is a port of the real Neutron, with the agent and pods of CNI type `neutron` on macvlan.

import { systemClock } from '#base';
import { LedgerFile } from '#openstack/own-port';
import { isReady } from '#plan/openstack';
import { nodeAddress, nodeNic, OneNode, subnet } from '../e2e/one-node.ts';
import { runProgram } from '../e2e/program.ts';
import { type AddResult, type Network, Runtime, Sandbox, underlay } from '../e2e/runtime.ts';
import { type Api, environmentOf, type PortObject } from './scene.ts';

export interface PortPod {
  readonly sandbox: Sandbox;
  readonly address: string;
  readonly result: AddResult;
}

export class PortNode {
  readonly runtime = new Runtime();
  readonly node: OneNode;
  readonly port: PortObject;
  readonly networkId: string;
  readonly subnetId: string;
  readonly #api: Api;

  private constructor(
    api: Api,
    { node, port, networkId, subnetId }: Pick<PortNode, 'node' | 'port' | 'networkId' | 'subnetId'>,
  ) {
    this.#api = api;
    this.node = node;
    this.port = port;
    this.networkId = networkId;
    this.subnetId = subnetId;
  }

  /** `environment` has the variables of the agent's login. `agent` has its settings. */
  static async start(
    api: Api,
    agent: Readonly<Record<string, unknown>>,
    environment: Readonly<Record<string, string>> = environmentOf(),
  ): Promise<PortNode> {
    const { id: networkId } = await api.make('network', { name: 'nodes' });
    const { id: subnetId } = await api.make('subnet', {
      network_id: networkId,
      cidr: subnet[4],
      ip_version: 4,
      dns_nameservers: ['10.6.0.53'],
    });
    const fixed_ips = [{ subnet_id: subnetId, ip_address: nodeAddress[4] }];
    const port = await api.make<PortObject>('port', { network_id: networkId, fixed_ips });
    await api.makeServer('node', port.id);
    Object.assign(process.env, environment);
    const node = await OneNode.start({ agent });
    runProgram('ip', ['link', 'set', nodeNic, 'address', port.mac_address]);
    return new PortNode(api, { node, port, networkId, subnetId });
  }

  async stop(): Promise<void> {
    if (process.env.OW_DEBUG !== undefined) console.log(this.node.agent.log.slice(-6000));
    await this.runtime.clear();
    await this.node.stop();
    for (const link of [nodeNic, 'lan']) runProgram('ip', ['link', 'delete', link]);
  }

  network(ipam: Readonly<Record<string, unknown>> = {}): Network {
    return underlay({}, { ipam: { type: 'neutron', neutronConf: { hostInterface: nodeNic }, ...ipam } });
  }

  async portNow(): Promise<PortObject> {
    return (await this.#api.neutron<{ port: PortObject }>('GET', `/ports/${this.port.id}`)).port;
  }

  async onPort(): Promise<string[]> {
    return (await this.portNow()).fixed_ips.map(({ ip_address }) => ip_address);
  }

  /** How many addresses the next pods get without a request. */
  async readyCount(): Promise<number> {
    const ledger = await new LedgerFile('/var/lib/orbweaver/openstack', this.port.id, systemClock).read();
    return ledger.addresses.filter(isReady).length;
  }

  /** Adds a pod, and gives its sandbox and address. */
  async addPod(name: string, ipam: Readonly<Record<string, unknown>> = {}): Promise<PortPod> {
    const sandbox = await Sandbox.ofNewPod(this.node, name);
    const result = await this.runtime.add(this.network(ipam), sandbox);
    return { sandbox, result, address: result.ips?.[0]?.address.split('/')[0] ?? '' };
  }

  async del(...sandboxes: readonly Sandbox[]): Promise<void> {
    for (const sandbox of sandboxes) {
      await this.runtime.del(this.network(), sandbox);
      sandbox.dropNamespace();
    }
  }
}
