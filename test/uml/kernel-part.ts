// Tests in a separate namespace whether the kernel has an optional part. A test that needs it can then run, or is skipped.

import { spawnSync } from 'node:child_process';

/** Commands for a new network namespace. They succeed when the kernel has the part; `p` is a link in the namespace. */
const trials = {
  ipvlan: 'ip link add link p name x type ipvlan mode l2',
  vlan: 'ip link add link p name x type vlan id 7',
  bond: 'ip link add x type bond',
  dummy: 'ip link add x type dummy',
  /** The address family is inet. */
  nftables: 'nft add table inet x',
  /** A chain of type nat, of family inet. */
  nat: "nft 'add table inet y; add chain inet y z { type nat hook postrouting priority srcnat; }; add rule inet y z masquerade'",
} as const;

export type KernelPart = keyof typeof trials;

export const kernelParts = Object.keys(trials) as readonly KernelPart[];

/** The parts that the running kernel lacks. */
export function lackingParts(parts = kernelParts): KernelPart[] {
  const script = parts.map(
    (part) => `(${trials[part]}) 2>/dev/null || echo '${part}'; ip link delete x 2>/dev/null`,
  );
  const lines = ['ip link add p type bridge || exit 1', ...script, 'true'].join('\n');
  const { status, stdout, stderr } = spawnSync('unshare', ['--net', 'sh', '-c', lines], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`cannot find out what the kernel has: ${stderr}`);
  return parts.filter((part) => stdout.split('\n').includes(part));
}

/** Set inside user-mode Linux: the parts that its setup could not build, separated by `;`. */
const INSIDE = 'ORBWEAVER_UML_LACKS';

/** Options for a test or suite that needs these parts: see {@link skipOf}. */
export function needs(...parts: readonly KernelPart[]): { readonly skip: string | false } {
  return { skip: skipOf(lackingParts(parts), process.env[INSIDE]) };
}

/**
 * On a kernel that lacks a part, a test is skipped. The message says where the test does run. User-mode Linux should have every
 * part. A missing part is an error there, unless it is `known`, because it could not be built.
 */
export function skipOf(lacking: readonly KernelPart[], known: string | undefined): string | false {
  if (lacking.length === 0) return false;
  const said = `this kernel has no ${lacking.join(', no ')}`;
  if (known === undefined) return `${said}: runs in npm run test:uml`;
  if (lacking.every((part) => known.split(';').includes(part))) return `${said}, which could not be built`;
  throw new Error(`${said}, although it is user-mode Linux`);
}
