// The work of `orbctl subnet tree`: subnets, their pools, and the applications of these.

import { resources } from '#api';
import { didYouMean, OrbError } from '#base';
import { type PoolLeaf, type SubnetBranch, subnetTree } from '#plan/subnet';
import { counted, jsonCount, percentOf } from '../number-text.ts';
import { linesText } from '../one-line.ts';
import type { PartialReader } from '../partial-reader.ts';
import type { TreeFlags } from '../subnet.ts';

/** Throws INPUT_INVALID for a subnet that does not exist, and what the API server answers if subnets cannot be read. */
export async function runTree(
  reader: PartialReader,
  name: string | undefined,
  { output }: TreeFlags,
): Promise<string> {
  const [subnets, pools] = await Promise.all([
    reader.client.list(resources.spiderSubnets, {}),
    reader.list(resources.spiderIPPools, 'pools are left out, because they cannot be read'),
  ]);
  const tree = subnetTree(subnets.items, pools ?? []);
  const shown = tree.subnets.filter(({ subnet }) => name === undefined || subnet === name);
  if (name !== undefined && shown.length === 0) {
    const known = tree.subnets.map(({ subnet }) => subnet);
    const message = `there is no subnet ${name} that can be read${didYouMean(name, known)}`;
    throw new OrbError('INPUT_INVALID', { message });
  }
  const others = name === undefined ? tree.others : [];
  const { missing } = reader;
  if (output === 'json') {
    const told = { subnets: shown.map(branchJson), others: others.map(leafJson), incomplete: missing };
    return JSON.stringify(told, undefined, 2);
  }
  return linesText([
    ...shown.flatMap((branch) => [branchText(branch), ...branches(branch.pools)]),
    ...(others.length === 0 ? [] : ['pools without a subnet', ...branches(others)]),
    ...(shown.length === 0 && others.length === 0 ? ['there are no subnets and no pools'] : []),
    ...missing.map((sentence) => `not complete: ${sentence}`),
  ]);
}

function branchJson({ subnet, network, total, taken, pools, problem }: SubnetBranch) {
  return {
    ...{ subnet, network: network ?? null, total: countOrNull(total), taken: countOrNull(taken) },
    ...{ pools: pools.map(leafJson), problem: problem ?? null },
  };
}

function leafJson({ pool, application, nic, total, held, problem }: PoolLeaf) {
  return {
    ...{ pool, application: application ?? null, nic: nic ?? null, total: countOrNull(total) },
    ...{ held: held ?? null, problem: problem ?? null },
  };
}

function countOrNull(count: bigint | undefined): number | null {
  return count === undefined ? null : jsonCount(count);
}

function branchText({ subnet, network, total, taken, pools, problem }: SubnetBranch): string {
  const counts =
    total === undefined || taken === undefined
      ? []
      : [
          `${counted(total, 'address', 'addresses')}, ${taken} in ${counted(pools.length, 'pool')}, ${total - taken} free`,
        ];
  return sentence(`${subnet}${network === undefined ? '' : ` (${network})`}`, counts, problem);
}

function branches(leaves: readonly PoolLeaf[]): string[] {
  return leaves.map((leaf, index) => `${index === leaves.length - 1 ? '└─' : '├─'} ${leafText(leaf)}`);
}

function leafText({ pool, application, nic, total, held, problem }: PoolLeaf): string {
  const percent = held === undefined || total === undefined ? undefined : percentOf(held, total);
  const use = percent === undefined ? '' : ` (${percent.toFixed(1)} %)`;
  const counts = total === undefined ? [] : [`${counted(total, 'address', 'addresses')}, ${held} held${use}`];
  const owner = application === undefined ? [] : [`${application}${nic === undefined ? '' : `, NIC ${nic}`}`];
  return sentence(pool, [...owner, ...counts], problem);
}

function sentence(name: string, facts: readonly string[], problem: string | undefined): string {
  return `${[name, ...facts].join(': ')}${problem === undefined ? '' : ` – ${problem}`}`;
}
