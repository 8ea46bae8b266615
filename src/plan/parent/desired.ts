// The parent interface that a configuration of `ifacer` asks for: a bond, a VLAN, a VLAN on a bond, or none.

import { OrbError } from '#base';
import { readBondOption } from '#net';

/** The part of the configuration that decides. */
export interface ParentConf {
  readonly interfaces: readonly string[];
  /** 0 means no VLAN. */
  readonly vlanID: number;
  readonly bond?: { readonly name: string; readonly mode: number; readonly options: string } | undefined;
}

/** The links that must exist, from the lowest up. */
export interface DesiredParent {
  readonly bond?: {
    readonly name: string;
    readonly mode: number;
    readonly ports: readonly string[];
    /** By kernel name, with the kernel's values. */
    readonly options: Readonly<Record<string, string | number>>;
  };
  readonly vlan?: { readonly name: string; readonly parent: string; readonly id: number };
}

/** Spiderpool's default (its ifacer, DefaultBondName). */
const DEFAULT_BOND_NAME = 'sp_bond0';

/**
 * One interface is used as it is, or with a VLAN on it. Several interfaces are bonded if `bond` is set, and otherwise
 * not changed.
 */
export function desiredParent({ interfaces, vlanID, bond }: ParentConf): DesiredParent {
  const [first] = interfaces;
  if (first === undefined || (interfaces.length > 1 && bond === undefined)) return {};
  if (interfaces.length === 1 || bond === undefined) return vlanOn(first, vlanID);
  const name = bond.name || DEFAULT_BOND_NAME;
  const ports = [...new Set(interfaces)];
  return {
    bond: { name, mode: bond.mode, ports, options: readOptions(bond.options) },
    ...vlanOn(name, vlanID),
  };
}

function vlanOn(parent: string, id: number): Pick<DesiredParent, 'vlan'> {
  if (id === 0) return {};
  const name = `${parent}.${id}`;
  if (name.length <= 15) return { vlan: { name, parent, id } };
  throw new OrbError('INPUT_INVALID', {
    message: `VLAN interface ${name} would have a name of ${name.length} characters; the kernel allows 15`,
    subject: 'ifacer configuration',
  });
}

/** `k=v;k=v`. Blanks around the parts are removed. */
function readOptions(text: string): Record<string, string | number> {
  const options: Record<string, string | number> = {};
  for (const pair of text.split(';').map((each) => each.trim())) {
    if (pair === '') continue;
    const [, key = '', given = ''] = /^([^=]+)=(.*)$/.exec(pair) ?? [];
    if (key === '') {
      throw new OrbError('INPUT_INVALID', {
        message: `bond.options: ${JSON.stringify(pair)} is not of the form key=value`,
        subject: 'ifacer configuration',
      });
    }
    const { name, value } = readBondOption(key.trim(), given.trim());
    options[name] = value;
  }
  return options;
}
