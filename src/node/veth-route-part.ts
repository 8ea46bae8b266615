// What type `veth-route` records about a NIC, as JSON: everything that its plan is made from.

import { z } from 'zod';
import { type Address, formatAddress, formatCidr, parseAddress, parseCidr } from '#ip';
import type { ProxyNeighbour } from '#net';
import { type AttachmentKey, type DesiredNetwork, planVethRoute, type VethRouteInput } from '#plan/network';
import type { AttachmentRecord } from './attachment-record.ts';
import { partOf, type RecordPart } from './record-part.ts';

const planSchema = z.object({
  addresses: z.array(z.object({ address: z.string(), uplink: z.string().optional() })),
  mtuBytes: z.int(),
  podMac: z.string(),
  nodeAddresses: z.array(z.string()),
});

const partSchema = z.object({
  /** `intended` is written before the kernel is changed, `done` after ADD has succeeded. */
  state: z.enum(['intended', 'done']),
  plan: planSchema,
});

export type VethRoutePart = z.infer<typeof partSchema>;

export const vethRoutePart: RecordPart<VethRoutePart> = { name: 'veth-route', schema: partSchema };

export function recordVethRoute(input: VethRouteInput & { readonly podMac: string }): VethRoutePart['plan'] {
  return {
    addresses: input.addresses.map(({ address, uplink }) => ({
      address: formatCidr(address),
      ...(uplink !== undefined && { uplink }),
    })),
    mtuBytes: input.mtuBytes,
    podMac: input.podMac,
    nodeAddresses: input.nodeAddresses.map(formatAddress),
  };
}

/** The part with the node's present addresses. */
export function withNodeAddresses(part: VethRoutePart, nodeAddresses: readonly Address[]): VethRoutePart {
  return { ...part, plan: { ...part.plan, nodeAddresses: nodeAddresses.map(formatAddress) } };
}

/** The plan of a recorded NIC. */
export function vethRouteNetwork(key: AttachmentKey, { plan }: VethRoutePart): DesiredNetwork {
  return planVethRoute({
    ...plan,
    containerId: key.containerId,
    interfaceName: key.interfaceName,
    addresses: plan.addresses.map(({ address, uplink }) => ({ address: parseCidr(address), uplink })),
    nodeAddresses: plan.nodeAddresses.map(parseAddress),
  });
}

/** The proxies that these attachments need. A sandbox that a newer one has replaced needs none. */
export function heldProxies(records: readonly AttachmentRecord[]): Omit<ProxyNeighbour, 'protocol'>[] {
  return records
    .filter(({ supersededBy }) => supersededBy === undefined)
    .flatMap((record) => partOf(record, vethRoutePart)?.plan.addresses ?? [])
    .flatMap(({ address, uplink: dev }) =>
      dev === undefined ? [] : [{ dev, address: parseCidr(address).address }],
    );
}
