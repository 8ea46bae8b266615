// Modules of nf_tables for the user-mode kernel, with the address families and the NAT that Debian leaves out: built from the kernel's own
// source, kept outside of the tree.

import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { availableParallelism, homedir, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { run } from '../kube/command.ts';

/** Every pod of ours has a table of family inet. Debian has none of the families, and of NAT only what masquerades. */
const enabled = ['NF_TABLES_INET', 'NF_TABLES_IPV4', 'NF_TABLES_IPV6'] as const;
const modular = ['NFT_NAT'] as const;

/** What has code of the families. */
const modules = ['nf_tables', 'nf_nat', 'nft_chain_nat', 'nft_nat', 'nft_masq'] as const;

/** Source that the build of one network module does not read, by tar's patterns. */
const unread = [
  'drivers/*.[ch]',
  'sound/*.[ch]',
  'fs/*.c',
  'tools/testing/*',
  'dts/*',
  'Documentation/*/*',
] as const;

/**
 * The folder with the modules for a kernel `version` of the installed package. The first time takes a minute and some 140 MB of Debian's
 * archive.
 */
export async function builtNfTables(version: string): Promise<string> {
  const status = await run(['dpkg-query', '--status', 'user-mode-linux']);
  // Modules carry no versions of symbols: only the very source of the kernel gives one that fits it.
  const [, source] = /^Built-Using: .*\blinux \(= ([^)]+)\)/m.exec(status) ?? [];
  if (source === undefined) throw new Error('user-mode-linux does not say the version of its source');
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'orbweaver/uml');
  const key = createHash('sha256')
    .update(JSON.stringify([source, enabled, modular, modules]))
    .digest('hex')
    .slice(0, 16);
  const kept = join(cache, `nf_tables-${version}-${key}`);
  if (existsSync(kept)) return kept;
  const folder = mkdtempSync(join(tmpdir(), 'orbweaver-nf-tables-'));
  try {
    console.log('building nf_tables for user-mode Linux from its source (once: about a minute)');
    const built = await build(folder, version, source);
    const copied = `${kept}.${process.pid}`;
    mkdirSync(copied, { recursive: true });
    for (const path of built) copyFileSync(path, join(copied, basename(path)));
    renameSync(copied, kept);
  } finally {
    rmSync(folder, { recursive: true });
  }
  return kept;
}

async function build(folder: string, version: string, source: string): Promise<string[]> {
  const name = `linux-source-${version.split('.').slice(0, 2).join('.')}`;
  await run(['apt-get', 'download', '--quiet', `${name}=${source}`], { cwd: folder });
  const archive = readdirSync(folder).find((file) => file.startsWith(name));
  const excluded = unread.map((pattern) => `--exclude='*/${pattern}'`).join(' ');
  const unpack = `dpkg-deb --fsys-tarfile '${archive}' | tar -xO ./usr/src/${name}.tar.xz | tar -xJ ${excluded}`;
  await run(['sh', '-c', unpack], { cwd: folder });
  const tree = join(folder, name);
  await run(['sh', '-c', 'linux.uml --showconfig > .config'], { cwd: tree });
  const wanted = [
    ...enabled.flatMap((name) => ['--enable', name]),
    ...modular.flatMap((name) => ['--module', name]),
  ];
  await run(['scripts/config', ...wanted], { cwd: tree });
  const make = ['make', 'ARCH=um', `-j${availableParallelism()}`] as const;
  await run([...make, 'olddefconfig', 'modules_prepare'], { cwd: tree });
  // The symbols of the kernel are unknown to the build; it is the loader that finds them.
  const files = modules.map((name) => `net/netfilter/${name}.ko`);
  await run([...make, 'KBUILD_MODPOST_WARN=1', ...files], { cwd: tree });
  await run(['strip', '--strip-debug', ...files], { cwd: tree });
  return files.map((file) => join(tree, file));
}
