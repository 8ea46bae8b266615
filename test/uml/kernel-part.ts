// Parts that not every kernel has, tried in a namespace of their own: whether a test that needs them can run here.

import { spawnSync } from 'node:child_process';

/** Commands of a new network namespace that succeed where the kernel has the part; `p` is a link there. */
const trials = {
  ipvlan: 'ip link add link p name x type ipvlan mode l2',
  vlan: 'ip link add link p name x type vlan id 7',
  bond: 'ip link add x type bond',
  dummy: 'ip link add x type dummy',
  /** Of family inet. */
  nftables: 'nft add table inet x',
} as const;

export type KernelPart = keyof typeof trials;

/** The parts that the running kernel lacks. */
export function lackingParts(parts = Object.keys(trials) as readonly KernelPart[]): KernelPart[] {
  const script = parts.map(
    (part) => `(${trials[part]}) 2>/dev/null || echo '${part}'; ip link delete x 2>/dev/null`,
  );
  const lines = ['ip link add p type bridge || exit 1', ...script, 'true'].join('\n');
  const { status, stdout, stderr } = spawnSync('unshare', ['--net', 'sh', '-c', lines], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`cannot try what the kernel has: ${stderr}`);
  return parts.filter((part) => stdout.split('\n').includes(part));
}

/** Set inside user-mode Linux: the parts that its set-up could not bring, with `;` between. */
const INSIDE = 'ORBWEAVER_UML_LACKS';

/** Options of a test or suite that needs these parts: see {@link skipOf}. */
export function needs(...parts: readonly KernelPart[]): { readonly skip: string | false } {
  return { skip: skipOf(lackingParts(parts), process.env[INSIDE]) };
}

/**
 * On a kernel that lacks something a test is skipped, and the message says where it runs. User-mode Linux is there to have everything:
 * there, lacking a part is an error, unless it is `known`, because it could not be built.
 */
export function skipOf(lacking: readonly KernelPart[], known: string | undefined): string | false {
  if (lacking.length === 0) return false;
  const said = `this kernel has no ${lacking.join(', no ')}`;
  if (known === undefined) return `${said}: runs in npm run test:uml`;
  if (lacking.every((part) => known.split(';').includes(part))) return `${said}, which could not be built`;
  throw new Error(`${said}, although it is user-mode Linux`);
}
