// The plan of an import as text and as JSON.

import { formatCidr } from '#ip';
import type { ImportPlan } from '#plan/import';
import type { Paint } from '#program';
import { counted } from '../number-text.ts';
import { tableLines } from '../table.ts';

export function planText(plan: ImportPlan, paint: Paint): string {
  const { source, networks, pools, differences, warnings, obstacles } = plan;
  const poolRows = pools.map(({ name, range, state, recorded, missing, unknown }) => [
    ...[name, formatCidr(range.subnet), range.addresses.format().join(' '), state],
    ...[String(recorded), String(missing.length), String(unknown.count)],
  ]);
  const networkRows = networks.map(({ name, pools: names, isSwitched }) => [
    ...[name, isSwitched ? 'done' : `ipam ${source} becomes spiderpool`, names.join(' ')],
  ]);
  const unknown = pools.flatMap(({ unknownTexts }) => unknownTexts);
  return [
    `${counted(networks.length, 'network')} of ${source}, ${counted(pools.length, 'pool')} of Orbweaver`,
    ...section('networks', tableLines(['NETWORK', 'CHANGE', 'POOLS'], networkRows)),
    ...section(
      'pools',
      tableLines(['POOL', 'SUBNET', 'ADDRESSES', 'STATE', 'RECORDED', 'TO RECORD', 'LEFT OUT'], poolRows),
    ),
    ...section('addresses of unknown holders, which the pools leave out', unknown),
    ...section('what becomes different', differences),
    ...section('before you begin', [...warnings, ...nodesText(plan)]),
    obstacles.length === 0 ? paint('good', 'nothing stands in the way') : obstacleText(obstacles, paint),
  ].join('\n');
}

/** Which folders of host-local are still to be read. */
export function nodesText({ nodesMissing }: ImportPlan): string[] {
  if (nodesMissing.length === 0) return [];
  const words = nodesMissing.map((node) => `--data ${node}=FOLDER`).join(' ');
  return [`copy /var/lib/cni/networks of each node, or what ipam.dataDir names, and give it: ${words}`];
}

/** What must be removed first. */
export function obstacleText(obstacles: readonly string[], paint: Paint): string {
  return section('in the way', obstacles)
    .map((line) => paint('bad', line))
    .join('\n');
}

export function planJson(plan: ImportPlan): string {
  const { source, nodesMissing, obstacles, warnings, differences } = plan;
  const networks = plan.networks.map(({ name, isSwitched, pools, after }) => ({
    name,
    isSwitched,
    pools,
    after,
  }));
  const pools = plan.pools.map(({ name, range, state, recorded, missing, unknown, unknownTexts }) => ({
    ...{ name, subnet: formatCidr(range.subnet), ips: range.addresses.format(), state, recorded },
    ...{ toRecord: missing.length, leftOut: unknown.format(), unknown: unknownTexts },
  }));
  return JSON.stringify(
    { source, networks, pools, nodesMissing, obstacles, warnings, differences },
    undefined,
    2,
  );
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${title}:`, ...lines.map((line) => `  ${line}`)];
}
