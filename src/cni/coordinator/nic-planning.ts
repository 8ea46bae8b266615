// From one ADD to the plan of its pod: decides the mode and the table of the NIC, and finds the pod's other NICs.

import { OrbError } from '#base';
import type { Address, Cidr } from '#ip';
import {
  type AttachmentRecord,
  type Namespaces,
  nicOf,
  overlayOf,
  type PodSight,
  podInputOf,
  type RecordedNic,
  recordNic,
  seeOverlay,
  seePod,
} from '#node';
import {
  type AttachmentKey,
  arePeers,
  type CoordinatorSettings,
  type DesiredNetwork,
  foreignUse,
  hostLinkName,
  type MergedOptions,
  type NicInput,
  nicMode,
  nicRoutes,
  nicTable,
  type OverlayNic,
  POD_LINK,
  planPod,
  podNumbers,
  readSettings,
} from '#plan/network';

/** The input of one ADD. */
export interface NicRequest {
  readonly attachment: AttachmentKey;
  readonly addresses: readonly Cidr[];
  readonly options: MergedOptions;
  /** The record of this NIC. Undefined at its first ADD. */
  readonly recorded: RecordedNic | undefined;
  /** The records of the pod's other NICs. */
  readonly others: readonly RecordedNic[];
  readonly nodeAddresses: readonly Address[];
  readonly timestamp: string;
}

/** A plan with what it was made from. */
export interface PlannedAttachment {
  readonly desired: DesiredNetwork;
  readonly record: RecordedNic;
  readonly sight: PodSight;
}

/** The records of a container's NICs that the coordinator serves, without the NIC `without`. */
export function otherNics(records: readonly AttachmentRecord[], without: string): RecordedNic[] {
  return records
    .filter((record) => record.interfaceName !== without)
    .map((record) => record.coordinator?.plan)
    .filter((plan) => plan !== undefined);
}

/**
 * Plans all NICs of the pod, with the requested one. Returns undefined if the options switch the coordinator off.
 * @throws OrbError COORDINATOR_MODE_CONFLICT, COORDINATOR_NO_ADDRESS, COORDINATOR_LINK_TAKEN, INPUT_INVALID
 */
export function planNic(request: NicRequest, namespaces: Namespaces): PlannedAttachment | undefined {
  const name = request.attachment.interfaceName;
  const settings = readSettings(request.options);
  if (settings.mode === 'disable') return undefined;
  const sight = seePod(namespaces.pod);
  requireOwnMac(name, settings, sight);
  const others = request.others.map(({ nic, mode, table }) => ({
    name: nic.name,
    mode,
    ...(table !== undefined && { table }),
  }));
  const foreign = foreignUse(sight.routes, sight.rules);
  // If other NICs are recorded, their mode decides, and a veth pair says nothing.
  const hasVeth = others.length === 0 && hasOwnVeth(request.attachment, sight, namespaces);
  const situation = { name, settings, others, hasVeth, foreign };
  const mode = nicMode(situation);
  if (mode === undefined) return undefined;
  const table = nicTable(situation, mode, request.recorded?.table);
  const before = request.recorded === undefined ? undefined : nicOf(request.recorded.nic);
  const addresses = request.addresses;
  const routes = nicRoutes({ name, addresses }, sight.routes, before);
  const nic: NicInput = { name, addresses, routes, settings, ...(table !== undefined && { table }) };
  const overlay =
    mode === 'overlay' ? overlayBefore(request, namespaces, settings.podDefaultCniNic, sight) : undefined;
  const { nodeAddresses } = request;
  const pod = podInputOf(request.attachment.containerId, request.others);
  const numbers = podNumbers(foreign, pod.numbers ?? request.recorded?.numbers);
  const desired = planPod({
    containerId: request.attachment.containerId,
    nics: [...attached(pod.nics, sight), nic].sort((a, b) => (a.table ?? 0) - (b.table ?? 0)),
    ...(overlay !== undefined && { overlay }),
    nodeAddresses,
    numbers,
  });
  const planned = desired.nics.find((one) => one.name === name);
  if (planned === undefined) return undefined;
  const record = recordNic({
    mode,
    nic,
    index: sight.links.find((link) => link.name === name)?.index,
    planned,
    options: request.options,
    overlay,
    numbers,
    nodeAddresses,
    plannedAt: request.timestamp,
  });
  return { desired, record, sight };
}

/**
 * The veth pair is ours if its end on the node has the name for this container. A NIC of the pod may be named veth0
 * too.
 */
function hasOwnVeth({ containerId }: AttachmentKey, { links }: PodSight, { node }: Namespaces): boolean {
  const inPod = links.find(({ name }) => name === POD_LINK);
  if (inPod?.kind !== 'veth') return false;
  const onNode = node.link(hostLinkName(containerId));
  return onNode !== undefined && arePeers(onNode, inPod);
}

/**
 * All ipvlans of a parent share its MAC address, and the kernel allows no other (ipvlan_main.c has no
 * ndo_set_mac_address).
 */
function requireOwnMac(name: string, { podMacPrefix }: CoordinatorSettings, { links }: PodSight): void {
  if (podMacPrefix === undefined || links.find((link) => link.name === name)?.kind !== 'ipvlan') return;
  throw new OrbError('INPUT_INVALID', {
    message: `podMACPrefix ${podMacPrefix} cannot be used on ${name}: an ipvlan has the MAC address of its parent; leave podMACPrefix empty for it`,
    subject: `interface ${name}`,
  });
}

/** The other NICs that still exist, with their current routes. */
function attached(nics: readonly NicInput[], sight: PodSight): NicInput[] {
  return nics
    .filter((nic) => sight.links.some((link) => link.name === nic.name))
    .map((nic) => ({ ...nic, routes: nicRoutes(nic, sight.routes, nic) }));
}

/** The overlay's NIC with its original routes. The agent may have moved them already, for an earlier NIC. */
function overlayBefore(
  { recorded, others }: NicRequest,
  namespaces: Namespaces,
  name: string,
  sight: PodSight,
): OverlayNic {
  const earlier = [...others, ...(recorded === undefined ? [] : [recorded])].find(
    (one) => one.overlay !== undefined,
  );
  const remembered = earlier?.overlay === undefined ? undefined : overlayOf(earlier.overlay);
  return seeOverlay(namespaces, name, sight, remembered);
}
