// The settings under which the matrix is tried, and how the lab changes to one.

import { run } from '../command.ts';
import {
  encapsulated,
  NO_NAT_OUTGOING,
  NAT_OUTGOING as natOutgoingRules,
  unencapsulated,
} from '../overlay.ts';
import { inNetnsOf } from '../topology.ts';
import type { Cell, Place } from '../trial/index.ts';
import type { MatrixCast } from './cast.ts';
import type { MatrixCell, MatrixVerdict } from './paths.ts';
import { type Row, rows } from './rows.ts';
import type { Setting } from './sources.ts';

const first: Setting = { natOutgoing: true, encapsulation: 'none' };

export const settings: readonly Setting[] = [
  first,
  { natOutgoing: false, encapsulation: 'none' },
  { natOutgoing: true, encapsulation: 'vxlan' },
  { natOutgoing: false, encapsulation: 'vxlan' },
];

const axes = ['natOutgoing', 'encapsulation'] as const;

/** The rows to try under a setting. If the difference to the first setting cannot matter to a row, only the first setting tries it. */
export function rowsUnder(setting: Setting): Row[] {
  const differing = axes.filter((axis) => setting[axis] !== first[axis]);
  return rows.filter((row) => differing.every((axis) => row.axes.includes(axis)));
}

export async function makeSetting(setting: Setting, cast: MatrixCast): Promise<void> {
  const { natOutgoing, encapsulation } = setting;
  const { nodes, pods, machine, client } = cast;
  await givePorts(setting, [...pods.map(({ place }) => place), ...nodes.map(machine), client]);
  await Promise.all(
    nodes.map(async (node) => {
      const nat = natOutgoing ? natOutgoingRules : NO_NAT_OUTGOING;
      await run({ argv: inNetnsOf(node.name, 'nft', '-f', '-'), input: nat });
      const ways = [
        unencapsulated(node, nodes),
        ...(encapsulation === 'vxlan' ? [encapsulated(node, nodes)] : []),
      ];
      await run({ argv: inNetnsOf(node.name, 'sh', '-e'), input: `${ways.join('\n')}\n` });
    }),
  );
}

/**
 * Gives every setting its own range of source ports. conntrack remembers a UDP exchange for two minutes. It would treat a new exchange
 * between the same ports as the old one, masqueraded or not.
 */
async function givePorts(setting: Setting, places: readonly Place[]): Promise<void> {
  const first = 33_000 + 7000 * settings.indexOf(setting);
  const line = `echo ${first} ${first + 6999} >/proc/sys/net/ipv4/ip_local_port_range`;
  await Promise.all(
    places.map(({ probe: [enter, ...args] }) =>
      run({ argv: [enter, ...args.slice(0, -1), 'sh', '-c', line] }),
    ),
  );
}

/** `natOutgoing on, VXLAN` */
export function settingText({ natOutgoing, encapsulation }: Setting): string {
  return `natOutgoing ${natOutgoing ? 'on' : 'off'}${encapsulation === 'vxlan' ? ', VXLAN' : ''}`;
}

/** The results of the planned cells, with the facts of the plan about them. */
export function verdictsOf(planned: readonly MatrixCell[], cells: readonly Cell[]): MatrixVerdict[] {
  return cells.map((cell, i) => {
    const { rows: numbers, where, setting, seenAs } = planned[i] as MatrixCell;
    return { ...cell, rows: numbers, where, setting, seenAs };
  });
}
