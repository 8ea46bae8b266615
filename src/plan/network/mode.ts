// Which mode a NIC is served in, and which table it gets: from what is recorded of the pod's other NICs.

import { OrbError } from '#base';
import { type ForeignUse, freeTable, isFreeTable } from './foreign-use.ts';
import { FIRST_NIC_TABLE, POD_LINK } from './numbers.ts';
import type { CoordinatorSettings } from './settings.ts';

/** The mode of a NIC that is served. */
export type NicMode = 'underlay' | 'overlay';

/** What a record says of another NIC of the pod. */
export interface RecordedNic {
  readonly name: string;
  readonly mode: NicMode;
  readonly table?: number;
}

/** What the decision is made from. */
export interface NicSituation {
  readonly name: string;
  readonly settings: Pick<CoordinatorSettings, 'mode' | 'podDefaultCniNic'>;
  /** The pod's other NICs that the coordinator serves. */
  readonly others: readonly RecordedNic[];
  /** The pod has the veth pair of underlay mode, whoever made it. */
  readonly hasVeth: boolean;
  /** What other programs use in the pod. */
  readonly foreign: ForeignUse;
}

/** Undefined where the settings switch the coordinator off: the result passes through unchanged. */
export function nicMode(situation: NicSituation): NicMode | undefined {
  const { name, settings } = situation;
  const isFirst = name === settings.podDefaultCniNic;
  const underlayBefore = situation.others.some((other) => other.mode === 'underlay');
  const overlayBefore = situation.others.some((other) => other.mode === 'overlay');
  const veth = situation.hasVeth;
  switch (settings.mode) {
    case 'disable':
      return undefined;
    case 'auto':
      if (isFirst || underlayBefore) return 'underlay';
      // Without a record, veth0 is of an underlay NIC that somebody else served.
      return veth && !overlayBefore ? underlay(situation, isFirst, underlayBefore) : 'overlay';
    case 'underlay':
      return underlay(situation, isFirst, underlayBefore);
    case 'overlay':
      return overlay(situation, isFirst, underlayBefore || (veth && !overlayBefore));
  }
}

function underlay({ name, settings }: NicSituation, isFirst: boolean, before: boolean): NicMode {
  if (isFirst || before) return 'underlay';
  throw conflict(
    name,
    `when creating interface ${name} in underlay mode, it detects that the auxiliary interface ${settings.podDefaultCniNic} was not created by previous interface. please enable coordinator plugin in previous interface`,
  );
}

function overlay({ name, settings }: NicSituation, isFirst: boolean, underlayVeth: boolean): NicMode {
  if (isFirst) {
    throw conflict(
      name,
      `when creating interface ${name} in overlay mode, it detects that the current interface is first interface named ${settings.podDefaultCniNic}, this plugin should not work for it. please modify in the CNI configuration`,
    );
  }
  if (!underlayVeth) return 'overlay';
  throw conflict(
    name,
    `when creating interface ${name} in overlay mode, it detects that the auxiliary interface ${POD_LINK} of underlay mode exists. It seems that the previous interface work in underlay mode. please modify in the CNI configuration`,
  );
}

function conflict(name: string, message: string): OrbError {
  return new OrbError('COORDINATOR_MODE_CONFLICT', { message, subject: `interface ${name}` });
}

/**
 * The NIC's own table: the one it was given before, else the lowest that neither another NIC of the pod nor another program has.
 * The first NIC in underlay mode needs none. Never the number of links, which changes when a NIC is unplugged or is somebody
 * else's (Spiderpool #3953).
 */
export function nicTable(
  situation: NicSituation,
  mode: NicMode,
  before: number | undefined,
): number | undefined {
  if (mode === 'underlay' && situation.name === situation.settings.podDefaultCniNic) return undefined;
  const { foreign } = situation;
  const taken = situation.others.flatMap(({ table }) => (table === undefined ? [] : [table]));
  if (before !== undefined && !taken.includes(before) && isFreeTable(foreign, before)) return before;
  return freeTable(foreign, { first: FIRST_NIC_TABLE, taken });
}
