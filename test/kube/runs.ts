// The clusters of `npm run test:kube`, one after the other, and what is tried on each.

import { playAdoption } from './adoption-play.ts';
import { Calico } from './calico.ts';
import { playChart } from './chart-play.ts';
import type { ClusterParts } from './cluster.ts';
import { playDensity } from './density-play.ts';
import { earlierRelease } from './earlier-release.ts';
import { playMetalLb } from './metallb-play.ts';
import { playOpenStack } from './openstack-play.ts';
import { playCalico, playFlannel } from './overlay-plays.ts';
import { playReliability } from './reliability-play.ts';
import { playReplacement } from './replacement-play.ts';
import { Scenario, type ScenarioParts } from './scenario.ts';
import { playSockets } from './sockets-play.ts';
import { playUpgrade } from './upgrade-play.ts';

/** One cluster and its tests. */
export interface Run {
  readonly name: string;
  readonly title: string;
  readonly cluster: Pick<ClusterParts, 'proxyMode' | 'overlay'>;
  /** `chart`: our chart brings it. */
  readonly multus: 'multus-4.2' | 'multus-4.3' | 'chart';
  /** The nodes have the images that our chart names. */
  readonly withImages: boolean;
  /** Archives of images that the nodes have besides. */
  readonly moreImages?: () => Promise<readonly string[]>;
  /** It runs only if it is named, or with --all. */
  readonly byHand?: true;
  readonly play: (parts: ScenarioParts) => Promise<void>;
}

export interface RunOptions {
  readonly withCompliance: boolean;
  /** More of everything: some runs take minutes longer. */
  readonly isLong: boolean;
  /** The commit that is upgraded, in words of git. */
  readonly from: string;
}

export const runs = ({ withCompliance, isLong, from }: RunOptions): Run[] => [
  {
    name: 'iptables',
    title: 'kube-proxy in mode iptables, Multus 4.2',
    cluster: { proxyMode: 'iptables', overlay: 'routed' },
    multus: 'multus-4.2',
    withImages: false,
    play: (parts) =>
      new Scenario(parts).play({ withCompliance, withPodLives: false, networksFrom: 'kubeadm' }),
  },
  {
    name: 'nftables',
    title: 'kube-proxy in mode nftables, Multus 4.3',
    cluster: { proxyMode: 'nftables', overlay: 'routed' },
    multus: 'multus-4.3',
    withImages: false,
    play: (parts) =>
      new Scenario(parts).play({ withCompliance: false, withPodLives: true, networksFrom: 'flags' }),
  },
  {
    name: 'no-proxy',
    title: 'without kube-proxy, Multus 4.3',
    cluster: { proxyMode: 'none', overlay: 'routed' },
    multus: 'multus-4.3',
    withImages: false,
    play: (parts) =>
      new Scenario(parts).play({ withCompliance: false, withPodLives: false, networksFrom: 'flags' }),
  },
  {
    name: 'calico',
    title: 'beside Calico, Multus 4.3',
    cluster: { proxyMode: 'iptables', overlay: 'none' },
    multus: 'multus-4.3',
    withImages: false,
    play: playCalico,
  },
  {
    name: 'flannel',
    title: 'beside flannel, Multus 4.2',
    cluster: { proxyMode: 'iptables', overlay: 'none' },
    multus: 'multus-4.2',
    withImages: false,
    play: playFlannel,
  },
  {
    name: 'chart',
    title: 'installed by Helm, with the thick plugin of Multus 4.3',
    cluster: { proxyMode: 'iptables', overlay: 'routed' },
    multus: 'chart',
    withImages: true,
    play: playChart,
  },
  {
    name: 'upgrade',
    title: 'upgraded from an earlier release, and back',
    cluster: { proxyMode: 'iptables', overlay: 'routed' },
    multus: 'chart',
    withImages: true,
    moreImages: async () => (await earlierRelease(from)).archives,
    byHand: true,
    play: async (parts) => playUpgrade(parts, await earlierRelease(from)),
  },
  {
    name: 'import',
    title: 'networks of Whereabouts and host-local, imported under running pods',
    cluster: { proxyMode: 'iptables', overlay: 'routed' },
    multus: 'chart',
    withImages: true,
    byHand: true,
    play: playAdoption,
  },
  {
    name: 'metallb',
    title: 'Services of type LoadBalancer, announced by MetalLB',
    cluster: { proxyMode: 'iptables', overlay: 'routed' },
    multus: 'multus-4.3',
    withImages: false,
    byHand: true,
    play: playMetalLb,
  },
  {
    name: 'metallb-no-proxy',
    title: 'the same without kube-proxy',
    cluster: { proxyMode: 'none', overlay: 'routed' },
    multus: 'multus-4.3',
    withImages: false,
    byHand: true,
    play: playMetalLb,
  },
  {
    name: 'openstack',
    title: 'nodes that are VMs of OpenStack, with addresses of Neutron',
    cluster: { proxyMode: 'iptables', overlay: 'routed' },
    multus: 'multus-4.3',
    withImages: false,
    byHand: true,
    play: playOpenStack,
  },
  {
    name: 'replacement',
    title: 'our rules in place of those of kube-proxy, installed by Helm',
    cluster: { proxyMode: 'iptables', overlay: 'routed' },
    multus: 'chart',
    withImages: true,
    byHand: true,
    play: playReplacement,
  },
  {
    name: 'sockets',
    title: 'Services in socket calls, installed by Helm',
    cluster: { proxyMode: 'iptables', overlay: 'routed' },
    multus: 'chart',
    withImages: true,
    byHand: true,
    play: playSockets,
  },
  {
    name: 'reliability',
    title: 'programs that are killed, servers that are away',
    cluster: { proxyMode: 'iptables', overlay: 'routed' },
    multus: 'chart',
    withImages: true,
    byHand: true,
    play: (parts) =>
      playReliability(parts, isLong ? { secondsAway: 120, pairs: 20 } : { secondsAway: 15, pairs: 2 }),
  },
  {
    name: 'density',
    title: 'many pods, beside a bridge with host-local',
    cluster: { proxyMode: 'iptables', overlay: 'routed' },
    multus: 'chart',
    withImages: true,
    byHand: true,
    play: (parts) =>
      playDensity(parts, {
        network: undefined,
        ...(isLong ? { pairs: 5, burst: 100, onNode: 250 } : { pairs: 1, burst: 30, onNode: 60 }),
      }),
  },
  {
    name: 'density-calico',
    title: 'many pods, beside Calico',
    cluster: { proxyMode: 'iptables', overlay: 'none' },
    multus: 'multus-4.3',
    withImages: true,
    byHand: true,
    play: (parts) =>
      playDensity(parts, {
        network: new Calico(parts.programs),
        ...(isLong ? { pairs: 20, burst: 30, onNode: 250 } : { pairs: 1, burst: 30, onNode: 60 }),
      }),
  },
];
