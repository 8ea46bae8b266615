// What a user applies to get the random pods: pools with and without gateway, a definition for each NIC, and the pods.

import {
  DEFAULT_NETWORK_ANNOTATION,
  type KubeObject,
  NETWORKS_ANNOTATION,
  type NetworkAttachmentDefinition,
  type Pod,
  type SpiderIPPool,
} from '#api';
import type { Family } from '#ip';
import { bothFamilies, branch, type LabNode } from '../addressing.ts';
import { OVERLAY_PLUGIN_TYPE } from '../overlay.ts';
import { type Lan, lanPlans, lans } from './networks.ts';
import { type NamedNic, nicsOf, type PodShape } from './shape.ts';

/** The port of the pods' servers. */
export const POD_PORT = 8080;
const DEFINITION_NAMESPACE = 'kube-system';

/** All objects to apply before the pods have addresses. */
export function randomObjects(shapes: readonly PodShape[], nodes: readonly LabNode[]): KubeObject[] {
  return [
    ...lans.flatMap((lan) => bothFamilies.flatMap((f) => [pool(lan, f, true), pool(lan, f, false)])),
    ...nodes.flatMap((node) => bothFamilies.map((family) => overlayDefinition(node, family))),
    ...shapes.flatMap((shape) => nicsOf(shape).flatMap((nic) => definition(shape, nic) ?? [])),
    ...shapes.map(podOf),
    ...nodes.map(({ name }) => overlayPod(name)),
  ];
}

function poolName(lan: Lan, family: Family, gateway: boolean): string {
  return `random-${lan}-v${family}${gateway ? '' : '-no-gateway'}`;
}

/** No other manifest of the lab uses these addresses. */
function pool(lan: Lan, family: Family, gateway: boolean): SpiderIPPool {
  const plan = lanPlans[lan];
  const prefix = family === 4 ? plan.gateway[4].replace(/\.0\.1$/, '') : plan.gateway[6].replace(/::1$/, '');
  const range =
    family === 4
      ? `${prefix}.${gateway ? 60 : 61}.10-${prefix}.${gateway ? 60 : 61}.100`
      : `${prefix}::${gateway ? 60 : 61}:10-${prefix}::${gateway ? 60 : 61}:100`;
  return {
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderIPPool',
    metadata: { name: poolName(lan, family, gateway) },
    spec: {
      ...{ subnet: plan.cidr[family], ips: [range], default: false, disable: false },
      ...(gateway && { gateway: plan.gateway[family] }),
    },
  };
}

function definitionNamed(name: string, plugins: readonly object[]): NetworkAttachmentDefinition {
  return {
    apiVersion: 'k8s.cni.cncf.io/v1',
    kind: 'NetworkAttachmentDefinition',
    metadata: { name, namespace: DEFINITION_NAMESPACE },
    spec: { config: JSON.stringify({ cniVersion: '1.0.0', name, plugins }) },
  };
}

function definitionName({ name }: PodShape, nic: NamedNic): string {
  return `${name}-${nic.name}`;
}

/** Undefined for the overlay's NIC: its definition is shared by all pods of a node. */
function definition(pod: PodShape, nic: NamedNic): NetworkAttachmentDefinition | undefined {
  const { shape } = nic;
  if (shape === undefined) return undefined;
  const pools = shape.families.map((family) => [
    `default_ipv${family}_ippool`,
    [poolName(shape.lan, family, shape.gateway)],
  ]);
  const policyRoutes = shape.families.map((family) => ({
    dst: branch.cidr[family],
    gw: lanPlans[shape.lan].gateway[family],
  }));
  const { mode, rpFilter: podRPFilter, tunePodRoutes } = pod;
  return definitionNamed(definitionName(pod, nic), [
    {
      type: 'macvlan',
      master: lanPlans[shape.lan].master,
      mode: 'bridge',
      ipam: { type: 'spiderpool', ...Object.fromEntries(pools) },
    },
    {
      type: 'coordinator',
      ...{ mode, podRPFilter, tunePodRoutes },
      ...(shape.policyRoutes && { policyRoutes }),
    },
  ]);
}

function overlayName(node: string, family: Family): string {
  return `overlay-v${family}-${node}`;
}

/** An overlay with one family. It uses the last addresses of the node's part, which the usual overlay does not reach. */
function overlayDefinition({ name, overlayCidr }: LabNode, family: Family): NetworkAttachmentDefinition {
  const subnet = overlayCidr[family];
  const rangeStart = family === 4 ? subnet.replace(/\.0\/24$/, '.200') : subnet.replace(/::\/64$/, '::c8');
  return definitionNamed(overlayName(name, family), [
    { type: OVERLAY_PLUGIN_TYPE, ipam: { type: 'host-local', ranges: [[{ subnet, rangeStart }]] } },
  ]);
}

function podOf(shape: PodShape): Pod {
  const { overlay, defaultNic } = shape;
  const [first, ...others] = nicsOf(shape);
  const [family] = overlay ?? [];
  const firstDefinition =
    overlay === undefined
      ? first && definitionName(shape, first)
      : overlay.length === 2 || family === undefined
        ? undefined
        : overlayName(shape.node, family);
  const more = others.map((nic) => `${DEFINITION_NAMESPACE}/${definitionName(shape, nic)}`);
  return pod(shape.name, shape.node, {
    ...(firstDefinition !== undefined && {
      [DEFAULT_NETWORK_ANNOTATION]: `${DEFINITION_NAMESPACE}/${firstDefinition}`,
    }),
    ...(more.length > 0 && { [NETWORKS_ANNOTATION]: more.join(',') }),
    ...(defaultNic !== undefined && { 'ipam.spidernet.io/default-route-nic': defaultNic }),
  });
}

/** The pod of a node that has only the overlay. It asks and is asked. */
export function overlayPodName(node: string): string {
  return `c-${node}`;
}

function overlayPod(node: string): Pod {
  return pod(overlayPodName(node), node, {});
}

function pod(name: string, node: string, annotations: Record<string, string>): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'default', name, annotations },
    spec: {
      nodeName: node,
      containers: [{ name: 'test', image: 'test', ports: [{ containerPort: POD_PORT, protocol: 'TCP' }] }],
    },
  };
}
