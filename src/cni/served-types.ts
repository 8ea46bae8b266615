// The registry of the CNI types that this agent serves. Installation, dispatch, the queue of DELs, the conformance run
// and the tests of the pages read it. docs/adding-a-cni-type.md shows how to add a type.

import { coordinatorPart, ipamPart, type RecordPart, vethRoutePart } from '#node';
import { type CoordinatorParts, CoordinatorPlugin, TranslatedPlugin } from './coordinator/index.ts';
import { type EniVlanParts, EniVlanPlugin, eniVlanPart } from './eni-vlan/index.ts';
import { type HostDeviceParts, HostDevicePlugin, hostDevicePart } from './host-device/index.ts';
import { type IfacerParts, IfacerPlugin } from './ifacer.ts';
import { type IpamParts, IpamPlugin } from './ipam/index.ts';
import type { CniPlugin } from './plugin.ts';
import { type VethRouteParts, VethRoutePlugin } from './veth-route/index.ts';

/** What the agent gives to the plugins. Each takes what it needs. */
export interface AgentParts
  extends CoordinatorParts,
    IpamParts,
    IfacerParts,
    VethRouteParts,
    HostDeviceParts,
    EniVlanParts {}

export interface CniType {
  /**
   * As in a configuration's `type`. The runtime starts an executable of this name, so the shim is copied to it
   * (CNI specification 1.1, section 1). A second name for the same plugin is a second entry. The conformance run finds
   * the type's cases by this name: `test/conformance/profiles/NAME.json`.
   */
  readonly name: string;
  readonly plugin: (parts: AgentParts) => CniPlugin;
  /** What a DEL needs. Queued DELs that need only the node are served while the API server is unreachable. */
  readonly delNeeds: 'cluster' | 'node';
  /** What the plugin keeps in the record of an attachment. Undefined if it keeps nothing. */
  readonly part?: RecordPart;
}

export const servedTypes: readonly CniType[] = [
  {
    name: 'spiderpool',
    plugin: (parts) => new IpamPlugin('spiderpool', parts),
    delNeeds: 'cluster',
    part: ipamPart,
  },
  {
    name: 'neutron',
    plugin: (parts) => new IpamPlugin('neutron', parts),
    // What a pod gives back is written to the disk; Neutron is asked later.
    delNeeds: 'node',
    part: ipamPart,
  },
  {
    name: 'coordinator',
    plugin: (parts) => new CoordinatorPlugin(parts),
    delNeeds: 'node',
    part: coordinatorPart,
  },
  {
    name: 'ifacer',
    plugin: (parts) => new IfacerPlugin(parts),
    delNeeds: 'node',
  },
  {
    name: 'veth',
    plugin: (parts) => new TranslatedPlugin('veth', parts),
    delNeeds: 'node',
    part: coordinatorPart,
  },
  {
    name: 'router',
    plugin: (parts) => new TranslatedPlugin('router', parts),
    delNeeds: 'node',
    part: coordinatorPart,
  },
  {
    name: 'veth-host',
    plugin: (parts) => new TranslatedPlugin('veth-host', parts),
    delNeeds: 'node',
    part: coordinatorPart,
  },
  {
    name: 'veth-route',
    plugin: (parts) => new VethRoutePlugin(parts),
    // It gives addresses back, as `spiderpool`.
    delNeeds: 'cluster',
    part: vethRoutePart,
  },
  {
    name: 'host-device-plus',
    plugin: (parts) => new HostDevicePlugin(parts),
    // The addresses of a NIC that is named may come from pools.
    delNeeds: 'cluster',
    part: hostDevicePart,
  },
  {
    name: 'eni-vlan',
    plugin: (parts) => new EniVlanPlugin(parts),
    // It gives addresses back, as `spiderpool`.
    delNeeds: 'cluster',
    part: eniVlanPart,
  },
];

/** The plugin of each type, by the type's name. */
export function pluginsOf(types: readonly CniType[], parts: AgentParts): ReadonlyMap<string, CniPlugin> {
  return new Map(types.map(({ name, plugin }) => [name, plugin(parts)]));
}

/** The parts of attachment records that the types keep. */
export function partsOf(types: readonly CniType[]): RecordPart[] {
  return types.flatMap(({ part }) => (part === undefined ? [] : [part]));
}
