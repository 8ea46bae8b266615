// What the coordinator records about one NIC, as JSON: everything that the plan of its pod is made from. So DEL needs
// neither the API nor the configuration of the ADD. Repair needs the API only for settings that have changed since.

import { z } from 'zod';
import { type Cidr, formatAddress, formatCidr, parseAddress, parseCidr } from '#ip';
import { MAIN_TABLE, type Route } from '#net';
import {
  type MergedOptions,
  type NicInput,
  type NicMode,
  type OverlayNic,
  type PlannedNic,
  type PodInput,
  type PodNic,
  type PodNumbers,
  readSettings,
} from '#plan/network';

const optionsSchema = z.object({
  mode: z.string(),
  podDefaultCniNic: z.string(),
  podDefaultRouteNic: z.string(),
  multusDefaults: z.array(z.object({ nic: z.string(), gateway: z.string() })).optional(),
  overlayPodCIDR: z.array(z.string()),
  serviceCIDR: z.array(z.string()),
  hijackCIDR: z.array(z.string()),
  policyRoutes: z.array(z.object({ dst: z.string(), gw: z.string() })),
  podMACPrefix: z.string(),
  tunePodRoutes: z.boolean(),
  hostRuleTable: z.int(),
  podRPFilter: z.int(),
  txQueueLen: z.int(),
  vethLinkAddress: z.string(),
  vethMTU: z.int(),
  ipMasq: z.boolean().optional(),
});

const hopSchema = z.object({
  dev: z.string().optional(),
  gateway: z.string().optional(),
  onlink: z.boolean().optional(),
});

/** A route of table main, as its plugin made it. */
const routeSchema = hopSchema.extend({
  destination: z.string(),
  scope: z.enum(['global', 'site', 'link', 'host', 'nowhere']),
  protocol: z.int(),
  source: z.string().optional(),
  metric: z.int().optional(),
  mtuBytes: z.int().optional(),
  nextHops: z.array(hopSchema.extend({ weight: z.int() })).optional(),
});

const nicSchema = z.object({
  name: z.string(),
  addresses: z.array(z.string()),
  routes: z.array(routeSchema),
});

export const recordedNicSchema = z.object({
  mode: z.enum(['underlay', 'overlay']),
  nic: nicSchema,
  /**
   * The index of the NIC's link in the pod. A link with that name and another index belongs to another program. Older
   * agents did not record it.
   */
  index: z.int().optional(),
  /** The NIC's own table in the pod. */
  table: z.int().optional(),
  /** The pod's numbers at its last plan. Absent in records of older agents, which used the default numbers. */
  numbers: z
    .object({ replyTable: z.int(), besideTable: z.int(), lastTable: z.int(), replyMark: z.int() })
    .optional(),
  /** The link of the node's routes to this NIC's addresses. */
  hostLink: z.string(),
  hostTable: z.int(),
  options: optionsSchema,
  /** The overlay's NIC before the coordinator changed it. */
  overlay: nicSchema
    .extend({
      mac: z.string(),
      peer: z.object({ name: z.string(), mac: z.string(), kind: z.string() }).optional(),
    })
    .optional(),
  /** The node's addresses at the pod's last plan, and the time of that plan. */
  nodeAddresses: z.array(z.string()),
  plannedAt: z.iso.datetime(),
});

export type RecordedNic = z.infer<typeof recordedNicSchema>;

/** The input of a record. */
export interface NicToRecord {
  readonly mode: NicMode;
  readonly nic: NicInput;
  /** The index of its link, if it has one. */
  readonly index: number | undefined;
  readonly planned: PlannedNic;
  readonly options: MergedOptions;
  readonly overlay: OverlayNic | undefined;
  readonly numbers: PodNumbers;
  readonly nodeAddresses: PodInput['nodeAddresses'];
  readonly plannedAt: string;
}

export function recordNic({
  mode,
  nic,
  index,
  planned,
  options,
  overlay,
  ...rest
}: NicToRecord): RecordedNic {
  return {
    mode,
    nic: nicText(nic),
    ...(index !== undefined && { index }),
    ...(nic.table !== undefined && { table: nic.table }),
    numbers: rest.numbers,
    hostLink: planned.hostLink,
    hostTable: planned.hostTable,
    options: optionsSchema.parse(options),
    ...(overlay !== undefined && {
      overlay: {
        ...nicText(overlay),
        mac: overlay.mac,
        ...(overlay.peer !== undefined && { peer: { ...overlay.peer } }),
      },
    }),
    nodeAddresses: rest.nodeAddresses.map(formatAddress),
    plannedAt: rest.plannedAt,
  };
}

