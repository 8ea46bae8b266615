// Asks on the NIC of a node who answers for its addresses, and compares with what Neutron says.

import { join } from 'node:path';
import { type Clock, errorText, isOrbError } from '#base';
import { parseAddress, parseCidr } from '#ip';
import type { NetworkNamespace } from '#net';
import { type AttachmentRecord, readAttachments, whoAnswers } from '#node';
import type { CloudClient, FoundIdentity, NodeNic, Port } from '#openstack';
import {
  addressesToAsk,
  answerFindings,
  type CloudFinding,
  type NodeOnWire,
  type WirePort,
} from '#plan/openstack';

export interface WireQuestion {
  readonly namespace: NetworkNamespace;
  readonly nic: NodeNic;
  readonly identity: FoundIdentity;
  readonly neutron: CloudClient['neutron'];
  /** The ports of the network that the login sees. */
  readonly ports: readonly Port[];
  /** The login owns the network, or is an administrator. */
  readonly seesAllPorts: boolean;
  readonly podNetworks: NodeOnWire['podNetworks'];
  /** The agent's folder of records. */
  readonly state: string;
  readonly clock: Clock;
}

export interface WireCheck {
  readonly findings: readonly CloudFinding[];
  /** Why nobody was asked. Undefined: all were. */
  readonly notChecked: string | undefined;
}

export async function checkWire(question: WireQuestion): Promise<WireCheck> {
  if (process.getuid?.() !== 0) return notChecked('only root may ask on the wire');
  const node = await nodeOnWire(question);
  const asked = addressesToAsk(node);
  const addresses = asked.map(({ address }) => address);
  const place = { netns: `/proc/${process.pid}/ns/net`, nic: node.nic.name, addresses };
  try {
    const answers = await whoAnswers(place, question.clock);
    if (typeof answers === 'string') return notChecked(answers);
    return { findings: answerFindings(node, asked, answers), notChecked: undefined };
  } catch (error) {
    // A container may lack the right to packet sockets, and a NIC may go down meanwhile.
    if (isOrbError(error, 'KERNEL_REFUSED')) return notChecked(errorText(error));
    throw error;
  }
}

const notChecked = (why: string): WireCheck => ({ findings: [], notChecked: why });

async function nodeOnWire(question: WireQuestion): Promise<NodeOnWire> {
  const { namespace, nic, identity, neutron, ports, seesAllPorts, podNetworks, state } = question;
  const { name, mac } = nic.identity;
  const subnetIds = new Set(identity.port.fixed_ips.map(({ subnet_id }) => subnet_id));
  const subnets = await Promise.all(Array.from(subnetIds, (id) => neutron.subnet(id)));
  const routes = namespace
    .routes({ table: 254 })
    .flatMap(({ dev, gateway, nextHops = [] }) => [{ dev, gateway }, ...nextHops]);
  const others = namespace.links().filter((link) => !link.loopback && link.mac !== mac);
  return {
    ...{ nic: { name, mac, addresses: nic.addresses }, seesAllPorts, podNetworks },
    ...{ serverId: identity.serverId, networkId: identity.networkId, portId: identity.portId },
    otherNics: new Map(others.flatMap((link) => (link.mac === undefined ? [] : [[link.mac, link.name]]))),
    ports: [identity.port, ...ports.filter(({ id }) => id !== identity.portId)].map(wirePort),
    subnets: subnets.flatMap((subnet) =>
      subnet.is === 'absent'
        ? []
        : { id: subnet.value.id, cidr: parseCidr(subnet.value.cidr), gateway: subnet.value.gateway_ip },
    ),
    usedGateways: routes.flatMap(({ dev, gateway }) =>
      dev === name && gateway !== undefined ? [gateway] : [],
    ),
    pods: (await readAttachments(join(state, 'attachments'))).flatMap(addressesOfPod),
  };
}

function wirePort({ id, mac_address, device_id, fixed_ips, allowed_address_pairs = [] }: Port): WirePort {
  return {
    ...{ id, mac: mac_address, deviceId: device_id },
    addresses: fixed_ips.map(({ ip_address }) => parseAddress(ip_address)),
    pairs: allowed_address_pairs.map((pair) => ({
      address: pair.ip_address,
      mac: pair.mac_address.toLowerCase(),
    })),
  };
}

function addressesOfPod({ pod, interfaceName, ipam }: AttachmentRecord): NodeOnWire['pods'][number][] {
  if (pod === undefined || ipam === undefined) return [];
  const own = ipam.addresses.filter(({ nic }) => nic === interfaceName);
  return own.map(({ address }) => ({
    name: `${pod.namespace}/${pod.name}`,
    address: parseCidr(address).address,
  }));
}
