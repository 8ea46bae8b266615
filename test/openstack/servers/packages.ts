// Debian's packages of the OpenStack servers, unpacked into a folder of the cache. Nothing is installed.

import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../kube/command.ts';

const servers = [
  'keystone',
  'neutron-server',
  'nova-api',
  'nova-conductor',
  'nova-scheduler',
  'placement-api',
  // SQLAlchemy works without it, and slower.
  'python3-sqlalchemy-ext',
];

/** Unpacks the servers, and all that they need besides Python, into `folder`. Throws where a package cannot be had. */
export async function unpackServers(folder: string): Promise<void> {
  await unpack(folder).catch(async () => {
    // The machine's lists may be missing, or name versions that the mirror has no longer.
    rmSync(folder, { recursive: true });
    await run(['apt-get', 'update']);
    await unpack(folder);
  });
}

async function unpack(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const empty = join(folder, 'no-package-is-installed');
  writeFileSync(empty, '');
  const python = await closure(empty, ['python3']);
  const wanted = (await closure(empty, servers)).filter((name) => !python.includes(name));
  rmSync(empty);
  const archives = join(folder, 'archives');
  mkdirSync(archives);
  await run(['apt-get', 'download', ...wanted], { cwd: archives });
  for (const archive of readdirSync(archives)) {
    await run(['dpkg-deb', '-x', join(archives, archive), folder]);
  }
  rmSync(archives, { recursive: true });
  await compile(join(folder, 'usr/lib/python3/dist-packages'));
}

/** An installation does it too. Python itself would do it at each start, and may be told to keep nothing. */
async function compile(modules: string): Promise<void> {
  const settings = ['-qq', '-j', '0', '-x', '/tests/', '--invalidation-mode', 'unchecked-hash'];
  await run(['/usr/bin/python3', '-m', 'compileall', ...settings, modules]);
}

/** The packages that an installation of `packages` takes on a machine where none is installed. */
async function closure(empty: string, packages: readonly string[]): Promise<string[]> {
  const state = ['-o', `Dir::State::status=${empty}`];
  const said = await run(['apt-get', 'install', '-s', ...state, '--no-install-recommends', ...packages]);
  const names = Array.from(said.matchAll(/^Inst (\S+)/gm), ([, name = '']) => name);
  if (names.length === 0) throw new Error(`apt-get names no package that ${packages.join(' ')} needs`);
  return names;
}
