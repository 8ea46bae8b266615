// Pods in the state that a main plugin leaves to `coordinator`: a namespace with macvlan NICs, their addresses and default route.

import { type Cidr, formatAddress, parseCidr } from '#ip';
import { createNetns } from '#kernel';
import { gateway, nodeNic } from '../test/e2e/one-node.ts';
import { runProgram } from '../test/e2e/program.ts';

/** The NICs of a pod. `bare`: one NIC without addresses, the state that IPAM finds. */
export type PodKind = 'ipv4' | 'dual' | 'three' | 'bare';

export interface PodNic {
  readonly name: string;
  readonly addresses: readonly Cidr[];
}

/** A namespace with its NICs. */
export interface BenchPod {
  readonly name: string;
  readonly netns: string;
  readonly nics: readonly PodNic[];
}

const nicNames = { ipv4: ['eth0'], dual: ['eth0'], three: ['eth0', 'net1', 'net2'], bare: ['eth0'] } as const;

/** Makes the pod. `number` is unique for each pod and determines its addresses. */
export function makePod(kind: PodKind, index: number, number: number): BenchPod {
  const name = `${kind}-${index}`;
  const netns = `/run/netns/${name}`;
  createNetns(netns).close();
  const nics = nicNames[kind].map((nic, lan) => ({ name: nic, addresses: addressesOf(kind, lan, number) }));
  runProgram('ip', ['-batch', '-'], nics.flatMap((nic) => moveNicLines(name, nic)).join(''));
  runProgram('ip', ['-n', name, '-batch', '-'], nics.flatMap(setNicLines).join(''));
  return { name, netns, nics };
}

/** The first NIC is on the node's LAN. Each further NIC is on its own network. */
function addressesOf(kind: PodKind, lan: number, number: number): Cidr[] {
  if (kind === 'bare') return [];
  const ipv4 = parseCidr(`10.${6 + lan}.${100 + (number >> 8)}.${number & 255}/16`);
  if (kind === 'ipv4') return [ipv4];
  return [ipv4, parseCidr(`fd00:10:${6 + lan}::3:${number.toString(16)}/64`)];
}

function moveNicLines(pod: string, { name }: PodNic): string[] {
  // The kernel refuses names of more than 15 bytes, and the first NIC's own name is in use on the node.
  return [
    `link add bench-nic link ${nodeNic} type macvlan mode bridge\n`,
    `link set bench-nic netns ${pod} name ${name}\n`,
  ];
}

function setNicLines({ name, addresses }: PodNic): string[] {
  const families = addresses.map(({ address }) => address.family);
  const ways = name === 'eth0' ? families.map((family) => `default via ${gateway[family]} dev ${name}`) : [];
  return [
    `link set ${name} up\n`,
    ...addresses.map(({ address, prefixLength }) => {
      const noDad = address.family === 6 ? ' nodad' : '';
      return `address add ${formatAddress(address)}/${prefixLength} dev ${name}${noDad}\n`;
    }),
    ...ways.map((way) => `route add ${way}\n`),
  ];
}
