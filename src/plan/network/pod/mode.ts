// Chooses the mode and the table of a NIC from the records of the pod's other NICs.

import { OrbError } from '#base';
import type { CoordinatorSettings } from '../settings/index.ts';
import { FIRST_NIC_TABLE, type ForeignUse, freeTable, isFreeTable, POD_LINK } from '../state/index.ts';

/** The mode of a NIC that the coordinator serves. */
export type NicMode = 'underlay' | 'overlay';

/** What a record says about another NIC of the pod. */
export interface KnownNic {
  readonly name: string;
  readonly mode: NicMode;
  readonly table?: number;
}

/** The input of the decision. */
export interface NicSituation {
  readonly name: string;
  readonly settings: Pick<CoordinatorSettings, 'mode' | 'podDefaultCniNic'>;
  /** The pod's other NICs that the coordinator serves. */
  readonly others: readonly KnownNic[];
  /** Whether the pod's veth0 was found and no other NIC has a record. Records decide before links. */
  readonly hasVeth: boolean;
  /** What other programs use in the pod. */
  readonly foreign: ForeignUse;
}

/** Undefined if the settings turn the coordinator off. The result then passes through unchanged. */
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
      // If no record exists, veth0 belongs to an underlay NIC that another program served.
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
 * The NIC's own table. It is the recorded one, or the lowest that no other NIC of the pod and no other program uses.
 * The first NIC in underlay mode needs none. The table never comes from the number of links. That number changes when a
 * NIC is unplugged or belongs to another program (Spiderpool #3953).
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
