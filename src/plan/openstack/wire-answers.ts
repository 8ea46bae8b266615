// Who answers on the wire for the addresses of a node that is a VM of OpenStack: Neutron says who must.

import { type Address, type Cidr, cidrContains, formatAddress, sameAddress, tryParseAddress } from '#ip';
import type { Mac } from '#net';
import { pairCidr } from './address-pairs.ts';
import type { CloudFinding } from './findings.ts';

/** A port of the node's network that the login sees. */
export interface WirePort {
  readonly id: string;
  readonly mac: Mac;
  /** The id of its VM or router. */
  readonly deviceId: string;
  readonly addresses: readonly Address[];
  /** Addresses or CIDRs, each with the MAC address that may use it. */
  readonly pairs: readonly { readonly address: string; readonly mac: Mac }[];
}

/** What was read of the node, and of the network that its NIC is in. */
export interface NodeOnWire {
  readonly nic: { readonly name: string; readonly mac: Mac; readonly addresses: readonly Address[] };
  /** The other NICs of the node, by MAC address. */
  readonly otherNics: ReadonlyMap<Mac, string>;
  readonly serverId: string;
  readonly networkId: string;
  /** The id of the NIC's port. */
  readonly portId: string;
  /** With the NIC's own port. */
  readonly ports: readonly WirePort[];
  /** The login owns the network, or is an administrator. */
  readonly seesAllPorts: boolean;
  readonly subnets: readonly { readonly id: string; readonly cidr: Cidr; readonly gateway: string | null }[];
  /** Gateways that routes of the node lead to, by this NIC. */
  readonly usedGateways: readonly Address[];
  /** The addresses that pods of this node have, on whatever NIC. */
  readonly pods: readonly { readonly name: string; readonly address: Address }[];
  /** Networks of pods that do not stand on the port as addresses of their own. */
  readonly podNetworks: readonly Cidr[];
}

/** An address that is asked for. */
export interface AskedAddress {
  readonly address: Address;
  /** Whose it is, as words after "answers for 10.6.0.1,". */
  readonly whose: string;
  /** Who may answer. Empty: Neutron does not say. */
  readonly macs: readonly Mac[];
  /** What mends it if nobody answers. Undefined: nobody need answer. */
  readonly ifSilent: string | undefined;
}

/** By the address as text: the MAC addresses of the answers. */
export type WireAnswers = ReadonlyMap<string, readonly Mac[]>;

/** Each address once, with the first thing that is known of it. */
export function addressesToAsk(node: NodeOnWire): AskedAddress[] {
  const asked = [...gateways(node), ...ofNic(node), ...ofPods(node), ...ofPort(node), ...ofPairs(node)];
  const byText = new Map<string, AskedAddress>();
  for (const one of asked) {
    const text = formatAddress(one.address);
    if (!byText.has(text)) byText.set(text, one);
  }
  return [...byText.values()];
}

function gateways({ subnets, ports, usedGateways, networkId, seesAllPorts }: NodeOnWire): AskedAddress[] {
  return subnets.flatMap(({ id, gateway }) => {
    const address = gateway === null ? undefined : tryParseAddress(gateway);
    if (address === undefined) return [];
    const owners = ports.filter((port) => port.addresses.some((one) => sameAddress(one, address)));
    const [owner] = owners;
    // A network that leads nowhere has a gateway in its subnet too, and nobody behind it.
    const isNeeded = owner !== undefined || usedGateways.some((one) => sameAddress(one, address));
    const text = formatAddress(address);
    const look = `openstack port list --network ${networkId} --fixed-ip ip-address=${text}`;
    const add = seesAllPorts ? `openstack router add subnet ROUTER ${id}` : look;
    const ifSilent = owner === undefined ? add : `openstack port show ${owner.id}`;
    return {
      ...{ address, whose: `the gateway of subnet ${id}`, macs: owners.map(({ mac }) => mac) },
      ifSilent: isNeeded ? ifSilent : undefined,
    };
  });
}

function ofNic(node: NodeOnWire): AskedAddress[] {
  return node.nic.addresses.map((address) => held(node, address, `which ${node.nic.name} of this node has`));
}

/** Only those of this network: a NIC of another network does not hear who answers. */
function ofPods(node: NodeOnWire): AskedAddress[] {
  const pairs = own(node)?.pairs.map(({ address }) => pairCidr(address)) ?? [];
  const networks = [...node.subnets.map(({ cidr }) => cidr), ...pairs, ...node.podNetworks];
  return node.pods
    .filter(({ address }) => networks.some((cidr) => cidrContains(cidr, address)))
    .map(({ name, address }) => held(node, address, `which pod ${name} of this node has`));
}

