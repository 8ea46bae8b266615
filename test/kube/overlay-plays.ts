// The tests with real overlays: their circumstances, and the rules that must be on the path of the packets.

import type { Cast } from './actors.ts';
import { Calico } from './calico.ts';
import type { Cluster } from './cluster.ts';
import { Flannel } from './flannel.ts';
import { podNetworks, untilSynced } from './networks.ts';
import { type ExpectedRule, OverlayScenario } from './overlay-scenario.ts';
import type { ScenarioParts } from './scenario.ts';
import { everyWay, forbidden, type Way } from './ways.ts';

const families = [4, 6] as const;

/** Rules of kube-proxy in mode iptables (pkg/proxy/iptables, kubernetes #74839). */
const proxyDrop: ExpectedRule = {
  what: 'kube-proxy drops packets that conntrack calls INVALID',
  argv: ['iptables-save', '-t', 'filter'],
  patterns: [/-A KUBE-FORWARD .*--ctstate INVALID .*-j DROP/],
};

const calicoRules: readonly ExpectedRule[] = [
  {
    what: 'Calico drops packets to and from its pods that conntrack calls INVALID',
    argv: ['iptables-save', '-t', 'filter'],
    patterns: [/-A cali-fw-.*--ctstate INVALID -j DROP/, /-A cali-tw-.*--ctstate INVALID -j DROP/],
  },
  {
    what: 'Calico drops packets of its pods whose source address does not lead back to them',
    argv: ['iptables-save', '-t', 'raw'],
    patterns: [/-A cali-\S+ .*-m rpfilter .*--invert .*-j DROP/],
  },
];

const ourRules: ExpectedRule = {
  what: 'our rule for half-seen connections exists once for each family',
  argv: ['sh', '-c', 'nft list table inet orbweaver | grep -c notrack'],
  patterns: [/^2$/m],
};

export async function playCalico({ cluster, outcomes, root, programs }: ScenarioParts): Promise<void> {
  const overlay = new Calico(programs);
  const scenario = new OverlayScenario({ cluster, outcomes, root, overlay });
  await scenario.begin();
  await scenario.expectRules([proxyDrop, ...calicoRules, ourRules]);
  const ways = (natOutgoing: boolean) => (cast: Cast) =>
    everyWay(cast, { families, natOutgoing, natIncoming: false });
  console.log('Calico in VXLAN, kube-proxy in mode iptables:');
  await scenario.tryWays(ways(true));
  console.log('the same without natOutgoing:');
  await overlay.natOutgoing(cluster, false);
  await scenario.tryWays(ways(false));
  await overlay.natOutgoing(cluster, true);
  console.log('Calico in VXLAN, kube-proxy in mode nftables:');
  await cluster.changeProxyMode('nftables');
  await scenario.tryWays(ways(true));
  console.log('Calico unencapsulated, kube-proxy in mode nftables:');
  await overlay.endEncapsulation(cluster);
  await scenario.tryWays(ways(true));
  console.log('Calico unencapsulated, kube-proxy in mode iptables:');
  await cluster.changeProxyMode('iptables');
  await scenario.tryWays(ways(true));
  await scenario.expectRules([proxyDrop, ...calicoRules, ourRules]);
  await tryPolicies(cluster, scenario, ways(true));
  await scenario.expectRepair(ourRules, ['nft', 'delete', 'table', 'inet', 'orbweaver']);
  // A rule for the networks of the pool stays on the nodes.
  await outcomes.check(
    'the networks of a Calico pool count also while it is switched off, until it is deleted',
    () => tryPools(cluster),
  );
  console.log('the same with the default route of X by its underlay NIC:');
  await scenario.annotateBoth({ 'ipam.spidernet.io/default-route-nic': 'net1' });
  await scenario.tryWays(ways(true));
  await scenario.end();
}

/** Running pods keep addresses of a pool that is switched off. */
async function tryPools(cluster: Cluster): Promise<void> {
  const pool = {
    apiVersion: 'crd.projectcalico.org/v1',
    kind: 'IPPool',
    metadata: { name: 'other' },
    spec: { cidr: '10.99.0.0/24', nodeSelector: 'all()', disabled: true },
  };
  await cluster.kubectl(['create', '-f', '-'], JSON.stringify(pool));
  await untilSynced(cluster, [...podNetworks, pool.spec.cidr]);
  await cluster.kubectl(['delete', 'ippools.crd.projectcalico.org', 'other', '--timeout=20s']);
  await untilSynced(cluster, podNetworks);
}

/** Untracked packets must not bypass a policy. A policy that names underlay addresses must match them. */
async function tryPolicies(
  cluster: Cluster,
  scenario: OverlayScenario,
  ways: (cast: Cast) => readonly Way[],
): Promise<void> {
  const toC = (cast: Cast, from: RegExp) =>
    ways(cast).filter(({ title }) => from.test(title) && / to C of (the same|another) node$/.test(title));
  console.log('with a NetworkPolicy that allows nobody to reach C:');
  await cluster.kubectl(['apply', '-f', '-'], policyOfC([]));
  await scenario.tryWays((cast) => forbidden(toC(cast, /^[CMX] /), 'a NetworkPolicy forbids it'));
  console.log('with a NetworkPolicy that allows the underlay to reach C:');
  const from = ['192.168.50.0/24', 'fd00:192:168:50::/64'].map((cidr) => ({ ipBlock: { cidr } }));
  await cluster.kubectl(['apply', '-f', '-'], policyOfC([{ from }]));
  await scenario.tryWays((cast) => [
    ...toC(cast, /^(M|X by)/),
    ...forbidden(toC(cast, /^(C|X to)/), 'a NetworkPolicy forbids it'),
  ]);
  await cluster.kubectl(['delete', 'networkpolicy', 'c']);
}

function policyOfC(ingress: readonly object[]): string {
  return JSON.stringify({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'c' },
    spec: { podSelector: { matchLabels: { app: 'c' } }, policyTypes: ['Ingress'], ingress },
  });
}

export async function playFlannel({ cluster, outcomes, root, programs }: ScenarioParts): Promise<void> {
  const overlay = new Flannel(programs);
  const scenario = new OverlayScenario({ cluster, outcomes, root, overlay });
  await scenario.begin();
  await scenario.expectRules([proxyDrop, ourRules]);
  await scenario.tryWays((cast) => everyWay(cast, { families, natOutgoing: true, natIncoming: true }));
  await scenario.end();
}
