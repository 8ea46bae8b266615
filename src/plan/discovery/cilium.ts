// The networks of Cilium's pods, by the IPAM mode of its ConfigMap (Cilium, pkg/ipam/option).

import type { ConfigMap } from '#api';
import type { Cidr } from '#ip';
import { type Answer, fault, firstFound, noNetworks, readNetworks, union } from './answer.ts';
import { joined } from './node-networks.ts';
import type { SourceReader } from './sources.ts';

/** In these modes pods have addresses of the cloud's own network, and no network is theirs alone. */
const cloudModes = ['eni', 'azure', 'alibabacloud'];

/** `cluster` finds the networks of the cluster, which the mode `kubernetes` uses. */
export function ciliumNetworks(reader: SourceReader, cluster: () => Answer): Answer {
  const configs = reader.items('ciliumConfig');
  const config = 'faults' in configs ? configs : configs[0];
  if (config === undefined)
    return firstFound([() => fault('NotFound', 'Cilium has no ConfigMap'), () => ofNodes(reader)]);
  if ('faults' in config) return config;
  const { ipam: mode = 'cluster-pool', ...data } = config.data ?? {};
  if (mode === 'cluster-pool' || mode === 'cluster-pool-v2beta') {
    return firstFound([() => ofConfig(data), () => ofNodes(reader)]);
  }
  if (mode === 'multi-pool') return withoutDisabled(ofPools(reader), data);
  if (mode === 'kubernetes') return withoutDisabled(cluster(), data);
  if (cloudModes.includes(mode)) return noNetworks(`Cilium's IPAM mode ${mode} has no networks of its own`);
  return fault('Unsupported', `unsupported Cilium IPAM mode: ${mode}; set podCIDRType to cluster or none`);
}

type ConfigData = NonNullable<ConfigMap['data']>;

/** Lists with blanks between the networks. */
function ofConfig(data: ConfigData): Answer {
  const keys = ['cluster-pool-ipv4-cidr', 'cluster-pool-ipv6-cidr'] as const;
  const lists = keys.map((key) => readNetworks([data[key] ?? ''], `${key} of Cilium`));
  const answer = withoutDisabled(
    union(lists.filter(({ networks, faults }) => networks.length + faults.length > 0)),
    data,
  );
  if (answer.networks.length + answer.faults.length > 0) return answer;
  return fault('NotFound', `Cilium's ConfigMap has no ${keys.join(' or ')}`);
}

/** A family that Cilium has switched off has no pods. */
function withoutDisabled(answer: Answer, data: ConfigData): Answer {
  const isOn = ({ address }: Cidr) => data[`enable-ipv${address.family}`] !== 'false';
  return { ...answer, networks: answer.networks.filter(isOn) };
}

/** As for Calico, a pool that is being deleted does not count. */
function ofPools(reader: SourceReader): Answer {
  const pools = reader.items('ciliumPools');
  if ('faults' in pools) return pools;
  if (pools.length === 0) return fault('NotFound', 'Cilium has no CiliumPodIPPool');
  const used = pools.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const networks = used.map(({ metadata, spec }) =>
    readNetworks(
      [...(spec?.ipv4?.cidrs ?? []), ...(spec?.ipv6?.cidrs ?? [])],
      `CiliumPodIPPool ${metadata.name}`,
    ),
  );
  return { ...union(networks), from: 'CiliumPodIPPools' };
}

/** What the nodes were given already. It lacks what they will be given, so it is the last resort. */
function ofNodes(reader: SourceReader): Answer {
  const nodes = reader.items('ciliumNodes');
  if ('faults' in nodes) return nodes;
  const answer = union(
    nodes.map(({ metadata, spec }) => {
      const pools = spec?.ipam?.pools?.allocated ?? [];
      const cidrs = [...(spec?.ipam?.podCIDRs ?? []), ...pools.flatMap((pool) => pool.cidrs ?? [])];
      return readNetworks(cidrs, `CiliumNode ${metadata.name}`);
    }),
  );
  if (answer.networks.length + answer.faults.length === 0) {
    return fault('NotFound', 'no CiliumNode has networks');
  }
  return { ...answer, networks: joined(answer.networks), from: 'CiliumNodes' };
}
