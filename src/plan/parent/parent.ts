// Brings a node to a desired parent interface: changes in stages, or the reason why it must not be changed.
//
// Only links with our alias are corrected. A link with the same name and kind may belong to the administrator or to
// Spiderpool. It is used as it is, and at most set up.

import { OrbError } from '#base';
import { formatCidr } from '#ip';
import type { InterfaceAddress, Link, NetworkChange } from '#net';
import type { DesiredParent } from './desired.ts';

/** The alias (`ip link … alias`) of links that `ifacer` made. */
export const PARENT_ALIAS = 'orbweaver parent interface';

/** The present state of the node. */
export interface ObservedParents {
  readonly links: readonly Link[];
  readonly addresses: readonly InterfaceAddress[];
}

export interface ParentPlan {
  /** A stage runs only if the previous one succeeded. So no port is set down for a bond that cannot be made. */
  readonly stages: readonly (readonly NetworkChange[])[];
  /** Changes after all stages. The kernel refuses them with EINVAL while it cannot apply them. `unmet` says so. */
  readonly optional: readonly { readonly change: NetworkChange; readonly unmet: string }[];
  /** Differences from the desired state that stay, because the link is not ours. */
  readonly notes: readonly string[];
}

type Bond = NonNullable<DesiredParent['bond']>;
type Vlan = NonNullable<DesiredParent['vlan']>;

/** @throws OrbError PARENT_LINK_UNUSABLE if an existing link is in the way */
export function planParent({ bond, vlan }: DesiredParent, observed: ObservedParents): ParentPlan {
  const bonded = bond === undefined ? nothing : planBond(bond, observed);
  const tagged = vlan === undefined ? nothing : planVlan(vlan, observed, bond?.name === vlan.parent);
  const stages = [...bonded.stages, ...tagged.stages].filter((stage) => stage.length > 0);
  return { stages, optional: bonded.optional, notes: [...bonded.notes, ...tagged.notes] };
}

const nothing: ParentPlan = { stages: [], optional: [], notes: [] };

function planBond(bond: Bond, observed: ObservedParents): ParentPlan {
  const { name, mode } = bond;
  const link = find(observed, name);
  if (link === undefined) {
    for (const port of bond.ports) requireFreePort(port, bond, observed);
    const { active_slave: _, ...options } = bond.options;
    const made: NetworkChange = {
      verb: 'create',
      kind: 'link',
      link: { name, type: { kind: 'bond', mode, options } },
    };
    const stages = [
      [made, set({ name, alias: PARENT_ALIAS })],
      ...bond.ports.map((port) => enslave(port, name)),
    ];
    return { stages: [...stages, [set({ name, up: true })]], optional: activePort(bond), notes: [] };
  }
  if (link.kind !== 'bond') {
    throw unusable(name, `a non-bond type interface named ${name} already exists on the host`);
  }
  const missing = bond.ports.filter((port) => find(observed, port)?.masterIndex !== link.index);
  const raised = link.up ? [] : [set({ name, up: true })];
  const differs = link.bondMode !== undefined && link.bondMode !== mode;
  if (link.alias !== PARENT_ALIAS) {
    const lacks = missing.length === 0 ? '' : `; it lacks the ports ${missing.join(', ')}`;
    const other = differs ? `; its mode is ${link.bondMode}, not ${mode}` : '';
    const notes =
      lacks + other === ''
        ? []
        : [`bond ${name} belongs to another program and is used as it is${lacks}${other}`];
    return { stages: [raised], optional: [], notes };
  }
  if (differs) {
    throw unusable(
      name,
      `bond ${name} has mode ${link.bondMode}, not ${mode}: delete it, or choose another bond.name`,
    );
  }
  for (const port of missing) requireFreePort(port, bond, observed);
  const optional = missing.length === 0 ? [] : activePort(bond);
  return { stages: [...missing.map((port) => enslave(port, name)), raised], optional, notes: [] };
}

/**
 * The active port can be named only if it is a port and has a carrier (bond_options.c, bond_option_active_slave_set).
 * It is not set again later, because the bond changes it when a link fails.
 */
function activePort({ name, options: { active_slave } }: Bond): ParentPlan['optional'] {
  if (active_slave === undefined) return [];
  const unmet = `bond ${name} chooses its active port itself: ${active_slave} has no link yet`;
  return [{ change: set({ name, bondOptions: { active_slave } }), unmet }];
}

