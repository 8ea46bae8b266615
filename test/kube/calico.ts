// Calico on a running cluster: its kinds, calico-ipam, and Felix on each node with its iptables dataplane.

import { join } from 'node:path';
import { type Cluster, home, type NodeName, nodeNames } from './cluster.ts';
import { until } from './command.ts';
import { configureMultus, linkPlugins, type OverlayNetwork, untilNodesReady } from './overlay-network.ts';

const pools = { 4: 'default-ipv4-ippool', 6: 'default-ipv6-ippool' } as const;

/** Kinds of crd.projectcalico.org/v1. An entry has its plural or scope only when it is not the default. */
const kinds: readonly (readonly [kind: string, plural?: string, scope?: 'Namespaced'])[] = [
  ['BGPConfiguration'],
  ['BGPFilter'],
  ['BGPPeer'],
  ['BlockAffinity', 'blockaffinities'],
  ['CalicoNodeStatus', 'caliconodestatuses'],
  ['ClusterInformation'],
  ['FelixConfiguration'],
  ['GlobalNetworkPolicy', 'globalnetworkpolicies'],
  ['GlobalNetworkSet'],
  ['HostEndpoint'],
  ['IPAMBlock'],
  ['IPAMConfig'],
  ['IPAMHandle'],
  ['IPPool'],
  ['IPReservation'],
  ['KubeControllersConfiguration'],
  ['NetworkPolicy', 'networkpolicies', 'Namespaced'],
  ['NetworkSet', 'networksets', 'Namespaced'],
];

const startEnvironment = {
  DATASTORE_TYPE: 'kubernetes',
  CALICO_NETWORKING_BACKEND: 'vxlan',
  WAIT_FOR_DATASTORE: 'true',
  CLUSTER_TYPE: 'k8s',
  CALICO_DISABLE_FILE_LOGGING: 'true',
  IP: 'autodetect',
  IP_AUTODETECTION_METHOD: 'interface=eth0',
  IP6: 'autodetect',
  IP6_AUTODETECTION_METHOD: 'interface=eth0',
  CALICO_IPV4POOL_CIDR: '10.244.0.0/16',
  CALICO_IPV4POOL_IPIP: 'Never',
  CALICO_IPV4POOL_VXLAN: 'Always',
  CALICO_IPV4POOL_NAT_OUTGOING: 'true',
  CALICO_IPV6POOL_CIDR: 'fd00:10:244::/48',
  CALICO_IPV6POOL_VXLAN: 'Always',
  CALICO_IPV6POOL_NAT_OUTGOING: 'true',
};

/** Felix is built without libbpf, so its eBPF dataplane is off. */
const felixEnvironment = {
  FELIX_DATASTORETYPE: 'kubernetes',
  FELIX_IPV6SUPPORT: 'true',
  FELIX_XDPENABLED: 'false',
  FELIX_BPFENABLED: 'false',
  FELIX_DEFAULTENDPOINTTOHOSTACTION: 'ACCEPT',
  FELIX_USAGEREPORTINGENABLED: 'false',
  FELIX_LOGSEVERITYSCREEN: 'info',
  FELIX_LOGFILEPATH: 'none',
  FELIX_LOGSEVERITYFILE: 'none',
  FELIX_LOGSEVERITYSYS: 'none',
};

export class Calico implements OverlayNetwork {
  readonly name = 'Calico';
  /** The folder with calico and calico-node. */
  readonly #programs: string;

  constructor(programs: string) {
    this.#programs = programs;
  }

  async install(cluster: Cluster): Promise<void> {
    await cluster.kubectl(
      ['apply', '-f', '-'],
      JSON.stringify({ apiVersion: 'v1', kind: 'List', items: kinds.map(kindObject) }),
    );
    await cluster.kubectl(['wait', '--for=condition=Established', '--timeout=120s', 'crd', '--all']);
    // Start one after the other, because the first one makes the pools.
    for (const node of nodeNames) await this.#startNode(cluster, node);
    await Promise.all(nodeNames.map((node) => this.#configure(cluster, node)));
    await untilNodesReady(cluster);
  }

  async #startNode(cluster: Cluster, node: NodeName): Promise<void> {
    const env = { ...startEnvironment, ...felixEnvironment, NODENAME: node, FELIX_FELIXHOSTNAME: node };
    const calicoNode = join(this.#programs, 'calico-node');
    const calico = join(this.#programs, 'calico');
    await cluster.node(node, ['mkdir', '-p', '/var/lib/calico', '/var/run/calico']);
    await linkPlugins(cluster, node, { calico, 'calico-ipam': calico });
    await cluster.node(node, [calicoNode, '-startup'], { env });
    await cluster.node(node, [calicoNode, '-allocate-tunnel-addrs', '-allocate-tunnel-addrs-run-once'], {
      env,
    });
    await cluster.startOnNode(node, [calicoNode, '-felix'], { env });
  }

  async #configure(cluster: Cluster, node: NodeName): Promise<void> {
    await until(`Felix of ${node} has written the MTU`, 90, async () => {
      await cluster.node(node, ['test', '-s', '/var/lib/calico/mtu']);
      return true;
    });
    await configureMultus(cluster, node, {
      name: 'k8s-pod-network',
      plugins: [
        {
          type: 'calico',
          datastore_type: 'kubernetes',
          nodename: node,
          mtu: 0,
          log_level: 'info',
          ipam: { type: 'calico-ipam', assign_ipv4: 'true', assign_ipv6: 'true' },
          policy: { type: 'k8s' },
          kubernetes: { kubeconfig: `${home}/pki/admin.kubeconfig` },
        },
        { type: 'portmap', snat: true, capabilities: { portMappings: true } },
      ],
    });
  }

  /**
   * From now on, neighbours send packets of each other's pods without a tunnel. This cannot be undone: Felix 3.28 loses the
   * IPv4 route when it moves the route back into the tunnel.
   */
  async endEncapsulation(cluster: Cluster): Promise<void> {
    await this.#patchPools(cluster, { vxlanMode: 'CrossSubnet' });
    for (const node of nodeNames) {
      for (const family of ['-4', '-6']) {
        await until(`${node} routes pods of its neighbour by eth0`, 60, async () => {
          const routes = await cluster.node(node, ['ip', family, 'route', 'show', 'dev', 'eth0']);
          return /^(10\.244|fd00:10:244:).* via /m.test(routes);
        });
      }
    }
  }

  /** Whether packets that leave the overlay have the node's address as their source. */
  async natOutgoing(cluster: Cluster, isOn: boolean): Promise<void> {
    await this.#patchPools(cluster, { natOutgoing: isOn });
    for (const node of nodeNames) {
      for (const save of ['iptables-save', 'ip6tables-save']) {
        await until(`natOutgoing is ${isOn} on ${node}`, 60, async () => {
          const rules = await cluster.node(node, [save, '-t', 'nat']);
          return /cali-nat-outgoing .*MASQUERADE/.test(rules) === isOn;
        });
      }
    }
  }

  async #patchPools(cluster: Cluster, spec: Readonly<Record<string, unknown>>): Promise<void> {
    for (const pool of Object.values(pools)) {
      const kind = 'ippools.crd.projectcalico.org';
      await cluster.kubectl(['patch', kind, pool, '--type=merge', '-p', JSON.stringify({ spec })]);
    }
  }
}

/** No schema: nothing here needs validation. */
function kindObject([kind, plural = `${kind.toLowerCase()}s`, scope]: (typeof kinds)[number]): object {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.crd.projectcalico.org` },
    spec: {
      group: 'crd.projectcalico.org',
      scope: scope ?? 'Cluster',
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase() },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  };
}
