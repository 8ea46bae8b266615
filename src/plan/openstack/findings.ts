// What stands in the way of pods on a node that is a VM of OpenStack, and the command that mends it.

import { type Address, type Cidr, cidrContains, formatCidr, parseCidr } from '#ip';
import { pairCidr } from './address-pairs.ts';

/** What was read of the node and of the cloud. */
export interface NodeInCloud {
  readonly nic: { readonly name: string; readonly mtuBytes: number; readonly addresses: readonly Address[] };
  /** The project of the login. */
  readonly projectId: string;
  /** The login may change what is of other projects. */
  readonly isAdmin: boolean;
  readonly serverId: string;
  readonly serverStatus: string;
  readonly port: {
    readonly id: string;
    readonly addresses: readonly Address[];
    /** Undefined: the cloud cannot switch it off. */
    readonly hasSecurity: boolean | undefined;
    /** An address or a CIDR each. Undefined: the cloud has no pairs. */
    readonly pairs: readonly string[] | undefined;
    readonly securityGroups: readonly string[];
  };
  readonly network: {
    readonly id: string;
    readonly projectId: string;
    readonly mtuBytes: number | undefined;
  };
  readonly rules: readonly SecurityRule[];
  readonly portQuota: { readonly limit: number; readonly used: number };
  readonly extensions: ReadonlySet<string>;
  /** Networks of pods that do not stand on the port as addresses of their own. */
  readonly podNetworks: readonly Cidr[];
}

/** A rule of a security group of the port. */
export interface SecurityRule {
  readonly direction: string;
  /** `IPv4` or `IPv6`. */
  readonly ethertype: string;
  /** Null: any. */
  readonly protocol: string | null;
  /** Null: any address, unless {@link remoteGroupId} names who. */
  readonly remotePrefix: string | null;
  readonly remoteGroupId: string | null;
}

export interface CloudFinding {
  /** One sentence. */
  readonly what: string;
  /** Undefined where no command of a user mends it. */
  readonly mend: string | undefined;
}

/** The share of a quota from which it is named. */
const QUOTA_NEARLY_USED = 0.9;

/** In the order in which they are worth mending. */
export function cloudFindings(facts: NodeInCloud): CloudFinding[] {
  return [
    ...serverFindings(facts),
    ...rightFindings(facts),
    ...addressFindings(facts),
    ...podNetworkFindings(facts),
    ...mtuFindings(facts),
    ...quotaFindings(facts),
  ];
}

function serverFindings({ serverId, serverStatus }: NodeInCloud): CloudFinding[] {
  if (serverStatus === 'ACTIVE') return [];
  const what = `server ${serverId} is ${serverStatus}, so Nova does not attach NICs to it`;
  return [{ what, mend: `openstack server show ${serverId}` }];
}

function rightFindings({ extensions, network, projectId, isAdmin }: NodeInCloud): CloudFinding[] {
  const found: CloudFinding[] = [];
  if (!extensions.has('revision-if-match')) {
    const what =
      "Neutron lacks the extension revision-if-match, so two writers of a port undo each other's change";
    found.push({ what, mend: undefined });
  }
  if (network.projectId !== projectId && !isAdmin) {
    const whose = `network ${network.id} is of project ${network.projectId}, and the login of ${projectId}`;
    const what = `${whose}: Neutron lets only the owner add addresses and pairs to ports there`;
    found.push({ what, mend: `openstack role add --project ${network.projectId} --user USER member` });
  }
  return found;
}

/** With port security, a packet from an address that the port does not have is dropped. */
function addressFindings({ nic, port }: NodeInCloud): CloudFinding[] {
  if (port.hasSecurity === false) return [];
  const allowed = allowedOn(port);
  return nic.addresses
    .filter((address) => !allowed.some((cidr) => cidrContains(cidr, address)))
    .map((address) => {
      const text = formatCidr({ address, prefixLength: lengthOf(address) }).replace(/\/.*/, '');
      const what = `${nic.name} has ${text}, which port ${port.id} does not have: the cloud drops its packets`;
      return { what, mend: `openstack port set --fixed-ip ip-address=${text} ${port.id}` };
    });
}

function podNetworkFindings(facts: NodeInCloud): CloudFinding[] {
  const { port, podNetworks } = facts;
  if (port.hasSecurity === false) return [];
  return podNetworks.flatMap((network) => {
    const found: CloudFinding[] = [];
    const text = formatCidr(network);
    if (!allowedOn(port).some((cidr) => covers(cidr, network))) {
      const what = `port ${port.id} has no address pair for the pods of ${text}: the cloud drops their packets`;
      found.push({ what, mend: `openstack port set --allowed-address ip-address=${text} ${port.id}` });
    }
    if (!facts.rules.some((rule) => lets(rule, network))) {
      const [group = 'GROUP'] = port.securityGroups;
      const what = `no security group of port ${port.id} lets in what comes from the pods of ${text}`;
      const family = network.address.family === 4 ? 'IPv4' : 'IPv6';
      const rule = `--ingress --ethertype ${family} --protocol any --remote-ip ${text}`;
      found.push({ what, mend: `openstack security group rule create ${rule} ${group}` });
    }
    return found;
  });
}

function mtuFindings({ nic, network }: NodeInCloud): CloudFinding[] {
  if (network.mtuBytes === undefined || nic.mtuBytes <= network.mtuBytes) return [];
  const what = `${nic.name} has MTU ${nic.mtuBytes}, and the network carries ${network.mtuBytes}: larger packets are lost`;
  return [{ what, mend: `ip link set ${nic.name} mtu ${network.mtuBytes}` }];
}

function quotaFindings({ portQuota: { limit, used }, projectId }: NodeInCloud): CloudFinding[] {
  if (limit < 0 || used < limit * QUOTA_NEARLY_USED) return [];
  const what = `project ${projectId} has ${used} of ${limit} ports`;
  return [{ what, mend: `openstack quota set --ports ${Math.max(limit * 2, 1)} ${projectId}` }];
}

function allowedOn({ addresses, pairs = [] }: NodeInCloud['port']): Cidr[] {
  const own = addresses.map((address) => ({ address, prefixLength: lengthOf(address) }));
  return [...own, ...pairs.map(pairCidr)];
}

const lengthOf = (address: Address): number => (address.family === 4 ? 32 : 128);

function covers(outer: Cidr, inner: Cidr): boolean {
  return outer.prefixLength <= inner.prefixLength && cidrContains(outer, inner.address);
}

function lets(rule: SecurityRule, network: Cidr): boolean {
  const family = network.address.family === 4 ? 'IPv4' : 'IPv6';
  if (rule.direction !== 'ingress' || rule.ethertype !== family || rule.protocol !== null) return false;
  // A rule for members of a group counts the addresses of their ports, and pods behind a pair are not among them.
  if (rule.remoteGroupId !== null) return false;
  return rule.remotePrefix === null || covers(parseCidr(rule.remotePrefix), network);
}
