// nf_tables for the user-mode kernel, with the address families that Debian leaves out: built from the kernel's own source, kept outside
// of the tree.

import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { availableParallelism, homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../kube/command.ts';

/** Every pod of ours has a table of family inet. All three are part of nf_tables.ko alone. */
const families = ['NF_TABLES_INET', 'NF_TABLES_IPV4', 'NF_TABLES_IPV6'] as const;

/** Source that the build of one network module does not read, by tar's patterns. */
const unread = [
  'drivers/*.[ch]',
  'sound/*.[ch]',
  'fs/*.c',
  'tools/testing/*',
  'dts/*',
  'Documentation/*/*',
] as const;

/** The module for a kernel `version` of the installed package. The first time takes a minute and some 140 MB of Debian's archive. */
export async function builtNfTables(version: string): Promise<string> {
  const status = await run(['dpkg-query', '--status', 'user-mode-linux']);
  // Modules carry no versions of symbols: only the very source of the kernel gives one that fits it.
  const [, source] = /^Built-Using: .*\blinux \(= ([^)]+)\)/m.exec(status) ?? [];
  if (source === undefined) throw new Error('user-mode-linux does not say the version of its source');
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'orbweaver/uml');
  const key = createHash('sha256')
    .update(JSON.stringify([source, families]))
    .digest('hex')
    .slice(0, 16);
  const module = join(cache, `nf_tables-${version}-${key}.ko`);
  if (existsSync(module)) return module;
  const folder = mkdtempSync(join(tmpdir(), 'orbweaver-nf-tables-'));
  try {
    console.log('building nf_tables for user-mode Linux from its source (once: about a minute)');
    const built = await build(folder, version, source);
    mkdirSync(cache, { recursive: true });
    copyFileSync(built, `${module}.${process.pid}`);
    renameSync(`${module}.${process.pid}`, module);
  } finally {
    rmSync(folder, { recursive: true });
  }
  return module;
}

async function build(folder: string, version: string, source: string): Promise<string> {
  const name = `linux-source-${version.split('.').slice(0, 2).join('.')}`;
  await run(['apt-get', 'download', '--quiet', `${name}=${source}`], { cwd: folder });
  const archive = readdirSync(folder).find((file) => file.startsWith(name));
  const excluded = unread.map((pattern) => `--exclude='*/${pattern}'`).join(' ');
  const unpack = `dpkg-deb --fsys-tarfile '${archive}' | tar -xO ./usr/src/${name}.tar.xz | tar -xJ ${excluded}`;
  await run(['sh', '-c', unpack], { cwd: folder });
  const tree = join(folder, name);
  await run(['sh', '-c', 'linux.uml --showconfig > .config'], { cwd: tree });
  await run(['scripts/config', ...families.flatMap((family) => ['--enable', family])], { cwd: tree });
  const make = ['make', 'ARCH=um', `-j${availableParallelism()}`] as const;
  await run([...make, 'olddefconfig', 'modules_prepare'], { cwd: tree });
  // The symbols of the kernel are unknown to the build; it is the loader that finds them.
  const module = 'net/netfilter/nf_tables.ko';
  await run([...make, 'KBUILD_MODPOST_WARN=1', module], { cwd: tree });
  await run(['strip', '--strip-debug', module], { cwd: tree });
  return join(tree, module);
}