/** A bond accepts only ports that are down (bond_main.c, bond_enslave). */
function enslave(port: string, bond: string): NetworkChange[] {
  return [set({ name: port, up: false }), set({ name: port, master: bond }), set({ name: port, up: true })];
}

function requireFreePort(name: string, bond: Bond, { links, addresses }: ObservedParents): void {
  const link = links.find((each) => each.name === name);
  if (link === undefined)
    throw unusable(name, `interface ${name}, a port of bond ${bond.name}, is not on the node`);
  const master = links.find(({ index }) => index === link.masterIndex);
  if (master !== undefined) throw unusable(name, `interface ${name} is a port of ${master.name} already`);
  const address = addresses.find(({ dev, scope }) => dev === name && scope === 'global')?.address;
  if (address !== undefined) {
    const why = `a port of bond ${bond.name} cannot keep it, and the node would lose its connections`;
    throw unusable(name, `interface ${name} has address ${formatCidr(address)}: ${why}`);
  }
}

function planVlan({ name, parent, id }: Vlan, observed: ObservedParents, parentIsBond: boolean): ParentPlan {
  const below = find(observed, parent);
  if (below === undefined && !parentIsBond) throw unusable(parent, `interface ${parent} is not on the node`);
  const raised = below === undefined || below.up || parentIsBond ? [] : [set({ name: parent, up: true })];
  const link = find(observed, name);
  if (link === undefined) {
    requireFreeVlanId({ name, parent, id }, below, observed);
    const made: NetworkChange = {
      verb: 'create',
      kind: 'link',
      link: { name, type: { kind: 'vlan', parent, vlanId: id } },
    };
    return {
      stages: [raised, [made, set({ name, alias: PARENT_ALIAS }), set({ name, up: true })]],
      optional: [],
      notes: [],
    };
  }
  if (link.kind !== 'vlan') {
    throw unusable(name, `a non-vlan type interface named ${name} already exists on the host`);
  }
  if (link.vlanId !== undefined && link.vlanId !== id) {
    throw unusable(name, `interface ${name} has VLAN ${link.vlanId}, not ${id}`);
  }
  if (below !== undefined && link.linkIndex !== below.index) {
    throw unusable(name, `interface ${name} is a VLAN on another interface than ${parent}`);
  }
  return { stages: [raised, link.up ? [] : [set({ name, up: true })]], optional: [], notes: [] };
}

/**
 * The kernel refuses two VLANs with one id on one parent. On different parents they are valid (Spiderpool refuses them
 * too).
 */
function requireFreeVlanId({ name, id }: Vlan, below: Link | undefined, { links }: ObservedParents): void {
  const other = links.find(
    (link) =>
      link.kind === 'vlan' && link.vlanId === id && below !== undefined && link.linkIndex === below.index,
  );
  if (other === undefined) return;
  const words = `cannot have multiple different vlan interfaces with the same vlanId ${id} on node at the same time`;
  throw unusable(name, `${words}: ${other.name} exists, ${name} is requested`);
}

/** What CHECK reports: links that are missing or different, as sentences. */
export function parentProblems({ bond, vlan }: DesiredParent, observed: ObservedParents): string[] {
  const problems: string[] = [];
  for (const [wanted, kind] of [
    [bond, 'bond'],
    [vlan, 'vlan'],
  ] as const) {
    if (wanted === undefined) continue;
    const link = find(observed, wanted.name);
    if (link?.kind !== kind) problems.push(`${kind} interface ${wanted.name} is missing`);
    else if (!link.up) problems.push(`${kind} interface ${wanted.name} is down`);
  }
  const made = bond === undefined ? undefined : find(observed, bond.name);
  if (bond === undefined || made?.alias !== PARENT_ALIAS) return problems;
  for (const port of bond.ports) {
    if (find(observed, port)?.masterIndex !== made.index)
      problems.push(`interface ${port} is not a port of bond ${bond.name}`);
  }
  return problems;
}

function find({ links }: ObservedParents, name: string): Link | undefined {
  return links.find((link) => link.name === name);
}

function set(link: Extract<NetworkChange, { verb: 'set' }>['link']): NetworkChange {
  return { verb: 'set', kind: 'link', link };
}

function unusable(link: string, message: string): OrbError {
  return new OrbError('PARENT_LINK_UNUSABLE', { message, subject: `interface ${link}` });
}
