// Reads the routers of a node's network, and what a cluster has added to them.

import { parseCidr } from '#ip';
import type { KubeClient } from '#kube';
import type { CloudClient, Port } from '#openstack';
import { CloudLedger, routesLedger } from '#openstack/cluster-ledger';
import { type CheckedRouter, pairCidr } from '#plan/openstack';

/** Neutron's words for the port of a router in a network: alone, distributed, and in a pair. */
const ROUTER_PORT =
  /^network:(router_interface|router_interface_distributed|ha_router_replicated_interface)$/;

export interface RouterQuestion {
  readonly neutron: CloudClient['neutron'];
  /** Those of the node's network that the login sees. */
  readonly ports: readonly Port[];
  /** The login owns the network, or is an administrator. */
  readonly seesAllPorts: boolean;
  /** Where the cluster's ledger is. */
  readonly cluster: { readonly client: KubeClient; readonly namespace: string } | undefined;
}

export async function checkedRouters(question: RouterQuestion): Promise<CheckedRouter[]> {
  const { neutron, ports, seesAllPorts, cluster } = question;
  const own = ports.filter(({ device_owner }) => ROUTER_PORT.test(device_owner));
  const texts = ports.flatMap(({ fixed_ips, allowed_address_pairs: pairs = [] }) =>
    [...fixed_ips, ...pairs].map(({ ip_address }) => ip_address),
  );
  const addresses = Array.from(new Set(texts), pairCidr);
  const ledger = cluster && (await CloudLedger.read(routesLedger(cluster), new AbortController().signal));
  const ids = [...new Set([...own.map(({ device_id }) => device_id), ...(ledger?.keys ?? [])])];
  const routers = ids.map(async (id): Promise<CheckedRouter[]> => {
    const sight = await neutron.router(id);
    if (sight.is === 'absent') return [];
    const subnetIds = new Set(
      own.filter((port) => port.device_id === id).flatMap((port) => port.fixed_ips.map((ip) => ip.subnet_id)),
    );
    const subnets = await Promise.all(Array.from(subnetIds, (subnetId) => neutron.subnet(subnetId)));
    const network = {
      subnets: subnets.flatMap((subnet) =>
        subnet.is === 'there' ? { cidr: parseCidr(subnet.value.cidr), gateway: subnet.value.gateway_ip } : [],
      ),
      addresses: seesAllPorts ? addresses : undefined,
    };
    return [{ id, routes: sight.value.routes, network, ledger: ledger && (ledger.get(id) ?? []) }];
  });
  return (await Promise.all(routers)).flat();
}
