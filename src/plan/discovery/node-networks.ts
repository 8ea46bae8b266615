// The networks of pods that the nodes have: spec.podCIDRs of each Node.

import { type Cidr, formatCidr, networkOf } from '#ip';
import { type Answer, fault, readNetworks } from './answer.ts';
import type { SourceReader } from './sources.ts';

/** The networks of all nodes. Neighbouring networks are joined, so that a thousand nodes do not make as many routes. */
export function nodeNetworks(reader: SourceReader): Answer {
  const nodes = reader.items('nodes');
  if ('faults' in nodes) return nodes;
  const texts = nodes.flatMap(
    ({ spec }) => spec?.podCIDRs ?? (spec?.podCIDR === undefined ? [] : [spec.podCIDR]),
  );
  if (texts.length === 0) return fault('NotFound', 'no node has spec.podCIDRs');
  const answer = readNetworks(texts, 'spec.podCIDRs of the nodes');
  return { ...answer, networks: joined(answer.networks) };
}

/** The fewest networks with exactly the same addresses. */
export function joined(networks: readonly Cidr[]): Cidr[] {
  const byText = new Map(networks.map((network) => [formatCidr(network), network]));
  const longestFirst = [...byText.values()].toSorted((a, b) => b.prefixLength - a.prefixLength);
  for (const network of longestFirst) {
    const { address, prefixLength } = network;
    // Joined networks come last in the list, and the loop meets them there.
    if (prefixLength === 0 || !byText.has(formatCidr(network))) continue;
    const shift = BigInt((address.family === 4 ? 32 : 128) - prefixLength);
    const sibling = { address: { ...address, value: address.value ^ (1n << shift) }, prefixLength };
    if (!byText.has(formatCidr(sibling))) continue;
    byText.delete(formatCidr(network));
    byText.delete(formatCidr(sibling));
    const parent = networkOf({ address, prefixLength: prefixLength - 1 });
    if (!byText.has(formatCidr(parent))) longestFirst.push(parent);
    byText.set(formatCidr(parent), parent);
  }
  return [...byText.values()].toSorted(byAddress);
}

function byAddress(a: Cidr, b: Cidr): number {
  if (a.address.family !== b.address.family) return a.address.family - b.address.family;
  return a.address.value < b.address.value ? -1 : 1;
}
