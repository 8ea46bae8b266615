// The network configurations that the lab applies, one after another: what the cloud must allow, and what a pod gets.

import { resources, type SpiderIPPool } from '#api';
import type { Network } from '../../e2e/runtime.ts';
import { vethHost } from '../../e2e/veth-host-walk.ts';
import type { Api } from '../scene.ts';
import { authUrl, member } from '../servers/place.ts';
import type { CloudScene, Vm } from './cloud-scene.ts';

export interface Configuration {
  /** The lines above its column. */
  readonly title: readonly [string, string];
  /** Sets what the port of a VM must allow. */
  readonly allow?: (api: Api, vm: Vm) => Promise<unknown>;
  /** The pools that it needs. */
  readonly pools?: (scene: CloudScene) => readonly SpiderIPPool[];
  readonly network: (serviceCidr: string) => Network;
  /** Whether addresses of pods are on the ports of VMs, so that floating IPs lead to them. */
  readonly onPort: boolean;
}

/** The login of the older plugin, without its password. */
const { username, project } = member;
const openstackConf = { username, project, domain: 'default', authUrl };
const neutronIpam = (mode: string) => ({
  type: 'neutron',
  openstackConf,
  neutronConf: { mode, hostInterface: 'eth0' },
});
const routed = (ipam: object): Network => ({
  cniVersion: '1.0.0',
  name: 'cni0',
  plugins: [{ type: 'veth-route', hostInterface: 'eth0', ipam }],
});
const poolOf = (node: string): string => `pods-of-${node}`;

export const configurations: readonly Configuration[] = [
  {
    title: ['veth-route', 'fixed IPs'],
    network: () => routed(neutronIpam('mix-route')),
    onPort: true,
  },
  {
    title: ['veth-route', 'address pairs'],
    network: () => routed(neutronIpam('address-pairs')),
    onPort: false,
  },
  {
    title: ['veth-route', 'router routes'],
    allow: (api, { port }) =>
      api.neutron('PUT', `/ports/${port.id}`, {
        port: { allowed_address_pairs: [{ ip_address: '10.99.0.0/16' }] },
      }),
    pools: ({ vms, routerId }) =>
      vms.map(({ name }, i) =>
        resources.spiderIPPools.schema.parse({
          metadata: { name: poolOf(name), annotations: { 'openstack.orbweaver.io/router': routerId } },
          spec: {
            ipVersion: 4,
            subnet: '10.99.0.0/16',
            ips: [`10.99.${i + 1}.0-10.99.${i + 1}.255`],
            nodeName: [name],
          },
        }),
      ),
    network: () =>
      routed({ type: 'spiderpool', default_ipv4_ippool: ['node1', 'node2', 'node3'].map(poolOf) }),
    onPort: false,
  },
  {
    title: ['veth-host, macvlan', 'fixed IPs'],
    // Pods of macvlan have MAC addresses of their own.
    allow: (api, { port }) =>
      api.neutron('PUT', `/ports/${port.id}`, {
        port: { allowed_address_pairs: [], security_groups: [], port_security_enabled: false },
      }),
    network: (serviceCidr) => ({
      cniVersion: '1.0.0',
      name: 'cni0',
      plugins: [
        { type: 'macvlan', master: 'eth0', mode: 'bridge', ipam: neutronIpam('mix') },
        { ...vethHost, hostInterface: 'eth0', serviceCidr },
      ],
    }),
    onPort: true,
  },
];
