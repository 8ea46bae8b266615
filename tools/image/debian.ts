// Packages of Debian for any platform. apt fetches them and checks Debian's signature; it works in a folder of its own, so that the
// machine's packages and architectures stay as they are.

import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cache } from './cache.ts';
import type { Platform } from './platform.ts';

/** Debian 12, whose packages the machine's own sources of apt offer. */
const RELEASE = 'bookworm';

export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly maintainer: string;
  /** The path of the .deb file. */
  readonly file: string;
  /** SHA-256 of it, in hex, as Debian's signed index has it. */
  readonly sha256: string;
  /** Its control file (deb-control(5)). */
  readonly control: string;
}

/** The newest version of each package, in the order of their names. */
export function debianPackages(platform: Platform, names: readonly string[]): DebianPackage[] {
  const folder = join(cache, `debian-${platform.name}`);
  for (const each of ['lists/partial', 'archives/partial'])
    mkdirSync(join(folder, each), { recursive: true });
  const status = join(folder, 'status');
  const sources = join(folder, 'sources.list');
  writeFileSync(status, '');
  writeFileSync(sources, sourcesOfMachine());
  const settings = {
    'APT::Architecture': platform.name,
    'APT::Architectures': platform.name,
    // The folder is root's own, and apt's user may not read it.
    'APT::Sandbox::User': 'root',
    'Dir::Etc::SourceList': sources,
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::State::Lists': join(folder, 'lists'),
    'Dir::State::Status': status,
    'Dir::Cache': folder,
  };
  const options = Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  const archives = join(folder, 'archives');
  const apt = (cwd: string, ...args: readonly string[]) =>
    output('apt-get', ['-q', ...options, ...args], cwd);
  apt(folder, 'update');
  apt(archives, 'download', ...names);
  // A line: 'URI' FILE SIZE SHA256:HASH. Files that are in the current folder are not told.
  const lines = apt(folder, 'download', '--print-uris', ...names).matchAll(
    /^'[^']*' (\S+) \d+ SHA256:(\S+)$/gm,
  );
  const packages = [...lines].map(([, file = '', sha256 = '']) => packageOf(join(archives, file), sha256));
  if (packages.length !== names.length)
    throw new Error(`apt told ${packages.length} of the packages ${names.join(', ')}`);
  return packages.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** The version of a package that is installed on this machine. */
export function installedVersion(name: string): string {
  const [, version] = /^Version: (.*)$/m.exec(output('dpkg-query', ['--status', name])) ?? [];
  if (version === undefined) throw new Error(`dpkg-query told no version of ${name}`);
  return version;
}

function packageOf(file: string, sha256: string): DebianPackage {
  const control = output('dpkg-deb', ['--field', file]);
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(control)?.[1] ?? '';
  return {
    name: field('Package'),
    version: field('Version'),
    architecture: field('Architecture'),
    maintainer: field('Maintainer'),
    ...{ file, sha256, control },
  };
}

/** Where this machine gets the release from. Its other sources are left out. */
function sourcesOfMachine(): string {
  const format = 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)|$(ORIGIN) $(CODENAME)';
  const targets = output('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']);
  const sources = targets
    .split('\n')
    .map((line) => line.split('|'))
    .filter(([, whose = '']) => whose === `Debian ${RELEASE}` || whose.startsWith(`Debian ${RELEASE}-`))
    .map(([source]) => source);
  if (sources.length > 0) return `${[...new Set(sources)].join('\n')}\n`;
  throw new Error(`apt on this machine has no source of Debian's ${RELEASE}: images are built on Debian 12`);
}

function output(
  program: 'apt-get' | 'dpkg-deb' | 'dpkg-query',
  args: readonly string[],
  cwd?: string,
): string {
  const done = spawnSync(program, args, { encoding: 'utf8', cwd, maxBuffer: 64 << 20 });
  if (done.status === 0) return done.stdout;
  throw new Error(`${program}: ${done.error?.message ?? `${done.stdout}${done.stderr}`.trim()}`);
}