function ofPort(node: NodeOnWire): AskedAddress[] {
  const { portId } = node;
  return (own(node)?.addresses ?? []).map((address) => held(node, address, `which port ${portId} has`));
}

/** A pair says who may use the address: several nodes may, and one of them does. */
function ofPairs(node: NodeOnWire): AskedAddress[] {
  return (own(node)?.pairs ?? []).flatMap((pair) => {
    const address = onlyAddress(pair);
    if (address === undefined) return [];
    const macs = node.ports.flatMap((port) => macsFor(port, address));
    return { address, whose: `an address pair of port ${node.portId}`, macs, ifSilent: undefined };
  });
}

/** Nobody need answer: the NIC does not hear its own node. */
function held(node: NodeOnWire, address: Address, whose: string): AskedAddress {
  const ports = node.ports.filter(({ id, deviceId }) => id === node.portId || deviceId === node.serverId);
  const macs = [node.nic.mac, ...ports.flatMap((port) => macsFor(port, address))];
  return { address, whose, macs: [...new Set(macs)], ifSilent: undefined };
}

const own = ({ ports, portId }: NodeOnWire): WirePort | undefined => ports.find(({ id }) => id === portId);

/** Undefined of a pair that is a network. */
function onlyAddress(pair: WirePort['pairs'][number]): Address | undefined {
  const { address, prefixLength } = pairCidr(pair.address);
  return prefixLength === (address.family === 4 ? 32 : 128) ? address : undefined;
}

/** By which MAC addresses the port may use the address. */
function macsFor({ mac, addresses, pairs }: WirePort, address: Address): Mac[] {
  const paired = pairs.filter((pair) => cidrContains(pairCidr(pair.address), address));
  const fixed = addresses.some((one) => sameAddress(one, address)) ? [mac] : [];
  return [...fixed, ...paired.map((pair) => pair.mac)];
}

export function answerFindings(
  node: NodeOnWire,
  asked: readonly AskedAddress[],
  answers: WireAnswers,
): CloudFinding[] {
  return asked.flatMap((one) => {
    const { address, whose, macs, ifSilent } = one;
    const text = formatAddress(address);
    const heard = answers.get(text) ?? [];
    if (heard.length === 0 && ifSilent !== undefined) {
      const what = `nobody answers for ${text}, ${whose}: packets that go there are lost`;
      return [{ what, mend: ifSilent }];
    }
    // Without a word of Neutron, one may answer, and a second one may not.
    const wanted = macs.length > 0 ? macs : heard.slice(0, 1);
    return heard
      .filter((mac) => !wanted.includes(mac))
      .map((mac) => wrongAnswer(node, one, { mac, wanted, isOfNeutron: macs.length > 0 }));
  });
}

interface WrongAnswer {
  readonly mac: Mac;
  readonly wanted: readonly Mac[];
  readonly isOfNeutron: boolean;
}

function wrongAnswer(
  node: NodeOnWire,
  { address, whose }: AskedAddress,
  { mac, wanted, isOfNeutron }: WrongAnswer,
): CloudFinding {
  const text = formatAddress(address);
  const nic = node.otherNics.get(mac);
  const port = node.ports.find((one) => one.mac === mac);
  const also = isOfNeutron ? `Neutron says ${wanted.join(' or ')}` : `${wanted.join(' or ')} answers too`;
  const what = (who: string) => `${mac}, ${who}, answers for ${text}, ${whose}, and ${also}`;
  if (nic !== undefined) {
    const mend = address.family === 4 ? 'sysctl -w net.ipv4.conf.all.arp_ignore=1' : undefined;
    return { what: what(`NIC ${nic} of this node`), mend };
  }
  if (port !== undefined) {
    const device = port.deviceId === '' ? '' : ` of ${port.deviceId}`;
    return { what: what(`port ${port.id}${device}`), mend: mendPort(port, address) };
  }
  const look = `openstack port list --network ${node.networkId} --mac-address ${mac}`;
  if (node.seesAllPorts) return { what: what('of no port of the network'), mend: undefined };
  return { what: what('of no port that this login sees'), mend: look };
}

/** A pair for this address alone is what lets it answer. A pair that is a network may be of use to others. */
function mendPort({ id, pairs }: WirePort, address: Address): string {
  const pair = pairs.find((one) => {
    const only = onlyAddress(one);
    return only !== undefined && sameAddress(only, address);
  });
  if (pair === undefined) return `openstack port show ${id}`;
  const words = `ip-address=${pair.address},mac-address=${pair.mac}`;
  return `openstack port unset --allowed-address ${words} ${id}`;
}