/** The NIC with its new plan, after a change of the cluster's settings or the node's addresses. */
export function replanned(
  nic: RecordedNic,
  present: Pick<NicToRecord, 'options' | 'nodeAddresses' | 'plannedAt'>,
): RecordedNic {
  return {
    ...nic,
    options: optionsSchema.parse(present.options),
    nodeAddresses: present.nodeAddresses.map(formatAddress),
    plannedAt: present.plannedAt,
  };
}

/** The plan input of a pod, from the records of its NICs in any order. It has the node's addresses of the last plan. */
export function podInputOf(
  containerId: string,
  records: readonly RecordedNic[],
): PodInput & { nics: readonly NicInput[] } {
  const inOrder = records.toSorted((a, b) => (a.table ?? 0) - (b.table ?? 0));
  const [latest] = records.toSorted((a, b) => b.plannedAt.localeCompare(a.plannedAt));
  const numbers = latest?.numbers;
  const overlay = inOrder.find((record) => record.overlay !== undefined)?.overlay;
  return {
    containerId,
    nics: inOrder.map((record) => ({
      ...nicOf(record.nic),
      ...(record.table !== undefined && { table: record.table }),
      settings: readSettings(record.options),
    })),
    ...(overlay !== undefined && { overlay: overlayOf(overlay) }),
    nodeAddresses: (latest?.nodeAddresses ?? []).map(parseAddress),
    ...(numbers !== undefined && { numbers }),
  };
}

export function overlayOf(recorded: NonNullable<RecordedNic['overlay']>): OverlayNic {
  const { mac, peer } = recorded;
  return { ...nicOf(recorded), mac, ...(peer !== undefined && { peer }) };
}

export function nicOf({ name, addresses, routes }: z.infer<typeof nicSchema>): PodNic {
  return { name, addresses: addresses.map(parseCidr), routes: routes.map(routeOf) };
}

function nicText({ name, addresses, routes }: PodNic): z.infer<typeof nicSchema> {
  return { name, addresses: addresses.map(formatCidr), routes: routes.map(routeText) };
}

type Hop = Pick<Route, 'dev' | 'gateway' | 'onlink'>;

function hopText({ dev, gateway, onlink }: Hop): z.infer<typeof hopSchema> {
  return {
    ...(dev !== undefined && { dev }),
    ...(gateway !== undefined && { gateway: formatAddress(gateway) }),
    ...(onlink !== undefined && { onlink }),
  };
}

function hopOf({ dev, gateway, onlink }: z.infer<typeof hopSchema>): Hop {
  return {
    ...(dev !== undefined && { dev }),
    ...(gateway !== undefined && { gateway: parseAddress(gateway) }),
    ...(onlink !== undefined && { onlink }),
  };
}

function routeText(route: Route): z.infer<typeof routeSchema> {
  const { destination, scope, protocol, source, metric, mtuBytes, nextHops } = route;
  return {
    ...hopText(route),
    destination: formatCidr(destination),
    scope,
    protocol,
    ...(source !== undefined && { source: formatAddress(source) }),
    ...(metric !== undefined && { metric }),
    ...(mtuBytes !== undefined && { mtuBytes }),
    ...(nextHops !== undefined && {
      nextHops: nextHops.map((hop) => ({ ...hopText(hop), weight: hop.weight })),
    }),
  };
}

function routeOf(text: z.infer<typeof routeSchema>): Route {
  const { scope, protocol, source, metric, mtuBytes, nextHops } = text;
  const destination: Cidr = parseCidr(text.destination);
  return {
    ...hopOf(text),
    destination,
    table: MAIN_TABLE,
    type: 'unicast',
    scope,
    protocol,
    ...(source !== undefined && { source: parseAddress(source) }),
    ...(metric !== undefined && { metric }),
    ...(mtuBytes !== undefined && { mtuBytes }),
    ...(nextHops !== undefined && {
      nextHops: nextHops.map((hop) => ({ ...hopOf(hop), weight: hop.weight })),
    }),
  };
}
